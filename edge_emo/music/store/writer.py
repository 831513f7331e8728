"""Writes songs into a database of the catalogue's schema."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from edge_emo.core.emotions import EMOTIONS
from edge_emo.music.store import moods
from edge_emo.music.store.filters import is_of_occasion, searchable
from edge_emo.music.store.licenses import is_cc_by
from edge_emo.music.store.record import SongRecord, complete

_COLUMNS = (
    "uid", "source", "title", "artist", "genre_id", "license_id", "credit", "link", "duration_s", "duration_from",
    "bpm", "bpm_from", "valence", "arousal", *EMOTIONS, "mood_from", "clashes",
    "is_of_occasion",
)  # fmt: skip
_PUT = (
    f"INSERT INTO tracks ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) ON CONFLICT (uid) DO NOTHING"
)
_REPLACE = f"UPDATE tracks SET {', '.join(f'{name} = ?' for name in _COLUMNS)} WHERE id = ?"
_IS_OF = "SELECT 1 FROM files WHERE path = ? AND track_id = ?"
_PLACE = (
    "INSERT INTO files (path, track_id, size, modified_ns, sha256) VALUES (?, ?, ?, ?, ?) ON CONFLICT (path) DO UPDATE "
    "SET track_id = excluded.track_id, size = excluded.size, modified_ns = excluded.modified_ns, "
    "sha256 = excluded.sha256"
)
_AT_ONCE = 10_000
_TEXTS = "INSERT INTO tracks_fts ({command}rowid, title, artist, genre, moods, instruments) "


@dataclass(frozen=True)
class Content:
    """What a file held when it was read: bytes, time of its last change in nanoseconds since 1970, SHA-256."""

    size: int
    modified_ns: int
    sha256: str


class SongWriter:
    """Puts songs in, and takes them out; the caller begins and ends the transaction. Raises sqlite3.Error.

    With `many`, tags are written and songs found by the search only after a call of `flush`: that takes half of the
    time, as SQLite's full-text index is else written to the file with every row.
    """

    def __init__(self, connection: sqlite3.Connection, *, many: bool = False) -> None:
        self._connection = connection
        self._ids: dict[tuple[str, ...], int] = {}
        self._at_once = _AT_ONCE if many else 1
        self._waiting: set[int] = set()
        self._tags: dict[str, list[tuple[int, int, int]]] = {"track_moods": [], "track_instruments": []}

    def put(self, record: SongRecord) -> int:
        """Write a song in place of the one of the same `uid`, if any, and return its row. Raises ValueError.

        Its files stay those of the song it replaces where `path` is one of them; else `path`, if any, is its only one.
        """
        song = complete(record)
        assert song.probabilities is not None
        contradictions = sum(1 << i for i, is_one in enumerate(moods.contradictions(song.moods, song.title)) if is_one)
        values = [song.uid, song.source, song.title, song.artist, self._id("genres", song.genre)]
        values += [self._license(song), song.credit, song.link, song.duration_s, song.duration_from]
        values += [
            song.bpm,
            song.bpm_from,
            song.valence,
            song.arousal,
            *song.probabilities,
            song.mood_from,
            contradictions,
        ]
        values.append(is_of_occasion(song.title, song.genre))
        done = self._connection.execute(_PUT, values)
        track_id = int(done.lastrowid or 0)
        known = done.rowcount == 0
        if known:
            [(track_id,)] = self._connection.execute("SELECT id FROM tracks WHERE uid = ?", [song.uid])
            self._forget_texts(track_id)
            self._connection.execute(_REPLACE, [*values, track_id])
        for table, column, names in (
            ("track_moods", "moods", song.moods),
            ("track_instruments", "instruments", song.instruments),
        ):
            if known:
                self._connection.execute(f"DELETE FROM {table} WHERE track_id = ?", [track_id])
            self._tags[table] += [(track_id, i, self._id(column, name)) for i, name in enumerate(names)]
        if song.path is None or not self._connection.execute(_IS_OF, [song.path, track_id]).fetchone():
            if known:
                self._connection.execute("DELETE FROM files WHERE track_id = ?", [track_id])
            if song.path is not None:
                self.place(track_id, song.path)
        self._waiting.add(track_id)
        if len(self._waiting) >= self._at_once:
            self.flush()
        return track_id

    def flush(self) -> None:
        """Write the tags of the songs that were put in, and let the search find them."""
        for table, rows in self._tags.items():
            self._connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", rows)
            rows.clear()
        self._connection.execute(
            _TEXTS.format(command="")
            + "SELECT * FROM track_texts WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
            [json.dumps(sorted(self._waiting))],
        )
        self._waiting.clear()

    def place(self, track_id: int, path: str, content: Content | None = None) -> None:
        """Write that the file at `path` is this song, and what it held when it was read, if it was."""
        held = (content.size, content.modified_ns, content.sha256) if content else (None, None, None)
        self._connection.execute(_PLACE, [path, track_id, *held])

    def displace(self, path: str) -> None:
        """Write that the file at `path` is no song any more."""
        self._connection.execute("DELETE FROM files WHERE path = ?", [path])

    def remove(self, track_id: int) -> None:
        """Take a song out, and its files with it."""
        self._forget_texts(track_id)
        self._connection.execute("DELETE FROM tracks WHERE id = ?", [track_id])

    def _forget_texts(self, track_id: int) -> None:
        if track_id in self._waiting:
            self.flush()
        self._connection.execute(
            _TEXTS.format(command="tracks_fts, ") + "SELECT 'delete', * FROM track_texts WHERE id = ?", [track_id]
        )

    def _license(self, song: SongRecord) -> int:
        key = ("licenses", song.license, song.license_url, song.usage)
        if key not in self._ids:
            self._connection.execute(
                "INSERT INTO licenses (name, url, usage, is_cc_by) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [*key[1:], is_cc_by(song.license)],
            )
            [(self._ids[key],)] = self._connection.execute(
                "SELECT id FROM licenses WHERE name = ? AND url = ? AND usage = ?", key[1:]
            )
        return self._ids[key]

    def _id(self, table: str, name: str) -> int:
        key = (table, name)
        if key not in self._ids:
            known = {"name": name} if table == "moods" else {"name": name, "words": searchable(name)}
            self._connection.execute(
                f"INSERT INTO {table} ({', '.join(known)}) VALUES ({', '.join('?' * len(known))}) "
                "ON CONFLICT DO NOTHING",
                list(known.values()),
            )
            [(self._ids[key],)] = self._connection.execute(f"SELECT id FROM {table} WHERE name = ?", [name])
        return self._ids[key]
