from itertools import pairwise

import numpy as np
import pytest

from edge_emo.media import SAMPLE_RATE
from edge_emo.voice.activity import ActivityDetector, find_voice

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
    assert len(detector._frames) < 2000


def tune(rng):
    """Chords and a melody of plucked harmonics over a drum: notes that stand still, then leap."""
    sound = 0.0005 * rng.standard_normal(N)
    beat = int(0.35 * SAMPLE_RATE)
    for start in range(0, N - 2 * beat, beat):
        time = np.arange(2 * beat) / SAMPLE_RATE
        notes = 220 * 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 11, 12, 16], size=4) / 12)
        played = sum(np.sin(2 * np.pi * k * hz * time) / k for hz in notes for k in range(1, 6))
        sound[start : start + len(time)] += 0.04 * played * np.exp(-2 * time)
        drum = 0.1 * rng.standard_normal(800) * np.exp(-np.arange(800) / 120)
        sound[start : start + 800] += drum
    return sound


def shout(rng):
    """A hoarse shout of 0.7 s: its pitch breaks every 12 ms, so that no run of frames keeps it."""
    n, length = int(0.7 * SAMPLE_RATE), int(0.012 * SAMPLE_RATE)
    hz = np.repeat(rng.uniform(180, 420, n // length + 1), length)[:n]
    rough = 2 * (np.cumsum(hz) / SAMPLE_RATE % 1) - 1 + 0.2 * rng.standard_normal(n)
    spectrum, frequency = np.fft.rfft(rough), np.fft.rfftfreq(n, 1 / SAMPLE_RATE)
    formants = sum(np.exp(-(((frequency - f) / 180) ** 2)) for f in (750, 1300, 2600))
    voice = np.fft.irfft(spectrum * formants, n) * np.sin(np.pi * np.arange(n) / n) ** 0.5
    sound = 0.0005 * rng.standard_normal(N)
    sound[3 * SAMPLE_RATE : 3 * SAMPLE_RATE + n] += 0.8 * voice / np.abs(voice).max()
    return sound


@pytest.mark.parametrize("seed", range(5))
def test_music_is_not_taken_for_a_voice(seed):
    assert find_voice(tune(np.random.default_rng(seed)).astype(np.float32)) == []


@pytest.mark.parametrize("seed", range(5))
def test_a_hoarse_shout_is_a_voice(seed):
    spans = find_voice(shout(np.random.default_rng(seed)).astype(np.float32))
    assert len(spans) == 1
    assert abs(spans[0].start / SAMPLE_RATE - 3) < 0.3
