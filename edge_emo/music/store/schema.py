"""The one schema of the bundled catalogue and of the user's own songs and history, and how it is reached."""

from __future__ import annotations

import operator
import sqlite3
from collections.abc import Sequence
from typing import Any

from edge_emo.core.emotions import EMOTIONS
from edge_emo.music.store.filters import is_of_occasion, searchable
from edge_emo.music.store.licenses import is_cc_by

_SONGS = f"""
CREATE TABLE licenses (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, url TEXT NOT NULL, usage TEXT NOT NULL, UNIQUE (name, url, usage)
);
CREATE TABLE genres (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE moods (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE instruments (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE tracks (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    title TEXT NOT NULL,
    artist TEXT NOT NULL,
    genre_id INTEGER NOT NULL REFERENCES genres (id),
    license_id INTEGER NOT NULL REFERENCES licenses (id),
    credit TEXT,
    link TEXT NOT NULL,
    duration_s REAL CHECK (duration_s >= 0),
    duration_from TEXT NOT NULL,
    bpm REAL CHECK (bpm > 0),
    bpm_from TEXT NOT NULL,
    valence REAL NOT NULL CHECK (valence BETWEEN -1 AND 1),
    arousal REAL NOT NULL CHECK (arousal BETWEEN -1 AND 1),
    {", ".join(f"{name} REAL NOT NULL" for name in EMOTIONS)},
    mood_from TEXT NOT NULL,
    clashes INTEGER NOT NULL
);
CREATE INDEX tracks_genre ON tracks (genre_id);
CREATE INDEX tracks_bpm ON tracks (bpm);
CREATE TABLE track_moods (
    track_id INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    mood_id INTEGER NOT NULL REFERENCES moods (id),
    PRIMARY KEY (track_id, position)
) WITHOUT ROWID;
CREATE TABLE track_instruments (
    track_id INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    instrument_id INTEGER NOT NULL REFERENCES instruments (id),
    PRIMARY KEY (track_id, position)
) WITHOUT ROWID;
CREATE INDEX track_instruments_instrument ON track_instruments (instrument_id, track_id);
CREATE TABLE files (
    path TEXT NOT NULL UNIQUE,
    track_id INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    size INTEGER,
    modified_ns INTEGER,
    sha256 TEXT
);
CREATE INDEX files_track ON files (track_id);
CREATE INDEX files_content ON files (sha256);
CREATE VIEW track_texts AS
    SELECT t.id, t.title, t.artist, g.name AS genre,
        (SELECT group_concat(m.name, ' ') FROM track_moods x JOIN moods m ON m.id = x.mood_id
            WHERE x.track_id = t.id) AS moods,
        (SELECT group_concat(i.name, ' ') FROM track_instruments x JOIN instruments i ON i.id = x.instrument_id
            WHERE x.track_id = t.id) AS instruments
    FROM tracks t JOIN genres g ON g.id = t.genre_id;
CREATE VIRTUAL TABLE tracks_fts USING fts5 (
    title, artist, genre, moods, instruments,
    content='track_texts', content_rowid='id', tokenize="unicode61 remove_diacritics 2"
);
INSERT INTO tracks_fts (tracks_fts, rank) VALUES ('rank', 'bm25(4.0, 3.0, 1.0, 2.0, 1.0)');
"""

_HISTORY = """
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    session TEXT NOT NULL,
    request TEXT NOT NULL,
    uid TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('shown', 'played', 'kept', 'skipped', 'downloaded')),
    emotion TEXT,
    strategy TEXT,
    position INTEGER
);
CREATE INDEX events_uid ON events (uid, action, at);
CREATE INDEX events_session ON events (session);
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

_FILTERS = """
ALTER TABLE licenses ADD COLUMN is_cc_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE genres ADD COLUMN words TEXT NOT NULL DEFAULT '';
ALTER TABLE instruments ADD COLUMN words TEXT NOT NULL DEFAULT '';
ALTER TABLE tracks ADD COLUMN is_of_occasion INTEGER NOT NULL DEFAULT 0;
"""

MIGRATIONS = {2: _SONGS, 3: _HISTORY, 4: _FILTERS}
"""What leads to each version. Version 1 was a catalogue that held nothing of the user's; it is built anew."""

SCHEMA_VERSION = max(MIGRATIONS)
"""`PRAGMA user_version` of the databases this release reads and writes."""


def version_of(connection: sqlite3.Connection, schema: str = "main") -> int:
    """Return the version of a database's schema; 0 for an empty one."""
    return int(connection.execute(f"PRAGMA {schema}.user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection) -> None:
    """Bring an empty or older database to `SCHEMA_VERSION`, wholly or not at all.

    Several processes may do so at once. The connection must be in autocommit mode. Raises sqlite3.Error.
    """
    if version_of(connection) == SCHEMA_VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        before = version_of(connection)  # another process may have been faster
        for version, script in MIGRATIONS.items():
            if version > before:
                for statement in script.split(";\n"):
                    connection.execute(statement)
        if before < 4:
            _fill_filters(connection)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


DAMAGED = (sqlite3.Error, UnicodeDecodeError)
"""What `sqlite3` raises for a damaged file; the second where it cannot even read its own message about it."""


def in_order(keys: Sequence[Any], after: Any) -> None:
    """Raise sqlite3.DatabaseError unless each key is above the one before, and the first above `after`.

    A damaged table may be read in circles; what reads it key by key must come forward, or fail.
    """
    if not all(map(operator.lt, [after, *keys], keys)):
        raise sqlite3.DatabaseError("database disk image is malformed: rows are out of order")


def _fill_filters(connection: sqlite3.Connection) -> None:
    """Write what filters ask for of the songs that are there."""
    for table in ("genres", "instruments"):
        rows = [(searchable(name), i) for i, name in connection.execute(f"SELECT id, name FROM {table}")]
        connection.executemany(f"UPDATE {table} SET words = ? WHERE id = ?", rows)
    licenses = [(i,) for i, name in connection.execute("SELECT id, name FROM licenses") if is_cc_by(name)]
    connection.executemany("UPDATE licenses SET is_cc_by = 1 WHERE id = ?", licenses)
    songs = connection.execute("SELECT t.id, t.title, g.name FROM tracks t JOIN genres g ON g.id = t.genre_id")
    of_occasion = [(i,) for i, title, genre in songs if is_of_occasion(title, genre)]
    connection.executemany("UPDATE tracks SET is_of_occasion = 1 WHERE id = ?", of_occasion)
