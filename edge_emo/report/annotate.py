"""What was found, drawn onto the picture or film it was found in: boxes, labels and bars.

Bars and the label of the main face are the same: the distribution of that time, of what the panel's title names, in a
film smoothed. The labels of other faces, which have no bars, are those of the frame alone, and say so in a film.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import cv2

from edge_emo.core.emotions import EMOTIONS, UNCERTAIN
from edge_emo.core.timeline import FusionStep, Reading, Segment, Timeline, decide
from edge_emo.face.detector import Box
from edge_emo.face.tracking import shared_area
from edge_emo.media.pictures import Pixels
from edge_emo.report.colors import COLORS, Color

Part = TypeVar("Part", FusionStep, Segment)

_FONT = cv2.FONT_HERSHEY_SIMPLEX
WIDTH, HEIGHT, LARGEST_SHARE = 175, 150, 0.45
"""Of the panel of bars in a picture of 640 pixels, and how much of a smaller picture's sides it may take."""


class Annotation:
    """What is drawn onto a still, or onto each frame of a film; the panel stays where it is in the first of them."""

    def __init__(self, timeline: Timeline) -> None:
        self._shown = Shown(timeline)
        self._layout: Layout | None = None

    def __call__(self, time_s: float, picture: Pixels) -> None:
        """Draw what holds at a time onto an RGB picture, uint8 of shape (height, width, 3), in place."""
        self._layout = self._layout or Layout.of(self._shown.timeline, picture.shape)
        draw(picture, self._shown.at(time_s), self._layout)


@dataclass(frozen=True)
class Layout:
    """Where the panel of bars stands in a picture (left, top, right, bottom), its title, and how faces are labelled.

    `is_numbered` tells that there are several people, `is_film` that a frame alone is not what is smoothed.
    """

    panel: tuple[int, int, int, int]
    title: str
    is_numbered: bool
    is_film: bool

    @staticmethod
    def of(timeline: Timeline, shape: tuple[int, ...]) -> Layout:
        """Return the layout for pictures of `shape`: the panel in the corner that the faces cover least."""
        height, width = shape[:2]
        unit = min(_unit(shape), LARGEST_SHARE * width / WIDTH, LARGEST_SHARE * height / HEIGHT)
        across, down = max(1, round(WIDTH * unit)), max(1, round(HEIGHT * unit))
        panels = [(x, y, x + across, y + down) for y in (0, height - down) for x in (0, width - across)]
        boxes = [reading.box for reading in timeline.readings if reading.box]
        best = min(panels, key=lambda panel: sum(shared_area(panel, box) for box in boxes))
        title = " and ".join(timeline.by_modality)
        is_film = timeline.duration_s > 0
        return Layout(best, f"{title}, smoothed" if is_film else title, len(timeline.people) > 1, is_film)


@dataclass(frozen=True)
class Label:
    """The box of a face and what is written at it: the most likely emotion, in its colour where it is sure enough."""

    box: Box
    text: str
    color: Color


@dataclass(frozen=True)
class Scene:
    """What is drawn onto a frame: the faces that were last read, the step, and whether that is sure of an emotion."""

    faces: Sequence[Reading]
    step: FusionStep | None
    is_sure: bool

    def labels(self, layout: Layout) -> Iterator[Label]:
        """Yield the label of each face: of the main one what the bars show, of others what was read in the frame."""
        for face in self.faces:
            if face.box is None:
                continue
            is_bars = face.is_main and self.step is not None
            probabilities = self.step.probabilities if self.step and is_bars else face.probabilities
            is_sure = self.is_sure if is_bars else face.reason is None
            share, emotion = max(probabilities), decide(probabilities, 0.0)[0]
            text = f"{emotion} {share:.0%}" if is_sure else f"{emotion}?"
            if layout.is_numbered and face.person is not None:
                text = f"{face.person}: {text}"
            if layout.is_film and not is_bars:
                text = f"{text} (this frame)"
            yield Label(face.box, text, COLORS[emotion if is_sure else UNCERTAIN])


def draw(picture: Pixels, scene: Scene, layout: Layout) -> None:
    """Draw the bars of a step, and boxes with the emotions of faces, onto an RGB picture, in place."""
    unit = _unit(picture.shape)
    if scene.step is not None:
        left, top, right, bottom = layout.panel
        _bars(picture[top:bottom, left:right], scene.step, layout.title)
    for label in scene.labels(layout):
        left, top, right, bottom = (round(value) for value in label.box)
        cv2.rectangle(picture, (left, top), (right, bottom), label.color, max(2, round(2 * unit)))
        _text(picture, label.text, (left, top - round(4 * unit)), unit, label.color)


def _unit(shape: tuple[int, ...]) -> float:
    return max(0.6, max(shape[:2]) / 640)


def _bars(panel: Pixels, step: FusionStep, title: str) -> None:
    unit = panel.shape[1] / WIDTH
    line, width = 15 * unit, 90 * unit
    panel[:] = panel // 3
    _text(panel, title, (round(5 * unit), round(line)), unit * 0.9, COLORS[UNCERTAIN], edge=False)
    for row, (name, share) in enumerate(zip(EMOTIONS, step.probabilities, strict=True), start=1):
        y = round(line * (row + 1.1))
        _text(panel, name, (round(5 * unit), y), unit * 0.9, (255, 255, 255), edge=False)
        start = (round(78 * unit), y - round(8 * unit))
        cv2.rectangle(panel, start, (start[0] + round(width * share), y), COLORS[name], -1)


def _text(picture: Pixels, text: str, place: tuple[int, int], unit: float, color: Color, *, edge: bool = True) -> None:
    place = (place[0], max(place[1], round(12 * unit)))
    if edge:
        cv2.putText(picture, text, place, _FONT, 0.45 * unit, (0, 0, 0), round(3 * unit), cv2.LINE_AA)
    cv2.putText(picture, text, place, _FONT, 0.45 * unit, color, max(1, round(unit)), cv2.LINE_AA)


class Shown:
    """What holds at a time: the faces that were last read, the step, and the segment it is in."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self._faces = [reading for reading in timeline.readings if reading.box]
        self._starts = [reading.start_s for reading in self._faces]
        self._longest_s = max((reading.duration_s for reading in self._faces), default=0.0)
        self._step_starts = [step.start_s for step in timeline.steps]
        self._segment_starts = [segment.start_s for segment in timeline.segments]

    def at(self, time_s: float) -> Scene:
        """Return what is drawn onto the frame of a time."""
        segment = _holding(self.timeline.segments, self._segment_starts, time_s)
        is_sure = segment is not None and segment.emotion != UNCERTAIN
        return Scene(self.faces(time_s), self.step(time_s), is_sure)

    def faces(self, time_s: float) -> list[Reading]:
        """Return the readings that last until after `time_s`."""
        first = bisect.bisect_left(self._starts, time_s - self._longest_s)
        last = bisect.bisect_right(self._starts, time_s)
        return [reading for reading in self._faces[first:last] if _lasts(reading, time_s)]

    def step(self, time_s: float) -> FusionStep | None:
        """Return the step that `time_s` lies in, if something was found then."""
        return _holding(self.timeline.steps, self._step_starts, time_s)


def _holding(parts: Sequence[Part], starts: Sequence[float], time_s: float) -> Part | None:
    """Return the part of a timeline that a time lies in, None where it lies in none."""
    place = bisect.bisect_right(starts, time_s) - 1
    return parts[place] if place >= 0 and _lasts(parts[place], time_s) else None


def _lasts(part: Reading | FusionStep | Segment, time_s: float) -> bool:
    return time_s < part.end_s or part.start_s == part.end_s  # of a still
