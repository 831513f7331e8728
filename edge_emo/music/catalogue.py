"""The bundled catalogue: facts about songs in one SQLite file, opened read-only."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from edge_emo.emotions import EMOTIONS
from edge_emo.errors import CatalogueError, SongNotFoundError

SCHEMA_VERSION = 1
"""`PRAGMA user_version` of the catalogues this release reads."""


@dataclass(frozen=True)
class Song:
    """A song, how it may be used, and where it is. `valence` and `arousal` lie between -1 and 1."""

    uid: str
    title: str
    artist: str
    genre: str
    moods: tuple[str, ...]
    instruments: tuple[str, ...]
    duration_s: float
    bpm: float | None
    valence: float
    arousal: float
    license: str
    license_url: str
    usage: str
    credit: str | None
    link: str
    source: str


@dataclass(frozen=True)
class CatalogueInfo:
    """What a catalogue holds."""

    path: str
    schema_version: int
    songs: int
    artists: int
    by_license: dict[str, int]
    by_source: dict[str, int]
    by_emotion: dict[str, int]


class Catalogue:
    """Read-only access to a catalogue; the one that ships when no `path` is given.

    Every method raises CatalogueError where the file is missing or damaged.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = Path(path) if path else Path(__file__).parent / "data" / "catalogue.sqlite"
        with self._errors():
            self._connection = self._connect()
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version != SCHEMA_VERSION:
            raise CatalogueError(
                f"{self.path}: schema {version}, this release reads {SCHEMA_VERSION}; install the edge-emo it came with"
            )

    def __enter__(self) -> Catalogue:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def check(self) -> None:
        """Read the whole file. Raises CatalogueError with what SQLite found."""
        with self._errors():
            found = self._connection.execute("PRAGMA integrity_check").fetchone()[0]
        if found != "ok":
            raise CatalogueError(f"{self.path}: damaged ({found}); reinstall edge-emo")

    def song(self, uid: str) -> Song:
        """Return one song. Raises SongNotFoundError."""
        return self.songs([uid])[0]

    def songs(self, uids: Sequence[str]) -> list[Song]:
        """Return the songs of `uids`, in that order. Raises SongNotFoundError."""
        marks = ", ".join("?" * len(uids))
        found = {song.uid: song for song in self._select(f"WHERE t.uid IN ({marks})", list(uids))}
        missing = next((uid for uid in uids if uid not in found), None)
        if missing is not None:
            raise SongNotFoundError(f"{missing}: no such song; find one with `edge-emo songs search`")
        return [found[uid] for uid in uids]

    def search(self, text: str, limit: int = 20) -> list[Song]:
        """Return songs whose title or artist hold every word of `text` (its start suffices), best first."""
        words = re.findall(r"\w+", text)
        if not words:
            return []
        query = " ".join(f'"{word}"*' for word in words)
        return self._select(
            "JOIN tracks_fts f ON f.rowid = t.id WHERE tracks_fts MATCH ? ORDER BY bm25(tracks_fts), t.id LIMIT ?",
            [query, limit],
        )

    def info(self) -> CatalogueInfo:
        """Count what the catalogue holds; a song counts for its most fitting emotion."""
        with self._errors():
            count = self._connection.execute("SELECT count(*), count(DISTINCT artist) FROM tracks").fetchone()
            by_license = self._counts(
                "SELECT l.name, count(*) FROM tracks t JOIN licenses l ON l.id = t.license_id GROUP BY 1"
            )
            by_source = self._counts("SELECT source, count(*) FROM tracks GROUP BY 1")
            best = f"max({', '.join(EMOTIONS)})"
            cases = " ".join(f"WHEN {name} THEN '{name}'" for name in EMOTIONS)
            by_emotion = self._counts(f"SELECT CASE {best} {cases} END, count(*) FROM tracks GROUP BY 1")
        return CatalogueInfo(
            path=str(self.path),
            schema_version=SCHEMA_VERSION,
            songs=count[0],
            artists=count[1],
            by_license=by_license,
            by_source=by_source,
            by_emotion={name: by_emotion.get(name, 0) for name in EMOTIONS},
        )

    @cached_property
    def table(self) -> list[tuple[Any, ...]]:
        """What ranking needs of every song: uid, artist, licence, duration, valence, arousal, eight shares, tagged."""
        with self._errors():
            return self._connection.execute(
                "SELECT t.uid, t.artist, l.name, t.duration_s, t.valence, t.arousal, "
                f"{', '.join('t.' + name for name in EMOTIONS)}, EXISTS (SELECT 1 FROM moods WHERE track_id = t.id) "
                "FROM tracks t JOIN licenses l ON l.id = t.license_id ORDER BY t.id"
            ).fetchall()

    def _counts(self, sql: str) -> dict[str, int]:
        return dict(self._connection.execute(sql + " ORDER BY 2 DESC").fetchall())

    def _select(self, condition: str, values: list[Any]) -> list[Song]:
        with self._errors():
            rows = self._connection.execute(f"{_SELECT} {condition}", values).fetchall()
        songs = []
        for uid, title, artist, genre, moods, instruments, *rest in rows:
            songs.append(Song(uid, title, artist, genre, _names(moods), _names(instruments), *rest))
        return songs

    def _connect(self) -> sqlite3.Connection:
        if not self.path.is_file():
            raise CatalogueError(f"{self.path}: no such catalogue; reinstall edge-emo")
        # immutable: no lock and no journal is ever written beside a file that may lie on a read-only disk
        uri = f"{self.path.resolve().as_uri()}?mode=ro&immutable=1"
        return sqlite3.connect(uri, uri=True, check_same_thread=False)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise CatalogueError(f"{self.path}: damaged or not a catalogue ({error}); reinstall edge-emo") from error


_SELECT = """
SELECT t.uid, t.title, t.artist, t.genre,
    (SELECT group_concat(tag, '|') FROM (SELECT tag FROM moods WHERE track_id = t.id ORDER BY rowid)),
    (SELECT group_concat(name, '|') FROM (SELECT name FROM instruments WHERE track_id = t.id ORDER BY rowid)),
    t.duration_s, t.bpm, t.valence, t.arousal, l.name, l.url, l.usage, t.credit, t.link, t.source
FROM tracks t JOIN licenses l ON l.id = t.license_id
"""


def _names(joined: str | None) -> tuple[str, ...]:
    return tuple(joined.split("|")) if joined else ()
