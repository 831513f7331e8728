import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from edge_emo.card import FeatureSpec, InputSpec
from edge_emo.emotions import EMOTIONS
from edge_emo.media import SAMPLE_RATE
from edge_emo.voice import mfcc
from edge_emo.voice.activity import Span
from edge_emo.voice.network_input import prepare
from edge_emo.voice.recognizer import VoiceRecognizer, VoiceStream
from edge_emo.voice.windows import split


@pytest.fixture(scope="module", params=["fp32", "int8"])
def recognizer(request):
    return VoiceRecognizer(precision=request.param)


def test_probabilities_are_distributions(recognizer, sample):
    found = recognizer.probabilities([sample[:48000], sample[16000:40000], np.zeros(100, np.float32)])
    assert found.shape == (3, len(EMOTIONS))
    assert found.dtype == np.float32
    assert (found >= 0).all()
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5)


def test_readings_keep_the_raw_label_apart_from_the_decision(recognizer, sample):
    for reading in recognizer.readings(sample):
        assert reading.raw == EMOTIONS[int(np.argmax(reading.probabilities))]
        uncertain = reading.probability < recognizer.card.threshold
        assert reading.emotion == ("uncertain" if uncertain else reading.raw)
        assert reading.reason == ("low_confidence" if uncertain else None)
        assert 0 <= reading.start_s < reading.end_s <= len(sample) / SAMPLE_RATE + 1e-9


@pytest.mark.parametrize("piece", [1600, 16000, 33333])
def test_streaming_equals_batch(recognizer, sample, rng, piece):
    pause = 0.001 * rng.standard_normal(60000).astype(np.float32)
    sound = np.concatenate([sample, pause, sample, sample, pause, sample])
    stream, found = VoiceStream(recognizer), []
    for start in range(0, len(sound), piece):
        found += stream.push(sound[start : start + piece])
    found += stream.finish()
    assert found == recognizer.readings(sound)
    assert len(found) > 6


@pytest.mark.parametrize("gain_db", [-55, -40, -20, 6, 20])
def test_gain_changes_no_probability(sample, gain_db):
    recognizer = VoiceRecognizer(precision="fp32")
    expected = recognizer.readings(sample)
    found = recognizer.readings(sample * np.float32(10 ** (gain_db / 20)))
    assert [r.raw for r in found] == [r.raw for r in expected]
    for a, b in zip(found, expected, strict=True):
        assert np.allclose(a.probabilities, b.probabilities, atol=2e-3)


def test_silence_gives_no_reading(recognizer):
    assert recognizer.readings(np.zeros(SAMPLE_RATE * 5, np.float32)) == []
    assert recognizer.readings(np.zeros(0, np.float32)) == []


def test_memory_of_a_long_stream_stays_bounded(sample):
    stream = VoiceStream(VoiceRecognizer())
    for _ in range(30):
        list(stream.push(sample))
    assert len(stream._buffer) < 20 * SAMPLE_RATE


def test_int8_agrees_with_fp32(sample):
    fp32, int8 = VoiceRecognizer(precision="fp32"), VoiceRecognizer(precision="int8")
    windows = [sample[start : start + 48000] for start in range(0, 36000, 3000)]
    assert np.abs(fp32.probabilities(windows) - int8.probabilities(windows)).max() < 0.12


@pytest.mark.parametrize(("seconds", "count"), [(0.5, 1), (3.0, 1), (3.1, 2), (4.5, 2), (4.6, 3), (10.0, 6)])
def test_windows_cover_an_utterance_evenly(seconds, count):
    span = Span(1000, 1000 + round(seconds * SAMPLE_RATE))
    windows = split(span, 3.0, 1.5)
    assert len(windows) == count
    assert windows[0].start == span.start
    assert windows[-1].stop == span.stop
    assert all(b.start - a.start <= 1.5 * SAMPLE_RATE for a, b in pairwise(windows))


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((2, 16000), np.float32), np.zeros(16000, np.int16), np.zeros(16000, complex), np.full(16000, np.nan)],
)
def test_arrays_that_are_no_mono_sound_are_refused(wrong):
    recognizer = VoiceRecognizer()
    with pytest.raises(ValueError, match="samples"):
        recognizer.readings(wrong)
    with pytest.raises(ValueError, match="samples"):
        recognizer.probabilities([wrong])


