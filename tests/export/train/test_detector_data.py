from pathlib import Path

import cv2
import numpy as np
import pytest

from export.train.detector_data import (
    MIRRORED,
    Photo,
    PhotoDataset,
    cover,
    lit,
    moved,
    parts,
    photos,
    placed,
    texture,
    vary,
    without_color,
)

POINTS = np.array([[70, 60], [90, 60], [80, 70], [72, 82], [88, 82]], np.float32)
FACE = np.array([[0.9, 60, 45, 40, 50, *POINTS.ravel()]], np.float32)


@pytest.fixture
def photo(tmp_path):
    """A black photo with a bright dot at each point of its one face, each of another colour."""
    picture = np.zeros((160, 200, 3), np.uint8)
    colors = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255)]
    for (x, y), color in zip(POINTS, colors, strict=True):
        cv2.circle(picture, (int(x), int(y)), 3, color, -1)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    return Photo(tmp_path / "a.png", FACE)


def test_points_stay_on_what_they_mark(photo, rng):
    original = photo.read()
    colors = [original[int(y), int(x)] for x, y in POINTS]
    checked = 0
    for _ in range(60):
        picture, faces = placed(photo, 256, 256, rng)
        for face in faces:
            for number, (x, y) in enumerate(face[5:].reshape(5, 2)):
                if 3 <= x < 253 and 3 <= y < 253 and face[3] > 25:
                    shown = picture[round(float(y)), round(float(x))].astype(int)
                    # a mirror exchanges right and left of the person, so the colours too
                    ways = [colors[number], colors[MIRRORED[number]]]
                    assert min(np.abs(shown - way).max() for way in ways) < 110
                    checked += 1
    assert checked > 80


def test_the_right_eye_stays_right_in_the_mirror():
    mirror = np.array([[-1.0, 0.0, 199.0], [0.0, 1.0, 0.0]])
    [face] = moved(FACE, mirror, 200, 160, mirrored=True)
    points = face[5:].reshape(5, 2)
    assert points[0, 0] < points[1, 0]
    assert points[3, 0] < points[4, 0]
    assert points[2] == pytest.approx([119, 70])


def test_a_quarter_turn_exchanges_width_and_height():
    turn = np.array([[0.0, -1.0, 160.0], [1.0, 0.0, 0.0]])
    [face] = moved(FACE, turn, 160, 200, mirrored=False)
    assert face[3:5] == pytest.approx([50, 40], abs=1e-3)
    assert face[1:3] == pytest.approx([160 - 70, 80], abs=1e-3)


@pytest.mark.parametrize(("shift", "state"), [(0, [1]), (-80, [-1]), (-300, [])])
def test_faces_that_are_cut_are_doubtful_and_those_outside_are_left_out(shift, state):
    assert moved(FACE, np.array([[1.0, 0, shift], [0, 1.0, 0]]), 200, 160, mirrored=False)[:, 0].tolist() == state


def test_what_the_teacher_doubts_and_what_is_tiny_is_doubtful():
    unsure = FACE.copy()
    unsure[0, 0] = 0.4
    assert moved(unsure, np.eye(2, 3), 200, 160, mirrored=False)[0, 0] == -1
    assert moved(FACE, np.eye(2, 3) * 0.1, 200, 160, mirrored=False)[0, 0] == -1


def test_pictures_are_varied_and_stay_pictures(photo, rng):
    shapes, seen = set(), []
    for _ in range(40):
        picture, faces = vary(photo, [photo] * 4, 128, rng)
        shapes.add((picture.shape, picture.dtype.str))
        assert np.isfinite(faces).all()
        assert set(faces[:, 0]) <= {1.0, -1.0}
        seen.append(picture.mean())
    assert shapes == {((128, 128, 3), "|u1")}
    assert np.ptp(seen) > 30


def test_the_last_epochs_show_photos_alone(photo):
    blank = Photo(Path("blank"), FACE[:0], np.zeros((160, 200, 3), np.uint8))
    dataset = PhotoDataset([photo, *[blank] * 63], size=64, batch_size=64, last_mosaic=1, seed=0)
    n_lit = []
    for epoch in (0, 1):
        dataset.start_epoch(epoch)
        n_lit.append(dataset[0][1].any(axis=(1, 2)).sum())
    assert n_lit[0] > 1 >= n_lit[1]


def test_the_same_seed_and_epoch_give_the_same_batch(photo):
    def batch(seed, epoch):
        dataset = PhotoDataset([photo] * 8, size=64, batch_size=4, last_mosaic=1, seed=seed)
        dataset.start_epoch(epoch)
        assert len(dataset) == 2
        return dataset[1]

    first, same, later = batch(0, 1), batch(0, 1), batch(0, 2)
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert not np.array_equal(first[0], later[0])
    assert first[0].shape == (4, 64, 64, 3)
    assert first[1].shape[2] == 15
    with pytest.raises(IndexError):
        PhotoDataset([photo] * 8, size=64, batch_size=4, last_mosaic=1, seed=0)[2]


def test_covered_faces_are_gone(photo, rng):
    picture = photo.read()
    cover(picture, moved(FACE, np.eye(2, 3), 200, 160, mirrored=False), rng)
    for (x, y), color in zip(POINTS.astype(int), [photo.read()[int(y), int(x)] for x, y in POINTS], strict=True):
        assert np.abs(picture[y, x].astype(int) - color).max() > 10


def test_light_and_textures_are_pictures(rng):
    for _ in range(20):
        picture = texture(64, rng)
        assert lit(picture, rng).shape == (64, 64, 3)
    gray = without_color(picture)
    assert (gray[..., 0] == gray[..., 2]).all()


def test_photos_are_read_with_their_faces_and_kept_apart(tmp_path):
    (tmp_path / "images").mkdir()
    for number in range(700):
        (tmp_path / "images" / f"{number:04}.jpg").touch()
    (tmp_path / "faces.csv").write_text("image,...\n0003.jpg," + ",".join(map(str, range(14))) + ",0.75\n")
    found = photos(tmp_path)
    assert found[3].faces.tolist() == [[0.75, *range(14)]]
    assert found[0].faces.shape == (0, 15)
    known = parts(found)
    assert [len(known[name]) for name in ("train", "choose", "judge")] == [100, 200, 400]
    assert len({photo.path for part in known.values() for photo in part}) == 700
    with pytest.raises(FileNotFoundError, match=r"0000\.jpg: no picture"):
        found[0].read()
