"""How many faces a detector finds, and how often it finds what is none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge_emo.audio.mfcc import Float32
from edge_emo.face.detector import Detector, Face
from edge_emo.face.tracking import overlap
from export.train.detector_data import Photo, Pixels, moved

MATCH = 0.5
"""Intersection over union from which on a face counts as found."""
SMALLEST, ALLOWED_FALSE = 32.0, 0.05
"""The faces, in pixels of `FRAME`, and the false boxes per photo for which a detector's threshold is chosen."""
LEAST_SCORE = 0.02
"""Below it nothing is looked at."""
FRAME = 640
"""Sizes of faces are given in pixels of a picture of this longer side; a size is the root of the box's area."""


@dataclass(frozen=True)
class Found:
    """The faces of a photo, sizes (in pixels of `FRAME`), and for each the score with which it was found, 0 for none.

    `false` are the scores and sizes of the boxes that match no face.
    """

    sizes: tuple[float, ...]
    scores: tuple[float, ...]
    false: tuple[tuple[float, float], ...]
    points_off: tuple[float, ...] = ()


def look(detector: Detector, photo: Photo, change: Callable[[Pixels], Pixels] | None = None) -> Found:
    """Return what a detector finds in a photo, which `change` may change first, sizes and places apart."""
    picture = photo.read()
    return look_at(detector, change(picture) if change else picture, photo.faces)


def look_at(detector: Detector, picture: Pixels, faces: Float32) -> Found:
    """Return what a detector finds in a picture of these `faces`, (faces, 15)."""
    return match(detector.detect(picture), faces, FRAME / max(picture.shape[:2]))


def match(found: Sequence[Face], faces: np.ndarray, scale: float) -> Found:
    """Match found faces, the surest first, with true ones, (faces, 15), each at most once, by the largest overlap."""
    truth = [(left, top, left + width, top + height) for left, top, width, height in faces[:, 1:5].tolist()]
    scores, false, off = [0.0] * len(truth), [], []
    for face in found:
        overlaps = [overlap(face.box, box) if not scores[i] else 0.0 for i, box in enumerate(truth)]
        best = int(np.argmax(overlaps)) if overlaps else -1
        if best >= 0 and overlaps[best] >= MATCH:
            scores[best] = face.score
            if face.landmarks:
                points = np.array(face.landmarks) - faces[best, 5:].reshape(5, 2)
                off.append(float(np.linalg.norm(points, axis=1).mean() / np.sqrt(faces[best, 3] * faces[best, 4])))
        else:
            false.append((face.score, scale * face.area**0.5))
    sizes = tuple(float(size) for size in scale * np.sqrt(faces[:, 3] * faces[:, 4]))
    return Found(sizes, tuple(scores), tuple(false), tuple(off))


def recall(found: Iterable[Found], smallest: float, largest: float = float("inf"), threshold: float = 0.0) -> float:
    """Return the share of the faces of these sizes that are found with a score of at least `threshold`."""
    scores = [
        score
        for photo in found
        for size, score in zip(photo.sizes, photo.scores, strict=True)
        if smallest <= size < largest
    ]
    return float(np.mean([score > 0 and score >= threshold for score in scores])) if scores else float("nan")


def false_per_photo(found: Sequence[Found], smallest: float, threshold: float = 0.0) -> float:
    """Return how many boxes of at least this size in a photo match no face."""
    return sum(score >= threshold and size >= smallest for photo in found for score, size in photo.false) / len(found)


def threshold_for(found: Sequence[Found], smallest: float, allowed: float) -> float:
    """Return the least threshold with at most `allowed` false boxes of at least this size per photo."""
    scores = sorted((score for photo in found for score, size in photo.false if size >= smallest), reverse=True)
    count = int(allowed * len(found))
    return float(np.nextafter(scores[count], 1)) if count < len(scores) else 0.0


def tilted(photo: Photo, degrees: float) -> tuple[Pixels, Float32]:
    """Return a photo turned about its middle, nothing of it lost, and its faces, (faces, 15)."""
    picture = photo.read()
    height, width = picture.shape[:2]
    matrix = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0), np.float64)
    around = np.abs(matrix[:, :2]) @ (width, height)
    matrix[:, 2] += (around - (width, height)) / 2
    new_width, new_height = np.ceil(around).astype(int).tolist()
    shade = picture.mean(axis=(0, 1)).tolist()
    turned = cv2.warpAffine(picture, matrix, (new_width, new_height), borderValue=shade)
    faces = moved(photo.faces, matrix, new_width, new_height, mirrored=False)
    faces[:, 1:3] -= faces[:, 3:5] / 2
    return np.asarray(turned, np.uint8), faces


def darker(picture: Pixels) -> Pixels:
    """Return a picture with a fifth of its light."""
    return np.asarray(cv2.convertScaleAbs(picture, alpha=0.2), np.uint8)


def blurred(picture: Pixels) -> Pixels:
    """Return a picture out of focus: a Gaussian of 1 % of the longer side."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), max(picture.shape[:2]) * 0.01), np.uint8)


def backlit(picture: Pixels) -> Pixels:
    """Return a picture that is lit from one side: a tenth of the light at the other."""
    ramp = np.linspace(0.1, 1.0, picture.shape[1], dtype=np.float32)[None, :, None]
    return np.asarray(picture * ramp, np.uint8)
