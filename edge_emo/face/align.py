"""From a face in a picture to the cut-out that a face network was trained on."""

from __future__ import annotations

from math import ceil, floor

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_emo.card import FacePreprocessing
from edge_emo.face.detector import Face, Pixels

Matrix = NDArray[np.float64]

_LEAST_SPREAD = 2.0
"""Pixels; landmarks closer together than this say nothing about where a face is turned to."""
_LARGEST_MISFIT = 0.17
"""Root mean square distance from their places, as a share of the cut-out; a profile has about 0.15."""


def cut_out(picture: Pixels, face: Face, spec: FacePreprocessing) -> Pixels:
    """Return the RGB cut-out of a face, uint8 of shape (spec.height, spec.width, 3).

    What lies beyond the picture repeats its edge.
    """
    matrix = placement(face, spec)
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if scale < 0.7:  # a warp alone would skip pixels of a large face
        picture, matrix = _shrunk(picture, matrix, scale, spec)
    warped = cv2.warpAffine(
        picture, matrix, (spec.width, spec.height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(warped, np.uint8)


def placement(face: Face, spec: FacePreprocessing) -> Matrix:
    """Return the similarity transform (2, 3) from pixel coordinates of the picture to those of the cut-out.

    With landmarks, the least-squares one (Umeyama 1991, IEEE Trans. Pattern Anal. Mach. Intell. 13(4)); without, or
    where they fit no face, a square around the box, upright.
    """
    size = np.array([spec.width, spec.height], np.float64)
    if face.landmarks and spec.points:
        source, target = np.array(face.landmarks, np.float64), np.array(spec.points) * size
        if np.isfinite(source).all() and np.ptp(source, axis=0).max() >= _LEAST_SPREAD:
            matrix = similarity(source, target)
            off = source @ matrix[:, :2].T + matrix[:, 2] - target
            if np.sqrt((off**2).sum(1).mean()) < _LARGEST_MISFIT * size.min():
                return matrix
    left, top, right, bottom = face.box
    side = max(right - left, bottom - top, 1.0) * (1 + 2 * spec.margin)
    scale = size.min() / side
    centre = np.array([left + right, top + bottom]) / 2
    return np.hstack([np.eye(2) * scale, (size / 2 - centre * scale)[:, None]])


def similarity(source: Matrix, target: Matrix) -> Matrix:
    """Return the turn, scale and shift (2, 3) that bring points (n, 2) closest to others, by least squares.

    In two dimensions and without mirroring, Umeyama's solution is a quotient of complex numbers.
    """
    a, b = source - source.mean(0), target - target.mean(0)
    x, y = a[:, 0] + 1j * a[:, 1], b[:, 0] + 1j * b[:, 1]
    factor = np.vdot(x, y) / np.vdot(x, x).real
    turn = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.hstack([turn, (target.mean(0) - turn @ source.mean(0))[:, None]])


def _shrunk(picture: Pixels, matrix: Matrix, scale: float, spec: FacePreprocessing) -> tuple[Pixels, Matrix]:
    """Return the part of the picture that is cut out, averaged down to about the cut-out's size, and the way there."""
    # plain numbers: arrays of four corners cost more than the resizing
    ((a, b, c), (d, e, f)), ((p, q), (r, s)) = matrix.tolist(), np.linalg.inv(matrix[:, :2]).tolist()
    corners = [(x - c, y - f) for x in (0, spec.width) for y in (0, spec.height)]
    left, right = _span([p * x + q * y for x, y in corners], picture.shape[1])
    top, bottom = _span([r * x + s * y for x, y in corners], picture.shape[0])
    width, height = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
    resized = cv2.resize(picture[top:bottom, left:right], (width, height), interpolation=cv2.INTER_AREA)
    # pixel centres: x in the part is (x' + 0.5) * step - 0.5
    step_x, step_y = (right - left) / width, (bottom - top) / height
    x, y = left + 0.5 * step_x - 0.5, top + 0.5 * step_y - 0.5
    moved = np.array(
        [[a * step_x, b * step_y, a * x + b * y + c], [d * step_x, e * step_y, d * x + e * y + f]], np.float64
    )
    return np.asarray(resized, np.uint8), moved


def _span(places: list[float], limit: int) -> tuple[int, int]:
    """Return the first pixel and the one after the last that cover these places, of the `limit` that there are."""
    low = min(max(floor(min(places)) - 1, 0), limit - 1)
    return low, min(max(ceil(max(places)) + 1, low + 1), limit)
