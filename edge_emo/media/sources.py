"""From what a user names (files, folders, globs, "-", "sample") to single sources."""

from __future__ import annotations

import glob
import os
import re
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from edge_emo.core.errors import MediaError, MediaNotFoundError, MediaPermissionError
from edge_emo.core.text import plain, printable

SOUND_SUFFIXES = frozenset([".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".w64"])
FILM_SUFFIXES = frozenset(
    [
        *(".mp4", ".m4a", ".m4v", ".mov", ".3gp", ".3g2", ".mkv", ".mka", ".webm", ".avi", ".mpg", ".mpeg", ".vob"),
        *(".ts", ".mts", ".m2ts", ".mxf", ".flv", ".wmv", ".asf", ".wma", ".ogv", ".aac", ".gif"),
    ]
)
PICTURE_SUFFIXES = frozenset(
    [".jpg", ".jpeg", ".png", ".webp", ".bmp", ".heic", ".heif", ".avif", ".tif", ".tiff", ".pgm", ".ppm"]
)

Kind = Literal["sound", "picture", "film"]

_SOUND_HEAD = re.compile(  # WAV, FLAC, AIFF, AU, CAF, Wave64; MP3 with a tag or without, and AAC
    rb"(?:RIFF|RIFX|RF64).{4}WAVE|fLaC|FORM.{4}AIF[FC]|\.snd|caff|riff\x2e\x91\xcf\x11"
    rb"|ID3|\xff[\xf1-\xf3\xf9-\xfb]",
    re.DOTALL,
)
_STILL_BRANDS = frozenset([b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis"])  # of MP4's family


_MAX_STREAM_BYTES = 1 << 28  # of a pipe, which has to be held in memory

SAMPLE = "sample"
"""Names the synthetic recording that ships, unless a file of that name is there."""


def sample_path() -> Path:
    """Return the recording that ships: a synthetic voice, of our own making."""
    return Path(__file__).parents[1] / "data" / "sample.flac"


def expand(names: Iterable[str]) -> Iterator[str]:
    """Yield each source once: folders give the media files below them, globs what they match, sorted.

    Hidden files of a folder are left out. A name that matches nothing is yielded as it is, for the decoder to
    complain about.
    """
    seen = set()
    for name in names:
        for source in _expand_one(name):
            if source not in seen:
                seen.add(source)
                yield source


def _expand_one(name: str) -> list[str]:
    if name == "-" or os.path.isfile(name):
        return [name]
    if name == SAMPLE and not os.path.exists(name):
        return [str(sample_path())]
    if os.path.isdir(name):
        return sorted(str(path) for path in Path(name).rglob("*") if _is_media(path, Path(name))) or [name]
    if glob.has_magic(name):
        return sorted(glob.glob(name, recursive=True)) or [name]
    return [name]


def _is_media(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.suffix.lower() in SOUND_SUFFIXES | FILM_SUFFIXES | PICTURE_SUFFIXES and path.is_file()


def title(source: str) -> str:
    """Return what to call a source in text for people."""
    return {"-": "standard input", str(sample_path()): SAMPLE}.get(source, plain(source))


def opened(path: str | os.PathLike[str]) -> str | BinaryIO:
    """Return the path of a file that can be read, or the content of a pipe, which decoders could not seek in.

    "-" is standard input. Raises MediaError, or the child of it that names the reason.
    """
    path = os.fspath(path)
    name = printable(path)
    if path == "-":
        if sys.stdin is None:
            raise MediaError("-: standard input is closed; name a file")
        return _whole_stream(name, sys.stdin.buffer)
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise MediaError(f"{name}: is a folder; name a sound, picture or film in it")
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            raise MediaError(f"{name}: is neither a file nor a pipe")
        if stat.S_ISREG(mode) and os.path.getsize(path) == 0:
            raise MediaError(f"{name}: is empty (0 bytes); copy or record it again")
        with open(path, "rb") as file:
            if not stat.S_ISREG(mode):
                return _whole_stream(name, file)
            file.read(1)  # which fails on a disk that does
            return path
    except FileNotFoundError:
        what = "matches no file" if glob.has_magic(path) else "no such file"
        raise MediaNotFoundError(f"{name}: {what}; check the path") from None
    except PermissionError:
        raise MediaPermissionError(f"{name}: no permission to read it; change its mode or owner") from None
    except ValueError as error:
        if isinstance(error, MediaError):
            raise
        raise MediaError(f"{name!r}: not a possible path ({error})") from None
    except OSError as error:
        raise MediaError(f"{name}: cannot be opened ({error.strerror}); check the disk it lies on") from error


def _whole_stream(name: str, stream: BinaryIO) -> BinaryIO:
    data = stream.read(_MAX_STREAM_BYTES + 1)
    if len(data) > _MAX_STREAM_BYTES:
        raise MediaError(f"{name}: over {_MAX_STREAM_BYTES >> 20} MB through a pipe; save it and name the file")
    if not data:
        raise MediaError(f"{name}: the stream ended before any sound or picture came")
    # decoders that take nothing but names get that of a descriptor
    descriptor = os.memfd_create("stream") if hasattr(os, "memfd_create") else None
    file = tempfile.TemporaryFile() if descriptor is None else os.fdopen(descriptor, "w+b")  # noqa: SIM115
    file.write(data)
    file.seek(0)
    return file


def kind(path: str | os.PathLike[str], source: str | BinaryIO) -> Kind:
    """Return what an opened source is: a picture or a sound by its first bytes or its name, else a film.

    A film may turn out to have no picture, or no sound.
    """
    if isinstance(source, str):
        with open(source, "rb") as file:
            head = file.read(16)
    else:
        source.seek(0)
        head = source.read(16)
    suffix = Path(os.fspath(path)).suffix.lower()
    if head[4:8] == b"ftyp":
        return "picture" if head[8:12] in _STILL_BRANDS else "film"
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG", b"BM")) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return "picture"
    if suffix in PICTURE_SUFFIXES:
        return "picture"
    return "sound" if suffix in SOUND_SUFFIXES or _SOUND_HEAD.match(head) else "film"
