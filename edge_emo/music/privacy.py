"""What is known of a user is for that user's eyes: folder 0700, files 0600."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from edge_emo.sources import printable

PLAYLIST = "playlist.m3u8"
"""What is played, in the folder of the user's data."""


def make_private(path: Path) -> None:
    """Make the file at `path` and its folder where they are missing, and close to others what was open to them.

    Files beside it whose names begin with its name, such as journals and copies, are closed too; the folder is, if
    nothing else is in it and it is the user's. Raises OSError, whose text names the thing and the reason, also where
    `path` is a folder, a pipe or a device.
    """
    if "\0" in str(path):
        raise OSError(f"{str(path)!r}: not a possible path")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"{printable(str(path.parent))}: cannot be made ({error.strerror})") from error
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(f"{printable(str(path))}: is a folder, a pipe or a device, no file")
    except FileNotFoundError:
        with suppress(OSError):  # SQLite says best why nothing can be written there
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    if os.name != "posix":
        return
    with suppress(OSError):  # of another user's, or on a file system without modes
        beside = list(path.parent.iterdir())
        if all(other.name.startswith((path.name, PLAYLIST)) for other in beside):
            _close(path.parent)
        for other in beside:
            if other.name.startswith(path.name):
                _close(other)


def _close(path: Path) -> None:
    """Take a file or folder from others, where it is the user's and not made to be shared."""
    status = path.stat()
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid == os.geteuid() and mode & 0o077 and not mode & stat.S_ISVTX:
        path.chmod(mode & 0o700)
