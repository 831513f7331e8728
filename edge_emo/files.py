"""Files that are written: whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a path to write to, beside `path` and of the same ending; it takes its place once all is written.

    A link stays one. Raises OSError, also where `path` is a folder or a device.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        raise OSError(None, "is there, and no file")
    draft = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield draft
        draft.replace(path)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def check_folder(path: Path) -> None:
    """Raise OSError unless there is a folder that `path` can be written to."""
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise OSError(None, "its folder is not there; make it first")
    if not os.access(folder, os.W_OK):
        raise OSError(None, "nothing can be written to its folder; name another, or change its mode")
