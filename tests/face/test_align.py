import cv2
import numpy as np
import pytest

from edge_emo.face.align import cut_out, placement, similarity
from edge_emo.face.detector import Face
from edge_emo.models.schema import FERPLUS_POINTS, FacePreprocessing

SPEC = FacePreprocessing(width=48, height=48)
CANONICAL = np.array(FERPLUS_POINTS) * 48


def moved(angle, scale, shift):
    """The canonical points, turned by `angle` degrees, scaled and shifted."""
    a = np.deg2rad(angle)
    turn = scale * np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    return CANONICAL @ turn.T + shift


def face(points, box=(0, 0, 10, 10)):
    return Face(box, 0.9, tuple(map(tuple, points.tolist())) if points is not None else None)


@pytest.mark.parametrize(("angle", "scale", "shift"), [(0, 1, (0, 0)), (30, 2.5, (100, 40)), (-75, 0.4, (-5, 300))])
def test_landmarks_come_to_their_places(angle, scale, shift):
    points = moved(angle, scale, shift)
    matrix = placement(face(points), SPEC).matrix
    assert points @ matrix[:, :2].T + matrix[:, 2] == pytest.approx(CANONICAL, abs=1e-6)


def test_the_similarity_is_the_best_one(rng):
    source, target = rng.normal(size=(5, 2)), rng.normal(size=(5, 2))
    best = similarity([complex(*p) for p in source], [complex(*p) for p in target]).matrix

    def error(matrix):
        return ((source @ matrix[:, :2].T + matrix[:, 2] - target) ** 2).sum()

    for _ in range(200):
        angle, scale = rng.normal(0, 0.05), np.exp(rng.normal(0, 0.05))
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        other = np.hstack([turn @ best[:, :2], best[:, 2:] + rng.normal(0, 0.05, (2, 1))])
        assert error(other) >= error(best)


def test_without_landmarks_the_box_is_cut_out():
    matrix = placement(Face((100, 50, 140, 90), 0.9), SPEC).matrix
    corners = np.array([[100, 50], [140, 90]]) @ matrix[:, :2].T + matrix[:, 2]
    assert corners == pytest.approx(np.array([[0, 0], [48, 48]]))


def test_the_margin_widens_the_box():
    spec = FacePreprocessing(width=40, height=40, margin=0.5, points=())
    matrix = placement(face(moved(0, 1, 0), (100, 50, 120, 70)), spec).matrix
    assert np.array([110, 60]) @ matrix[:, :2].T + matrix[:, 2] == pytest.approx([20, 20])
    assert matrix[0, 0] == pytest.approx(40 / 40)


@pytest.mark.parametrize(
    "points",
    [
        np.full((5, 2), 7.0),  # all in one place
        np.full((5, 2), np.nan),
        np.array([[0, 0], [100, 0], [0, 100], [100, 100], [50, -200]], float),  # no face
    ],
)
def test_landmarks_of_no_face_fall_back_to_the_box(points):
    box = (10, 10, 58, 58)
    assert placement(face(points, box), SPEC).matrix == pytest.approx(placement(Face(box, 0.9), SPEC).matrix)


@pytest.fixture
def picture(rng):
    """A smooth picture, so that cut-outs of different ways can be compared."""
    small = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    return cv2.resize(small, (640, 480), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("scale", [0.5, 1.0, 4.0, 9.0])
def test_a_cut_out_holds_what_lies_at_its_places(picture, scale):
    points = moved(10, scale, (90, 20))
    found = cut_out(picture, face(points), SPEC)
    assert found.shape == (48, 48, 3)
    matrix = np.linalg.inv(np.vstack([placement(face(points), SPEC).matrix, [0, 0, 1]]))[:2]
    for x, y in ((10, 10), (24, 24), (40, 30)):
        px, py = matrix @ [x, y, 1]
        if 12 < px < 620 and 12 < py < 460:
            around = picture[int(py) - 1 : int(py) + 2, int(px) - 1 : int(px) + 2].mean((0, 1))
            assert np.abs(found[y, x] - around).max() < 40


def test_a_large_face_is_averaged_not_sampled():
    stripes = np.zeros((1200, 1200, 3), np.uint8)
    stripes[:, ::2] = 255
    found = cut_out(stripes, Face((100, 100, 1060, 1060), 0.9), SPEC)
    assert np.abs(found.astype(int) - 127).max() < 12


def test_a_face_at_the_edge_is_filled_up(picture):
    found = cut_out(picture, Face((-30, -30, 60, 60), 0.9), SPEC)
    assert found.shape == (48, 48, 3)
    assert np.ptp(found[:, 0]) == np.ptp(found[:, 3])  # the edge repeated


@pytest.mark.parametrize("right", range(600, 606))
def test_where_the_picture_ends_within_a_step_its_edge_is_repeated(picture, right):
    around = Face((400, 100, 640, 340), 0.9)  # five pixels averaged to one
    cut_off = picture[:, :right]
    continued = cv2.copyMakeBorder(cut_off, 0, 0, 0, 80, cv2.BORDER_REPLICATE)
    difference = cut_out(cut_off, around, SPEC).astype(int) - cut_out(continued, around, SPEC)
    assert np.abs(difference).mean() < 3


def test_a_picture_of_one_pixel():
    assert cut_out(np.zeros((1, 1, 3), np.uint8), Face((0, 0, 1, 1), 0.9), SPEC).shape == (48, 48, 3)
