"""From a face in a picture to the cut-out that a face network was trained on."""

from __future__ import annotations

from cmath import isfinite
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_emo.face.detector import Face, Pixels
from edge_emo.models.schema import FacePreprocessing

Matrix = NDArray[np.float64]

_LEAST_SPREAD = 2.0
"""Pixels; landmarks closer together than this say nothing about where a face is turned to."""
_LARGEST_MISFIT = 0.17
"""Root mean square distance from their places, as a share of the cut-out; a profile has about 0.15."""


@dataclass(frozen=True)
class Similarity:
    """A turn, a scale and a shift: the point x + iy comes to `factor` * (x + iy) + `shift`.

    Numbers in place of arrays: for five points these cost more than resizing the face.
    """

    factor: complex
    shift: complex

    def __call__(self, point: complex) -> complex:
        """Return where a point comes to."""
        return self.factor * point + self.shift

    @property
    def matrix(self) -> Matrix:
        """The same as a matrix (2, 3)."""
        turn, shift = self.factor, self.shift
        return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def cut_out(picture: Pixels, face: Face, spec: FacePreprocessing) -> Pixels:
    """Return the RGB cut-out of a face, uint8 of shape (spec.height, spec.width, 3).

    What lies beyond the picture repeats its edge.
    """
    place = placement(face, spec)
    matrix = place.matrix
    step = round(1 / abs(place.factor))
    if step > 1:  # a warp alone would skip pixels of a large face
        picture, matrix = _shrunk(picture, place, spec, step)
    warped = cv2.warpAffine(
        picture, matrix, (spec.width, spec.height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(warped, np.uint8)


def placement(face: Face, spec: FacePreprocessing) -> Similarity:
    """Return the way from pixel coordinates of the picture to those of the cut-out.

    With landmarks, the least-squares one; without, or where they fit no face, a square around the box, upright.
    """
    size = min(spec.width, spec.height)
    if face.landmarks and spec.points:
        source = [complex(x, y) for x, y in face.landmarks]
        target = [complex(x * spec.width, y * spec.height) for x, y in spec.points]
        if all(map(isfinite, source)) and _spread(source) >= _LEAST_SPREAD:
            found = similarity(source, target)
            off = [abs(found(point) - place) ** 2 for point, place in zip(source, target, strict=True)]
            if (sum(off) / len(off)) ** 0.5 < _LARGEST_MISFIT * size:
                return found
    left, top, right, bottom = face.box
    scale = size / (max(right - left, bottom - top, 1.0) * (1 + 2 * spec.margin))
    center = complex(left + right, top + bottom) / 2
    return Similarity(complex(scale), complex(spec.width, spec.height) / 2 - center * scale)


def similarity(source: Sequence[complex], target: Sequence[complex]) -> Similarity:
    """Return the way that brings points x + iy closest to others, by least squares.

    In two dimensions and without mirroring, the solution of Umeyama (1991, IEEE Trans. Pattern Anal. Mach. Intell.
    13(4)) is a quotient of complex numbers.
    """
    n = len(source)
    middle, aim = sum(source) / n, sum(target) / n
    pairs = [(a - middle, b - aim) for a, b in zip(source, target, strict=True)]
    factor = sum(a.conjugate() * b for a, b in pairs) / sum(abs(a) ** 2 for a, _ in pairs)
    return Similarity(factor, aim - factor * middle)


def _spread(points: Sequence[complex]) -> float:
    x, y = [point.real for point in points], [point.imag for point in points]
    return max(max(x) - min(x), max(y) - min(y))


def _shrunk(picture: Pixels, place: Similarity, spec: FacePreprocessing, step: int) -> tuple[Pixels, Matrix]:
    """Return the part of the picture that is cut out, `step` pixels averaged to one, and the way from it.

    OpenCV averages whole pixels in a quarter of the time that parts of pixels take.
    """
    corners = [(complex(x, y) - place.shift) / place.factor for x in (0, spec.width) for y in (0, spec.height)]
    left, right = _span([corner.real for corner in corners], picture.shape[1], step)
    top, bottom = _span([corner.imag for corner in corners], picture.shape[0], step)
    width, height = ceil((right - left) / step), ceil((bottom - top) / step)
    resized = cv2.resize(picture[top:bottom, left:right], (width, height), interpolation=cv2.INTER_AREA)
    # pixel centres: x in the part is (x' + 0.5) * step - 0.5
    step_x, step_y = (right - left) / width, (bottom - top) / height
    moved = Similarity(place.factor, place(complex(left + 0.5 * step_x - 0.5, top + 0.5 * step_y - 0.5))).matrix
    moved[:, 0] *= step_x
    moved[:, 1] *= step_y
    return np.asarray(resized, np.uint8), moved


def _span(places: list[float], limit: int, step: int) -> tuple[int, int]:
    """Return the first pixel and the one after the last that cover these places, of the `limit` that there are.

    Whole steps lie between them, but where the picture ends before.
    """
    low = min(max(floor(min(places)) - 1, 0), limit - 1)
    steps = max(ceil((max(places) + 1 - low) / step), 1)
    return low, min(low + steps * step, limit)
