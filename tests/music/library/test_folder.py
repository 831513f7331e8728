"""One's own music, as files come, change, move and go."""

import os
import shutil
import sqlite3
import struct
import sys

import pytest

from edge_emo.core.errors import FolderError, SongNotFoundError, UserDataError
from edge_emo.music.library.folder import add_folders, remove_songs
from edge_emo.music.library.walk import SoundFile, walk
from edge_emo.music.library.watch import Watch
from edge_emo.music.store.catalogue import Catalogue
from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.record import SongRecord
from edge_emo.music.store.writer import SongWriter
from tests.music.sounds import tag, write_sound


@pytest.fixture
def database(tmp_path):
    with UserDatabase(tmp_path / "home" / "edge-emo.sqlite") as opened:
        yield opened


@pytest.fixture
def music(tmp_path):
    folder = tmp_path / "music"
    folder.mkdir()
    return folder


def write_tiny(folder, count):
    """Write WAV files of two samples, each another."""
    head = struct.pack("<4sI8sIHHIIHH4sI", b"RIFF", 38, b"WAVEfmt ", 16, 1, 1, 8000, 8000, 1, 8, b"data", 2)
    for number in range(count):
        (folder / f"{number}.wav").write_bytes(head + number.to_bytes(2, "little"))


def songs(database):
    with Catalogue(own=database.path) as catalogue:
        return {song.title: song for song in catalogue.all_songs("own")}


def counts(added):
    names = ("added", "changed", "moved", "copies", "unchanged", "gone", "missing")
    return {name: getattr(added, name) for name in names if getattr(added, name)}


def test_songs_are_found_with_their_tags_and_place(database, music):
    tag(write_sound(music / "deep" / "er" / "a.flac"), title="Sunny", artist="Me", mood="Happy", genre="Jazz")
    write_sound(music / "Plain.wav")
    (music / "notes.txt").write_text("no sound")
    assert counts(add_folders(database, [music])) == {"added": 2}
    found = songs(database)
    assert set(found) == {"Sunny", "Plain"}
    sunny = found["Sunny"]
    assert (sunny.artist, sunny.source, sunny.mood_from) == ("Me", "file", "moods")
    assert sunny.valence > 0.3
    assert sunny.path == str(music / "deep" / "er" / "a.flac")
    assert (found["Plain"].mood_from, found["Plain"].license) == ("nothing", "unknown")
    with Catalogue(own=database.path) as catalogue:
        assert catalogue.search("sunny me happy")[0] == sunny
        assert catalogue.info().by_source["file"] == 2


def test_known_files_are_not_opened_again(database, music):
    path = write_sound(music / "a.wav")
    add_folders(database, [music])
    before, content = path.stat(), path.read_bytes()
    path.write_bytes(bytes(len(content)))  # would be reported, were it opened
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    added = add_folders(database, [music])
    assert (counts(added), added.unreadable) == ({"unchanged": 1}, ())


def test_a_file_that_was_only_touched_is_opened_once(database, music):
    path = write_sound(music / "a.wav")
    add_folders(database, [music])
    os.utime(path, ns=(0, 10**18))
    assert counts(add_folders(database, [music])) == {"unchanged": 1}
    content = path.read_bytes()
    path.write_bytes(bytes(len(content)))
    os.utime(path, ns=(0, 10**18))
    assert add_folders(database, [music]).unreadable == ()


def test_a_file_that_is_tagged_anew_keeps_its_identifier(database, music):
    path = tag(write_sound(music / "a.mp3"), title="First", mood="Happy")
    add_folders(database, [music])
    uid = songs(database)["First"].uid
    assert uid.startswith("file:")
    tag(path, title="Second", mood="Sad")
    os.utime(path, ns=(0, 10**18))
    assert counts(add_folders(database, [music])) == {"changed": 1}
    found = songs(database)
    assert set(found) == {"Second"}
    assert (found["Second"].uid, found["Second"].moods) == (uid, ("Sad",))
    with Catalogue(own=database.path) as catalogue:
        assert not [song for song in catalogue.search("first") if song.uid == uid]


def test_a_copy_of_what_a_file_was_gets_an_identifier_of_its_own(database, music, tmp_path):
    path = tag(write_sound(music / "a.mp3"), title="First")
    shutil.copy(path, tmp_path / "old.mp3")
    add_folders(database, [music])
    tag(path, title="Second")
    add_folders(database, [music])
    shutil.copy(tmp_path / "old.mp3", music / "b.mp3")
    assert counts(add_folders(database, [music])) == {"added": 1, "unchanged": 1}
    found = songs(database)
    assert set(found) == {"First", "Second"}
    assert found["First"].uid == f"{found['Second'].uid}-2"


