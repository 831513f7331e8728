"""Recordings by other devices in other rooms: as long, no later, and changed as the device would."""

import numpy as np
import pytest

from edge_emo.media.sound import SAMPLE_RATE
from export.train import devices

CHANGES = [devices.room, devices.background, devices.levelled, devices.clipped, devices.coded]


@pytest.fixture(scope="module")
def speech(sample):
    return sample[: 2 * SAMPLE_RATE]


def lag(a, b):
    """By how many samples `b` comes after `a`."""
    size = 4 * len(a)
    match = np.fft.irfft(np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size)), size)
    place = int(np.abs(match).argmax())
    return place if place < size // 2 else place - size


@pytest.mark.parametrize("change", [*CHANGES, devices.recorded_elsewhere], ids=lambda change: change.__name__)
def test_a_changed_recording_is_as_long_and_no_later(change, speech):
    for seed in range(6):
        found = change(speech, np.random.default_rng(seed))
        assert found.dtype == np.float32
        assert len(found) == len(speech)
        assert np.isfinite(found).all()
        assert abs(lag(speech, found)) <= 40  # 2.5 ms, as a telephone's filter may
        assert np.array_equal(found, change(speech, np.random.default_rng(seed)))


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_silence_stays_finite(change, rng):
    assert np.isfinite(change(np.zeros(SAMPLE_RATE, np.float32), rng)).all()


def test_a_room_goes_on_sounding(rng):
    click = np.zeros(SAMPLE_RATE, np.float32)
    click[0] = 1.0
    heard = np.stack([devices.room(click, rng) for _ in range(20)])
    assert (heard[:, 0] > 0.9).all()
    late = np.square(heard[:, SAMPLE_RATE // 20 :]).sum(axis=1)
    assert np.median(late) > 0.01
    assert (np.square(heard[:, -100:]).sum(axis=1) < late).all()


def test_gain_control_makes_loud_and_soft_more_alike(rng):
    tone = np.sin(2 * np.pi * 300 * np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)
    tone[SAMPLE_RATE:] *= 0.1

    def gap(x):
        return np.std(x[2000 : SAMPLE_RATE - 2000]) / np.std(x[SAMPLE_RATE + 2000 :])

    assert gap(tone) == pytest.approx(10, rel=0.01)
    assert all(gap(devices.levelled(tone, rng)) < 8 for _ in range(5))


def test_a_telephone_takes_lows_and_highs(rng):
    white = rng.standard_normal(SAMPLE_RATE).astype(np.float32)
    power = np.square(np.abs(np.fft.rfft(devices._telephone(white))))  # one bin for each Hz
    inside = power[500:3200].mean()
    assert power[50:250].mean() < 0.05 * inside
    assert power[4300:].mean() < 0.01 * inside


def test_clipping_flattens_the_peaks_alone(speech, rng):
    found = devices.clipped(speech, rng)
    changed = found != speech
    assert 0 < changed.mean() < 0.15
    assert len(np.unique(np.abs(found[changed]))) == 1
