import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edge_emo.core.emotions import EMOTIONS, UNCERTAIN, VALENCE_AROUSAL
from edge_emo.core.errors import MediaError, NoVoiceError, SongNotFoundError
from edge_emo.core.timeline import Segment, Timeline, expected_valence_arousal, summary_of
from edge_emo.music.ranking.cues import over, plan
from edge_emo.music.ranking.recommend import Recommender
from edge_emo.music.ranking.regions import CueRegion, regions
from edge_emo.music.store.catalogue import Catalogue
from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.filters import Filters
from edge_emo.music.store.record import SongRecord
from edge_emo.music.store.writer import SongWriter


def mostly(emotion, share=0.72):
    return tuple(share if name == emotion else (1 - share) / 7 for name in EMOTIONS)


def film_of(*parts, duration_s=None, source="film.mp4"):
    """A timeline of parts (start, end, emotion); an emotion with a question mark is uncertain."""
    segments = []
    for start_s, end_s, name in parts:
        emotion = name.rstrip("?")
        p = mostly(emotion, 0.3 if name.endswith("?") else 0.72)
        decision = UNCERTAIN if name.endswith("?") else emotion
        segments.append(Segment(start_s, end_s, decision, emotion, p, *expected_valence_arousal(p)))
    named = [True] * len(segments)
    summary = summary_of(
        [s.probabilities for s in segments], [s.end_s - s.start_s for s in segments], named, 0.4, 1.0, "nothing_found"
    )
    length_s = duration_s if duration_s is not None else max((s.end_s for s in segments), default=60.0)
    return Timeline(source, length_s, (), (), tuple(segments), summary, {"voice": summary, "face": summary}, (), {})


@pytest.fixture(scope="module")
def recommender():
    return Recommender()


@pytest.fixture
def own(tmp_path):
    """Recommend from songs of one's own: `own((title, length), ...)`."""

    def make(*songs):
        with UserDatabase(tmp_path / "own.sqlite") as database, database.transaction() as connection:
            writer = SongWriter(connection)
            for title, duration_s in songs:
                writer.put(SongRecord(title=title, artist="me", genre="Mine", duration_s=duration_s))
        return Recommender(Catalogue(own=tmp_path / "own.sqlite"))

    return make


MINE = Filters(genres=("Mine",))


def test_what_is_uncertain_is_called_so(recommender):
    cues = plan(film_of((0, 40, "sad?"), (40, 80, "happy")), recommender, seed=1)
    assert [(cue.emotion, cue.is_sure) for cue in cues] == [("sad", False), ("happy", True)]
    assert [cue.found for cue in cues] == ["uncertain (sad 30%)", "happy"]


def test_a_song_for_each_stretch_of_one_emotion(recommender):
    cues = plan(film_of((0, 30, "happy"), (30, 75, "sad"), (75, 100, "calm")), recommender, seed=1)
    assert [(cue.start_s, cue.end_s, cue.emotion) for cue in cues] == [
        (0, 30, "happy"), (30, 75, "sad"), (75, 100, "calm"),
    ]  # fmt: skip
    for cue in cues:
        valence, arousal = VALENCE_AROUSAL[cue.emotion]
        assert math.dist((cue.song.valence, cue.song.arousal), (valence, arousal)) < 0.5
        assert cue.reason


def test_the_seed_decides(recommender):
    film = film_of((0, 30, "happy"), (30, 75, "sad"))
    assert plan(film, recommender, seed=3) == plan(film, Recommender(), seed=3)
    assert plan(film, recommender, seed=3) != plan(film, recommender, seed=4)


def test_time_in_which_nothing_was_found_goes_to_what_is_around_it():
    found = regions(film_of((10, 30, "happy"), (50, 80, "sad"), duration_s=100))
    assert [(s.start_s, s.end_s) for s in found] == [(0, 40), (40, 100)]


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        ("join", [(0, 50, "happy"), (50, 150, "sad")]),
        ("silence", [(0, 30, "happy"), (70, 120, "sad")]),
        ("calm", [(0, 30, "happy"), (30, 70, "calm"), (70, 120, "sad"), (120, 150, "calm")]),
        ("sad", [(0, 30, "happy"), (30, 150, "sad")]),
    ],
)
def test_where_nothing_was_found_for_long_comes_what_is_asked_for(recommender, gaps, expected):
    film = film_of((2, 30, "happy"), (70, 90, "sad"), (94, 120, "sad"), duration_s=150)
    assert [(s.start_s, s.end_s, s.emotion) for s in regions(film, gaps=gaps)] == expected
    cues = plan(film, recommender, gaps=gaps, seed=1)
    assert [(c.start_s, c.end_s, c.emotion) for c in cues] == expected
    assert [c.found for c in cues if c.by_hand] == ["calm, chosen by hand"] * (2 * (gaps == "calm")) + [
        "sad, chosen by hand"
    ] * (gaps == "sad")


