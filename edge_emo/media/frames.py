"""The packets of a film's picture decoded to frames, and frames turned to upright RGB pictures."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from edge_emo.core.errors import MediaError
from edge_emo.media.clock import picture_streams
from edge_emo.media.pictures import Pixels
from edge_emo.media.tracks import is_default

MAX_FRAME_PIXELS = 36_000_000
"""Pixels of the largest frame of a film: 8K. A decoder may hold twenty frames at a time."""
LONGEST_SIDE = 1280
"""Frames of films are brought down to it; a face of 24 of 640 pixels still has 48."""


def check_size(name: str, width: float, height: float) -> None:
    """Raise MediaError for frames of a film that are larger than `MAX_FRAME_PIXELS`."""
    if width * height > MAX_FRAME_PIXELS:
        raise MediaError(
            f"{name}: frames of {width:.0f} x {height:.0f} pixels; up to 8K "
            f"({MAX_FRAME_PIXELS // 1_000_000} million) are read, so make them smaller"
        )


def picture_stream(container: Any) -> Any | None:
    """Return the picture of a PyAV container: the one that is marked as default, else the first; None without.

    Of frames that grow on the way, those beyond `MAX_FRAME_PIXELS` fail to decode.
    """
    streams = picture_streams(container)
    stream = next(filter(is_default, streams), next(iter(streams), None))
    if stream is not None and stream.codec_context is not None:
        stream.codec_context.options = {"max_pixels": str(MAX_FRAME_PIXELS)}
    return stream


class FrameDecoder:
    """Decodes the packets of a PyAV stream, which are on the film's clock, to frames and when they start."""

    def __init__(self, stream: Any) -> None:
        from av.video.reformatter import VideoReformatter

        self._reformatter = VideoReformatter()  # kept, as it costs more to make than to use
        self.step_s = 1 / float(stream.guessed_rate or stream.average_rate or 25)
        self._is_avi = stream.container.format.name == "avi"
        self._starts: deque[float] = deque()
        self._next_s = 0.0

    def decode(self, packet: Any) -> list[tuple[float, Any]]:
        """Return the frames that a packet completes. Raises av.error.FFmpegError or ValueError for a damaged one."""
        if self._is_avi and packet.size and packet.dts is not None:
            # an AVI holds no times but places in its order; FFmpeg makes up wrong ones where frames are reordered
            self._starts.append(float(packet.dts * packet.time_base))
        timed = [(self._start_s(frame), frame) for frame in packet.decode()]
        return [(max(0.0, start_s), frame) for start_s, frame in timed if start_s > -self.step_s]

    def upright(self, frame: Any) -> Pixels:
        """Return a frame's pixels, turned as it is to be shown, at most `LONGEST_SIDE` wide and high."""
        scale = min(1.0, LONGEST_SIDE / max(frame.width, frame.height))
        width, height = (max(1, round(side * scale)) for side in (frame.width, frame.height))
        pixels = self._reformatter.reformat(frame, width, height, "rgb24", threads=1).to_ndarray()
        turns = round(getattr(frame, "rotation", 0) / 90) % 4
        return np.ascontiguousarray(np.rot90(pixels, turns), np.uint8)

    def _start_s(self, frame: Any) -> float:
        stated_s = self._next_s if frame.time is None else float(frame.time)  # one that says nothing follows on
        start_s = self._starts.popleft() if self._starts else stated_s
        self._next_s = start_s + self.step_s
        return start_s
