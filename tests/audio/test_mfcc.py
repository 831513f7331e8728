from dataclasses import replace

import numpy as np
import pytest
import python_speech_features

from benchmarks.speech_features import SPEECH_FEATURES as PSF
from edge_emo.audio import mfcc
from edge_emo.audio.specification import FeatureSpec
from edge_emo.media.sound import resample

LIBROSA = FeatureSpec(
    sample_rate=22050,
    frame_length=2048,
    hop_length=512,
    n_fft=2048,
    padding="center",
    n_mels=128,
    f_max=11025.0,
    top_db=80.0,
    n_mfcc=100,
)


@pytest.mark.parametrize("scale", [1.0, 32768.0], ids=["float", "int16"])
def test_equals_python_speech_features(sample, scale):
    samples = sample * np.float32(scale)
    expected = python_speech_features.mfcc(samples, 16000)
    found = mfcc.compute(samples, PSF)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-3


@pytest.mark.parametrize("n_samples", [1, 399, 400, 401, 560, 561, 16000])
def test_equals_python_speech_features_for_any_length(sample, n_samples):
    expected = python_speech_features.mfcc(sample[8000 : 8000 + n_samples], 16000)
    found = mfcc.compute(sample[8000 : 8000 + n_samples], PSF)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-3


def test_equals_python_speech_features_in_digital_silence():
    expected = python_speech_features.mfcc(np.zeros(8000), 16000)
    assert np.abs(mfcc.compute(np.zeros(8000, np.float32), PSF) - expected).max() < 1e-3


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ({"winfunc": np.hamming}, {"window": "hamming"}),
        ({"nfilt": 40, "numcep": 20}, {"n_mels": 40, "n_mfcc": 20}),
        ({"lowfreq": 100, "highfreq": 4000}, {"f_min": 100.0, "f_max": 4000.0}),
        (
            {"preemph": 0, "ceplifter": 0, "appendEnergy": False},
            {"pre_emphasis": 0.0, "lifter": 0, "energy_as_c0": False},
        ),
        ({"winlen": 0.032, "winstep": 0.02}, {"frame_length": 512, "hop_length": 320}),
    ],
)
def test_equals_python_speech_features_with_other_parameters(sample, options, changes):
    expected = python_speech_features.mfcc(sample, 16000, **options)
    found = mfcc.compute(sample, replace(PSF, **changes))
    assert np.abs(found - expected).max() < 1e-3


@pytest.mark.parametrize("width", [1, 2, 5])
def test_deltas_equal_python_speech_features(sample, width):
    static = python_speech_features.mfcc(sample, 16000)
    first = python_speech_features.delta(static, width)
    second = python_speech_features.delta(first, width)
    found = mfcc.compute(sample, replace(PSF, deltas=2, delta_width=width))
    assert np.abs(found - np.hstack([static, first, second])).max() < 1e-3


def test_equals_librosa(sample, librosa):
    samples = resample(sample, 16000, 22050)
    expected = librosa.feature.mfcc(y=samples, sr=22050, n_mfcc=100).T
    found = mfcc.compute(samples, LIBROSA)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-3


def test_mean_equals_the_mean_over_time(sample):
    samples = resample(sample, 16000, 22050)
    assert np.abs(mfcc.mean(samples, LIBROSA) - mfcc.compute(samples, LIBROSA).mean(axis=0)).max() < 1e-3
    assert np.abs(mfcc.mean(sample, PSF) - mfcc.compute(sample, PSF).mean(axis=0)).max() < 1e-3


@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_filter_bank_equals_librosa(scale, librosa):
    spec = FeatureSpec(mel_scale=scale, mel_norm="area", n_mels=80, n_fft=512)
    expected = librosa.filters.mel(sr=16000, n_fft=512, n_mels=80, htk=scale == "htk", norm="slaney")
    assert np.allclose(mfcc.mel_filter_bank(spec), expected, atol=1e-7)


STREAMED = {
    "default": FeatureSpec(),
    "psf": PSF,
    "psf with deltas": replace(PSF, deltas=2, delta_width=3),
    "centred": replace(LIBROSA, top_db=None, sample_rate=16000, f_max=8000.0),
    "hop longer than frame": FeatureSpec(frame_length=256, n_fft=256, hop_length=400, n_mels=20),
}


@pytest.mark.parametrize("name", STREAMED)
@pytest.mark.parametrize("piece", [1, 7, 160, 401, 5000, 10**6])
def test_streaming_gives_the_same_frames(sample, name, piece):
    spec = STREAMED[name]
    samples = sample[: 2500 if piece < 10 else 40000]
    stream = mfcc.FeatureStream(spec)
    parts = [stream.push(samples[i : i + piece]) for i in range(0, len(samples), piece)]
    streamed = np.concatenate([*parts, stream.finish()])
    expected = mfcc.compute(samples, spec)
    assert streamed.shape == expected.shape == (spec.n_frames(len(samples)), spec.n_features)
    assert np.abs(streamed - expected).max() < 1e-4


def test_streaming_refuses_what_needs_the_whole_clip():
    with pytest.raises(ValueError, match="top_db"):
        mfcc.FeatureStream(LIBROSA)


def test_no_samples_give_no_frames():
    assert mfcc.compute(np.zeros(0, np.float32), FeatureSpec()).shape == (0, 80)
    assert mfcc.FeatureStream(PSF).finish().shape == (0, 13)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_mfcc": 27}, "n_mfcc"),
        ({"f_max": 9000.0}, "f_max"),
        ({"hop_length": 0}, "hop_length"),
        ({"deltas": 3}, "deltas"),
        ({"floor": 0.0}, "floor"),
    ],
)
def test_impossible_parameters_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        replace(PSF, **change)


@pytest.mark.parametrize("n", [2, 3, 5, 16, 511, 512])
@pytest.mark.parametrize("scale", [1.0, 1 / 512])
def test_the_power_spectrum_is_the_scaled_square_of_the_transform_for_any_length(n, scale, rng):
    frames = rng.standard_normal((7, n)).astype(np.float32)
    expected = scale * np.abs(np.fft.rfft(frames.astype(np.float64))) ** 2
    found = mfcc.power_spectrum(frames, scale)
    assert found.dtype == np.float32
    assert np.allclose(found, expected, atol=1e-6 * expected.max())


def test_where_there_is_no_sound_there_is_no_power():
    frames = np.zeros((3, 512), np.float32)
    frames[1] = 1e-4 * np.sin(np.arange(512) / 3)
    assert (mfcc.power_spectrum(frames).max(axis=1) > 0).tolist() == [False, True, False]