def test_a_song_ends_before_silence_and_the_next_one_begins_after_it(recommender):
    film = film_of((0, 30, "happy"), (70, 100, "sad"), (100, 130, "calm"))
    a, b, c = plan(film, recommender, gaps="silence", crossfade_s=4, seed=1)
    assert (a.fade_in_s, a.fade_out_s, b.fade_in_s, b.fade_out_s, c.fade_in_s, c.fade_out_s) == (0, 4, 0, 4, 4, 4)
    assert (b.source_in_s, c.source_in_s) == (0, 2)


def test_what_is_found_too_shortly_between_two_silences_is_silent_too(recommender):
    film = film_of((0, 30, "happy"), (60, 65, "sad"), (65, 70, "angry"), (110, 140, "calm"))
    assert [(s.start_s, s.end_s) for s in regions(film, gaps="silence")] == [(0, 30), (110, 140)]
    with pytest.raises(NoVoiceError, match=r"nothing was found for 40 s at a time.*--min-stretch.*--gaps.*--mood"):
        plan(film_of((50, 60, "happy"), duration_s=200), recommender, min_region_s=40, gaps="silence")


def test_a_film_in_which_nothing_was_found_gets_songs_of_the_mood_that_is_asked_for(recommender):
    [cue] = plan(film_of(), recommender, gaps="calm", seed=1)
    assert (cue.start_s, cue.end_s, cue.emotion, cue.by_hand) == (0, 60, "calm", True)
    with pytest.raises(NoVoiceError):
        plan(film_of(), recommender, gaps="silence")
    with pytest.raises(ValueError, match="gaps is 'loud'; known are join, silence, neutral"):
        plan(film_of(), recommender, gaps="loud")


def test_a_mood_chosen_by_hand_holds_for_all_of_a_film(recommender):
    cues = over([CueRegion.of_mood("sad", 0, 1200)], recommender, seed=1)
    assert (cues[0].start_s, cues[-1].end_s, {cue.found for cue in cues}) == (0, 1200, {"sad, chosen by hand"})
    assert all(a.end_s == b.start_s for a, b in pairwise(cues))


def test_a_short_stretch_joins_the_neighbour_that_is_nearest_in_mood():
    found = regions(film_of((0, 40, "sad"), (40, 50, "angry"), (50, 90, "fearful")))
    assert [(s.start_s, s.end_s, s.emotion) for s in found] == [(0, 40, "sad"), (40, 90, "fearful")]


def test_no_ping_pong():
    found = regions(film_of((0, 40, "happy"), (40, 45, "sad"), (45, 90, "happy"), (90, 93, "calm"), (93, 130, "happy")))
    assert [(s.start_s, s.end_s, s.emotion) for s in found] == [(0, 130, "happy")]


def test_an_uncertain_stretch_counts_for_what_is_most_likely():
    found = regions(film_of((0, 30, "sad?"), (30, 60, "sad"), (60, 90, "happy?")))
    assert [(s.start_s, s.end_s, s.emotion) for s in found] == [(0, 60, "sad"), (60, 90, "happy")]


def test_a_film_shorter_than_a_stretch_has_one_song(recommender):
    [cue] = plan(film_of((0, 1, "happy"), (1.5, 2.5, "sad"), duration_s=3.0), recommender, seed=1)
    assert (cue.start_s, cue.end_s, cue.source_in_s, cue.source_out_s) == (0, 3, 0, 3)
    assert (cue.fade_in_s, cue.fade_out_s) == (0, 1.5)


def test_a_film_in_which_nothing_was_found_is_told(recommender):
    with pytest.raises(NoVoiceError, match=r"film\.mp4: no voice and no face was found.*--mood"):
        plan(film_of(), recommender)


def test_a_still_has_no_time_to_score(recommender):
    with pytest.raises(MediaError, match=r"face\.png: a still has no time"):
        plan(film_of((0, 0, "happy"), duration_s=0, source="face.png"), recommender)


def test_several_songs_where_none_is_long_enough(recommender):
    short = Filters(min_duration_s=60, max_duration_s=90)
    cues = plan(film_of((0, 400, "calm")), recommender, filters=short, seed=1)
    assert 5 <= len(cues) <= 7
    assert all(60 <= cue.song.duration_s <= 90 for cue in cues)
    assert (cues[0].start_s, cues[-1].end_s) == (0, 400)


def test_an_own_song_as_long_as_the_film_is_taken_whole(own):
    [cue] = plan(film_of((0, 60, "happy")), own(("long", 60.0), ("short", 31.0)), filters=MINE)
    assert (cue.song.title, cue.source_in_s, cue.source_out_s) == ("long", 0, 60)


def test_songs_of_different_lengths_fill_a_stretch_together(own):
    cues = plan(film_of((0, 200, "happy")), own(("a", 120.0), ("b", 90.0), ("c", 45.0)), filters=MINE)
    assert sorted(cue.song.title for cue in cues) in (["a", "b"], ["a", "b", "c"])
    assert min(cue.end_s - cue.start_s for cue in cues) >= 20


def test_too_few_songs_are_told_with_the_time_that_is_left(own):
    few = own(("a", 120.0), ("b", 90.0))
    for length_s in (300, 209):
        with pytest.raises(SongNotFoundError, match=rf"no song is left for \d+ to {length_s} s of the film; loosen"):
            plan(film_of((0, length_s, "happy")), few, filters=MINE, crossfade_s=10)


