from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_emo.analysis.fusion import MIN_DWELL_S, PRIOR, STEP_S, Fusion, Pool, segments
from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.timeline import FusionStep, Reading, expected_valence_arousal

POOL = Pool()
THRESHOLDS = {"voice": 0.5, "face": 0.5}
probabilities = st.lists(st.floats(0.01, 1), min_size=8, max_size=8).map(lambda v: tuple(np.array(v) / sum(v)))


def sure(emotion, share=0.8):
    rest = (1 - share) / 7
    return tuple(share if name == emotion else rest for name in EMOTIONS)


def seen(emotion, share=0.8):
    """A face's distribution, which never holds calm."""
    rest = (1 - share) / 6
    return tuple(0.0 if name == "calm" else share if name == emotion else rest for name in EMOTIONS)


def reading(modality, start, end, probabilities, **more):
    raw = EMOTIONS[int(np.argmax(probabilities))]
    return Reading(modality, start, end, raw, probabilities, raw, **more)


def steps(*readings, cuts=(), causal=False):
    fusion = Fusion(THRESHOLDS, causal=causal)
    fusion.push(readings, cuts)
    return list(fusion.steps())


@given(probabilities)
def test_a_voice_alone_is_taken_at_its_word(p):
    assert POOL({"voice": p}) == pytest.approx(p, abs=1e-6)


def test_a_face_alone_keeps_its_order_and_leaves_calm_to_the_prior():
    fused = POOL({"face": seen("neutral", 0.7)})
    assert fused[0] + fused[1] == pytest.approx(0.7, abs=1e-3)
    assert fused[1] / fused[0] == pytest.approx(PRIOR["calm"] / PRIOR["neutral"])
    happy = POOL({"face": seen("happy", 0.7)})
    assert happy[2] == pytest.approx(0.7, abs=5e-3)


def test_a_face_does_not_decide_between_neutral_and_calm():
    voice = np.array(sure("calm", 0.6))
    voice[0] = 0.2
    voice /= voice.sum()
    fused = POOL({"voice": tuple(voice), "face": seen("neutral")})
    assert fused[1] / fused[0] == pytest.approx(voice[1] / voice[0])
    assert fused[0] + fused[1] > voice[0] + voice[1]


@given(probabilities)
def test_a_modality_that_knows_no_more_than_the_prior_changes_nothing(p):
    prior = tuple(PRIOR.values())
    assert POOL({"voice": p, "face": prior}) == pytest.approx(POOL({"voice": p}), abs=1e-6)
    assert POOL({}) == pytest.approx(prior)


def test_two_that_agree_are_surer_than_each():
    both = POOL({"voice": sure("angry", 0.6), "face": seen("angry", 0.6)})
    assert both[4] > 0.8


def test_the_surer_of_two_that_disagree_wins():
    fused = POOL({"voice": sure("angry", 0.95), "face": seen("happy", 0.5)})
    assert EMOTIONS[fused.argmax()] == "angry"
    fused = POOL({"voice": sure("angry", 0.5), "face": seen("happy", 0.95)})
    assert EMOTIONS[fused.argmax()] == "happy"


def test_no_modality_can_rule_an_emotion_out():
    never = tuple(1.0 if name == "happy" else 0.0 for name in EMOTIONS)
    assert POOL({"face": never}).min() > 0


@given(probabilities, probabilities)
def test_voice_and_face_count_alike(a, b):
    def without_calm(p):
        return (p[0] + p[1], 0.0, *p[2:])

    one = POOL({"voice": a, "face": without_calm(b)})
    other = POOL({"face": without_calm(a), "voice": b})
    # calm and neutral apart, which only a voice can tell
    assert one[2:] == pytest.approx(other[2:], rel=0.02, abs=1e-3)
    assert one.sum() == pytest.approx(1)


def test_a_weight_of_0_silences_a_modality():
    pool = Pool(weights={"face": 0.0})
    assert pool({"voice": sure("sad"), "face": seen("happy")}) == pytest.approx(sure("sad"), abs=1e-6)


READINGS = [
    reading("voice", 0.3, 3.3, sure("angry")),
    reading("voice", 1.8, 4.8, sure("sad", 0.5)),
    *[reading("face", t / 5, (t + 1) / 5, seen("happy" if t < 12 else "angry")) for t in range(30)],
]


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(rng):
    mixed = READINGS.copy()
    rng.shuffle(mixed)
    for one, other in zip(steps(*READINGS), steps(*mixed), strict=True):
        assert one.probabilities == pytest.approx(other.probabilities)
        assert (one.start_s, one.labels, one.disagree) == (
            other.start_s,
            other.labels,
            other.disagree,
        )


