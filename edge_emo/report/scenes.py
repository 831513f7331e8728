"""What of a timeline is shown at a time of its source: the step, and a label at each face.

The step and the label of the main face are the same: the distribution of that time, of what `Scenes.title` names, in a
film smoothed. The labels of other faces are those of the frame alone, and say so in a film.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from edge_emo.core.emotions import UNCERTAIN
from edge_emo.core.timeline import FusionStep, Reading, Segment, Timeline, decide
from edge_emo.face.detector import Box
from edge_emo.report.colors import COLORS, Color

Part = TypeVar("Part", FusionStep, Segment)


@dataclass(frozen=True)
class Label:
    """The box of a face and what is written at it: the most likely emotion, in its colour where it is sure enough."""

    box: Box
    text: str
    color: Color


@dataclass(frozen=True)
class Scene:
    """What is shown at a time: the step, None where nothing was found, and the labels of the faces."""

    step: FusionStep | None
    labels: tuple[Label, ...]


class Scenes:
    """What of a timeline is shown at any time; `title` says whose distribution it is."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._is_film, self._is_crowd = timeline.duration_s > 0, len(timeline.people) > 1
        names = " and ".join(timeline.by_modality)
        self.title = f"{names}, smoothed" if self._is_film else names
        self._faces = [reading for reading in timeline.readings if reading.box is not None]
        self._starts = [reading.start_s for reading in self._faces]
        self._longest_s = max((reading.duration_s for reading in self._faces), default=0.0)
        self._step_starts = [step.start_s for step in timeline.steps]
        self._segment_starts = [segment.start_s for segment in timeline.segments]

    def at(self, time_s: float) -> Scene:
        """Return what is shown at a time."""
        step = _holding(self._timeline.steps, self._step_starts, time_s)
        segment = _holding(self._timeline.segments, self._segment_starts, time_s)
        is_sure = segment is not None and segment.emotion != UNCERTAIN
        return Scene(step, tuple(self._label(face, step, is_sure) for face in self.faces(time_s)))

    def faces(self, time_s: float) -> list[Reading]:
        """Return the readings of faces that last until after a time."""
        first = bisect.bisect_left(self._starts, time_s - self._longest_s)
        last = bisect.bisect_right(self._starts, time_s)
        return [reading for reading in self._faces[first:last] if _lasts(reading, time_s)]

    def _label(self, face: Reading, step: FusionStep | None, is_sure: bool) -> Label:
        probabilities, note = face.probabilities, " (this frame)" if self._is_film else ""
        if face.is_main and step is not None:
            probabilities, note = step.probabilities, ""
        else:
            is_sure = face.reason is None
        emotion, share = decide(probabilities, 0.0)[0], max(probabilities)
        number = f"{face.person}: " if self._is_crowd and face.person is not None else ""
        text = f"{number}{emotion} {share:.0%}{note}" if is_sure else f"{number}{emotion}?{note}"
        assert face.box is not None
        return Label(face.box, text, COLORS[emotion if is_sure else UNCERTAIN])


def _holding(parts: Sequence[Part], starts: Sequence[float], time_s: float) -> Part | None:
    """Return the part of a timeline that a time lies in, None where it lies in none."""
    place = bisect.bisect_right(starts, time_s) - 1
    return parts[place] if place >= 0 and _lasts(parts[place], time_s) else None


def _lasts(part: Reading | FusionStep | Segment, time_s: float) -> bool:
    return time_s < part.end_s or part.start_s == part.end_s  # of a still
