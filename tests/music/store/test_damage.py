"""What reads a database row by row comes forward or fails, and never goes in circles."""

import shutil
import sqlite3
import struct

import pytest

from edge_emo.core.errors import CatalogueError, UserDataError
from edge_emo.music.library import folder
from edge_emo.music.store import database as databases
from edge_emo.music.store.bundled import BUNDLED
from edge_emo.music.store.catalogue import Catalogue
from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.history import History


def send_in_circles(path, name):
    """Let every branch of a table or index lead to its first leaf (SQLite's file format, section 1.6)."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    [(root,)] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [name])
    [(size,)] = connection.execute("PRAGMA page_size")
    connection.close()
    content = bytearray(path.read_bytes())
    at = (root - 1) * size
    n_cells = struct.unpack_from(">H", content, at + 3)[0]
    assert content[at] in (2, 5) and n_cells > 5, f"the root of {name} has too few branches"
    cells = struct.unpack_from(f">{n_cells}H", content, at + 12)
    first = content[at + cells[0] : at + cells[0] + 4]
    for cell in cells[1:]:
        content[at + cell : at + cell + 4] = first
    path.write_bytes(content)


def test_reading_all_songs_of_a_damaged_catalogue_ends(tmp_path):
    path = shutil.copy(BUNDLED, tmp_path / "damaged.sqlite")
    send_in_circles(path, "tracks")
    with Catalogue(path) as catalogue:

        def read():
            for number, _ in enumerate(catalogue.all_songs()):
                assert number < 10_000

        with pytest.raises(CatalogueError, match="out of order"):
            read()
        with pytest.raises(CatalogueError, match="out of order"):
            catalogue.ranked()


@pytest.fixture
def unchecked(monkeypatch):
    """Databases are checked when they are opened, but for very large ones."""
    monkeypatch.setattr(databases, "_CHECKED_WHOLE", 0)


def test_reading_the_history_of_a_damaged_database_ends(tmp_path, unchecked):
    path = tmp_path / "own.sqlite"
    with UserDatabase(path) as database:
        History(database).shown([f"song:{i}" for i in range(3000)], "sad", "match")
    send_in_circles(path, "events")
    with UserDatabase(path) as database:

        def read():
            for number, _ in enumerate(History(database).events()):
                assert number < 10_000

        with pytest.raises(UserDataError, match="out of order"):
            read()


def test_looking_for_lost_files_in_a_damaged_database_ends(tmp_path, unchecked, monkeypatch):
    path, music = tmp_path / "own.sqlite", tmp_path / "music"
    music.mkdir()
    with UserDatabase(path) as database, database.transaction() as connection:
        connection.execute("PRAGMA defer_foreign_keys = ON")
        connection.execute("INSERT INTO licenses (name, url, usage) VALUES ('', '', '')")
        connection.execute("INSERT INTO genres (name) VALUES ('')")
        eight = ", ".join(["0"] * 8)
        connection.execute(
            f"INSERT INTO tracks VALUES (1, 'a', '', '', '', 1, 1, '', '', 1, '', 1, '', 0, 0, {eight}, '', 0, 0)"
        )
        rows = [(str(music / f"{i:05}.wav"),) for i in range(1000)]
        connection.executemany("INSERT INTO files (path, track_id) VALUES (?, 1)", rows)
    send_in_circles(path, "sqlite_autoindex_files_1")
    looked = []

    def is_gone(name):
        looked.append(name)
        assert len(looked) < 10_000
        return False

    monkeypatch.setattr(folder, "_is_gone", is_gone)
    monkeypatch.setattr(folder, "_ROWS", 30)
    with UserDatabase(path) as database, pytest.raises(UserDataError, match="out of order"):
        folder.add_folders(database, [music])


def say_what_is_no_text(path):
    """Write bytes that are no UTF-8 where SQLite quotes them in its message about the damage."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("UPDATE sqlite_master SET sql = CAST(x'435245415445FF' AS TEXT) WHERE name = 'tracks'")
    connection.commit()
    connection.close()


def test_a_database_whose_damage_sqlite_cannot_put_into_words_is_moved_aside(tmp_path):
    UserDatabase(tmp_path / "own.sqlite").close()
    say_what_is_no_text(tmp_path / "own.sqlite")
    with UserDatabase(tmp_path / "own.sqlite") as database:
        assert "damaged; it is kept as" in database.warnings[0]
        assert History(database).stats().events == 0


def test_damage_that_sqlite_cannot_put_into_words_is_told_by_whoever_meets_it(tmp_path):
    path = shutil.copy(BUNDLED, tmp_path / "damaged.sqlite")
    say_what_is_no_text(path)
    with pytest.raises(CatalogueError, match=r"damaged\.sqlite: damaged or not a catalogue"):
        Catalogue(path)
    database = UserDatabase(tmp_path / "own.sqlite")
    with pytest.raises(UserDataError, match="moved aside when"), database.reading():
        b"\xff".decode()
    database.close()
