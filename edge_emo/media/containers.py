"""Opening films and sounds for the decoders, so that they read the named file and nothing else.

FFmpeg, in PyAV, in OpenCV and as a program, picks what reads a file by its content and its name, and much of what it
may pick goes on to open other files and addresses: playlists, lists of files, descriptions of streams, numbered
pictures. So it gets an open file without a name, or one of /dev/fd where only names are taken; the containers of
recordings, and no others, are allowed; and no protocol is, but that of files where a name is opened.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from edge_emo.core.errors import DecoderMissingError, MediaError, NoPictureError
from edge_emo.core.text import to_install
from edge_emo.media.unfinished import lacks_index

DEMUXERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dts,dv,eac3,flac,flv,gif,h264,hevc,ivf,loas,m4v,matroska,mov,mp3,mpc,mpc8,mpeg,"
    "mpegts,mpegvideo,mxf,nut,obu,ogg,rm,tta,voc,w64,wav,wtv,wv"
)
"""FFmpeg's names of what may read a source: each holds sound and pictures itself, and points to nothing else."""

_NOT_ALLOWED = (
    "it is a playlist, a list of files, the address of a stream, or of a format that is not read; name a film or sound "
    "itself"
)
_NO_INDEX = (
    "its index (the moov box of MP4) is missing, so the recording was never finished, or cut off while it was copied; "
    "copy it again, or have the index written anew by the device that recorded it, or by a tool such as untrunc"
)
_FILM_HEAD = re.compile(
    rb".{4}(ftyp|moov|mdat|wide|free|skip)|\x1aE\xdf\xa3|RIFF.{4}AVI |OggS|FLV\x01|GIF8|0&\xb2u"
    rb"|\x00\x00\x01[\xb3\xba]|(.{4})?G.{187}(.{4})?G|\x06\x0e\+4|\x00?\x00\x00\x01",
    re.DOTALL,
)
"""How films begin. OpenCV's FFmpeg may be built so that it does not see `_OPENCV_OPTIONS`, so this comes first."""
_LARGEST_PACKET = 128 << 20  # bytes; a frame of 8K without compression takes 108 million
_OPENCV_OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_environment = threading.Lock()  # OpenCV takes its options from there alone


class _Nameless:
    """A source as PyAV takes it: an open file, which would show FFmpeg its name.

    It ends where FFmpeg reads on and on for one packet, which it holds in memory; `since_packet` counts the bytes.
    """

    def __init__(self, source: str | BinaryIO) -> None:
        file, self._is_ours = open_source(source), isinstance(source, str)
        self._read, self.seek, self.tell, self._close = file.read, file.seek, file.tell, file.close
        self.since_packet, self._is_ended = 0, False

    def read(self, size: int) -> bytes:
        self.since_packet += size
        self._is_ended = self._is_ended or self.since_packet > _LARGEST_PACKET
        return b"" if self._is_ended else self._read(size)

    def __del__(self) -> None:
        if getattr(self, "_is_ours", False):
            self._close()


def open_source(source: str | BinaryIO) -> BinaryIO:
    """Return a source as a file at its start; one that was open is the same."""
    if isinstance(source, str):
        return open(source, "rb", buffering=0)
    source.seek(0)
    return source


@contextmanager
def reading(source: str | BinaryIO) -> Iterator[BinaryIO]:
    """Give a source as a file at its start, and close it unless it was open."""
    file = open_source(source)
    try:
        yield file
    finally:
        if isinstance(source, str):
            file.close()


def address(file: BinaryIO) -> str | None:
    """Return a name of an open file that says nothing about it, None where the system has none."""
    try:
        name = f"/dev/fd/{file.fileno()}"
    except io.UnsupportedOperation:
        return None
    return name if os.path.exists(name) else None


