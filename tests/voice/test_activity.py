from itertools import pairwise

import numpy as np
import pytest

from edge_emo.voice.activity import SAMPLE_RATE, ActivityDetector, find_voice

N = SAMPLE_RATE * 8
T = np.arange(N) / SAMPLE_RATE


def hum(rng):
    return 0.1 * sum(np.sin(2 * np.pi * 50 * k * T) / k for k in range(1, 12))


def clicks(rng):
    sound = 0.001 * rng.standard_normal(N)
    for start in rng.integers(0, N - 600, 40):
        length = rng.integers(80, 500)
        sound[start : start + length] += 0.3 * rng.standard_normal(length) * np.exp(-np.arange(length) / (length / 4))
    return sound


def knocks(rng):
    sound = 0.001 * rng.standard_normal(N)
    for start in rng.integers(0, N - 900, 20):
        tone = np.sin(2 * np.pi * rng.uniform(200, 2500) * np.arange(800) / SAMPLE_RATE)
        sound[start : start + 800] += 0.3 * tone * np.exp(-np.arange(800) / 80)
    return sound


def pink(rng):
    spectrum = np.fft.rfft(rng.standard_normal(N)) / np.sqrt(np.maximum(1, np.arange(N // 2 + 1)))
    sound = np.fft.irfft(spectrum)
    return 0.1 * sound / sound.std()


NOT_VOICE = {
    "digital silence": lambda rng: np.zeros(N),
    "white noise": lambda rng: 0.05 * rng.standard_normal(N),
    "pink noise": pink,
    "hum": hum,
    "hum that sets in": lambda rng: hum(rng) * (T > 3),
    "a tone that comes and goes": lambda rng: 0.1 * np.sin(2 * np.pi * 440 * T) * (T > 2) * (T < 5),
    "keyboard clicks": clicks,
    "knocks": knocks,
    "one sample": lambda rng: np.ones(1),
    "nothing": lambda rng: np.zeros(0),
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", NOT_VOICE)
def test_what_is_no_voice_is_not_found(name, seed):
    sound = NOT_VOICE[name](np.random.default_rng(seed)).astype(np.float32)
    assert find_voice(sound) == []


def test_voice_is_found_where_it_is(sample):
    padded = np.concatenate([np.zeros(32000, np.float32), sample, np.zeros(48000, np.float32)])
    spans = find_voice(padded)
    assert abs(spans[0].start - 32000) < 0.25 * SAMPLE_RATE
    assert abs(spans[-1].stop - (32000 + len(sample))) < 0.5 * SAMPLE_RATE
    covered = sum(span.stop - span.start for span in spans)
    assert covered > 0.85 * len(sample)


@pytest.mark.parametrize("gain_db", [-40, -20, 6, 20])
def test_gain_changes_nothing(sample, gain_db):
    assert find_voice(sample * np.float32(10 ** (gain_db / 20))) == find_voice(sample)


@pytest.mark.parametrize("snr_db", [20, 10])
def test_voice_is_found_in_noise(sample, rng, snr_db):
    noise = rng.standard_normal(len(sample) + 64000).astype(np.float32)
    noise *= np.sqrt(np.mean(sample**2)) * 10 ** (-snr_db / 20)
    noise[32000 : 32000 + len(sample)] += sample
    spans = find_voice(noise)
    covered = sum(span.stop - span.start for span in spans)
    assert 0.7 * len(sample) < covered < 1.3 * len(sample)


@pytest.mark.parametrize("piece", [1000, 16000, 77777])
def test_pieces_of_any_length_give_the_same_spans(sample, rng, piece):
    pauses = [0.001 * rng.standard_normal(n).astype(np.float32) for n in (20000, 90000, 250000)]
    sound = np.concatenate([pauses[0], sample, pauses[1], sample, sample, pauses[2], sample])
    detector, spans = ActivityDetector(), []
    for start in range(0, len(sound), piece):
        spans += detector.push(sound[start : start + piece])
    assert spans + detector.finish() == find_voice(sound)


def test_spans_are_bounded_ordered_and_apart(sample):
    sound = np.tile(sample, 12)
    spans = find_voice(sound)
    assert all(0 <= s.start < s.stop <= len(sound) for s in spans)
    assert all(a.stop <= b.start for a, b in pairwise(spans))
    assert max(s.stop - s.start for s in spans) < 11 * SAMPLE_RATE


def test_memory_stays_bounded(sample):
    detector = ActivityDetector()
    for _ in range(60):
        detector.push(sample)
    assert len(detector._level) < 2000
