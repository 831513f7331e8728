"""The catalogue with the user's own songs and history, as the commands open them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_emo.cli.terminal import tell
from edge_emo.errors import CatalogueError, UserDataError

if TYPE_CHECKING:
    from edge_emo.music.catalogue import Catalogue
    from edge_emo.music.database import UserDatabase

_PATIENCE_S = 3.0  # for a database that another process holds, where the command can do without


@dataclass(frozen=True)
class Library:
    """The songs, and the user's database where it can be used."""

    catalogue: Catalogue
    database: UserDatabase | None


@contextmanager
def user_database(data_dir: str | None, *, busy_s: float = 30.0) -> Iterator[UserDatabase]:
    """Open the user's database, making it where there is none; what happened to it goes to standard error."""
    from edge_emo.music.database import FILE_NAME, UserDatabase, data_folder

    with UserDatabase(data_folder(data_dir) / FILE_NAME, busy_s=busy_s) as database:
        for warning in database.warnings:
            tell(warning)
        yield database


@contextmanager
def library(catalogue: str | None, data_dir: str | None, *, history: bool = False) -> Iterator[Library]:
    """Open the catalogue, and the user's songs where there are any; with `history` the database is made if missing.

    A user's database that cannot be written is named on standard error; its songs are there if it can be read.
    """
    from edge_emo.music.catalogue import Catalogue
    from edge_emo.music.database import FILE_NAME, data_folder

    path = data_folder(data_dir) / FILE_NAME
    with ExitStack() as stack:
        database = None
        if history or path.exists():
            try:
                database = stack.enter_context(user_database(data_dir, busy_s=_PATIENCE_S))
            except UserDataError as error:
                tell(f"{error}; going on without your history")
        try:
            songs = Catalogue(catalogue, own=path if path.exists() else None)
        except CatalogueError as error:
            if database is not None or not path.exists():
                raise
            tell(f"{error}; going on without your own songs")
            songs = Catalogue(catalogue)
        yield Library(stack.enter_context(songs), database)