def test_pieces_give_what_the_whole_gives():
    fusion = Fusion(THRESHOLDS)
    for piece in READINGS:
        fusion.push([piece])
    assert list(fusion.steps()) == steps(*READINGS)


def test_what_comes_later_does_not_change_what_was_where_only_the_past_counts():
    before = steps(*[r for r in READINGS if r.end_s <= 3.5], causal=True)
    after = steps(*READINGS, causal=True)
    settled = [step for step in after if step.end_s <= 1.5]
    assert before[: len(settled)] == settled


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 7), max_size=12).map(sorted))
def test_a_step_is_handed_out_once_when_it_is_final_and_is_what_the_whole_gives(times):
    """But that the last step, which may be cut short at the end alone, is whole once its time has passed."""
    cuts = [1.3, 2.0004, 5.2]
    fusion, found, waiting = Fusion(THRESHOLDS, causal=True), [], sorted(READINGS, key=lambda r: r.start_s)
    for until_s in times:
        fusion.push([r for r in waiting if r.start_s < until_s], [cut for cut in cuts if cut < until_s])
        waiting, cuts = [r for r in waiting if r.start_s >= until_s], [cut for cut in cuts if cut >= until_s]
        found += fusion.steps(until_s)
        assert all(until_s - STEP_S < m.start_s + STEP_S for m in fusion.steps_ahead())
        assert min(fusion._found, default=99) >= int(until_s / STEP_S)
    fusion.push(waiting, cuts)
    assert fusion.steps_ahead() == (rest := fusion.steps())
    assert found + rest == steps(*READINGS, cuts=[1.3, 2.0004, 5.2], causal=True)
    assert fusion.steps() == fusion.steps_ahead() == []


def test_a_step_before_a_pause_is_the_same_whether_what_follows_the_pause_is_known_or_not():
    before, after = reading("face", 0, 1.2, seen("happy")), reading("face", 4, 5, seen("sad"))
    one, other = Fusion(THRESHOLDS, causal=True), Fusion(THRESHOLDS, causal=True)
    one.push([before])
    other.push([before, after])
    assert one.steps(3.0) == other.steps(3.0)


def test_provisional_readings_are_in_the_steps_ahead_and_in_no_other():
    fusion = Fusion(THRESHOLDS, causal=True)
    fusion.push([reading("face", 0, 4, seen("happy"))])
    final = fusion.steps(2.0)
    ahead = fusion.steps_ahead([reading("voice", 1, 3, sure("sad"))])
    assert [(m.start_s, m.labels.get("voice")) for m in ahead] == [(2.0, "sad"), (2.5, "sad"), (3.0, None), (3.5, None)]
    assert final + fusion.steps() == steps(reading("face", 0, 4, seen("happy")), causal=True)


def test_what_is_withdrawn_was_never_there():
    face, voice = reading("face", 0, 2.2, seen("happy")), reading("voice", 1, 4.3, sure("sad"))
    fusion = Fusion({"voice": 0.3, "face": 0.5})
    fusion.push([face, voice])
    fusion.withdraw("voice")
    assert fusion.threshold == 0.5
    assert fusion.steps() == steps(face)


def test_moments_lie_on_one_clock_where_something_was_found():
    found = steps(reading("voice", 0.2, 1.2, sure("sad")), reading("face", 5.0, 5.2, seen("sad")))
    assert [step.start_s for step in found] == [0.0, 0.5, 1.0, 5.0]
    assert found[-1].end_s == pytest.approx(5.2)
    assert [m.labels for m in found] == [{"voice": "sad"}] * 3 + [{"face": "sad"}]
    assert all(step.start_s % STEP_S == 0 for step in found)


def test_a_rest_of_a_step_counts_by_its_length():
    readings = [reading("voice", 0, 4.02, sure("happy", 0.5)), reading("face", 0, 4.0, seen("happy", 0.95))]
    whole, rest = steps(*readings)[-2:]
    assert rest.end_s - rest.start_s == pytest.approx(0.02)
    assert "face" not in rest.labels and max(rest.fused) == pytest.approx(0.5, abs=1e-3)
    assert max(rest.probabilities) == pytest.approx(max(whole.probabilities), abs=0.02)
    [segment] = segments(steps(*readings), 0.5)
    [without] = segments(steps(replace(readings[0], end_s=4.0), readings[1]), 0.5)
    assert segment.probabilities == pytest.approx(without.probabilities, abs=0.003)


def test_a_still_is_one_moment():
    found = steps(reading("face", 0.0, 0.0, seen("happy")))
    assert [(m.start_s, m.end_s, m.labels) for m in found] == [(0.0, 0.0, {"face": "happy"})]


