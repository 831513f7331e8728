"""Segments that are told while a visit goes on are those of a film of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_emo.analysis.fusion import Fusion, segments
from edge_emo.core.timeline import Reading, decide
from edge_emo.live.segmenting import REACH_S, Segmenter

THRESHOLDS = {"face": 0.4, "voice": 0.4}


def reading(start_s, emotion, sure, modality="face"):
    probabilities = np.full(8, (1 - sure) / 7)
    probabilities[emotion] = sure
    raw, decision, reason = decide(probabilities, 0.4)
    return Reading(modality, start_s, start_s + 0.2, raw, tuple(probabilities.tolist()), decision, reason)


def of_the_whole(readings, cuts):
    fusion = Fusion(THRESHOLDS)
    fusion.push(readings, cuts)
    return list(segments(fusion.steps(), 0.4, cuts))


def as_they_come(readings, cuts):
    segmenter, told, held = Segmenter(THRESHOLDS), [], 0
    for number, each in enumerate(readings):
        segmenter.push([each], [cut for cut in cuts if cut == each.start_s])
        told += segmenter.segments(each.start_s)
        held = max(held, len(segmenter._readings))
        if number + 1 < len(readings):
            for second in np.arange(each.end_s, readings[number + 1].start_s, 1.0):
                told += segmenter.segments(second)
    return told + segmenter.segments(np.inf), held


def same(told, expected):
    assert [(s.start_s, s.emotion, s.raw, s.reason) for s in told] == [
        (s.start_s, s.emotion, s.raw, s.reason) for s in expected
    ]
    for one, other in zip(told, expected, strict=True):
        assert one.end_s == pytest.approx(other.end_s, abs=0.5), "what comes later shows how long the last step is"
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-2)


moods = st.lists(st.tuples(st.integers(0, 7), st.sampled_from([0.3, 0.6, 0.9]), st.integers(1, 40)), max_size=8)


@given(moods, st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_they_are_the_same_whatever_was_felt_and_for_how_long(moods, seed):
    rng, readings, at = np.random.default_rng(seed), [], 0
    for emotion, sure, n in moods:
        at += int(rng.choice([0, 0, 0, 10, 70]))  # nobody for so many fifths of a second
        readings += [reading(k / 5, emotion, sure) for k in range(at, at + n)]
        at += n
    told, _ = as_they_come(readings, [])
    same(told, of_the_whole(readings, []))


def test_a_segment_is_told_some_seconds_after_it_ended():
    segmenter = Segmenter(THRESHOLDS)
    told_s = None
    for k in range(200):
        segmenter.push([reading(k / 5, 2 if k < 50 else 5, 0.9)])
        if segmenter.segments(k / 5):
            told_s = k / 5
            break
    assert told_s is not None
    assert told_s - 10 <= REACH_S + 6


def test_a_visit_of_hours_is_not_held():
    readings = [reading(k / 5, (k // 100) % 8, 0.9) for k in range(5 * 1200)]
    told, held = as_they_come(readings, [])
    assert held < 5 * 90
    same(told, of_the_whole(readings, []))
