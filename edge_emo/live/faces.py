"""Which faces count: those that are near enough, look this way, and live.

A picture on a wall is found like a face, but does not move; who looks away shows the half of an expression.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from math import atan, degrees, hypot, isfinite, sqrt
from typing import Final, Literal

from edge_emo.face.detector import Detector, Face, Pixels
from edge_emo.face.tracking import overlap

View = Literal["ok", "nobody", "turned_away", "too_small", "still"]

LEAST_SIDE: Final = 32.0
"""Pixels of a face's side."""
MOST_TURNED: Final = 35.0
"""Degrees that a face may look to the side, up or down."""
STILL_S: Final = 10.0
"""A face that does not move for so long is a picture."""
NOISE: Final = (1.5, 0.01)
"""Pixels, and share of a face's side, by which a detector's points move on a picture that does not; measured with
noise of 8 of 255 levels. Out of what was still for long, twice as much is noise: there was time for rare values."""
REMEMBERED_S: Final = 3600.0
"""So long a picture is known by its place, when somebody hides it or the light goes out."""
_SAME_PLACE: Final = 0.6  # intersection over union

# places in a face of eyes, nose and mouth, in distances between the eyes; farther out is nearer to the camera
_NOSE_OUT: Final = 0.52
_NOSE_DOWN, _MOUTH_DOWN, _MOUTH_OUT = 0.62, 1.1, 0.12


def turned(face: Face) -> tuple[float, float]:
    """Return the degrees that a face is turned to the side and up or down, from its landmarks; (0, 0) without any.

    The nose stands out from the plane of the eyes by half of their distance, so that it moves against them as the
    tangent of the turn. A tilted head is no turn.
    """
    if not face.landmarks or not all(isfinite(x) and isfinite(y) for x, y in face.landmarks):
        return 0.0, 0.0
    right, left, nose, mouth_right, mouth_left = (complex(*point) for point in face.landmarks)
    eyes = left - right
    if abs(eyes) < 1e-6:
        return 90.0, 0.0
    # in coordinates of the face: x along the eyes, y down from their middle
    tip = (nose - (left + right) / 2) / eyes
    mouth = ((mouth_right + mouth_left) / 2 - (left + right) / 2) / eyes
    yaw = degrees(atan(tip.real / _NOSE_OUT))
    if mouth.imag <= 1e-6:
        return yaw, 90.0
    ratio = tip.imag / mouth.imag
    pitch = degrees(atan((ratio * _MOUTH_DOWN - _NOSE_DOWN) / (_NOSE_OUT - ratio * _MOUTH_OUT)))
    return yaw, pitch


@dataclass
class _Place:
    """A face where it was found first, and when it last was elsewhere, or not as it is."""

    face: Face
    since_s: float
    seen_s: float
    is_still: bool = False
    has_moved: bool = False


class Stillness:
    """Tells pictures of faces from faces, by what moved within ten seconds."""

    def __init__(self) -> None:
        self.stilled_s = -math.inf  # when one that was seen before turned out to be a picture
        self._places: list[_Place] = []

    def push(self, faces: Sequence[Face], time_s: float) -> list[_Place]:
        """Return the place of each face of a frame at `time_s`."""
        keep_s = {True: REMEMBERED_S, False: 2 * STILL_S}
        self._places = [place for place in self._places if time_s - place.seen_s <= keep_s[place.is_still]]
        found = []
        for face in faces:
            place = max(self._places, key=lambda place: overlap(place.face.box, face.box), default=None)
            if place is None or overlap(place.face.box, face.box) < _SAME_PLACE:
                place = _Place(face, time_s, time_s)
                self._places.append(place)
            elif _distance(place.face, face) > (2 if place.is_still else 1) * (NOISE[0] + NOISE[1] * sqrt(face.area)):
                place.face, place.since_s, place.is_still, place.has_moved = face, time_s, False, True
            place.seen_s = time_s
            if not place.is_still and time_s - place.since_s >= STILL_S:
                place.is_still, self.stilled_s = True, time_s
            found.append(place)
        return found


def _distance(before: Face, after: Face) -> float:
    """Return the pixels by which the corner or landmark that moved most has moved."""
    corners = [(before.box[:2], after.box[:2]), (before.box[2:], after.box[2:])]
    points = zip(before.landmarks or (), after.landmarks or (), strict=False)
    return max(hypot(a[0] - b[0], a[1] - b[1]) for a, b in (*corners, *points))


class FaceGate:
    """A detector that finds only faces that count, and none at all while it is `closed`.

    `view` says why the last frame had none; `n_faces` counts all that were found in it. `is_alive` tells that one of
    those that count was seen to move.
    """

    def __init__(self, detector: Detector) -> None:
        self.view: View = "nobody"
        self.n_faces = 0
        self.is_alive = self.is_closed = False
        self.time_s = 0.0
        self._detector, self._stillness = detector, Stillness()
        self._last: tuple[Pixels, list[Face]] | None = None

    @property
    def stilled_s(self) -> float:
        """When a face that was seen for a while turned out to be a picture."""
        return self._stillness.stilled_s

    @property
    def name(self) -> str:
        """That of the detector."""
        return self._detector.name

    def detect(self, picture: Pixels) -> list[Face]:
        """Return the faces of an RGB picture, taken at `time_s`, that count."""
        if self.is_closed:
            return []
        if self._last is None or self._last[0] is not picture:
            self._last = picture, self._counting(self._detector.detect(picture))
        return self._last[1]

    def _counting(self, faces: Sequence[Face]) -> list[Face]:
        places = self._stillness.push(faces, self.time_s)
        views = [self._view(face, place.is_still) for face, place in zip(faces, places, strict=True)]
        self.n_faces = len(faces)
        self.is_alive = any(place.has_moved for place, view in zip(places, views, strict=True) if view == "ok")
        self.view = "ok" if "ok" in views else next(iter(views), "nobody")
        return [face for face, view in zip(faces, views, strict=True) if view == "ok"]

    def _view(self, face: Face, is_still: bool) -> View:
        if min(face.box[2] - face.box[0], face.box[3] - face.box[1]) < LEAST_SIDE:
            return "too_small"
        if max(map(abs, turned(face))) > MOST_TURNED:
            return "turned_away"
        return "still" if is_still else "ok"
