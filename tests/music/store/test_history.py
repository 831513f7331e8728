import os
import random
import sqlite3
import subprocess
import sys
import time

import pytest

from edge_emo.core.errors import UserDataError
from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.history import History

WRITER = """
import sys
from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.history import History
history = History(UserDatabase(sys.argv[1]))
for number in range(int(sys.argv[3])):
    uid = f"{sys.argv[2]}:{number}"
    history.add("kept", uid, emotion="calm")
    print(uid, flush=True)
"""


@pytest.fixture
def database(tmp_path):
    with UserDatabase(tmp_path / "own.sqlite") as opened:
        yield opened


@pytest.fixture
def history(database):
    return History(database, session="tonight", now=lambda: 1000.0)


def write(path, name, n, **given):
    return subprocess.Popen([sys.executable, "-c", WRITER, str(path), name, str(n)], text=True, **given)


def test_every_song_that_was_shown_is_a_row_with_emotion_time_strategy_and_position(history):
    request = history.shown(["a", "b"], "happy", "match")
    rows = list(history.events())
    assert [(row.uid, row.action, row.position) for row in rows] == [("a", "shown", 1), ("b", "shown", 2)]
    assert {(row.at, row.session, row.request, row.emotion, row.strategy) for row in rows} == {
        (1000.0, "tonight", request, "happy", "match")
    }


def test_what_became_of_a_song_names_the_list_it_was_shown_on(history):
    request = history.shown(["a", "b"], "sad", "lift")
    history.add("skipped", "b")
    last = list(history.events())[-1]
    assert (last.uid, last.action, last.request, last.emotion, last.strategy, last.position) == (
        "b", "skipped", request, "sad", "lift", 2
    )  # fmt: skip


def test_a_song_that_was_never_shown_can_be_kept(history):
    history.add("kept", "z", emotion="calm")
    [row] = history.events()
    assert (row.uid, row.emotion, row.position) == ("z", "calm", None)


def test_an_unknown_action_is_refused(history):
    with pytest.raises(ValueError, match="known are shown, played"):
        history.add("loved", "a")
    assert history.stats().events == 0


def test_stats_count_by_action_and_emotion(history):
    history.shown(["a", "b"], "sad", "match")
    history.shown(["a"], "calm", "match")
    history.add("kept", "a")
    stats = history.stats()
    assert (stats.events, stats.songs, stats.first, stats.last) == (4, 2, 1000.0, 1000.0)
    assert stats.by_action == {"shown": 3, "played": 0, "kept": 1, "skipped": 0, "downloaded": 0}
    assert stats.by_emotion == {"calm": {"kept": 1, "shown": 1}, "sad": {"shown": 2}}


def test_forgetting_leaves_no_trace_in_the_file(database, history):
    history.shown(["secret-song-42", "other"], "sad", "match")
    assert history.forget("secret-song-42") == 1
    assert [row.uid for row in history.events()] == ["other"]
    assert history.forget(before=500) == 0
    assert history.forget() == 1
    for file in database.path.parent.iterdir():
        assert b"secret-song-42" not in file.read_bytes()


def test_rows_that_are_forgotten_are_not_numbered_again(history):
    history.shown(["a", "b"], "sad", "match")
    history.forget()
    history.add("kept", "c")
    assert [row.id for row in history.events()] == [3]


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path):
    path = tmp_path / "own.sqlite"
    UserDatabase(path).close()
    chance = random.Random(0)
    acknowledged = set()
    for number in range(50):
        process = write(path, str(number), 100_000, stdout=subprocess.PIPE)
        acknowledged.add(process.stdout.readline().strip())  # it has begun
        time.sleep(chance.uniform(0, 0.05))
        process.kill()
        acknowledged.update(line for line in process.communicate()[0].split("\n")[:-1])
    with UserDatabase(path) as database:
        kept = {row.uid for row in History(database).events()}
        assert database.warnings == []
        assert database.connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert len(acknowledged) > 50
    assert acknowledged <= kept
    assert len(kept - acknowledged) <= 50  # at most the one that was being written when the process ended


