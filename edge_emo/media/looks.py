"""Which frames of a film are looked at, and which of its packets need not be decoded for them."""

from __future__ import annotations

from typing import Any

_NEAR_S = 1e-4  # stamps are rounded
_SLOTS = 64  # that are remembered; decoders reorder no more than 16 frames


class Looks:
    """The looks at a film: at the first frame of each interval of 1 / `fps` seconds."""

    def __init__(self, fps: float) -> None:
        self.fps = fps
        self._last = -1

    def interval(self, time_s: float) -> int:
        """Return the number of the interval that a time lies in."""
        return int((time_s + _NEAR_S) * self.fps)

    def is_due(self, time_s: float) -> bool:
        """Return whether a frame is looked at; frames are asked for in order of time, each once."""
        interval = self.interval(time_s)
        is_due, self._last = interval > self._last, max(interval, self._last)
        return is_due


class Skipping:
    """Lets the decoder of a PyAV stream leave out frames that nobody looks at and no other frame is made from.

    About half of the frames of H.264 and H.265 are such, where they are reordered. Frames that are looked at are the
    same without them. `stop` has all decoded from then on, as where damage is met. `until_s` is when the last of those
    left out is shown.
    """

    def __init__(self, stream: Any, looks: Looks) -> None:
        self._codec, self._looks = stream.codec_context, looks
        # of an AVI, places in the order of frames are all that tells their times
        self._is_on = stream.container.format.name != "avi" and _says_what_is_needed(self._codec)
        self.until_s = 0.0
        self._from_s: float | None = None  # the first frame that others do not lead to
        self._first_s: dict[int, float] = {}  # of the frames of each interval, by what was met

    def stop(self) -> None:
        """Have all packets decoded from now on."""
        self._is_on = False
        self._codec.skip_frame = "DEFAULT"

    def meet(self, packet: Any) -> None:
        """Set the decoder for the next packet."""
        if not self._is_on:
            return
        time_s = None if packet.pts is None or not packet.size else float(packet.pts * packet.time_base)
        if time_s is not None and self._is_superfluous(time_s, packet):
            self._codec.skip_frame = "NONREF"
            self.until_s = max(self.until_s, time_s)
        else:
            self._codec.skip_frame = "DEFAULT"

    def _is_superfluous(self, time_s: float, packet: Any) -> bool:
        """Return whether an earlier frame of the same interval was met, which will be looked at instead."""
        if self._from_s is None and packet.is_keyframe:
            self._from_s = max(0.0, time_s)
        if self._from_s is None or time_s < self._from_s or packet.is_corrupt:
            return False
        interval = self._looks.interval(time_s)
        first_s = self._first_s.get(interval)
        if first_s is not None and first_s < time_s:
            return True
        self._first_s[interval] = time_s
        if len(self._first_s) > _SLOTS:
            del self._first_s[next(iter(self._first_s))]
        return False


def _says_what_is_needed(codec: Any) -> bool:
    """Return whether frames state that no other is made from them, as in H.264, and in H.265 without temporal layers.

    With layers, only others of the same layer are not made from them.
    """
    if codec.name == "hevc":  # ISO/IEC 14496-15, 8.3.3.1.2: numTemporalLayers
        head = codec.extradata or b""
        return len(head) > 21 and head[0] == 1 and head[21] >> 3 & 7 == 1
    return bool(codec.name == "h264")