def test_disagreement_is_said_when_both_are_sure():
    both = steps(reading("voice", 0, 0.5, sure("angry")), reading("face", 0, 0.5, seen("happy")))
    assert both[0].disagree
    unsure = steps(reading("voice", 0, 0.5, sure("angry", 0.3)), reading("face", 0, 0.5, seen("happy")))
    assert not unsure[0].disagree
    [segment] = segments(both, 0.5)
    assert segment.reason == "modalities_disagree"


def test_only_the_main_face_counts():
    found = steps(
        reading("face", 0, 0.5, seen("happy"), person=0, is_main=True),
        reading("face", 0, 0.5, seen("angry"), person=1, is_main=False),
    )
    assert found == steps(reading("face", 0, 0.5, seen("happy"), person=0))


def step(start, emotion, share=0.8, **more):
    p = sure(emotion, share)
    values = {"labels": {}, "disagree": False} | more
    return FusionStep(start, start + STEP_S, p, p, *expected_valence_arousal(p), **values)


def run(*emotions, share=0.8):
    return [step(i * STEP_S, emotion, share) for i, emotion in enumerate(emotions)]


def test_a_flicker_is_smoothed_away():
    found = list(segments(run("happy", "happy", "happy", "sad", "happy", "happy"), 0.5))
    assert [(s.emotion, s.start_s, s.end_s) for s in found] == [("happy", 0.0, 3.0)]


def test_a_change_that_lasts_begins_where_it_began():
    found = list(segments(run("happy", "happy", "sad", "sad", "sad"), 0.5))
    assert [(s.emotion, s.start_s, s.end_s) for s in found] == [("happy", 0.0, 1.0), ("sad", 1.0, 2.5)]
    assert all(s.end_s - s.start_s >= MIN_DWELL_S for s in found)


def test_a_gap_ends_a_stretch():
    found = list(segments([step(0, "sad"), step(0.5, "sad"), step(9, "sad")], 0.5))
    assert [(s.start_s, s.end_s) for s in found] == [(0.0, 1.0), (9.0, 9.5)]


def test_a_lead_within_the_margin_changes_nothing():
    close = list(sure("happy", 0.44))
    close[EMOTIONS.index("sad")] = 0.45
    close = tuple(np.array(close) / sum(close))
    near = FusionStep(1.0, 1.5, close, close, 0.0, 0.0, {}, False)
    found = list(segments([*run("happy", "happy"), near, near, near], 0.3))
    assert {s.emotion for s in found} == {"happy"}


def test_unsure_stretches_say_so():
    [segment] = segments(run("happy", "happy", share=0.3), 0.5)
    assert (segment.emotion, segment.raw, segment.reason) == ("uncertain", "happy", "low_confidence")


@settings(max_examples=30)
@given(st.lists(st.sampled_from(["happy", "sad", "angry"]), min_size=1, max_size=30))
def test_stretches_cover_every_moment_once(emotions):
    found = list(segments(run(*emotions), 0.5))
    assert found[0].start_s == 0
    assert found[-1].end_s == len(emotions) * STEP_S
    assert all(a.end_s == b.start_s for a, b in pairwise(found))


def test_what_is_no_longer_seen_is_forgotten_within_two_seconds():
    """However sure it was: a voice that is heard alone after a face decides."""
    sure, mild = np.full(8, 1e-6), np.full(8, 0.06)
    sure[EMOTIONS.index("happy")], mild[EMOTIONS.index("sad")] = 1.0, 0.58
    found = steps(reading("face", 0, 4, sure), reading("voice", 4, 8, mild))
    later = next(step for step in found if step.start_s >= 6)
    assert EMOTIONS[int(np.argmax(later.probabilities))] == "sad"


def looks(*shots):
    """Readings of a face looked at five times a second: of shots (start, end, emotion, probability)."""
    times = [(k / 5, (k + 1) / 5) for k in range(round(shots[-1][1] * 5))]
    found = []
    for start_s, end_s, emotion, share in shots:
        inside = [(max(a, start_s), min(b, end_s)) for a, b in times if a < end_s and b > start_s]
        found += [reading("face", a, b, seen(emotion, share)) for a, b in inside]
    return found


def changes(found, threshold=0.3):
    """Return when another emotion begins to hold, but for the first."""
    return [segment.start_s for segment in list(segments(found, threshold))[1:]]


