"""The frames of films, as upright RGB pictures on the film's clock: by PyAV (extra `[video]`) or else by OpenCV."""

from __future__ import annotations

import importlib.util
import math
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import cv2
import numpy as np

from edge_emo.core.errors import MediaError, NoPictureError
from edge_emo.core.text import printable, to_install
from edge_emo.media.clock import Clock
from edge_emo.media.containers import open_with_opencv, start_by_ffmpeg
from edge_emo.media.demuxer import Demuxer
from edge_emo.media.frames import LONGEST_SIDE, FrameDecoder, check_size, picture_stream
from edge_emo.media.looks import Looks, Skipping
from edge_emo.media.pictures import Pixels
from edge_emo.media.sources import opened

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

    `source` is what `sources.opened` gave for `path` where that was called before, `film` the demuxer of a film that is
    read elsewhere: then the packets of `stream` are pushed. `warnings` fills while iterating: what was lost, in words.
    Raises MediaError, or the child of it that names the reason, such as NoPictureError.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        fps: float = DEFAULT_FPS,
        source: str | BinaryIO | None = None,
        film: Demuxer | None = None,
    ) -> None:
        if not 0 < fps <= 240:
            raise ValueError(f"fps is {fps}; more than 0 and up to 240 frames can be looked at in each second")
        self.name = printable(os.fspath(path))
        self.warnings: list[str] = []
        self.stated_s: float | None = None
        self.stream: Any = None
        self._looks = Looks(fps)
        self._waiting: tuple[float, Pixels] | None = None  # until it is known when the next one is shown
        self._shown_s = 0.0  # up to where the picture was decoded
        self._n_damaged = 0
        self._clock = Clock()
        if importlib.util.find_spec("av"):
            self._open(film or Demuxer(path, source))
        else:
            self._captured = self._by_opencv(opened(path) if source is None else source)

    def __iter__(self) -> Iterator[Frame]:
        if self.stream is None:
            for time_s, picture in self._captured:
                yield from self._seen(time_s, picture)
        else:
            for packet in self._film.packets():
                if packet.stream.index == self.stream.index:
                    yield from self.push(packet)
        yield from self.finish()

    def push(self, packet: Any) -> Iterator[Frame]:
        """Yield the frames that a packet completes: those of which it is known by now how long they are shown."""
        import av

        self._skipping.meet(packet)
        try:
            decoded = self._decoder.decode(packet)
        except (av.error.FFmpegError, ValueError):
            self._n_damaged += 1
            self._skipping.stop()
            return
        for time_s, frame in decoded:
            self._shown_s = max(self._shown_s, time_s + self._decoder.step_s)
            if self._looks.is_due(time_s):
                yield from self._seen(time_s, self._decoder.upright(frame))

    def finish(self) -> Iterator[Frame]:
        """Yield the frame that is left after the last packet."""
        n_damaged = self._n_damaged + (self.stream is not None and self._film.error is not None)
        if n_damaged:
            self.warnings.append(f"{self.name}: {n_damaged} damaged parts of its picture were left out")
        elif self.stream is not None:  # the last frames may have been left out
            self._shown_s = max(self._shown_s, self._skipping.until_s + self._decoder.step_s)
        if self._waiting is None:
            hint = "" if importlib.util.find_spec("av") else f", or PyAV is needed: {to_install('video')}"
            raise MediaError(f"{self.name}: none of its frames can be decoded; it is damaged{hint}")
        yield self._frame(*self._waiting, self._shown_s)
        self.warnings += self._clock.warnings(self.name)
        stated_s = None if self._clock.breaks else self.stated_s
        if stated_s is not None and self._shown_s < 0.95 * stated_s - 1:
            self.warnings.append(
                f"{self.name}: the picture ends at {self._shown_s:.1f} s of {stated_s:.1f} s; "
                "it is cut off, damaged, or shorter than the sound"
            )

    def _seen(self, time_s: float, picture: Pixels) -> Iterator[Frame]:
        if self._waiting is not None:
            yield self._frame(*self._waiting, time_s)
        self._waiting = time_s, picture

    def _frame(self, start_s: float, picture: Pixels, next_s: float) -> Frame:
        return Frame(start_s, min(next_s, start_s + max(_LONGEST_FRAME_S, 1 / self._looks.fps)), picture)

    def _open(self, film: Demuxer) -> None:
        self._film, stream = film, picture_stream(film.container)
        if stream is None or stream.codec_context is None:
            raise NoPictureError(f"{self.name}: has no picture that FFmpeg can decode")
        check_size(self.name, stream.codec_context.width, stream.codec_context.height)
        stream.thread_type = "AUTO"
        self.stream, self._clock = stream, film.clock
        self._decoder, self._skipping = FrameDecoder(stream), Skipping(stream, self._looks)
        if stream.duration:
            self.stated_s = float(((stream.start_time or 0) + stream.duration) * stream.time_base) - film.clock.start_s
        elif film.container.duration:
            self.stated_s = film.container.duration / 1e6

    def _by_opencv(self, source: str | BinaryIO) -> Iterator[tuple[float, Pixels]]:
        capture = open_with_opencv(self.name, source)
        width, height = (capture.get(side) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        try:
            check_size(self.name, width, height)
        except MediaError:
            capture.release()
            raise
        # OpenCV knows no other stream, so that without `ffmpeg` the picture has a clock of its own
        start_s = start_by_ffmpeg(source, "0:V:0") if shutil.which("ffmpeg") else 0.0
        return self._opencv_frames(capture, start_s)

    def _opencv_frames(self, capture: Any, start_s: float) -> Iterator[tuple[float, Pixels]]:
        rate, count = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if rate > 0 and count > 0:
            self.stated_s = start_s + count / rate
        first_s, last_s, step_s, stamp_s = None, math.inf, 1 / (rate or self._looks.fps), 0.0
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
                if self._looks.is_due(time_s):
                    is_there, picture = capture.retrieve()
                    if is_there:
                        yield time_s, _limited(np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8))
        finally:
            capture.release()


def frame_rate(path: str | os.PathLike[str], film: Demuxer | None = None) -> float | None:
    """Return the frames a second that a film states, None for what has no picture or cannot be opened.

    A demuxer that is given stays open, to be read.
    """
    name = printable(os.fspath(path))
    try:
        if importlib.util.find_spec("av") is None:
            capture = open_with_opencv(name, opened(path))
            rate = capture.get(cv2.CAP_PROP_FPS)
            capture.release()
            return float(rate) or None
        own = film or Demuxer(path)
        try:
            stream = picture_stream(own.container)
            return float(stream.guessed_rate or stream.average_rate or 0) or None if stream else None
        finally:
            if film is None:
                own.close()
    except MediaError:
        return None


def _limited(picture: Pixels) -> Pixels:
    scale = LONGEST_SIDE / max(picture.shape[:2])
    if scale >= 1:
        return picture
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
