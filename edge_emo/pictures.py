"""Decoding: stills, and the frames of films, as upright RGB pictures.

OpenCV reads JPEG, PNG, WebP, BMP, TIFF, PNM and AVIF; HEIC needs pillow-heif (extra `[heic]`). Films go through PyAV
(extra `[video]`) or, without it, through OpenCV.
"""

from __future__ import annotations

import importlib.util
import io
import os
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_emo.errors import DecoderMissingError, MediaError, NoPictureError
from edge_emo.picture_headers import checked_still
from edge_emo.sources import opened, printable

Pixels = NDArray[np.uint8]

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


def read_picture(path: str | os.PathLike[str], source: str | BinaryIO | None = None) -> Pixels:
    """Return a still, upright after its EXIF, as RGB, uint8 of shape (height, width, 3). Raises MediaError.

    `source` is what `sources.opened` gave for `path` where that was called before.
    """
    name = printable(os.fspath(path))
    source = opened(path) if source is None else source
    with open(source, "rb") if isinstance(source, str) else nullcontext(source) as file:
        still = checked_still(name, file)
    if still.format == "HEIC":
        return _heic(name, still.content)
    try:
        decoded = cv2.imdecode(np.frombuffer(still.content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise MediaError(f"{name}: cannot be decoded ({_one_line(error)})") from error
    if decoded is None:
        raise MediaError(f"{name}: no {still.format} that can be decoded; it is damaged, so save or copy it anew")
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def _heic(name: str, content: bytes) -> Pixels:
    if importlib.util.find_spec("pillow_heif") is None:
        raise DecoderMissingError(f"{name}: HEIC needs pillow-heif (pip install 'edge-emo[heic]'), or save it as JPEG")
    import pillow_heif

    try:
        return np.ascontiguousarray(pillow_heif.open_heif(io.BytesIO(content)).to_pillow().convert("RGB"))
    except Exception as error:  # among others IndexError, where no picture is left in the file
        raise MediaError(f"{name}: cannot be decoded ({_one_line(error)})") from error


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
        source = opened(path) if source is None else source
        if not isinstance(source, str):
            source.seek(0)
        self._decoded = self._by_pyav(source) if importlib.util.find_spec("av") else self._by_opencv(source)

    def __iter__(self) -> Iterator[Frame]:
        waiting: tuple[float, Pixels] | None = None
        for time_s, picture in self._decoded:
            if waiting is not None:
                yield self._frame(*waiting, time_s)
            waiting = time_s, picture
        if waiting is None:
            raise MediaError(f"{self.name}: none of its frames can be decoded; it is damaged")
        yield self._frame(*waiting, self._shown_s)
        if self.stated_s is not None and self._shown_s < 0.95 * self.stated_s - 1:
            self.warnings.append(
                f"{self.name}: the picture ends at {self._shown_s:.1f} s of {self.stated_s:.1f} s; "
                "it is cut off, damaged, or shorter than the sound"
            )

    def _frame(self, start_s: float, picture: Pixels, next_s: float) -> Frame:
        return Frame(start_s, min(next_s, start_s + max(_LONGEST_FRAME_S, 1 / self._fps)), picture)

    def _is_due(self, time_s: float, number: int) -> bool:
        """Whether a frame is the first of the `number`-th interval or a later one."""
        return time_s >= number / self._fps - 1e-4

    def _by_pyav(self, source: str | BinaryIO) -> Iterator[tuple[float, Pixels]]:
        import av

        try:
            container: Any = av.open(source, "r")
        except (av.error.FFmpegError, ValueError, OSError) as error:
            reason = getattr(error, "strerror", None) or _one_line(error)
            raise MediaError(
                f"{self.name}: FFmpeg cannot read it ({reason}); it is damaged, cut off, or no film"
            ) from error
        streams = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
        if not streams or streams[0].codec_context is None:
            container.close()
            raise NoPictureError(f"{self.name}: has no picture that FFmpeg can decode")
        stream = streams[0]
        self._check_size(container.close, stream.codec_context.width, stream.codec_context.height)
        stream.codec_context.options = {"max_pixels": str(MAX_FRAME_PIXELS)}  # for frames that grow on the way
        stream.thread_type = "AUTO"
        if stream.duration:
            self.stated_s = float(stream.duration * stream.time_base)
        elif container.duration:
            self.stated_s = container.duration / av.time_base
        return self._pyav_frames(container, stream)

    def _check_size(self, close: Callable[[], object], width: float, height: float) -> None:
        if width * height > MAX_FRAME_PIXELS:
            close()
            raise MediaError(
                f"{self.name}: frames of {width:.0f} x {height:.0f} pixels; up to 8K "
                f"({MAX_FRAME_PIXELS // 1_000_000} million) are read, so make them smaller"
            )

    def _pyav_frames(self, container: Any, stream: Any) -> Iterator[tuple[float, Pixels]]:
        number, n_damaged, clock = 0, 0, FrameClock(stream)
        with closing(container):
            for frame in _decodable(container, stream):
                if frame is None:
                    n_damaged += 1
                    continue
                time_s = clock.start_s(frame)
                self._shown_s = max(self._shown_s, time_s + clock.step_s)
                if self._is_due(time_s, number):
                    number = int(time_s * self._fps + 1e-4) + 1
                    yield time_s, upright(frame)
        if n_damaged:
            self.warnings.append(f"{self.name}: {n_damaged} damaged parts of its picture were left out")

    def _by_opencv(self, source: str | BinaryIO) -> Iterator[tuple[float, Pixels]]:
        if not isinstance(source, str):
            raise DecoderMissingError(f"{self.name}: the picture of a pipe needs PyAV (pip install 'edge-emo[video]')")
        capture = cv2.VideoCapture(source, cv2.CAP_FFMPEG)
        if not capture.isOpened() or capture.get(cv2.CAP_PROP_FRAME_WIDTH) <= 0:
            raise NoPictureError(f"{self.name}: has no picture that OpenCV can decode")
        size = (capture.get(side) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        self._check_size(capture.release, *size)
        return self._opencv_frames(capture)

    def _opencv_frames(self, capture: Any) -> Iterator[tuple[float, Pixels]]:
        rate, count = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if rate > 0 and count > 0:
            self.stated_s = count / rate
        number, first_s = 0, None
        try:
            while capture.grab():
                time_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                first_s = time_s if first_s is None else first_s  # above 0 in an AVI whose frames are reordered
                time_s = max(0.0, time_s - first_s)
                self._shown_s = max(self._shown_s, time_s + 1 / (rate or self._fps))
                if self._is_due(time_s, number):
                    number = int(time_s * self._fps + 1e-4) + 1
                    is_there, picture = capture.retrieve()
                    if is_there:
                        yield time_s, _limited(np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8))
        finally:
            capture.release()


def frame_rate(path: str | os.PathLike[str]) -> float | None:
    """Return the frames a second that a film states, None for what has no picture or cannot be opened."""
    if importlib.util.find_spec("av") is None:
        capture = cv2.VideoCapture(os.fspath(path), cv2.CAP_FFMPEG)
        rate = float(capture.get(cv2.CAP_PROP_FPS))
        capture.release()
        return rate or None
    import av

    try:
        with closing(av.open(os.fspath(path))) as container:
            streams = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
            rates = [float(s.guessed_rate or s.average_rate or 0) for s in streams]
    except (av.error.FFmpegError, ValueError, OSError):
        return None
    return (rates[0] or None) if rates else None


class FrameClock:
    """Tells when the frames of a PyAV stream start, in seconds; one that says nothing follows the one before.

    So does every frame of an AVI, which holds no times; FFmpeg makes up wrong ones where frames are reordered.
    Times below 0, of frames that an edit list hides, begin at 0.
    """

    def __init__(self, stream: Any) -> None:
        self.step_s = 1 / float(stream.guessed_rate or stream.average_rate or 25)
        self._is_even = stream.container.format.name == "avi"
        self._first_s: float | None = None
        self._next_s = 0.0

    def start_s(self, frame: Any) -> float:
        """Return when a frame starts; frames are asked for in their order."""
        time_s = self._next_s if frame.time is None or self._is_even else float(frame.time)
        self._next_s = time_s + self.step_s
        if self._first_s is None:
            self._first_s = min(time_s, 0.0)
        return time_s - self._first_s


def _decodable(container: Any, stream: Any) -> Iterator[Any]:
    """Yield the frames of a stream, and None for each packet that cannot be decoded."""
    import av

    try:
        for packet in container.demux(stream):
            try:
                yield from packet.decode()
            except (av.error.FFmpegError, ValueError):
                yield None
    except (av.error.FFmpegError, OSError, ValueError):  # the container itself is damaged from here on
        yield None


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


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def write_picture(path: str | os.PathLike[str], picture: Pixels) -> None:
    """Write an RGB picture in the format that the name ends in. Raises OSError or ValueError."""
    suffix = Path(path).suffix
    try:
        is_coded, content = cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    except cv2.error as error:
        raise ValueError("no picture format that can be written; end the name in .jpg or .png") from error
    if not is_coded:
        raise ValueError(f"the picture cannot be written as {suffix}")
    Path(path).write_bytes(content.tobytes())
