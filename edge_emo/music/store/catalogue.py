"""The songs: the bundled catalogue, opened read-only, and beside it the user's own."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.errors import CatalogueError, SongNotFoundError
from edge_emo.core.text import printable
from edge_emo.music.store.bundled import BUNDLED
from edge_emo.music.store.filters import Filters
from edge_emo.music.store.licenses import how_to_find
from edge_emo.music.store.queries import queries
from edge_emo.music.store.schema import DAMAGED, SCHEMA_VERSION, in_order, version_of
from edge_emo.music.store.song import KEYS, CatalogueInfo, Key, Keys, Ranked, Song

_CHUNK = 10_000
_SOURCE = 9  # place of the column after those of the instruments
_TRUST = {"genre": 0.7, "nothing": 0.25}  # in the place of a song, by what it was found from


class Catalogue:
    """Read-only access to a catalogue, the one that ships when no `path` is given, and to the songs of `own`.

    `own` is the database of a user, as `UserDatabase` keeps it. Of a song that both hold, the user's counts.
    Threads may share it. Every method raises CatalogueError where a file is missing or damaged.
    """

    def __init__(self, path: str | Path | None = None, own: str | Path | None = None) -> None:
        self.path = Path(path) if path else BUNDLED
        self._files = {"bundled": self.path}
        if own is not None:
            self._files["own"] = Path(own)
        self._connection = sqlite3.connect(":memory:", uri=True, check_same_thread=False)
        self._lock = threading.RLock()
        for schema, file in self._files.items():
            self._attach(schema, file)

    def __enter__(self) -> Catalogue:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            self._connection.close()

    def check(self) -> None:
        """Read every file whole. Raises CatalogueError with what SQLite found."""
        for schema, file in self._files.items():
            with self._reading(schema):
                found = self._connection.execute(f"PRAGMA {schema}.integrity_check").fetchone()[0]
            if found != "ok":
                raise CatalogueError(f"{file}: damaged ({found}); {_next_step(schema)}")

    def song(self, uid: str) -> Song:
        """Return one song. Raises SongNotFoundError."""
        return self.songs([uid])[0]

    def songs(self, uids: Sequence[str]) -> list[Song]:
        """Return the songs of `uids`, in that order. Raises SongNotFoundError."""
        found: dict[str, Song] = {}
        uids = [*map(printable, uids)]
        for schema in self._files:  # the user's come last, and count
            found.update((song.uid, song) for song in self._select(schema, f"WHERE t.uid IN ({_marks(uids)})", uids))
        missing = next((uid for uid in uids if uid not in found), None)
        if missing is not None:
            raise SongNotFoundError(f"{missing}: no such song; find one with `edge-emo songs search`")
        return [found[uid] for uid in uids]

    def files(self) -> dict[str, str]:
        """Return the `uid` of the song in each file that was added, which may be gone since."""
        found: dict[str, str] = {}
        for schema in self._files:
            with self._reading(schema):
                sql = f"SELECT f.path, t.uid FROM {schema}.files f JOIN {schema}.tracks t ON t.id = f.track_id"
                found.update(self._connection.execute(sql).fetchall())
        return found

    def of_keys(self, keys: Sequence[Key]) -> list[Song]:
        """Return the songs of keys of `ranked`, in that order."""
        found: dict[Key, Song] = {}
        for file, schema in enumerate(self._files):
            own = sorted(key for key in keys if key.file == file)
            if own:
                ids = [key.id for key in own]
                songs = self._select(schema, f"WHERE t.id IN ({_marks(ids)}) ORDER BY t.id", ids)
                found.update(zip(own, songs, strict=True))
        return [found[key] for key in keys]

    def search(self, text: str = "", limit: int = 20, filters: Filters | None = None) -> list[Song]:
        """Return songs of which title, artist, genre, moods or instruments hold every word of `text`, best first.

        The start of a word suffices, and moods and instruments are found by synonyms, which come after the words
        themselves; without `text`, all songs that pass the `filters`, by artist and title.
        """
        asked = queries(text) if text.strip() else [None]
        found: dict[str, Song] = {}
        for query in asked:
            found.update((song.uid, song) for song in self._matching(query, limit, filters) if song.uid not in found)
            if len(found) >= limit:
                break
        return list(found.values())[:limit]

    def count(self, text: str = "", filters: Filters | None = None) -> int:
        """Return how many songs `search` would find without a limit."""
        query = " OR ".join(f"({each})" for each in queries(text))
        if text.strip() and not query:
            return 0
        n = 0
        for schema in self._files:
            condition, values = (filters or Filters()).conditions(schema)
            if query:
                condition += f" AND t.id IN (SELECT rowid FROM {schema}.tracks_fts WHERE tracks_fts MATCH ?)"
                values = [*values, query]
            sql = f"SELECT count(*) FROM {schema}.tracks t WHERE {condition} {self._hidden(schema)}"
            with self._reading(schema):
                n += self._connection.execute(sql, values).fetchone()[0]
        return n

    def _matching(self, query: str | None, limit: int, filters: Filters | None) -> list[Song]:
        found: list[tuple[int, Song]] = []
        for schema in reversed(self._files):
            condition, values = (filters or Filters()).conditions(schema)
            join = f"WHERE {condition} {self._hidden(schema)}"
            order = "t.artist COLLATE NOCASE, t.title COLLATE NOCASE, t.id"
            if query is not None:
                join = f"JOIN {schema}.tracks_fts f ON f.rowid = t.id {join} AND f.tracks_fts MATCH ?"
                values, order = [*values, query], "f.rank, t.id"
            found += enumerate(self._select(schema, f"{join} ORDER BY {order} LIMIT ?", [*values, limit]))
        if query is None:
            return [song for _, song in sorted(found, key=lambda item: _by_name(item[1]))]
        # ranks of different files are no measures of each other, so they take turns, the user's songs first
        return [song for _, song in sorted(found, key=lambda item: item[0])]

    def all_songs(self, schema: Literal["bundled", "own"] | None = None) -> Iterator[Song]:
        """Yield every song, or those of one of the files, without keeping them."""
        for name in [schema] if schema else self._files:
            last = 0
            while rows := self._ids(name, last):
                yield from self._select(name, f"WHERE t.id IN ({_marks(rows)}) ORDER BY t.id", rows)
                last = rows[-1]

    def info(self) -> CatalogueInfo:
        """Count what the catalogue holds; a song counts for its most fitting emotion."""
        counts: dict[str, dict[str, int]] = {"license": {}, "source": {}, "emotion": dict.fromkeys(EMOTIONS, 0)}
        artists: set[str] = set()
        best = f"max({', '.join('t.' + name for name in EMOTIONS)})"
        cases = " ".join(f"WHEN t.{name} THEN '{name}'" for name in EMOTIONS)
        groups = {"license": "l.name", "source": "t.source", "emotion": f"CASE {best} {cases} END"}
        for schema in self._files:
            with self._reading(schema):
                where = (
                    f"FROM {schema}.tracks t JOIN {schema}.licenses l ON l.id = t.license_id "
                    f"WHERE 1 {self._hidden(schema)}"
                )
                artists.update(name for (name,) in self._connection.execute(f"SELECT DISTINCT t.artist {where}"))
                for group, expression in groups.items():
                    for name, n in self._connection.execute(f"SELECT {expression}, count(*) {where} GROUP BY 1"):
                        counts[group][name] = counts[group].get(name, 0) + n
        return CatalogueInfo(
            path=printable(str(self.path)),
            schema_version=SCHEMA_VERSION,
            songs=sum(counts["source"].values()),
            artists=len(artists),
            by_license=_largest_first(counts["license"]),
            by_source=_largest_first(counts["source"]),
            by_emotion=counts["emotion"],
        )

    def ranked(self) -> Ranked:
        """Return what ranking needs of every song."""
        numbers: dict[tuple[str, str], int] = {}

        def numbered(kind: str, names: Sequence[str]) -> NDArray[np.int32]:
            return np.array([numbers.setdefault((kind, name), len(numbers)) for name in names], np.int32)

        parts: dict[str, list[NDArray[Any]]] = {name: [] for name in _RANKED}
        columns = f"t.valence, t.arousal, {', '.join('t.' + name for name in EMOTIONS)}"
        for file, schema in enumerate(self._files):
            with self._reading(schema):
                cursor = self._connection.execute(
                    f"SELECT t.id, t.artist, g.name, t.mood_from, t.clashes, {_moods(schema)}, {columns} "
                    f"FROM {schema}.tracks t JOIN {schema}.genres g ON g.id = t.genre_id "
                    f"WHERE 1 {self._hidden(schema)} ORDER BY t.id"
                )
                last = 0
                while rows := cursor.fetchmany(_CHUNK):
                    ids, artists, genres, mood_from, contradictions, moods, *figures = zip(*rows, strict=True)
                    in_order(ids, last)
                    last = ids[-1]
                    tags = [_names(encoded) for encoded in moods]
                    parts["keys"].append(_keys(file, ids))
                    parts["artists"].append(numbered("artist", artists))
                    parts["genres"].append(numbered("genre", genres))
                    parts["trust"].append(np.array([_TRUST.get(name, 1.0) for name in mood_from], np.float32))
                    parts["contradictions"].append(
                        np.array(contradictions) >> np.arange(len(EMOTIONS))[:, None] & 1 == 1
                    )
                    parts["places"].append(np.array(figures[:2], np.float32))
                    parts["probabilities"].append(np.array(figures[2:], np.float32))
                    parts["moods"].append(numbered("mood", [tag for own in tags for tag in own]))
                    parts["mood_starts"].append(np.array([len(own) for own in tags], np.int64))
        joined = {
            name: np.concatenate([np.zeros(shape, dtype), *parts[name]], axis=-1)
            for name, (shape, dtype) in _RANKED.items()
        }
        joined["mood_starts"] = np.cumsum(np.append(0, joined["mood_starts"]))
        return Ranked(**joined, names=[name for _, name in numbers])

    def keys_of(self, filters: Filters) -> Keys:
        """Return the keys, ascending, of the songs that pass."""
        found = []
        for file, schema in enumerate(self._files):
            condition, values = filters.conditions(schema)
            with self._reading(schema):
                rows = self._connection.execute(f"SELECT t.id FROM {schema}.tracks t WHERE {condition}", values)
                found.append(_keys(file, np.sort(np.fromiter((i for (i,) in rows), np.int64))))
        return np.concatenate(found)

    def keys(self, uids: Sequence[str]) -> dict[str, Key]:
        """Return the keys of those songs of `uids` that are known, by their identifier."""
        found: dict[str, Key] = {}
        uids = [*map(printable, uids)]
        for file, schema in enumerate(self._files) if uids else ():
            with self._reading(schema):
                for start in range(0, len(uids), _CHUNK):
                    some = uids[start : start + _CHUNK]
                    sql = f"SELECT uid, id FROM {schema}.tracks WHERE uid IN ({_marks(some)})"
                    found.update((uid, Key(file, i)) for uid, i in self._connection.execute(sql, some))
        return found

    def _hidden(self, schema: str) -> str:
        """Return the condition that leaves out songs of the catalogue of which the user has a version."""
        if schema == "own" or "own" not in self._files:
            return ""
        return "AND NOT EXISTS (SELECT 1 FROM own.tracks o WHERE o.uid = t.uid)"

    def _ids(self, schema: str, after: int) -> list[int]:
        with self._reading(schema):
            sql = f"SELECT t.id FROM {schema}.tracks t WHERE t.id > ? {self._hidden(schema)} ORDER BY t.id LIMIT 1000"
            ids = [i for (i,) in self._connection.execute(sql, [after])]
            in_order(ids, after)
            return ids

    def _select(self, schema: str, condition: str, values: Sequence[Any]) -> list[Song]:
        with self._reading(schema):
            rows = self._connection.execute(f"{_SELECT.format(schema=schema)} {condition}", list(values)).fetchall()
        songs: list[Song] = []
        for uid, title, artist, genre, moods, instruments, *rest in rows:
            find = how_to_find(rest[_SOURCE], title, artist)
            about: list[Any] = [*rest[: -len(EMOTIONS)], tuple(rest[-len(EMOTIONS) :]), find]
            songs.append(Song(uid, title, artist, genre, _names(moods), _names(instruments), *about))
        return songs

    def _attach(self, schema: str, file: Path) -> None:
        if not os.path.isfile(file):  # also of a name that is too long
            raise CatalogueError(f"{file}: no such catalogue; {_next_step(schema)}")
        # immutable: no lock and no journal is ever written beside a file that may lie on a read-only disk
        journal = file.with_name(file.name + "-wal")
        is_fixed = schema == "bundled" or not (os.access(file.parent, os.W_OK) or journal.exists())
        mode = "mode=ro&immutable=1" if is_fixed else "mode=ro"
        with self._reading(schema):
            self._connection.execute(f"ATTACH ? AS {schema}", [f"{file.resolve().as_uri()}?{mode}"])
            version = version_of(self._connection, schema)
        if version != SCHEMA_VERSION:
            raise CatalogueError(
                f"{file}: schema {version}, this release reads {SCHEMA_VERSION}; install the edge-emo it came with"
            )

    @contextmanager
    def _reading(self, schema: str) -> Iterator[None]:
        """Let one thread read at a time, and turn SQLite's errors into CatalogueError."""
        try:
            with self._lock:
                yield
        except DAMAGED as error:
            raise CatalogueError(
                f"{self._files[schema]}: damaged or not a catalogue ({error}); {_next_step(schema)}"
            ) from error


