"""Which face of a frame is which of the frame before, and which of them counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import hypot, sqrt

from edge_emo.face.detector import Box, Face

MIN_OVERLAP = 0.2
"""Intersection over union from which on two boxes may be of the same person."""
NEAR, USUAL_GAP_S = 0.6, 0.2
"""Distance of centres, in sides of the box, up to which boxes that no longer overlap enough may be of the same person
where sizes agree: at a few frames a second people move. It grows with the square root of longer gaps."""
MAX_GAP_S = 1.5
"""A person who is not seen in frames over longer comes back as another one."""
LOYALTY = 1.5
"""By what factor another person has to count more than the main one to become it."""


@dataclass
class Track:
    """A person who is followed: number, last face, when first and last seen, and the seconds in which seen."""

    person: int
    face: Face
    first_s: float
    last_s: float
    seen_s: float = 0.0


@dataclass
class Tracker:
    """Follows faces from frame to frame and chooses the main one; it looks at the past alone."""

    _tracks: list[Track] = field(default_factory=list)
    _n_people: int = 0
    _main: int | None = None
    _time_s: float = 0.0

    def cut(self) -> None:
        """Take nobody who comes for somebody who was seen: where a face is says nothing across a cut, or black."""
        self._tracks, self._main = [], None

    def follow(self, faces: Sequence[Face], time_s: float, shape: tuple[int, int]) -> list[tuple[int, bool]]:
        """Return for each face of a frame at `time_s` its person, and whether it is the main one of the frame.

        `shape` is the frame's height and width in pixels.
        """
        self._tracks = [track for track in self._tracks if self._time_s - track.last_s <= MAX_GAP_S]
        self._time_s = time_s
        people: dict[int, Track] = {}
        for _, number, track in sorted(self._pairs(faces), key=lambda pair: -pair[0]):
            if number not in people and track not in people.values():
                people[number] = track
        for number, face in enumerate(faces):
            if number not in people:
                people[number] = Track(self._n_people, face, time_s, time_s)
                self._n_people += 1
                self._tracks.append(people[number])
            track = people[number]
            track.seen_s += time_s - track.last_s
            track.face, track.last_s = face, time_s
        self._choose_main(list(people.values()), shape)
        return [(people[i].person, people[i].person == self._main) for i in range(len(faces))]

    def _pairs(self, faces: Sequence[Face]) -> list[tuple[float, int, Track]]:
        found = []
        for number, face in enumerate(faces):
            for track in self._tracks:
                likeness = overlap(face.box, track.face.box)
                if likeness < MIN_OVERLAP:
                    gap = max(1.0, (self._time_s - track.last_s) / USUAL_GAP_S)
                    likeness = _nearness(face, track.face, NEAR * sqrt(gap)) * MIN_OVERLAP
                if likeness > 0:
                    found.append((likeness, number, track))
        return found

    def _choose_main(self, present: Sequence[Track], shape: tuple[int, int]) -> None:
        if not present:
            return
        counts = {track.person: _prominence(track, shape) for track in present}
        if self._main in counts:
            counts[self._main] *= LOYALTY
        self._main = max(counts, key=lambda person: (counts[person], -person))


def overlap(a: Box, b: Box) -> float:
    """Return the intersection over union of two boxes, 0 to 1."""
    shared = shared_area(a, b)
    if shared == 0:
        return 0.0
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return shared / (areas - shared)


def shared_area(a: Box, b: Box) -> float:
    """Return the area of what two boxes share."""
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def _nearness(a: Face, b: Face, limit: float) -> float:
    """Return 1 for the same centre, falling to 0 at `limit` sides or where sizes differ by more than half."""
    larger, smaller = max(a.area, b.area), min(a.area, b.area)
    if smaller <= 0 or larger / smaller > 2.25:
        return 0.0
    away = _distance(_center(a), _center(b)) / sqrt(larger)
    return max(0.0, 1 - away / limit)


def _prominence(track: Track, shape: tuple[int, int]) -> float:
    """How much a face counts: its share of the frame, more in the middle, more when seen for long."""
    height, width = shape
    middle = _distance(_center(track.face), (width / 2, height / 2)) / hypot(width / 2, height / 2)
    return track.face.area / (width * height) * (1.5 - middle) * (1 + min(track.seen_s, 10.0) / 10)


def _center(face: Face) -> tuple[float, float]:
    return (face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2


def _distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    return hypot(a[0] - b[0], a[1] - b[1])
