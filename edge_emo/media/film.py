"""The frames of films, as upright RGB pictures on the film's clock: by PyAV (extra `[video]`) or else by OpenCV."""

from __future__ import annotations

import importlib.util
import math
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, BinaryIO

import cv2
import numpy as np

from edge_emo.core.errors import MediaError, NoPictureError
from edge_emo.core.text import printable
from edge_emo.media.clock import Clock, PacketClock, picture_streams
from edge_emo.media.containers import open_with_opencv, open_with_pyav, start_by_ffmpeg
from edge_emo.media.pictures import Pixels
from edge_emo.media.sources import opened
from edge_emo.media.tracks import is_default

MAX_FRAME_PIXELS = 36_000_000
"""Pixels of the largest frame of a film: 8K. A decoder may hold twenty frames at a time."""
LONGEST_SIDE = 1280
"""Frames of films are brought down to it; a face of 24 of 640 pixels still has 48."""
DEFAULT_FPS = 5.0

_LONGEST_FRAME_S = 1.0  # a slide that stays for long is seen once, for so long, or until the next look


@dataclass(frozen=True)
class Frame:
    """A picture (height, width, 3), uint8 RGB, that is shown from `start_s` to `end_s`."""

    start_s: float
    end_s: float
    picture: Pixels


class Film:
    """The frames of a film: iterate once over up to `fps` of them for each second, at their own times.

    `warnings` fills while iterating: what was lost, in words. Raises MediaError, or the child of it that names the
    reason, such as NoPictureError.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, fps: float = DEFAULT_FPS, source: str | BinaryIO | None = None
    ) -> None:
        if not 0 < fps <= 240:
            raise ValueError(f"fps is {fps}; more than 0 and up to 240 frames can be looked at in each second")
        self.name = printable(os.fspath(path))
        self.warnings: list[str] = []
        self.stated_s: float | None = None
        self._fps = fps
        self._shown_s = 0.0  # up to where the picture was decoded
        self._clock = Clock()
        source = opened(path) if source is None else source
        self._decoded = self._by_pyav(source) if importlib.util.find_spec("av") else self._by_opencv(source)

    def __iter__(self) -> Iterator[Frame]:
        waiting: tuple[float, Pixels] | None = None
        for time_s, picture in self._decoded:
            if waiting is not None:
                yield self._frame(*waiting, time_s)
            waiting = time_s, picture
        if waiting is None:
            hint = "" if importlib.util.find_spec("av") else ", or PyAV is needed (pip install 'edge-emo[video]')"
            raise MediaError(f"{self.name}: none of its frames can be decoded; it is damaged{hint}")
        yield self._frame(*waiting, self._shown_s)
        self.warnings += self._clock.warnings(self.name)
        stated_s = None if self._clock.breaks else self.stated_s
        if stated_s is not None and self._shown_s < 0.95 * stated_s - 1:
            self.warnings.append(
                f"{self.name}: the picture ends at {self._shown_s:.1f} s of {stated_s:.1f} s; "
                "it is cut off, damaged, or shorter than the sound"
            )

    def _frame(self, start_s: float, picture: Pixels, next_s: float) -> Frame:
        return Frame(start_s, min(next_s, start_s + max(_LONGEST_FRAME_S, 1 / self._fps)), picture)

    def _is_due(self, time_s: float, number: int) -> bool:
        """Whether a frame is the first of the `number`-th interval or a later one."""
        return time_s >= number / self._fps - 1e-4

    def _by_pyav(self, source: str | BinaryIO) -> Iterator[tuple[float, Pixels]]:
        container = open_with_pyav(self.name, source)
        stream = picture_stream(container)
        if stream is None or stream.codec_context is None:
            container.close()
            raise NoPictureError(f"{self.name}: has no picture that FFmpeg can decode")
        self._check_size(container.close, stream.codec_context.width, stream.codec_context.height)
        stream.thread_type = "AUTO"
        self._clock = clock = PacketClock(container)
        if stream.duration:
            self.stated_s = float(((stream.start_time or 0) + stream.duration) * stream.time_base) - clock.start_s
        elif container.duration:
            self.stated_s = container.duration / 1e6
        return self._pyav_frames(container, stream, clock)

    def _check_size(self, close: Callable[[], object], width: float, height: float) -> None:
        if width * height > MAX_FRAME_PIXELS:
            close()
            raise MediaError(
                f"{self.name}: frames of {width:.0f} x {height:.0f} pixels; up to 8K "
                f"({MAX_FRAME_PIXELS // 1_000_000} million) are read, so make them smaller"
            )

    def _pyav_frames(self, container: Any, stream: Any, clock: PacketClock) -> Iterator[tuple[float, Pixels]]:
        import av

        number, n_damaged, frames = 0, 0, FrameDecoder(stream)
        with closing(container):
            try:
                for packet in clock.packets():
                    if packet.stream.index != stream.index:
                        continue
                    try:
                        decoded = frames.decode(packet)
                    except (av.error.FFmpegError, ValueError):
                        n_damaged += 1
                        continue
                    for time_s, frame in decoded:
                        self._shown_s = max(self._shown_s, time_s + frames.step_s)
                        if self._is_due(time_s, number):
                            number = int(time_s * self._fps + 1e-4) + 1
                            yield time_s, upright(frame)
            except (av.error.FFmpegError, OSError, ValueError):  # the container itself is damaged from here on
                n_damaged += 1
        if n_damaged:
            self.warnings.append(f"{self.name}: {n_damaged} damaged parts of its picture were left out")

    def _by_opencv(self, source: str | BinaryIO) -> Iterator[tuple[float, Pixels]]:
        capture = open_with_opencv(self.name, source)
        size = (capture.get(side) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        self._check_size(capture.release, *size)
        # OpenCV knows no other stream, so that without `ffmpeg` the picture has a clock of its own
        start_s = start_by_ffmpeg(source, "0:V:0") if shutil.which("ffmpeg") else 0.0
        return self._opencv_frames(capture, start_s)

    def _opencv_frames(self, capture: Any, start_s: float) -> Iterator[tuple[float, Pixels]]:
        rate, count = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if rate > 0 and count > 0:
            self.stated_s = start_s + count / rate
        number, first_s, last_s, step_s, stamp_s = 0, None, math.inf, 1 / (rate or self._fps), 0.0
        try:
            while capture.grab():
                stated_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                if 0 < stated_s < 1e12 or first_s is None:
                    stamp_s = max(0.0, stated_s)
                else:  # nothing is known of some frames among those that are reordered
                    stamp_s += step_s
                first_s = stamp_s if first_s is None else first_s  # above 0 in an AVI whose frames are reordered
                time_s = stamp_s + start_s - first_s
                time_s = max(0.0, time_s + self._clock.shift_s(0, time_s, step_s))
                # the rate is a mean, which a pause among the frames makes far too slow
                step_s = min(step_s, time_s - last_s) if time_s > last_s else step_s
                last_s = time_s
                self._shown_s = max(self._shown_s, time_s + step_s)
                if self._is_due(time_s, number):
                    number = int(time_s * self._fps + 1e-4) + 1
                    is_there, picture = capture.retrieve()
                    if is_there:
                        yield time_s, _limited(np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8))
        finally:
            capture.release()


def frame_rate(path: str | os.PathLike[str]) -> float | None:
    """Return the frames a second that a film states, None for what has no picture or cannot be opened."""
    name = printable(os.fspath(path))
    try:
        source = opened(path)
        if importlib.util.find_spec("av") is None:
            capture = open_with_opencv(name, source)
            rate = capture.get(cv2.CAP_PROP_FPS)
            capture.release()
            return float(rate) or None
        with closing(open_with_pyav(name, source)) as container:
            stream = picture_stream(container)
            return float(stream.guessed_rate or stream.average_rate or 0) or None if stream else None
    except MediaError:
        return None


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

    def _start_s(self, frame: Any) -> float:
        stated_s = self._next_s if frame.time is None else float(frame.time)  # one that says nothing follows on
        start_s = self._starts.popleft() if self._starts else stated_s
        self._next_s = start_s + self.step_s
        return start_s


def upright(frame: Any) -> Pixels:
    """Return a frame's pixels, turned as it is to be shown, at most `LONGEST_SIDE` wide and high."""
    scale = min(1.0, LONGEST_SIDE / max(frame.width, frame.height))
    width, height = (max(1, round(side * scale)) for side in (frame.width, frame.height))
    pixels = frame.reformat(width, height, "rgb24").to_ndarray()
    turns = round(getattr(frame, "rotation", 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(pixels, turns), np.uint8)


def _limited(picture: Pixels) -> Pixels:
    scale = LONGEST_SIDE / max(picture.shape[:2])
    if scale >= 1:
        return picture
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
