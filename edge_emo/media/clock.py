"""The presentation clock of a film: seconds since the start of its earliest stream, for sound and picture alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from edge_emo.media.containers import packet_came

LONGEST_GAP_S = 3600.0
"""A longer one is no gap but a break: the stamps begin anew, or are damaged, and time goes on where it was."""
_BACK_S = 1.0  # stamps that go back by more are a break as well
_SAME_BREAK_S = 1.0  # streams whose stamps break together differ by less


class Clock:
    """Follows the time stamps of the streams of one film, and closes the breaks in them.

    `breaks` holds when each was met, on this clock, and by how much the stamps jumped, both in seconds.
    """

    def __init__(self) -> None:
        self.breaks: list[tuple[float, float]] = []
        self._shifts: dict[int, float] = {}
        self._last: dict[int, float] = {}
        self._ends: dict[int, float] = {}

    def shift_s(self, stream: int, time_s: float, duration_s: float = 0.0) -> float:
        """Return what to add to the next time stamp of a stream, given in order of decoding."""
        shift_s = self._shifts.get(stream, 0.0)
        reached_s = max(self._ends.values(), default=0.0)
        back_s = self._last.get(stream, -LONGEST_GAP_S) - _BACK_S
        if not back_s <= time_s + shift_s <= reached_s + LONGEST_GAP_S:
            expected_s = self._ends.get(stream, reached_s)
            known = [s for s in self._shifts.values() if abs(time_s + s - expected_s) < _SAME_BREAK_S]
            if not known:
                self.breaks.append((expected_s, time_s + shift_s - expected_s))
            shift_s = self._shifts[stream] = known[0] if known else expected_s - time_s
        self._last[stream] = time_s + shift_s
        self._ends[stream] = max(self._ends.get(stream, 0.0), time_s + shift_s + min(duration_s, LONGEST_GAP_S))
        return shift_s

    def warnings(self, name: str) -> list[str]:
        """Return the breaks in words."""
        if not self.breaks:
            return []
        at_s, jump_s = self.breaks[0]
        more = f", and {len(self.breaks) - 1} times more" if len(self.breaks) > 1 else ""
        return [f"{name}: its time stamps jump by {jump_s:+.0f} s at {at_s:.1f} s{more}; time was taken to go on there"]


class PacketClock(Clock):
    """The clock of a PyAV container; `start_s` is its earliest stamp."""

    def __init__(self, container: Any) -> None:
        super().__init__()
        start = container.start_time
        self._container = container
        self.start_s = start / 1e6 if start is not None and abs(start) < 1 << 62 else 0.0

    def packets(self) -> Iterator[Any]:
        """Yield the packets of all sound and pictures, with their stamps, and so their frames', on this clock.

        All are taken whichever are decoded, so that breaks are met alike for sound and picture.
        """
        for packet in self._container.demux([*picture_streams(self._container), *self._container.streams.audio]):
            packet_came(self._container)
            self._set(packet, packet.stream.index, float(packet.time_base or 1))
            yield packet

    def _set(self, packet: Any, stream: int, tick_s: float) -> None:
        shown_s = None if packet.pts is None else packet.pts * tick_s - self.start_s
        if packet.dts is not None:
            decoded_s = packet.dts * tick_s - self.start_s
            decoded_s += self.shift_s(stream, decoded_s, (packet.duration or 0) * tick_s)
            packet.dts = round(decoded_s / tick_s)
        else:  # as in some before the first frame that others depend on
            decoded_s = max(self._ends.values(), default=0.0)
        if shown_s is not None:
            # among frames that are reordered, some may be shown after a break that decoding has not come to
            shifts = [self._shifts.get(stream, 0.0), 0.0, *self._shifts.values()]
            near = (shown_s + shift_s for shift_s in shifts if abs(shown_s + shift_s - decoded_s) < LONGEST_GAP_S)
            on_clock_s = next(near, None)  # where there is none, the stamp is damaged
            packet.pts = packet.dts if on_clock_s is None else round(on_clock_s / tick_s)


def picture_streams(container: Any) -> list[Any]:
    """Return the streams of a PyAV container that hold moving pictures; the cover of a song is none."""
    import av

    cover = av.stream.Disposition.attached_pic
    return [stream for stream in container.streams.video if not stream.disposition & cover]
