"""The catalogue that ships: where it is, and how much it holds, without the libraries that ranking needs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from edge_emo.core.errors import CatalogueError

BUNDLED = Path(__file__).parents[1] / "data" / "catalogue.sqlite"


def n_bundled(path: Path = BUNDLED) -> int:
    """Return how many songs the bundled catalogue holds. Raises CatalogueError."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            return int(connection.execute("SELECT COUNT(*) FROM tracks").fetchone()[0])
    except sqlite3.Error as error:
        raise CatalogueError(f"{path}: missing or damaged ({error}); reinstall edge-emo") from error
