"""Faces of colour photos are cut out as FER+ shows faces, whatever the photo leaves around them."""

import csv

import cv2
import numpy as np
import pytest

from edge_emo.face.detector import FaceDetector
from export.train import face_corpora


@pytest.fixture(scope="module")
def detector():
    return FaceDetector()


@pytest.fixture(scope="module")
def face(portrait, detector):
    return detector.detect(portrait)[0]


def write(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 98])


def table(path, *rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def alike(a, b):
    """How much the middle of one cut-out resembles the other, six pixels off at most, as detections differ."""
    return float(cv2.matchTemplate(a[4:44, 4:44], b[10:38, 10:38], cv2.TM_CCOEFF_NORMED).max())


def test_a_picture_that_a_face_fills_is_cut_out_as_in_its_photo(portrait, face, detector, tmp_path):
    left, top, right, bottom = (round(edge) for edge in face.box)
    left -= (bottom - top - (right - left)) // 2
    bare = cv2.resize(portrait[top:bottom, left : left + bottom - top], (100, 100), interpolation=cv2.INTER_AREA)
    for name in ("a", "b", "empty"):
        write(tmp_path / "rafdb" / f"{name}.jpg", np.full_like(bare, 128) if name == "empty" else bare)
    rows = [(f"{name}.jpg", "happy") for name in ("a", "empty", "b")]
    table(tmp_path / "rafdb" / "labels.csv", ("file", "emotion"), *rows)
    crops = face_corpora.rafdb(tmp_path / "rafdb", detector)
    assert crops.found == (True, False, True)  # and the empty one is placed like the others
    assert crops.pictures.shape == (3, 48, 48)
    assert alike(crops.pictures[0], face_corpora.gray_cut_out(portrait, face)) > 0.8
    crops.save(tmp_path / "rafdb.npz")
    again = face_corpora.read_crops(tmp_path / "rafdb.npz")
    assert (again.emotions, again.files, again.found) == (crops.emotions, crops.files, crops.found)
    assert np.array_equal(again.pictures, crops.pictures)


def test_the_face_that_was_labelled_is_cut_out_and_one_that_is_not_found_left_out(portrait, face, detector, tmp_path):
    left, top, right, bottom = face.box
    side = max(right - left, bottom - top)
    wide = np.hstack([np.full_like(portrait, 90), portrait])
    write(tmp_path / "photos" / "wide.jpg", wide)
    rows = [("wide.jpg", left + 512, top, side, side, 50, "happy"), ("wide.jpg", 10, 10, 60, 60, 50, "sad")]
    table(tmp_path / "expressions.csv", ("image", "x", "y", "w", "h", "confidence", "emotion"), *rows)
    crops = face_corpora.expw(tmp_path / "photos", tmp_path / "expressions.csv", detector)
    assert crops.emotions == ("happy",)
    assert alike(crops.pictures[0], face_corpora.gray_cut_out(portrait, face)) > 0.8


def test_a_face_too_small_for_the_whole_photo_is_looked_for_in_its_box(portrait, face, detector, tmp_path):
    small = cv2.resize(portrait, (128, 128), interpolation=cv2.INTER_AREA)
    photo = np.full((2400, 2400, 3), 90, np.uint8)
    photo[700:828, 900:1028] = small
    left, top, right, bottom = (edge / 4 for edge in face.box)
    assert not face_corpora.face_of(detector.detect(photo), (900 + left, 700 + top, 900 + right, 700 + bottom))
    write(tmp_path / "photos" / "far.jpg", photo)
    row = ("far.jpg", 900 + left, 700 + top, right - left, bottom - top, 50, "happy")
    table(tmp_path / "expressions.csv", ("image", "x", "y", "w", "h", "confidence", "emotion"), row)
    crops = face_corpora.expw(tmp_path / "photos", tmp_path / "expressions.csv", detector)
    assert crops.emotions == ("happy",)
    assert alike(crops.pictures[0], face_corpora.gray_cut_out(portrait, face)) > 0.8
