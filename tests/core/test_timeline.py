import pytest

from edge_emo.core.emotions import EMOTIONS, VALENCE_AROUSAL
from edge_emo.core.timeline import Reading, decide, summarize


def reading(start_s, end_s, emotion, probability=0.72):
    rest = (1 - probability) / 7
    probabilities = tuple(probability if name == emotion else rest for name in EMOTIONS)
    return Reading("voice", start_s, end_s, emotion, probabilities, emotion)


def test_the_order_of_emotions_is_that_of_ravdess():
    assert EMOTIONS == ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
    assert all(-1 <= value <= 1 for place in VALENCE_AROUSAL.values() for value in place)


def test_no_readings_are_no_voice():
    summary = summarize([], 0.4, "no_voice")
    assert (summary.emotion, summary.reason, summary.probabilities, summary.found_s) == (None, "no_voice", {}, 0.0)


def test_longer_readings_weigh_more():
    summary = summarize([reading(0, 3, "happy"), reading(4, 5, "sad")], 0.4, "no_voice")
    assert summary.emotion == "happy"
    assert summary.probabilities["happy"] == pytest.approx((0.72 * 3 + 0.04) / 4)
    assert sum(summary.probabilities.values()) == pytest.approx(1)
    assert summary.valence > 0


def test_overlapping_windows_count_their_time_once():
    assert summarize([reading(0, 3, "happy"), reading(1.5, 4.5, "happy")], 0, "no_voice").found_s == pytest.approx(4.5)


def test_low_confidence_is_uncertain_but_keeps_the_raw_label():
    probabilities = [0.2, 0.3, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05]
    assert decide(probabilities, 0.4) == ("calm", "uncertain", "low_confidence")
    assert decide(probabilities, 0.3) == ("calm", "calm", None)


def test_certain_windows_of_different_emotions_are_mixed():
    def reading(start, emotion):
        probabilities = tuple(0.93 if name == emotion else 0.01 for name in EMOTIONS)
        return Reading("voice", start, start + 2.0, emotion, probabilities, emotion, None)

    mixed = summarize([reading(0, "angry"), reading(2, "calm")], 0.6, "no_voice")
    assert (mixed.emotion, mixed.reason) == ("uncertain", "mixed")
    assert summarize([reading(0, "angry"), reading(2, "angry")], 0.6, "no_voice").reason is None