_RANKED: dict[str, tuple[tuple[int, ...], np.dtype[Any] | type]] = {
    "keys": ((0,), KEYS),
    "places": ((2, 0), np.float32),
    "probabilities": ((len(EMOTIONS), 0), np.float32),
    "contradictions": ((len(EMOTIONS), 0), np.bool_),
    "artists": ((0,), np.int32),
    "genres": ((0,), np.int32),
    "trust": ((0,), np.float32),
    "moods": ((0,), np.int32),
    "mood_starts": ((0,), np.int64),
}


def _moods(schema: str) -> str:
    return (
        f"(SELECT json_group_array(m.name) FROM {schema}.track_moods x JOIN {schema}.moods m ON m.id = x.mood_id "
        "WHERE x.track_id = t.id)"
    )


_SELECT = f"""
SELECT t.uid, t.title, t.artist, g.name, {_moods("{schema}")},
    (SELECT json_group_array(i.name) FROM {{schema}}.track_instruments x
        JOIN {{schema}}.instruments i ON i.id = x.instrument_id WHERE x.track_id = t.id),
    t.duration_s, t.bpm, t.valence, t.arousal, l.name, l.url, l.usage, t.credit, t.link, t.source,
    (SELECT min(p.path) FROM {{schema}}.files p WHERE p.track_id = t.id),
    t.duration_from, t.bpm_from, t.mood_from, {", ".join("t." + name for name in EMOTIONS)}
FROM {{schema}}.tracks t JOIN {{schema}}.licenses l ON l.id = t.license_id
    JOIN {{schema}}.genres g ON g.id = t.genre_id
"""


_names = msgspec.json.Decoder(tuple[str, ...]).decode


def _by_name(song: Song) -> tuple[str, str]:
    """Return what songs are sorted by, as SQLite's NOCASE does: letters of ASCII alone are the same in both cases."""
    return song.artist.translate(_NOCASE), song.title.translate(_NOCASE)


_NOCASE = {capital: capital + 32 for capital in range(ord("A"), ord("Z") + 1)}


def _keys(file: int, ids: Sequence[int] | NDArray[np.int64]) -> Keys:
    keys = np.empty(len(ids), KEYS)
    keys["file"], keys["id"] = file, ids
    return keys


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))


def _largest_first(counts: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _next_step(schema: str) -> str:
    return "reinstall edge-emo" if schema == "bundled" else "restore a copy of it, or move it away to begin a new one"
