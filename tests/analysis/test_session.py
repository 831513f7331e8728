"""Sessions: the same answers however the input comes, steps soon, and nothing kept of what is final."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_emo.analysis.analyzer import Analyzer
from edge_emo.analysis.fusion import STEP_S
from edge_emo.analysis.session import MOST_APART_S, Session
from edge_emo.core.timeline import ProvisionalReading
from edge_emo.face.detector import Face
from edge_emo.face.reader import FaceReader
from edge_emo.face.recognizer import FaceRecognizer
from edge_emo.media.film import Film, Frame
from edge_emo.media.sound import SAMPLE_RATE, Sound
from edge_emo.voice.activity import find_voice
from edge_emo.voice.recognizer import VoiceRecognizer

BLOCK = 320  # samples, 20 ms


@dataclass
class FullFrame:
    """A detector for which all of a picture is a face, unless it is black."""

    name: str = "full frame"

    def detect(self, picture):
        height, width = picture.shape[:2]
        return [Face((0.0, 0.0, float(width), float(height)), 0.9)] if picture.any() else []


@pytest.fixture(scope="module")
def voice():
    return VoiceRecognizer()


@pytest.fixture(scope="module")
def make(voice):
    recognizer = FaceRecognizer()
    return lambda live: Session(
        {"voice": voice.reader(live=live), "face": FaceReader(FullFrame(), recognizer)}, live=live
    )


@pytest.fixture(scope="module")
def speech(sample):
    """Somebody speaking twice for 5 s, with pauses, in 14 s: no longer than sound and pictures may be apart."""
    rng, pause = np.random.default_rng(0), np.zeros(SAMPLE_RATE, np.float32)
    sound = np.concatenate([pause, sample, pause, sample, pause])
    return sound + np.float32(1e-4) * rng.standard_normal(len(sound)).astype(np.float32)


@pytest.fixture(scope="module")
def frames(portrait):
    """Frames of 5 s, and no more after that: two shots, between them a second of black."""
    scenes = [portrait[60:200, 150:290], np.zeros((140, 140, 3), np.uint8), portrait[300:440, 200:340]]
    shots = [scenes[0]] * 12 + [scenes[1]] * 5 + [scenes[2]] * 9
    return [Frame(k / 5 + 0.013, (k + 1) / 5 + 0.013, picture) for k, picture in enumerate(shots)]


def in_one_go(session, speech, frames):
    readings = session.push_sound(speech)
    for frame in frames:
        readings += session.push_frame(frame)
    return answers(session, readings)


def answers(session, readings):
    """Return all that a session has found, before it is finished as well."""
    ahead = session.provisional_readings, session.provisional_steps()
    readings = sorted([*readings, *session.finish()], key=lambda r: (r.start_s, r.modality))
    return readings, session.steps(), session.cuts, ahead


@pytest.fixture(scope="module")
def whole(make, speech, frames):
    return {live: in_one_go(make(live), speech, frames) for live in (False, True)}


@settings(max_examples=8, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 220_000), max_size=12),
    order=st.randoms(use_true_random=False),
    live=st.booleans(),
)
def test_neither_cuts_nor_the_order_of_sound_and_frames_change_an_answer(
    make, speech, frames, whole, cuts, order, live
):
    edges = sorted({0, *cuts, len(speech)})
    blocks, rest = [speech[start:stop] for start, stop in pairwise(edges)], list(frames)
    session, readings = make(live), []
    while blocks or rest:
        if blocks and (not rest or order.random() < len(blocks) / (len(blocks) + len(rest))):
            readings += session.push_sound(blocks.pop(0))
        else:
            readings += session.push_frame(rest.pop(0))
    assert answers(session, readings) == whole[live]


def test_a_session_in_pieces_gives_the_timeline_of_a_film(film, voice):
    timeline = Analyzer()(film)
    session, readings = Session({"voice": voice.reader(), "face": FaceReader()}), []
    sound = np.concatenate(list(Sound(film)))
    for frame in Film(film):
        readings += session.push_frame(frame)
        readings += session.push_sound(sound[: SAMPLE_RATE // 3])
        sound = sound[SAMPLE_RATE // 3 :]
    readings += session.push_sound(sound) + session.finish()
    assert sorted(readings, key=lambda r: (r.start_s, r.end_s)) == list(timeline.readings)
    assert tuple(session.steps()) == timeline.steps


def test_a_live_session_finds_in_each_step_what_a_file_has(whole):
    """But the end of the last step before a pause, which only a file knows to be the last."""
    (readings, of_file, cuts, _), (live_readings, live, none_kept, _) = whole[False], whole[True]
    assert live_readings == readings
    assert len(cuts) == 2 and none_kept == []
    assert [m.start_s for m in live] == [m.start_s for m in of_file]
    assert [(m.fused, m.labels) for m in live] == [(m.fused, m.labels) for m in of_file]
    assert [m.end_s for m in live[:-1]] == [m.end_s for m in of_file[:-1]]


def listened(session, sound):
    """Push sound in blocks of 20 ms, and yield after each how many samples there were, and the readings."""
    for start in range(0, len(sound), BLOCK):
        found = session.push_sound(sound[start : start + BLOCK])
        yield min(start + BLOCK, len(sound)), found


def test_a_voice_that_goes_on_is_in_the_steps_within_a_third_of_a_second_of_the_last_sample_read(voice, speech):
    session, seen = Session({"voice": voice.reader(live=True)}, live=True), {}
    for n_samples, _ in listened(session, speech):
        for reading in session.provisional_readings:
            if reading not in seen:
                seen[reading] = n_samples
                steps = {m.start_s: m for m in session.provisional_steps()}
                assert steps[(reading.end_s - 1e-6) // STEP_S * STEP_S].labels["voice"]
    assert len(seen) >= 3
    assert all(n_samples - r.end_s * SAMPLE_RATE <= 0.3 * SAMPLE_RATE for r, n_samples in seen.items())


def test_an_utterance_is_read_one_second_after_it_begins_and_then_every_hop(voice, speech):
    session, seen, hop_s = Session({"voice": voice.reader(live=True)}, live=True), {}, voice.preprocessing.hop_s
    for n_samples, _ in listened(session, speech):
        for reading in session.provisional_readings:
            seen.setdefault(reading, n_samples / SAMPLE_RATE)
    utterances = [(span.start / SAMPLE_RATE, span.stop / SAMPLE_RATE) for span in find_voice(speech)]
    assert len(utterances) >= 4
    for start_s, stop_s in utterances:
        own = [(r, at_s) for r, at_s in seen.items() if start_s <= r.start_s < r.end_s <= stop_s + 0.3]
        due = [start_s + 1.0, *(reading.end_s + hop_s for reading, _ in own)]
        assert [at_s for _, at_s in own] == [pytest.approx(due_s + 0.15, abs=0.151) for due_s in due[:-1]]
        assert due[-1] > stop_s - 0.3


def test_a_face_is_in_the_steps_with_its_frame_and_final_with_the_end_of_the_step(make, frames):
    session = Session({"face": FaceReader(FullFrame(), FaceRecognizer())}, live=True)
    for frame in frames:
        found, final = session.push_frame(frame), session.steps()
        ahead = session.provisional_steps()
        assert all(any(m.start_s <= r.start_s < m.end_s for m in [*final, *ahead]) for r in found)
        assert all(m.end_s > frame.end_s - STEP_S for m in [*final, *ahead])
        assert all(m.start_s + STEP_S > frame.end_s for m in ahead)


def test_a_reading_of_the_whole_utterance_replaces_the_provisional_ones(voice, speech):
    session, told = Session({"voice": voice.reader(live=True)}, live=True), set()
    for _, found in listened(session, speech):
        told |= set(session.provisional_readings)
        for reading in found:
            assert not any(
                r.start_s < reading.end_s and reading.start_s < r.end_s for r in session.provisional_readings
            )
            assert type(reading) is not ProvisionalReading
    assert told and all(reading.provisional for reading in told)
    session.finish()
    assert session.provisional_readings == ()


def test_what_is_no_voice_is_not_read_early_either(voice):
    rng, at_s = np.random.default_rng(1), np.arange(6 * SAMPLE_RATE) / SAMPLE_RATE
    noise = 1e-4 * rng.standard_normal(len(at_s))
    for sound in (0.05 * rng.standard_normal(len(at_s)), noise + 0.1 * np.sin(2 * np.pi * 440 * at_s) * (at_s > 2)):
        session = Session({"voice": voice.reader(live=True)}, live=True)
        for _ in listened(session, sound.astype(np.float32)):
            assert session.provisional_readings == ()


def test_a_file_is_read_once_its_utterances_are_complete_and_not_before(voice, speech):
    session = Session({"voice": voice.reader()})
    for _ in listened(session, speech):
        assert session.provisional_readings == ()
        assert session.steps() == []


@pytest.mark.parametrize("gone", ["camera", "microphone"])
def test_steps_go_on_without_a_device_that_is_gone_and_nothing_piles_up(make, speech, frames, gone):
    session, steps, held = make(True), [], []
    for round_ in range(8):
        shift_s = round_ * len(speech) / SAMPLE_RATE
        if round_ < 1 or gone == "camera":
            session.push_sound(speech)
        if round_ < 1 or gone == "microphone":
            for frame in frames:
                session.push_frame(replace(frame, start_s=frame.start_s + shift_s, end_s=frame.end_s + shift_s))
        steps += session.steps()
        held.append(len(session.provisional_steps()))
    pushed_s = 8 * len(speech) / SAMPLE_RATE
    assert steps[-1].end_s > pushed_s - MOST_APART_S - len(speech) / SAMPLE_RATE
    assert [m.start_s for m in steps] == sorted({m.start_s for m in steps})
    assert max(held) <= (MOST_APART_S + len(speech) / SAMPLE_RATE) / STEP_S


def test_an_analyzer_makes_live_sessions_of_what_it_is_asked_for(speech, film):
    both, deaf, blind = Analyzer(), Analyzer(voice=False), Analyzer(face=False)
    assert [set(a.live_session().thresholds) for a in (both, deaf, blind)] == [{"voice", "face"}, {"face"}, {"voice"}]
    session = blind.live_session()
    list(listened(session, speech))
    assert session.steps()


def test_a_session_takes_what_it_was_made_for_alone(voice, speech, frames):
    with pytest.raises(ValueError, match="no face is looked for"):
        Session({"voice": voice.reader()}).push_frame(frames[0])
    with pytest.raises(ValueError, match="no voice is looked for"):
        Session({"face": FaceReader(FullFrame())}).push_sound(speech)
