"""Frames at an even pace, whatever the camera says about its rate."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge_emo.live.wire import Packet


@dataclass
class Pace:
    """Lets up to `fps` frames a second through, none before the one before has ended."""

    fps: float
    _due_s: float = 0.0
    _end_s: float = 0.0

    def __call__(self, packet: Packet) -> Packet | None:
        """Return a frame of a camera with its time, None for one that comes too soon."""
        length_s = 1 / self.fps
        if packet.start_s < self._due_s - length_s / 2:  # cameras are not that even
            return None
        self._due_s = max(self._due_s, packet.start_s - length_s / 2) + length_s
        start_s = max(packet.start_s, self._end_s)
        self._end_s = start_s + length_s
        return replace(packet, start_s=start_s, end_s=self._end_s)
