"""Sound on the service's clock: a device counts its samples, which tells time well for minutes and badly for days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge_emo.live.wire import Packet

WINDOW_S: Final = 10.0
MOST_OFF_S: Final = 0.5
"""Sound that was never earlier, or once was later, than by so much within the window, is on another clock."""


@dataclass
class SoundClock:
    """Gives the time of each block: as the device counts, moved where that has drifted or sound was lost."""

    _shift_s: float = 0.0
    _since_s: float | None = None
    _least_late_s: float = 0.0

    def __call__(self, packet: Packet, now_s: float) -> float:
        """Return when a block began, which came at `now_s`."""
        late_s = now_s - packet.end_s - self._shift_s
        if self._since_s is None or now_s - self._since_s >= WINDOW_S:
            if self._since_s is not None and abs(self._least_late_s) > MOST_OFF_S:
                self._shift_s += self._least_late_s
                late_s -= self._least_late_s
            self._since_s, self._least_late_s = now_s, late_s
        self._least_late_s = min(self._least_late_s, late_s)
        return packet.start_s + self._shift_s