def test_a_moved_file_keeps_its_identifier(database, music):
    path = tag(write_sound(music / "a.ogg"), title="A")
    add_folders(database, [music])
    tag(path, title="B")
    add_folders(database, [music])
    before = songs(database)["B"]
    (music / "new").mkdir()
    path.rename(music / "new" / "b.ogg")
    assert counts(add_folders(database, [music])) == {"moved": 1}
    after = songs(database)["B"]
    assert (after.uid, after.path) == (before.uid, str(music / "new" / "b.ogg"))


def test_a_file_that_is_renamed_and_has_no_title_is_called_by_its_new_name(database, music):
    path = write_sound(music / "old.wav")
    add_folders(database, [music])
    uid = songs(database)["old"].uid
    path.rename(music / "new.wav")
    add_folders(database, [music])
    assert {title: song.uid for title, song in songs(database).items()} == {"new": uid}


def test_copies_are_one_song_until_one_changes(database, music):
    path = tag(write_sound(music / "a.flac"), title="A")
    shutil.copy(path, music / "b.flac")
    assert counts(add_folders(database, [music])) == {"added": 1, "copies": 1}
    assert counts(add_folders(database, [music])) == {"unchanged": 2}
    uid = songs(database)["A"].uid
    tag(music / "b.flac", title="B")
    assert counts(add_folders(database, [music])) == {"added": 1, "unchanged": 1}
    assert songs(database)["A"].uid == uid
    path.unlink()
    assert counts(add_folders(database, [music])) == {"unchanged": 1, "gone": 1}
    assert set(songs(database)) == {"B"}


def test_a_song_stays_while_one_of_its_copies_does(database, music):
    path = tag(write_sound(music / "a.flac"), title="A")
    shutil.copy(path, music / "b.flac")
    add_folders(database, [music])
    path.unlink()
    add_folders(database, [music])
    assert songs(database)["A"].path == str(music / "b.flac")


def test_files_that_are_gone_are_taken_out_or_kept_if_asked(database, music):
    write_sound(music / "a.wav", pitch=300)
    write_sound(music / "b.wav", pitch=500)
    add_folders(database, [music])
    (music / "a.wav").unlink()
    assert counts(add_folders(database, [music], keep_missing=True)) == {"unchanged": 1, "missing": 1}
    assert len(songs(database)) == 2
    assert counts(add_folders(database, [music])) == {"unchanged": 1, "gone": 1}
    assert set(songs(database)) == {"b"}


def test_the_folder_of_a_disk_that_is_away_loses_no_songs(database, music, tmp_path):
    write_sound(music / "a.wav")
    add_folders(database, [music])
    music.rename(tmp_path / "elsewhere")
    music.mkdir()
    assert counts(add_folders(database, [music])) == {"missing": 1}
    assert set(songs(database)) == {"a"}
    assert remove_songs(database, [str(music)]) == 1


def test_other_folders_are_left_alone(database, music, tmp_path):
    write_sound(music / "a.wav", pitch=300)
    write_sound(tmp_path / "music2" / "b.wav", pitch=500)
    add_folders(database, [music, tmp_path / "music2"])
    (tmp_path / "music2" / "b.wav").unlink()
    assert counts(add_folders(database, [music])) == {"unchanged": 1}
    assert set(songs(database)) == {"a", "b"}


def test_folders_inside_each_other_are_walked_once(database, music):
    write_sound(music / "in" / "a.wav")
    assert counts(add_folders(database, [music / "in", music, music])) == {"added": 1}


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_loops_of_links_end_and_linked_folders_are_read_once(database, music, tmp_path):
    write_sound(music / "z" / "a.wav", pitch=300)
    write_sound(tmp_path / "other" / "b.wav", pitch=500)
    for link, target in (("a-loop", "."), ("b-other", tmp_path / "other"), ("c-other", tmp_path / "other")):
        (music / link).symlink_to(target)
    (music / "z" / "up").symlink_to("..")
    (music / "self.wav").symlink_to("self.wav")
    (music / "nothing.wav").symlink_to("nowhere")
    added = add_folders(database, [music])
    assert counts(added) == {"added": 2}
    assert songs(database)["a"].path == str(music / "z" / "a.wav")
    assert sorted(file.path for file in added.unreadable) == [str(music / "nothing.wav"), str(music / "self.wav")]