def test_windows_without_samples():
    assert VoiceRecognizer().probabilities([]).shape == (0, 8)
    with pytest.raises(ValueError, match="no samples"):
        VoiceRecognizer().probabilities([np.zeros(0, np.float32)])


def test_a_constant_offset_changes_nothing(sample):
    recognizer = VoiceRecognizer()
    window = sample[20000:60000]
    plain, shifted = recognizer.probabilities([window, window + np.float32(0.2)])
    assert np.abs(plain - shifted).max() < 0.02


def test_no_threads_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        VoiceRecognizer(threads=0)
    with pytest.raises(ValueError, match="fp16"):
        VoiceRecognizer(precision="fp16")


def test_outputs_of_one_emotion_are_added_up(models, sample):
    path = models / "voice.fp32.json"
    apart = VoiceRecognizer(path).probabilities([sample[:48000]])[0]
    card = json.loads(path.read_text())
    card["labels"][1] = "neutral"
    path.write_text(json.dumps(card))
    together = VoiceRecognizer(path).probabilities([sample[:48000]])[0]
    assert together[0] == pytest.approx(apart[0] + apart[1])
    assert together[1] == 0
    assert together[2:] == pytest.approx(apart[2:])


@pytest.mark.parametrize("padding", ["none", "end", "center"])
@pytest.mark.parametrize("top_db", [None, 60.0])
def test_short_windows_stand_in_digital_silence(sample, padding, top_db):
    """As if the sound had been padded with zeros before its features were made."""
    spec = InputSpec(FeatureSpec(padding=padding, top_db=top_db), frames=150, align="start")
    found = prepare(sample[:16000], spec)
    assert found.shape == (150, 80)
    padded = mfcc.compute(np.pad(sample[:16000], (0, 30000)), spec.features)
    assert np.allclose(found, padded[:150], atol=1e-4)
    assert found[-1].max() < found[:50].mean()


def test_short_windows_stand_in_the_middle_or_at_the_start(sample):
    middle = prepare(sample[:16000], InputSpec(FeatureSpec(), frames=150))
    start = prepare(sample[:16000], InputSpec(FeatureSpec(), frames=150, align="start"))
    assert middle[0].max() == middle[-1].max() == start[-1].max()
    assert start[0].max() > start[-1].max()


def test_features_may_be_filled_with_zeros(sample):
    spec = InputSpec(FeatureSpec(n_mfcc=13), frames=150, align="start", fill="zeros", mean=(5.0,), std=(2.0,))
    found = prepare(sample[:16000], spec)
    n_frames = spec.features.n_frames(16000)
    assert np.array_equal(found[:n_frames], (mfcc.compute(sample[:16000], spec.features) - 5) / 2)
    assert (found[n_frames:] == -2.5).all()


def test_features_may_come_first(sample):
    spec = InputSpec(FeatureSpec(), frames=50, layout="features_first")
    turned = prepare(sample[:32000], spec)
    assert turned.shape == spec.shape == (80, 50)
    assert np.array_equal(turned.T, prepare(sample[:32000], replace(spec, layout="frames_first")))


def test_features_may_be_averaged_within_each_frame(sample):
    spec = InputSpec(FeatureSpec(n_mfcc=13), frames=216, reduce="mean_features")
    rows = prepare(sample[:32000], replace(spec, reduce="frames"))
    assert rows.shape == (216, 13)
    assert prepare(sample[:32000], spec) == pytest.approx(rows.mean(axis=1))
