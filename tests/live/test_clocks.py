"""Frames come at an even pace and sound at its own time, whatever a device says about its rate."""

from itertools import pairwise

import numpy as np
import pytest

from edge_emo.live.frame_rate import Pace
from edge_emo.live.sound_clock import SoundClock
from edge_emo.live.wire import Packet


def frames(times, fps=5):
    pace = Pace(fps)
    return [frame for at_s in times if (frame := pace(Packet("i420", at_s, at_s, b"123456", 2, 2)))]


@pytest.mark.parametrize("rate", [3, 5, 7, 15, 30, 60])
def test_no_more_frames_come_than_were_asked_for_and_none_overlaps(rate):
    found = frames(np.arange(0, 60, 1 / rate))
    assert len(found) <= 60 * 5 + 1
    assert len(found) >= 60 * min(rate, 5) * 0.7
    assert all(before.end_s <= after.start_s for before, after in pairwise(found))


def test_an_uneven_camera_loses_no_frames(rng):
    times = np.arange(0, 60, 0.2) + rng.uniform(-0.05, 0.05, 300)
    found = frames(times)
    assert len(found) >= 295
    assert max(abs(frame.start_s - times[np.argmin(abs(times - frame.start_s))]) for frame in found) < 0.1


def block(position_s):
    return Packet("f32", position_s, position_s + 0.1, b"")


def test_sound_that_is_late_once_stays_where_its_samples_are():
    clock = SoundClock()
    for k in range(600):
        late_s = 2.0 if 100 <= k < 110 else 0.05
        assert clock(block(k / 10), (k + 1) / 10 + late_s) == pytest.approx(k / 10)


def test_sound_that_was_lost_moves_what_comes_after_it():
    clock = SoundClock()
    for k in range(100):
        clock(block(k / 10), (k + 1) / 10)
    for k in range(100, 500):  # three seconds never came, and nobody counted them
        start_s = clock(block(k / 10), (k + 1) / 10 + 3)
    assert start_s == pytest.approx(499 / 10 + 3)


@pytest.mark.parametrize("drift", [-3e-4, 3e-4])
def test_a_clock_that_drifts_is_set_again_and_again(drift):
    clock = SoundClock()
    for k in range(10 * 3600):
        now_s = (k + 1) / 10
        start_s = clock(block(k / 10 * (1 + drift)), now_s)
        assert abs(start_s + 0.1 - now_s) < 0.7
