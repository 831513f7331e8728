"""What was found, drawn onto the picture or film it was found in: boxes and labels of faces, and a panel of bars."""

from __future__ import annotations

import cv2

from edge_emo.core.emotions import EMOTIONS, UNCERTAIN
from edge_emo.core.timeline import FusionStep, Timeline
from edge_emo.face.detector import Box
from edge_emo.face.tracking import shared_area
from edge_emo.media.pictures import Pixels
from edge_emo.report.colors import COLORS, Color
from edge_emo.report.scenes import Label, Scenes

Panel = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels."""

WIDTH, HEIGHT, LARGEST_SHARE = 175, 150, 0.45
"""Of the panel of bars in a picture of 640 pixels, and how much of a smaller picture's sides it may take."""

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)


class Annotation:
    """What is drawn onto a still, or onto each frame of a film; the panel stays where it is in the first of them."""

    def __init__(self, timeline: Timeline) -> None:
        self._scenes = Scenes(timeline)
        self._boxes = [reading.box for reading in timeline.readings if reading.box]
        self._panel: Panel | None = None

    def __call__(self, time_s: float, picture: Pixels) -> None:
        """Draw what holds at a time onto an RGB picture, uint8 of shape (height, width, 3), in place."""
        scene = self._scenes.at(time_s)
        self._panel = self._panel or free_corner(picture.shape, self._boxes)
        if scene.step is not None:
            left, top, right, bottom = self._panel
            draw_bars(picture[top:bottom, left:right], scene.step, self._scenes.title)
        for label in scene.labels:
            draw_label(picture, label)


def free_corner(shape: tuple[int, ...], boxes: list[Box]) -> Panel:
    """Return the place of the panel in pictures of `shape`: the corner that the boxes cover least."""
    height, width = shape[:2]
    unit = min(_unit(shape), LARGEST_SHARE * width / WIDTH, LARGEST_SHARE * height / HEIGHT)
    across, down = max(1, round(WIDTH * unit)), max(1, round(HEIGHT * unit))
    panels = [(x, y, x + across, y + down) for y in (0, height - down) for x in (0, width - across)]
    return min(panels, key=lambda panel: sum(shared_area(panel, box) for box in boxes))


def draw_label(picture: Pixels, label: Label) -> None:
    """Draw a box and what is written at it onto an RGB picture, in place."""
    unit = _unit(picture.shape)
    left, top, right, bottom = (round(value) for value in label.box)
    cv2.rectangle(picture, (left, top), (right, bottom), label.color, max(2, round(2 * unit)))
    place = left, top - round(4 * unit)
    _write(picture, label.text, place, unit, _BLACK, round(3 * unit))
    _write(picture, label.text, place, unit, label.color, max(1, round(unit)))


def draw_bars(panel: Pixels, step: FusionStep, title: str) -> None:
    """Draw the distribution of a step onto a panel, a part of an RGB picture, in place."""
    unit = panel.shape[1] / WIDTH
    line, width, thin = 15 * unit, 90 * unit, max(1, round(0.9 * unit))
    panel[:] = panel // 3
    _write(panel, title, (round(5 * unit), round(line)), 0.9 * unit, COLORS[UNCERTAIN], thin)
    for row, (name, share) in enumerate(zip(EMOTIONS, step.probabilities, strict=True), start=1):
        y = round(line * (row + 1.1))
        _write(panel, name, (round(5 * unit), y), 0.9 * unit, _WHITE, thin)
        start = (round(78 * unit), y - round(8 * unit))
        cv2.rectangle(panel, start, (start[0] + round(width * share), y), COLORS[name], -1)


def _write(picture: Pixels, text: str, place: tuple[int, int], unit: float, color: Color, thickness: int) -> None:
    x, y = place[0], max(place[1], round(12 * unit))
    cv2.putText(picture, text, (x, y), _FONT, 0.45 * unit, color, thickness, cv2.LINE_AA)


def _unit(shape: tuple[int, ...]) -> float:
    """Return the pixels of a picture for each of one whose longer side has 640, which all sizes are given for."""
    return max(0.6, max(shape[:2]) / 640)
