import os
import sqlite3
import stat

import pytest

from edge_emo.core.errors import UserDataError
from edge_emo.music.store.catalogue import Catalogue
from edge_emo.music.store.database import FILE_NAME, UserDatabase, data_folder
from edge_emo.music.store.filters import Filters
from edge_emo.music.store.history import History
from edge_emo.music.store.record import SongRecord
from edge_emo.music.store.schema import MIGRATIONS, SCHEMA_VERSION, version_of
from edge_emo.music.store.writer import SongWriter


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / FILE_NAME


def filled(path, n=200):
    with UserDatabase(path) as database:
        History(database).shown([f"song:{i}" for i in range(n)], "sad", "match")


def test_it_is_made_with_its_folder_and_kept(path):
    filled(path)
    with UserDatabase(path) as database:
        assert version_of(database.connection) == SCHEMA_VERSION
        assert History(database).stats().events == 200
        assert database.warnings == []


def test_the_folder_is_the_one_given_or_named_by_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("EDGE_EMO_HOME", str(tmp_path / "a"))
    assert data_folder() == tmp_path / "a"
    assert data_folder(tmp_path / "b") == tmp_path / "b"
    monkeypatch.delenv("EDGE_EMO_HOME")
    assert data_folder().name == "edge-emo"


OLD_SONGS = """
INSERT INTO licenses VALUES (1, 'CC BY 4.0', '', ''), (2, 'CC BY-NC 4.0', '', '');
INSERT INTO genres VALUES (1, 'Country & Folk'), (2, 'Children''s');
INSERT INTO instruments VALUES (1, 'Drums');
INSERT INTO track_instruments VALUES (1, 0, 1);
"""
OLD_SONG = f"""INSERT INTO tracks VALUES
({{0}}, 'own:{{0}}', 'own', '{{1}}', 'A', {{2}}, {{3}}, NULL, '', NULL, '', NULL, '', 0, 0, {", ".join("01000000")},
'', 0);
"""


def test_an_older_database_is_migrated_with_its_songs(path):
    path.parent.mkdir()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(MIGRATIONS[2])
    songs = (1, "Kept", 1, 1), (2, "Xmas", 1, 1), (3, "Lullaby", 2, 2)
    connection.executescript(OLD_SONGS + "".join(OLD_SONG.format(*song) for song in songs))
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    with UserDatabase(path) as database:
        assert version_of(database.connection) == SCHEMA_VERSION
        History(database).add("kept", "own:1")
        assert History(database).stats().events == 1

    def titles(**asked):
        with Catalogue(path) as catalogue:
            return {song.title for song in catalogue.search("", 9, Filters(**asked))}

    assert titles() == {"Kept", "Xmas", "Lullaby"}
    assert titles(occasions=False) == titles(instruments=("drum",)) == {"Kept"}
    assert titles(genres=("folk",)) == titles(license="cc-by") == {"Kept", "Xmas"}
    assert titles(genres=("children",), occasions=False) == {"Lullaby"}


def test_a_failed_migration_changes_nothing(path, monkeypatch):
    monkeypatch.setitem(MIGRATIONS, 2, MIGRATIONS[2] + "CREATE TABLE tracks (x);\n")
    with pytest.raises(UserDataError, match="already exists"):
        UserDatabase(path)
    monkeypatch.undo()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def test_a_database_of_a_newer_release_is_left_alone(path):
    filled(path)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(UserDataError, match="newer edge-emo"):
        UserDatabase(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_a_database_cut_short_is_kept_aside_and_a_fresh_one_begun(path, share):
    filled(path, 2000)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with UserDatabase(path) as database:
        assert History(database).stats().events == 0
        History(database).add("kept", "a")
        [warning] = database.warnings
    [aside] = [file for file in path.parent.iterdir() if "damaged" in file.name]
    assert aside.name in warning
    assert aside.read_bytes() == content[: int(len(content) * share)]


@pytest.mark.parametrize("content", [b"no database" * 1000, b"SQLite format 3\0", b"\0" * 5000])
def test_what_is_no_database_is_kept_aside(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    with UserDatabase(path) as database:
        assert len(database.warnings) == 1
        History(database).add("kept", "a")
    assert [file.read_bytes() for file in path.parent.iterdir() if "damaged" in file.name] == [content]


def test_pages_overwritten_inside_are_noticed(path):
    filled(path, 5000)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 9000] = b"\xff" * 9000
    path.write_bytes(bytes(content))
    with UserDatabase(path) as database:
        assert len(database.warnings) == 1


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserDataError, match="--data-dir"):
        UserDatabase(tmp_path / "file" / "deeper" / FILE_NAME)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UserDataError, match="make its folder writable"):
        UserDatabase(tmp_path / FILE_NAME)


def test_a_transaction_is_written_whole_or_not_at_all(path):
    with UserDatabase(path) as database:

        def interrupted():
            with database.transaction() as connection:
                SongWriter(connection).put(SongRecord(title="A", artist="B"))
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert database.connection.execute("SELECT count(*) FROM tracks").fetchone() == (0,)
        with pytest.raises(UserDataError, match="FOREIGN KEY"), database.transaction() as connection:
            connection.execute("INSERT INTO track_moods VALUES (1, 0, 1)")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps a user's folders apart by other means")
def test_folder_and_files_are_the_users_alone(path):
    with UserDatabase(path) as database:
        History(database).add("kept", "a")
        assert mode(path.parent) == 0o700
        names = {file.name: mode(file) for file in path.parent.iterdir()}
    assert names == dict.fromkeys([FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"], 0o600)


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps a user's folders apart by other means")
def test_what_an_older_release_left_open_to_others_is_closed(path):
    filled(path)
    copy = path.with_name(f"{FILE_NAME}.damaged-20240101-000000")
    copy.write_bytes(b"of earlier days")
    for open_to_all in (path, copy):
        open_to_all.chmod(0o644)
    path.parent.chmod(0o755)
    UserDatabase(path).close()
    assert (mode(path.parent), mode(path), mode(copy)) == (0o700, 0o600, 0o600)


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps a user's folders apart by other means")
def test_a_folder_in_which_other_things_lie_stays_as_open_as_it_was(path):
    filled(path)
    path.parent.chmod(0o755)
    (path.parent / "notes.txt").write_text("of somebody else")
    (path.parent / "notes.txt").chmod(0o644)
    UserDatabase(path).close()
    assert (mode(path.parent), mode(path.parent / "notes.txt"), mode(path)) == (0o755, 0o644, 0o600)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such files")
def test_a_folder_pipe_or_device_is_no_database(path):
    path.parent.mkdir()
    for made in (path.mkdir, lambda: os.mkfifo(path), lambda: path.symlink_to("/dev/zero")):
        made()
        with pytest.raises(UserDataError, match=f"{FILE_NAME}: is a folder, a pipe or a device, no file; name another"):
            UserDatabase(path)
        path.rmdir() if path.is_dir() else path.unlink()


def test_a_path_that_cannot_be_is_told(path):
    with pytest.raises(UserDataError, match="not a possible path"):
        UserDatabase(f"{path}\0")


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="a file that cannot be read is Linux's")
def test_a_disk_that_fails_is_told(path):
    path.parent.mkdir()
    path.symlink_to("/proc/self/mem")  # whose first page is not there
    with pytest.raises(UserDataError, match=FILE_NAME):
        UserDatabase(path)