def test_a_film_longer_than_all_songs_is_told_at_once(recommender, monkeypatch):
    """A gap in the time stamps of a film makes it months long."""
    asked = []
    monkeypatch.setattr(Recommender, "__call__", lambda *_, **__: asked.append(1) or [])
    with pytest.raises(SongNotFoundError, match=r"no song is left for 0 to 30000000 s of the film; loosen"):
        plan(film_of((0, 3e7, "calm")), recommender)
    assert len(asked) == 2, "for one song that fills it, of a length that is known or not"


def test_a_song_of_unknown_length_comes_last_and_says_so(own):
    recommender = own(("known", 100.0), ("unknown", None))
    [cue] = plan(film_of((0, 60, "happy")), recommender, filters=MINE)
    assert cue.song.title == "known"
    cues = plan(film_of((0, 60, "happy"), (60, 120, "sad")), recommender, filters=MINE)
    assert [cue.song.title for cue in cues] == ["known", "unknown"]
    assert cues[1].reason.endswith("check its length, which is not known")


@pytest.mark.parametrize("wrong", [{"min_region_s": 0}, {"crossfade_s": -1}, {"min_region_s": float("nan")}])
def test_impossible_times_are_refused(recommender, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        plan(film_of((0, 60, "happy")), recommender, **wrong)


@st.composite
def films(draw):
    """Films with gaps, of up to 30 segments."""
    parts, at = [], draw(st.floats(0, 5))
    for _ in range(draw(st.integers(1, 30))):
        length = draw(st.floats(0.5, 60))
        parts.append((at, at + length, draw(st.sampled_from(EMOTIONS)) + draw(st.sampled_from(["", "?"]))))
        at += length + draw(st.sampled_from([0.0, 0.0, 3.5, 40.0]))
    return film_of(*parts, duration_s=at + draw(st.floats(0, 5)))


@settings(max_examples=60, deadline=None)
@given(film=films(), min_region_s=st.floats(1, 60), gaps=st.sampled_from(["silence", "calm"]))
def test_every_stretch_is_long_enough_and_none_overlap_whatever_is_heard_in_gaps(film, min_region_s, gaps):
    try:
        found = regions(film, min_region_s, gaps)
    except NoVoiceError:
        assert gaps == "silence"
        return
    assert found[0].start_s >= 0 and found[-1].end_s <= film.duration_s
    assert len(found) == 1 or min(s.duration_s for s in found) >= min_region_s - 1e-5
    for before, after in pairwise(found):
        is_silent = after.start_s - before.end_s >= min_region_s - 1e-5
        assert before.end_s == after.start_s or (is_silent and gaps == "silence")
    if gaps == "calm":
        assert (found[0].start_s, found[-1].end_s) == (0, film.duration_s)


@settings(max_examples=60, deadline=None)
@given(film=films(), min_region_s=st.floats(1, 60), crossfade_s=st.floats(0, 12), longest_s=st.sampled_from([None, 45]))
def test_every_plan_holds(recommender, film, min_region_s, crossfade_s, longest_s):
    filters = Filters(min_duration_s=30, max_duration_s=longest_s)
    found = regions(film, min_region_s)
    assert len(found) == 1 or min(s.duration_s for s in found) >= min_region_s - 1e-5
    assert all(a.emotion != b.emotion and a.end_s == b.start_s for a, b in pairwise(found))
    assert all(np.isclose(sum(s.probabilities), 1) for s in found)

    try:
        cues = plan(film, recommender, min_region_s=min_region_s, crossfade_s=crossfade_s, filters=filters, seed=0)
    except SongNotFoundError:
        assume(longest_s is None)  # songs as short as that run out
        raise
    assert (cues[0].start_s, cues[-1].end_s) == (0, film.duration_s)
    assert cues[0].fade_in_s == 0
    assert len({cue.song.uid for cue in cues}) == len(cues)
    for before, after in pairwise(cues):
        assert before.end_s == after.start_s
        assert before.fade_out_s == after.fade_in_s
    for cue in cues:
        length_s = cue.end_s - cue.start_s
        after_s = 0 if cue is cues[-1] else cue.fade_out_s / 2
        assert length_s > 0
        assert max(cue.fade_in_s, cue.fade_out_s) <= min(crossfade_s, length_s / 2) + 1e-9
        assert cue.source_out_s - cue.source_in_s == pytest.approx(length_s)
        assert cue.source_in_s >= cue.fade_in_s / 2
        assert cue.source_out_s + after_s <= cue.song.duration_s + 1e-6
    if longest_s is None:
        assert [(cue.start_s, cue.end_s, cue.emotion) for cue in cues] == [
            (s.start_s, s.end_s, s.emotion) for s in found
        ]


@pytest.mark.slow
def test_a_film_of_two_hours_that_changes_all_the_time():
    parts = [(float(i), i + 1.0, EMOTIONS[i * 5 % 8]) for i in range(7200)]
    found = regions(film_of(*parts), 20)
    assert (found[0].start_s, found[-1].end_s) == (0, 7200)
    assert min(s.duration_s for s in found) >= 20
