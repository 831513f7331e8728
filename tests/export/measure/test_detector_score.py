import cv2
import numpy as np
import pytest

from edge_emo.face.detector import Face
from export.measure.detector_score import (
    Found,
    backlit,
    blurred,
    darker,
    false_per_photo,
    look,
    match,
    recall,
    threshold_for,
    tilted,
)
from export.train.detector_data import Photo

TRUTH = np.array([[0.9, 10, 10, 40, 40, *[30.0] * 10], [0.9, 100, 10, 20, 20, *[110.0] * 10]], np.float32)


def face(left, top, size, score):
    return Face((left, top, left + size, top + size), score, ((left + size / 2, top + size / 2),) * 5)


def test_each_face_is_found_once_and_the_rest_is_false():
    found = match([face(10, 10, 40, 0.9), face(12, 10, 40, 0.8), face(200, 0, 30, 0.7)], TRUTH, 2.0)
    assert found.scores == (0.9, 0.0)
    assert found.sizes == pytest.approx((80, 40))
    assert found.false == ((0.8, 80.0), (0.7, 60.0))
    assert found.points_off == (0.0,)


def test_a_poor_overlap_is_no_find():
    assert match([face(10, 35, 40, 0.9)], TRUTH, 1.0).scores == (0.0, 0.0)


FOUND = [
    Found((50.0, 20.0), (0.9, 0.4), ((0.8, 50.0),)),
    Found((50.0, 50.0), (0.5, 0.0), ((0.3, 50.0), (0.95, 10.0))),
]


def test_recall_counts_sizes_and_thresholds():
    assert recall(FOUND, 32) == pytest.approx(2 / 3)
    assert recall(FOUND, 32, threshold=0.6) == pytest.approx(1 / 3)
    assert recall(FOUND, 16, 32) == 1
    assert np.isnan(recall(FOUND, 1000))


def test_false_boxes_count_by_size():
    assert false_per_photo(FOUND, 32) == 1
    assert false_per_photo(FOUND, 0) == 1.5
    assert false_per_photo(FOUND, 32, 0.5) == 0.5


@pytest.mark.parametrize(("allowed", "threshold"), [(0.0, 0.8), (0.5, 0.3), (1.0, 0.0)])
def test_the_threshold_lets_through_what_is_allowed(allowed, threshold):
    found = threshold_for(FOUND, 32, allowed)
    assert found == pytest.approx(threshold)
    assert false_per_photo(FOUND, 32, found) <= allowed


@pytest.mark.parametrize("degrees", [0, 15, -30, 90])
def test_a_tilted_photo_keeps_its_faces(tmp_path, degrees):
    picture = np.zeros((100, 160, 3), np.uint8)
    cv2.circle(picture, (30, 30), 6, (255, 255, 255), -1)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    turned, faces = tilted(Photo(tmp_path / "a.png", TRUTH[:1]), degrees)
    x, y = faces[0, 1] + faces[0, 3] / 2, faces[0, 2] + faces[0, 4] / 2
    assert turned[round(float(y)), round(float(x))].min() > 200
    assert (x, y) == pytest.approx(faces[0, 5:7].tolist(), abs=1e-3)


def test_a_detector_that_knows_the_truth_finds_all(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((100, 160, 3), np.uint8))

    class Knowing:
        name = "knowing"

        def detect(self, picture):
            return [face(10, 10, 40, 0.9), face(100, 10, 20, 0.8)]

    found = look(Knowing(), Photo(tmp_path / "a.png", TRUTH))
    assert recall([found], 0) == 1
    assert found.sizes == pytest.approx((160, 80))  # of a frame of 640
    assert found.false == ()


def test_conditions_change_pictures_as_they_say(rng):
    picture = rng.integers(0, 256, (200, 400, 3), np.uint8)
    assert darker(picture).mean() == pytest.approx(picture.mean() / 5, rel=0.05)
    side = backlit(picture)
    assert side[:, :50].mean() < 0.35 * picture[:, :50].mean()
    assert side[:, -50:].mean() > 0.85 * picture[:, -50:].mean()
    detail = [np.abs(np.diff(each.astype(int), axis=1)).mean() for each in (picture, blurred(picture))]
    assert detail[1] < detail[0] / 2