@pytest.mark.parametrize(("before", "after"), [(0.9, 0.9), (0.95, 0.6), (0.6, 0.95), (0.55, 0.55)])
@pytest.mark.parametrize("at_s", [6.0, 6.2, 6.4, 7.0])
def test_a_change_holds_from_when_it_happens(before, after, at_s):
    readings = looks((0, at_s, "happy", before), (at_s, 12, "sad", after))
    [change_s] = changes(steps(*readings))
    assert change_s == pytest.approx(at_s, abs=STEP_S + 0.2)  # a step, and a look
    [late_s] = changes(steps(*readings, causal=True))
    assert late_s >= change_s
    [cut_s] = changes(steps(*readings, cuts=[at_s]))
    assert cut_s == pytest.approx(at_s)


@pytest.mark.parametrize("share", [0.6, 0.9])
def test_a_change_is_found_early_as_often_as_late(share):
    names = ["happy", "sad", "angry", "neutral", "fearful"]
    at = np.cumsum([0, 5.1, 4.3, 6.6, 3.8, 5.2])
    found = changes(steps(*looks(*[(a, b, e, share) for (a, b), e in zip(pairwise(at), names, strict=True)])))
    lateness = [change - true for change, true in zip(found, at[1:-1], strict=True)]
    assert np.mean(lateness) == pytest.approx(0, abs=0.2)


def test_where_only_the_past_counts_a_change_comes_late_and_within_two_seconds():
    [change_s] = changes(steps(*looks((0, 6, "happy", 0.9), (6, 12, "sad", 0.9)), causal=True))
    assert 6.5 <= change_s <= 8.0


def test_a_face_before_a_cut_says_nothing_of_what_is_after_it():
    before, after = looks((0, 4.1, "happy", 0.9), (4.1, 8, "sad", 0.9)), looks((0, 8, "sad", 0.9))
    both = [m for m in steps(*before, cuts=[4.1]) if m.start_s >= 4.1]
    alone = [m for m in steps(*[r for r in after if r.start_s >= 4.2], cuts=[4.1]) if m.start_s >= 4.1]
    assert [m.probabilities for m in both] == [pytest.approx(m.probabilities) for m in alone]


def test_a_cut_of_the_picture_says_nothing_of_a_voice():
    voice = [reading("voice", 0, 4, sure("happy")), reading("voice", 4, 8, sure("sad"))]
    assert [m.probabilities for m in steps(*voice, cuts=[3.0])] == [m.probabilities for m in steps(*voice)]


def test_a_cut_divides_a_step_and_one_at_its_edge_does_not():
    face = looks((0, 2, "happy", 0.9))
    assert [m.start_s for m in steps(*face, cuts=[0.8])] == [0.0, 0.5, 0.8, 1.0, 1.5]
    assert [m.start_s for m in steps(*face, cuts=[0.5, 1.0 - 1e-9])] == [0.0, 0.5, 1.0, 1.5]
    assert [m.end_s for m in steps(*face, cuts=[0.8])] == [0.5, 0.8, 1.0, 1.5, 2.0]


def test_one_emotion_on_both_sides_of_a_cut_is_one_stretch():
    assert changes(steps(*looks((0, 8, "happy", 0.9)), cuts=[2.0, 4.4, 6.0])) == []


def test_what_is_unsure_after_a_cut_belongs_to_the_shot_that_it_is_in():
    """A voice heard across the cut made the first moment of a shot unsure, which then counted for the shot before."""
    readings = [*looks((0, 4.1, "happy", 0.9), (4.1, 4.5, "happy", 0.2), (4.5, 8, "sad", 0.9))]
    shown = steps(*readings, cuts=[4.1, 4.5])
    assert [(s.emotion, s.start_s) for s in segments(shown, 0.3, [4.1])] == [("happy", 0.0), ("sad", 4.1)]
    assert [(s.emotion, s.start_s) for s in segments(shown, 0.3)] == [("happy", 0.0), ("sad", 4.5)]
    without = [replace(step, labels={}) for step in shown]
    assert [s.start_s for s in segments(without, 0.3, [4.1])] == [0.0, 4.5]


def test_a_flicker_after_a_cut_is_smoothed_away_like_any():
    shots = looks((0, 4, "happy", 0.9), (4, 4.5, "sad", 0.9), (4.5, 8, "happy", 0.9))
    [segment] = segments(steps(*shots, cuts=[4.0, 4.5]), 0.3, [4.0])
    assert (segment.emotion, segment.start_s, segment.end_s) == ("happy", 0.0, 8.0)


def test_smoothing_both_ways_averages_over_as_much_as_the_past_alone():
    rng = np.random.default_rng(0)
    noisy = [reading("face", k / 2, k / 2 + 0.5, tuple(rng.dirichlet(np.ones(8)))) for k in range(2000)]
    spread = [np.std([m.probabilities[2] for m in steps(*noisy, causal=causal)]) for causal in (False, True)]
    assert spread[0] == pytest.approx(spread[1], rel=0.1)
