"""The segments of a visit while it goes on, the same as those of a film of it.

What is smoothed both ways depends on all that comes, but less than a thousandth on what comes ten seconds later. So a
segment is told once it ended so long ago, and what lies long before it is forgotten.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

from edge_emo.analysis.fusion import Fusion, segments
from edge_emo.core.timeline import Reading, Segment

REACH_S: Final = 10.0
"""So far apart, two readings have nothing to do with each other: e to the -13, and utterances are no longer."""
_EVERY_S: Final = 5.0


class Segmenter:
    """Takes final readings in any order and tells each segment once, in order of time."""

    def __init__(self, thresholds: Mapping[str, float]) -> None:
        self._thresholds = dict(thresholds)
        self._readings: list[Reading] = []
        self._cuts: list[float] = []
        self._told_s = -math.inf  # segments that begin before were told
        self._looked_s = -math.inf

    def push(self, readings: Iterable[Reading], cuts: Iterable[float] = ()) -> None:
        """Take final readings, and when the picture was cut."""
        self._readings += [reading for reading in readings if reading.is_main]
        self._cuts += cuts

    def segments(self, settled_s: float) -> list[Segment]:
        """Return the segments that nothing can change any more if all before `settled_s` was pushed."""
        if settled_s - self._looked_s < _EVERY_S and settled_s < math.inf:
            return []
        self._looked_s = settled_s
        found = self._found(is_over=settled_s == math.inf)
        # the last one may go on, unless nothing was found for long after it
        done = [segment for segment in found if segment.end_s <= settled_s - REACH_S]
        if done:
            is_open = len(done) < len(found) and found[len(done)].start_s == done[-1].end_s
            self._told_s = found[len(done)].start_s if is_open else done[-1].end_s
            self.forget(done[-1].end_s - 2 * REACH_S)
        return done

    def forget(self, before_s: float) -> None:
        """Let go of what was found before."""
        self._readings = [reading for reading in self._readings if reading.end_s >= before_s]
        self._cuts = [cut for cut in self._cuts if cut >= before_s]

    def _found(self, *, is_over: bool) -> list[Segment]:
        fusion = Fusion(self._thresholds)
        fusion.push(self._readings, self._cuts)
        steps = [step for step in fusion.steps(is_over=is_over) if step.start_s >= self._told_s]
        return list(segments(steps, min(self._thresholds.values()), self._cuts))
