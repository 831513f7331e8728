"""The sound files below folders, and what cannot be read there."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edge_emo.errors import FolderError
from edge_emo.files import real_path
from edge_emo.music.tags import SUFFIXES
from edge_emo.sources import printable

_LATEST_NS = 2**63 - 1  # what SQLite holds; some file systems go beyond


@dataclass(frozen=True)
class SoundFile:
    """A file by its name's ending; `size` in bytes, `modified_ns` in nanoseconds since 1970."""

    path: str
    size: int
    modified_ns: int


@dataclass(frozen=True)
class Unreadable:
    """A file or folder that cannot be used, and why."""

    path: str
    reason: str


def walk(folders: Iterable[str], *, follow_links: bool = True) -> Iterator[SoundFile | Unreadable]:
    """Yield the sound files below `folders`, in no order, and what cannot be read; hidden ones are left out.

    Links to folders are followed after everything else, and no folder is entered twice, so that a loop of links ends.
    """
    entered: set[tuple[int, int]] = set()
    waiting, links = deque(folders), deque[str]()
    while waiting or links:
        folder = waiting.popleft() if waiting else links.popleft()
        try:
            status = os.stat(folder)
            if (status.st_dev, status.st_ino) in entered:
                continue
            entered.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if _is_folder(entry):
                        if not entry.is_symlink():
                            waiting.append(entry.path)
                        elif follow_links:
                            links.append(entry.path)
                    elif Path(entry.name).suffix.lower() in SUFFIXES:
                        yield from _sound_file(entry)
        except OSError as error:
            yield Unreadable(printable(folder), reason(error))


def real_folder(path: str | os.PathLike[str]) -> str:
    """Return the absolute path that links lead to. Raises FolderError for what no path can be."""
    try:
        return str(real_path(path))
    except OSError as error:
        raise FolderError(f"{os.fspath(path)!r}: {error.strerror}; name a folder of sound files") from error


def is_empty(folder: str) -> bool:
    """Return whether nothing at all is in a folder, or it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError:
        return True


def reason(error: OSError) -> str:
    """Return why a file or folder cannot be read, and what to do about it."""
    if isinstance(error, PermissionError):
        return "no permission to read it; change its mode or owner"
    if isinstance(error, FileNotFoundError):
        return "a link to nothing, or gone meanwhile; remove it"
    return f"cannot be read ({error.strerror}); check the disk it lies on"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _sound_file(entry: os.DirEntry[str]) -> Iterator[SoundFile | Unreadable]:
    try:
        entry.path.encode()
    except UnicodeEncodeError:
        yield Unreadable(printable(entry.path), "its name is not UTF-8; rename it or its folder")
        return
    try:
        status = entry.stat()
        if entry.is_file():
            yield SoundFile(entry.path, status.st_size, min(status.st_mtime_ns, _LATEST_NS))
    except OSError as error:
        yield Unreadable(entry.path, reason(error))
