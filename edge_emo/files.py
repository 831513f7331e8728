"""Files: written whole or not at all, and read only where they are files and not too large."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_NO_FOLDER_SYNC = {errno.EACCES, errno.EINVAL, errno.ENOTSUP}  # not readable, or a file system that has none


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a path to write to, beside `path` and of the same endings; it takes its place once all is on the disk.

    Whatever ends the writing before, the file that was there stays as it was, and nothing else is left. Its mode is
    kept, and a link stays one. Raises OSError, also where `path` is a folder or a device.
    """
    with atomic_writes([path]) as (draft,):
        yield draft


@contextmanager
def atomic_writes(paths: Iterable[str | os.PathLike[str]]) -> Iterator[list[Path]]:
    """Give paths to write to as `atomic_write` does; all are on the disk before the first takes its place."""
    targets = [real_path(path) for path in paths]
    for target in targets:
        if target.exists() and not target.is_file():
            raise OSError(errno.EINVAL, "is there, and no file")
    drafts: list[Path] = []
    try:
        for target in targets:
            drafts.append(target.with_name(f".{secrets.token_hex(6)}.part{''.join(target.suffixes[-2:])}"))
            os.close(os.open(drafts[-1], os.O_CREAT | os.O_EXCL | os.O_WRONLY, _mode(target) | stat.S_IWUSR))
        yield drafts
        for draft, target in zip(drafts, targets, strict=True):
            with open(draft, "r+b") as file:
                os.fsync(file.fileno())
            if target.exists() and _mode(draft) != _mode(target):  # some file systems allow no other
                draft.chmod(_mode(target))
        for draft, target in zip(drafts, targets, strict=True):
            draft.replace(target)
        for folder in {target.parent for target in targets}:
            _sync_folder(folder)
    finally:
        for draft in drafts:
            with suppress(OSError):
                draft.unlink(missing_ok=True)


def read_bytes(path: str | os.PathLike[str], most: int) -> bytes:
    """Return what a file holds. Raises OSError, also for what is no file or has more than `most` bytes."""
    try:  # without waiting for the writer of a pipe
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except ValueError as error:
        raise _impossible(error) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "is no file")
        if status.st_size > most:
            raise OSError(errno.EFBIG, f"is larger than {most >> 20} MB")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(descriptor)


def check_folder(path: str | os.PathLike[str]) -> None:
    """Raise OSError unless there is a folder that `path` can be written to."""
    folder = real_path(path).parent
    if not folder.is_dir():
        raise OSError(errno.ENOENT, "its folder is not there; make it first")
    if not os.access(folder, os.W_OK):
        raise OSError(errno.EACCES, "nothing can be written to its folder; name another, or change its mode")


def real_path(path: str | os.PathLike[str]) -> Path:
    """Return the absolute path that links lead to. Raises OSError for what no path can be."""
    try:
        return Path(os.path.realpath(path))
    except ValueError as error:
        raise _impossible(error) from error


def _impossible(error: ValueError) -> OSError:
    return OSError(errno.EINVAL, f"not a possible path: {error}")


def _mode(target: Path) -> int:
    return stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666


def _sync_folder(folder: Path) -> None:
    """Have the disk keep what the names in a folder stand for."""
    if os.name == "nt":  # has no such thing
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
