import cv2
import numpy as np
import pytest

from edge_emo.face.cuts import CutDetector
from edge_emo.film import Frame

BLACK = np.zeros((360, 640, 3), np.uint8)


@pytest.fixture(scope="module")
def scenes():
    """Three pictures of 640 x 360 that share nothing."""
    from skimage.data import astronaut, chelsea, coffee

    return [cv2.resize(picture(), (640, 360), interpolation=cv2.INTER_AREA) for picture in (astronaut, coffee, chelsea)]


def cuts(*pictures, apart_s=0.2):
    """Return the numbers of the frames that begin a shot."""
    detector = CutDetector()
    frames = [Frame(k * apart_s, (k + 1) * apart_s, picture) for k, picture in enumerate(pictures)]
    return [number for number, frame in enumerate(frames) if detector.push(frame)]


def moved(picture, right, down, scale=1.0, turn=0.0):
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, scale)
    matrix[:, 2] += right, down
    return cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)


def test_another_scene_is_a_cut(scenes):
    a, b, c = scenes
    assert cuts(a, a, b, b, b, c, a, a) == [2, 5, 6]


def test_a_moving_camera_is_none(scenes, rng):
    for scene in scenes:
        panned = [moved(scene, 30 * k, 6 * k) for k in range(8)]
        zoomed = [moved(scene, 0, 0, 1.06**k, 2 * k) for k in range(8)]
        shaken = [moved(scene, *rng.normal(0, 15, 2), turn=rng.normal(0, 2)) for _ in range(8)]
        assert [cuts(*shot) for shot in (panned, zoomed, shaken)] == [[], [], []]


def test_a_change_of_light_and_noise_are_none(scenes, rng):
    for scene in scenes:
        lit = [np.clip(scene * gain + 10, 0, 255).astype(np.uint8) for gain in (1, 0.3, 1, 1.8, 0.6)]
        noisy = [np.clip(scene + rng.normal(0, 25, scene.shape), 0, 255).astype(np.uint8) for _ in range(3)]
        assert cuts(*lit, *noisy) == []


def test_a_face_that_turns_or_comes_nearer_is_none(portrait):
    head = portrait[:256, 96:352]
    assert cuts(head, moved(head, 12, 0), moved(head, -12, 5, 1.1), moved(head, 0, 0, 1.2, 8)) == []


def test_black_is_a_cut_at_its_start_and_at_its_end_also_after_a_slow_fade(scenes):
    a, b, _ = scenes
    assert cuts(a, a, BLACK, BLACK, BLACK, a, a) == [2, 5]
    fade = [(a * gain).astype(np.uint8) for gain in (1, 0.8, 0.6, 0.4, 0.2, 0.1, 0, 0)]
    rise = [(b * gain).astype(np.uint8) for gain in (0, 0.1, 0.2, 0.4, 0.8, 1)]
    found = cuts(*fade, *rise)
    assert len(found) == 2
    assert 5 <= found[0] <= 6 < found[1] <= 11


def test_where_everything_moves_all_the_time_a_frame_is_no_shot_of_its_own(rng):
    noise = [cv2.resize(rng.integers(0, 255, (9, 16, 3), np.uint8), (640, 360)) for _ in range(20)]
    assert len(cuts(*noise)) <= 2


def test_frames_that_are_far_apart_tell_nothing(scenes):
    assert cuts(*scenes, apart_s=2.0) == []


def test_pictures_without_content_and_of_any_size():
    white, red = np.full((4, 3000, 3), 255, np.uint8), np.full((4, 3000, 3), (255, 0, 0), np.uint8)
    assert cuts(white, white, red, red, white) == [2, 4]
    for shape in ((1, 1, 3), (2000, 3, 3), (9, 9, 3)):
        assert cuts(np.full(shape, 90, np.uint8), np.full(shape, 90, np.uint8)) == []