def test_what_cannot_be_read_is_told_and_does_not_stop_the_rest(database, music):
    write_sound(music / "good.wav")
    cut = write_sound(music / "cut.flac")
    cut.write_bytes(cut.read_bytes()[:30])
    (music / "empty.mp3").touch()
    (music / "text.mp3").write_text("no sound " * 100)
    write_sound(music / "folder.mp3" / "inside.wav", pitch=500)
    write_sound(music / ".hidden.wav", pitch=600)
    added = add_folders(database, [music])
    reasons = {os.path.basename(file.path): file.reason for file in added.unreadable}
    assert set(reasons) == {"cut.flac", "empty.mp3", "text.mp3"}
    assert "is empty (0 bytes)" in reasons["empty.mp3"]
    assert set(songs(database)) == {"good", "inside"}
    (music / "good.wav").write_text("now it is damaged")
    assert len(add_folders(database, [music]).unreadable) == 4
    assert set(songs(database)) == {"good", "inside"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_what_may_not_be_read_is_told_and_not_taken_out(database, music):
    path = write_sound(music / "closed" / "a.wav")
    write_sound(music / "b.wav", pitch=300).chmod(0)
    add_folders(database, [music])
    path.parent.chmod(0)
    added = add_folders(database, [music])
    path.parent.chmod(0o700)
    assert counts(added) == {}
    assert all("no permission" in file.reason for file in added.unreadable)
    assert len(added.unreadable) == 2
    assert set(songs(database)) == {"a"}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such names")
def test_names_that_are_no_utf8_are_told(database, music):
    shutil.copy(write_sound(music / "a.wav"), music / os.fsdecode(b"odd\xff.wav"))
    (music / os.fsdecode(b"dir\xfe")).mkdir()
    shutil.copy(music / "a.wav", music / os.fsdecode(b"dir\xfe") / "b.wav")
    added = add_folders(database, [music])
    assert counts(added) == {"added": 1}
    assert sorted(os.path.basename(file.path) for file in added.unreadable) == ["b.wav", "odd\ufffd.wav"]
    assert all("not UTF-8" in file.reason for file in added.unreadable)
    with pytest.raises(FolderError, match="not UTF-8"):
        add_folders(database, [music / os.fsdecode(b"dir\xfe")])
    with pytest.raises(SongNotFoundError):
        remove_songs(database, [os.fsdecode(b"odd\xff.wav")])


@pytest.mark.parametrize(
    "name", ["'; DROP TABLE files; --", '"quoted" & <tagged>', "🎶👩‍🎤", "שיר ערב", "%_*?[a]", " spaces "]
)
def test_odd_titles_and_names_come_back_as_they_are(database, music, name):
    if sys.platform == "win32" and set(name) & set('"<>*?'):
        pytest.skip("Windows allows no such names")
    write_sound(music / f"{name}.wav")
    add_folders(database, [music])
    [song] = songs(database).values()
    assert (song.title, song.path) == (name.strip(), str(music / f"{name}.wav"))
    assert counts(add_folders(database, [music])) == {"unchanged": 1}
    (music / f"{name}.wav").unlink()
    (music / "rest.txt").touch()
    assert counts(add_folders(database, [music])) == {"gone": 1}


def test_a_folder_that_is_not_there_is_told(database, tmp_path):
    with pytest.raises(FolderError, match="nowhere: no such folder"):
        add_folders(database, [tmp_path / "nowhere"])
    (tmp_path / "file").touch()
    with pytest.raises(FolderError, match="file: is no folder"):
        add_folders(database, [tmp_path / "file"])


def test_thousands_of_files_in_one_folder(database, music):
    write_tiny(music, 2000)
    told = []
    assert counts(add_folders(database, [music], on_progress=told.append)) == {"added": 2000}
    assert (len(told), told[-1]) == (2000, 1.0)
    assert told == sorted(told)
    assert counts(add_folders(database, [music])) == {"unchanged": 2000}
    shutil.rmtree(music)
    (music / "left").mkdir(parents=True)
    assert counts(add_folders(database, [music])) == {"gone": 2000}
    assert songs(database) == {}


def test_a_full_disk_keeps_what_was_written(database, music):
    write_tiny(music, 600)
    pages = database.connection.execute("PRAGMA page_count").fetchone()[0]
    database.connection.execute(f"PRAGMA max_page_count = {pages + 60}")
    with pytest.raises(UserDataError, match="full; make room on the disk; what was written before stays"):
        add_folders(database, [music])
    written = len(songs(database))
    assert 0 < written < 600
    database.connection.execute("PRAGMA max_page_count = 1000000")
    assert counts(add_folders(database, [music])) == {"added": 600 - written, "unchanged": written}
    assert database.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_an_interruption_keeps_what_was_written(database, music):
    write_tiny(music, 600)

    def interrupt(share):
        if share > 0.7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add_folders(database, [music], on_progress=interrupt)
    written = len(songs(database))
    assert written >= 256
    assert counts(add_folders(database, [music])) == {"added": 600 - written, "unchanged": written}


def test_what_a_list_says_of_a_file_counts_more_than_its_tags(database, music):
    path = tag(write_sound(music / "a.flac"), title="Of the tags")
    with database.transaction() as connection:
        SongWriter(connection).put(SongRecord(title="Of the list", artist="", path=str(path)))
    assert counts(add_folders(database, [music])) == {"unchanged": 1}
    tag(path, title="Anew")
    assert counts(add_folders(database, [music])) == {"changed": 1}
    assert set(songs(database)) == {"Of the list"}
    path.unlink()
    (music / "rest").mkdir()
    assert counts(add_folders(database, [music])) == {"gone": 1}
    assert songs(database)["Of the list"].path is None


def test_songs_are_removed_by_identifier_and_by_folder(database, music):
    for name, pitch in (("a", 300), ("b", 400), ("c/d", 500), ("cc", 600)):
        write_sound(music / f"{name}.wav", pitch=pitch)
    add_folders(database, [music])
    with pytest.raises(SongNotFoundError, match=r"nope: none of your own songs.*nothing was removed"):
        remove_songs(database, [songs(database)["a"].uid, "nope"])
    assert len(songs(database)) == 4
    assert remove_songs(database, [songs(database)["a"].uid, str(music / "c")]) == 2
    assert set(songs(database)) == {"b", "cc"}
    assert counts(add_folders(database, [music])) == {"added": 2, "unchanged": 2}


def test_a_time_beyond_what_the_database_holds_is_no_error(database, music):
    path = write_sound(music / "a.wav")
    try:
        os.utime(path, (0, 12_000_000_000))
    except (OSError, OverflowError):
        pytest.skip("this file system has no such time")
    add_folders(database, [music])
    assert counts(add_folders(database, [music])) == {"unchanged": 1}


def test_the_walk_finds_every_file_of_deep_folders(tmp_path):
    folder = tmp_path
    for _ in range(60):
        folder = folder / "d"
    folder.mkdir(parents=True)
    (folder / "a.mp3").touch()
    assert [type(file) for file in walk([str(tmp_path)])] == [SoundFile]


def test_files_are_looked_up_by_index(database):
    for sql in (
        "SELECT path FROM files WHERE path > 'a' AND path < 'b' ORDER BY path",
        "SELECT * FROM files f JOIN tracks t ON t.id = f.track_id WHERE f.sha256 = 'x' AND f.path <> 'y'",
        "SELECT count(*) FROM files WHERE track_id = 1",
    ):
        plan = " ".join(str(row) for row in database.connection.execute(f"EXPLAIN QUERY PLAN {sql}"))
        assert "SCAN" not in plan


def test_a_locked_database_is_told(database, music):
    write_sound(music / "a.wav")
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    database.connection.execute("PRAGMA busy_timeout = 1")
    with pytest.raises(UserDataError, match="locked"):
        add_folders(database, [music])
    other.close()


def test_songs_that_were_read_in_the_wrong_encoding_are_told_of_and_mended_in_place(database, music):
    path = write_sound(music / "a.mp3")
    tag(path, title="Группа крови".encode("cp1251").decode("latin-1"))
    [found] = add_folders(database, [music]).misread
    assert (found.path, found.repaired, found.encoding) == (str(path), "Группа крови", "cp1251")
    before = database.connection.execute(
        "SELECT uid FROM tracks WHERE id IN (SELECT track_id FROM files WHERE path = ?)", [str(path)]
    ).fetchone()
    again = add_folders(database, [music], tag_encoding="cp1251")
    assert (again.changed, again.added, again.misread) == (1, 0, ())
    assert database.connection.execute("SELECT title FROM tracks WHERE uid = ?", before).fetchone() == ("Группа крови",)
    with pytest.raises(LookupError):
        add_folders(database, [music], tag_encoding="hex")


def test_a_path_that_cannot_be_is_no_folder_of_music(database):
    for use in (lambda: add_folders(database, ["a\0b"]), lambda: remove_songs(database, ["a\0b"])):
        with pytest.raises(FolderError, match="not a possible path"):
            use()
    with pytest.raises(FolderError, match="not a possible path"):
        Watch(["a\0b"])


@pytest.mark.parametrize("name", ["nope", "a\0", "a\udcff"])
def test_an_unknown_encoding_of_tags_is_told(database, music, name):
    with pytest.raises(LookupError, match="unknown encoding"):
        add_folders(database, [music], tag_encoding=name)
