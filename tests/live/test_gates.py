"""What opens the way for the detector and the voice gate: movement, not noise; sound, not an offset."""

import numpy as np
import pytest

from edge_emo.live.gates import Motion, is_loud


@pytest.fixture
def frame(rng):
    def make(noise=3.0, shift=0.0, patch=None):
        picture = np.full((480, 640), 90.0)
        picture[100:300, 50:200] = 150
        if patch:
            size, level, x = patch
            picture[200 : 200 + size, x : x + size] = level
        return np.clip(picture + shift + rng.normal(0, noise, picture.shape), 0, 255).astype(np.uint8)

    return make


@pytest.mark.parametrize("noise", [0, 3, 8])
def test_a_still_scene_does_not_move_however_noisy_the_camera_is(frame, noise):
    motion = Motion()
    moved = [motion.push(frame(noise)) for _ in range(30)]
    assert moved == [True] + [False] * 29, "of the first frame nothing is known"


def test_a_lamp_that_is_dimmed_is_no_movement(frame):
    motion = Motion()
    motion.push(frame())
    assert not any(motion.push(frame(shift=20 * (k % 2))) for k in range(10))


@pytest.mark.parametrize("size", [32, 64, 200])
def test_somebody_who_comes_moves_as_small_as_a_face_can_be(frame, size):
    motion = Motion()
    for _ in range(10):
        motion.push(frame())
    assert motion.push(frame(patch=(size, 160, 400)))


def test_somebody_who_goes_on_moving_is_seen_in_each_frame(frame):
    motion = Motion()
    motion.push(frame())
    assert all(motion.push(frame(patch=(64, 160, 220 + 16 * k))) for k in range(20))


def test_darkness_is_told(frame):
    motion = Motion()
    motion.push(frame(shift=-100))
    assert motion.is_dark
    motion.push(frame())
    assert not motion.is_dark


def test_pictures_of_any_size_are_looked_at(rng):
    for shape in ((480, 640), (60, 80), (31, 17), (1080, 1920)):
        motion = Motion()
        motion.push(np.zeros(shape, np.uint8))
        assert motion.push(np.tri(*shape, dtype=np.uint8) * 200)


@pytest.mark.parametrize(("level", "loud"), [(0.0, False), (1e-5, False), (1e-2, True), (0.3, True)])
def test_noise_of_a_microphone_is_silence_and_a_voice_is_not(rng, level, loud):
    samples = (level * rng.standard_normal(1600)).astype(np.float32)
    assert is_loud(samples) == loud
    assert is_loud(samples + np.float32(0.2)) == loud, "a constant offset is no sound"
