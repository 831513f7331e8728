"""What a command prints, into a file that takes its place only when it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TextIO

from click.exceptions import Exit

from edge_emo.cli.terminal import tell
from edge_emo.core.errors import EdgeEmoError, OutputError
from edge_emo.core.files import atomic_write
from edge_emo.core.text import printable


@contextmanager
def written(path: str) -> Iterator[TextIO]:
    """Give a text file, in UTF-8 and with the line ends that are written, which becomes `path` once it is whole.

    Where it does not, what was there is kept, and that is told. Raises OutputError.
    """
    name = printable(path)
    try:
        with atomic_write(path) as draft, draft.open("w", encoding="utf-8", errors="replace", newline="") as file:
            yield file
    except BaseException as error:
        if isinstance(error, OSError) and not isinstance(error, EdgeEmoError):
            raise OutputError(f"{name}: cannot be written ({error.strerror}); write elsewhere, or make room") from error
        tell(f"{name}: was not written; an existing file is unchanged")
        raise


@contextmanager
def stdout_to(path: str | None) -> Iterator[None]:
    """Let what is printed go to the file at `path`, if one is given, as `written` does. Raises OutputError."""
    if path is None:
        yield
        return
    ended: Exit | None = None
    with written(path) as file, redirect_stdout(file):
        try:
            yield
        except Exit as error:  # what was to be printed is, also where some of the sources were not good
            ended = error
    if ended:
        raise ended
