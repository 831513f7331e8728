"""The catalogue with the user's own songs and history, as a command or a page opens them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_emo.core.errors import CatalogueError, UserDataError

if TYPE_CHECKING:
    from edge_emo.music.store.catalogue import Catalogue
    from edge_emo.music.store.database import UserDatabase
    from edge_emo.music.store.song import Song

_PATIENCE_S = 3.0  # for a database that another process holds, where the command can do without


def songs_named(catalogue: Catalogue, names: Sequence[str]) -> list[Song]:
    """Return the songs of these names, each a `uid` or the file of a song of one's own. Raises SongNotFoundError."""
    from edge_emo.music.library.walk import real_folder

    known = catalogue.keys(names)
    files = catalogue.files() if len(known) < len(set(names)) else {}
    return catalogue.songs([name if name in known else files.get(real_folder(name), name) for name in names])


def absent_files(catalogue: Catalogue) -> str:
    """Return why songs on this machine are missing from an answer, nothing where every file is where it was."""
    files = catalogue.files()
    if not files:
        return "you have no songs of your own yet; add them with `edge-emo songs add FOLDER`"
    gone = sum(not os.path.exists(path) for path in files)
    what = "of your songs is not where it was" if gone == 1 else "of your songs are not where they were"
    return f"{gone} {what}; connect the disk, or run `edge-emo songs add` on the folder again" if gone else ""


@dataclass(frozen=True)
class Library:
    """The songs, and the user's database where it can be used."""

    catalogue: Catalogue
    database: UserDatabase | None


@contextmanager
def user_database(
    data_dir: str | None, tell: Callable[[str], object], *, busy_s: float = 30.0
) -> Iterator[UserDatabase]:
    """Open the user's database, making it where there is none; `tell` is told what happened to it."""
    from edge_emo.music.store.database import FILE_NAME, UserDatabase, data_folder

    with UserDatabase(data_folder(data_dir) / FILE_NAME, busy_s=busy_s) as database:
        for warning in database.warnings:
            tell(warning)
        yield database


@contextmanager
def library(
    catalogue: str | None, data_dir: str | None, tell: Callable[[str], object], *, history: bool = False
) -> Iterator[Library]:
    """Open the catalogue, and the user's songs where there are any; with `history` the database is made if missing.

    `tell` is told of a user's database that cannot be written; its songs are there if it can be read.
    """
    from edge_emo.music.store.catalogue import Catalogue
    from edge_emo.music.store.database import FILE_NAME, data_folder

    path = data_folder(data_dir) / FILE_NAME
    with ExitStack() as stack:
        database = None
        if history or path.exists():
            try:
                database = stack.enter_context(user_database(data_dir, tell, busy_s=_PATIENCE_S))
            except UserDataError as error:
                tell(f"{error}; continuing without your history")
        try:
            songs = Catalogue(catalogue, own=path if path.exists() else None)
        except CatalogueError as error:
            if database is not None or not path.exists():
                raise
            tell(f"{error}; continuing without your own songs")
            songs = Catalogue(catalogue)
        yield Library(stack.enter_context(songs), database)