def test_eight_processes_write_at_once(tmp_path):
    path = tmp_path / "own.sqlite"  # made by whichever comes first
    writers = [write(path, str(number), 50, stdout=subprocess.DEVNULL) for number in range(8)]
    assert [writer.wait(120) for writer in writers] == [0] * 8
    with UserDatabase(path) as database:
        rows = [row.uid for row in History(database).events()]
    assert sorted(rows) == sorted(f"{writer}:{number}" for writer in range(8) for number in range(50))


def test_a_database_that_is_locked_is_named_and_loses_nothing(tmp_path, history):
    history.add("kept", "a")
    other = sqlite3.connect(history.database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with UserDatabase(history.database.path, busy_s=0.05) as impatient:
        with pytest.raises(UserDataError, match="another process holds it"):
            History(impatient).add("kept", "b")
        other.execute("ROLLBACK")
        History(impatient).add("kept", "b")
    other.close()
    assert [row.uid for row in history.events()] == ["a", "b"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="limits on the size of files are POSIX")
def test_a_full_disk_is_named_and_loses_nothing(tmp_path):
    script = """
import resource, signal, sys
from edge_emo.core.errors import UserDataError
from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.history import History
history = History(UserDatabase(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
for number in range(100_000):
    try:
        history.shown([f"{number}:{i}" for i in range(500)], "sad", "match")
    except UserDataError as error:
        print(number, str(error).count("nothing was changed"))
        break
"""
    path = tmp_path / "own.sqlite"
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    number, is_named = map(int, done.stdout.split())
    assert number > 0
    assert is_named == 1
    with UserDatabase(path) as database:
        assert database.warnings == []
        assert History(database).stats().events == number * 500


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="limits on the size of files are POSIX")
def test_rows_are_forgotten_and_said_to_be_where_the_disk_is_too_full_to_write_the_file_anew(tmp_path):
    script = """
import resource, signal, sys
from edge_emo.core.errors import UserDataError
from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.history import History
with UserDatabase(sys.argv[1]) as database:
    history = History(database)
    history.shown([f"other:{i}" for i in range(20_000)], "sad", "match")
    history.shown(["secret"] * 3, "sad", "match")
    database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
    try:
        history.forget("secret")
    except UserDataError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert [row.uid for row in history.events() if row.uid == "secret"] == []
    history.forget("secret")
"""
    path = tmp_path / "own.sqlite"
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "3 rows are deleted" in done.stdout
    assert "history forget` is run again" in done.stdout
    assert "nothing was changed" not in done.stdout
    assert b"secret" not in path.read_bytes()


def test_what_became_of_several_songs_is_kept_whole_or_not_at_all(tmp_path, database, history):
    history.add("kept", "a", "b", "c")
    assert [row.uid for row in history.events()] == ["a", "b", "c"]
    database.connection.execute(
        "CREATE TRIGGER no BEFORE INSERT ON events WHEN NEW.uid = 'e' BEGIN SELECT RAISE(ABORT, 'not this one'); END"
    )
    with pytest.raises(UserDataError, match="not this one; nothing was changed"):
        history.add("kept", "d", "e")
    assert [row.uid for row in history.events()] == ["a", "b", "c"]


def test_reading_while_rows_are_written_sees_each_once(history):
    history.shown([str(i) for i in range(2500)], "sad", "match")
    seen = []
    for row in history.events():
        seen.append(row.id)
        if row.id == 10:
            history.add("kept", "late")
    assert seen == list(range(1, 2502))
    assert [row.id for row in history.events(2495, last=3)] == [2499, 2500, 2501]
    assert [row.id for row in history.events(last=2)] == [2500, 2501]


def test_identifiers_that_are_no_utf8_are_kept_with_a_mark(database):
    odd, marked = "a\udcff", "a\N{REPLACEMENT CHARACTER}"
    history = History(database, session=odd)
    history.shown([odd], odd, odd)
    history.add("kept", odd, emotion=odd)
    of_each = [(event.uid, event.session, event.emotion, event.strategy) for event in history.events()]
    assert of_each == [(marked,) * 4] * 2
    assert history.shown_in_session() == [marked]
    assert history.forget(odd) == 2