def open_with_pyav(name: str, source: str | BinaryIO) -> Any:
    """Return the PyAV container of a source. Raises MediaError."""
    import av

    try:
        options = {"format_whitelist": DEMUXERS, "protocol_whitelist": "none"}
        return av.open(_Nameless(source), "r", options=options)
    except av.error.ArgumentError as error:
        raise MediaError(f"{name}: {_NOT_ALLOWED}") from error
    except (av.error.FFmpegError, ValueError, OSError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise unreadable(name, source, reason) from error


def packet_came(container: Any) -> None:
    """Let a container that `open_with_pyav` gave read on for its next packet."""
    container.file.file.since_packet = 0


def unreadable(name: str, source: str | BinaryIO, reason: str) -> MediaError:
    """Return the error for a source that FFmpeg cannot read, for the reason that it gives."""
    if "not on whitelist" in reason:
        return MediaError(f"{name}: {_NOT_ALLOWED}")
    with reading(source) as file:
        if lacks_index(file):
            return MediaError(f"{name}: {_NO_INDEX}")
    return MediaError(f"{name}: FFmpeg cannot read it ({reason[:200]}); it is damaged, cut off, or no sound or film")


def ffmpeg_input(source: str | BinaryIO, file: BinaryIO) -> list[str]:
    """Return the options that make the `ffmpeg` program read a source, which it has as its standard input."""
    named = "file:/dev/fd/0" if address(file) else "pipe:0"
    if named == "pipe:0" and isinstance(source, str):
        named = f"file:{Path(source).absolute()}"  # a pipe cannot be sought in
    limits = ["-max_alloc", str(2 * _LARGEST_PACKET)]
    return [*limits, "-format_whitelist", DEMUXERS, "-protocol_whitelist", "file,pipe", "-i", named]


def start_by_ffmpeg(source: str | BinaryIO, stream: str) -> float:
    """Return when a stream, such as "0:a:0", begins after the earliest one, in seconds, by the `ffmpeg` program."""
    with reading(source) as file:
        command = ["ffmpeg", "-v", "error", "-nostdin", *ffmpeg_input(source, file)]
        command += ["-map", stream, "-c", "copy", "-frames", "1", "-f", "framecrc", "pipe:1"]
        # of some containers, ffmpeg counts from the earliest of the streams that are used
        command += ["-map", "0:V?", "-map", "0:a?", "-c", "copy", "-frames:v", "1", "-frames:a", "1", "-f", "null", "-"]
        told = subprocess.run(command, stdin=file, capture_output=True, text=True, check=False).stdout
    base = re.search(r"^#tb 0: (\d+)/(\d+)$", told, re.MULTILINE)
    first = re.search(r"^0, *-?\d+, *(-?\d+),", told, re.MULTILINE)  # stream, dts, pts
    return max(0.0, int(first[1]) * int(base[1]) / int(base[2])) if first and base else 0.0


def open_with_opencv(name: str, source: str | BinaryIO) -> Any:
    """Return the OpenCV capture of a film. Raises MediaError, or the child of it that names the reason."""
    import cv2

    with reading(source) as file:
        if not _FILM_HEAD.match(file.read(256)):
            raise MediaError(f"{name}: no film that OpenCV can read; {_NOT_ALLOWED}")
        named = address(file) or (Path(source).absolute() if isinstance(source, str) else None)
        if named is None:
            raise DecoderMissingError(f"{name}: the picture of a pipe needs PyAV; {to_install('video')}")
        with _opencv_options(f"format_whitelist;{DEMUXERS}|protocol_whitelist;file"):
            capture = cv2.VideoCapture(f"file:{named}", cv2.CAP_FFMPEG)
    if not capture.isOpened() or capture.get(cv2.CAP_PROP_FRAME_WIDTH) <= 0:
        capture.release()
        raise NoPictureError(f"{name}: has no picture that OpenCV can decode")
    return capture


@contextmanager
def _opencv_options(options: str) -> Iterator[None]:
    """Give options to OpenCV's FFmpeg; what both have to say of a file comes as an error of ours, not on stderr."""
    import cv2

    log = getattr(cv2.utils, "logging", cv2)  # where it is since OpenCV 4.13, and where it was
    ours = {_OPENCV_OPTIONS: options, "OPENCV_FFMPEG_LOGLEVEL": "-8"}
    with _environment:
        level, before = log.getLogLevel(), {name: os.environ.get(name) for name in ours}
        os.environ.update(ours)
        log.setLogLevel(0)  # silent
        try:
            yield
        finally:
            log.setLogLevel(level)
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
