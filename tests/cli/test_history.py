import csv
import io
import json
import sqlite3

import jsonschema
import pytest

from edge_emo.music.store.database import FILE_NAME
from tests.cli.conftest import document


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def recommended(edge_emo, home, *options):
    done = edge_emo("recommend", "--mood", "calm", "-n", 5, "--json", "--data-dir", home, *options)
    return [item["song"]["uid"] for item in document(done, "recommend")["results"][0]["songs"]]


def exported(edge_emo, home):
    done = edge_emo("history", "export", "--data-dir", home)
    return list(csv.DictReader(io.StringIO(done.stdout.decode())))


@pytest.mark.slow
def test_what_was_shown_and_kept_is_in_the_history_and_teaches(edge_emo, home):
    uids = recommended(edge_emo, home)
    assert edge_emo("history", "add", "kept", uids[2], "--data-dir", home).returncode == 0
    rows = exported(edge_emo, home)
    assert [(row["uid"], row["action"]) for row in rows] == [*((uid, "shown") for uid in uids), (uids[2], "kept")]
    assert (rows[-1]["position"], rows[-1]["emotion"], rows[-1]["strategy"]) == ("3", "calm", "match")
    found = document(edge_emo("history", "stats", "--json", "--data-dir", home), "history")
    assert found["history"]["by_action"]["kept"] == 1
    assert found["likes"][0]["weight"] > 0
    text = edge_emo("history", "stats", "--data-dir", home).stdout.decode()
    assert "6 entries about 5 songs" in text
    assert "liking, in standard deviations" in text
    document(edge_emo("history", "export", "--json", "--data-dir", home), "events")


@pytest.mark.slow
def test_a_seed_or_no_history_leaves_no_row(edge_emo, home):
    first = recommended(edge_emo, home, "--seed", 1)
    assert recommended(edge_emo, home, "--seed", 1) == first
    recommended(edge_emo, home, "--no-history")
    assert not (home / FILE_NAME).exists()


def test_the_last_line_says_what_can_be_done_next(edge_emo, home):
    text = edge_emo("recommend", "--mood", "calm", "--data-dir", home).stdout.decode()
    last = "Tell it which songs you like, and it learns: edge-emo history add kept UID"
    assert text.endswith(f"{last} (--details shows the UIDs).\n")
    assert f"{last}." in edge_emo("recommend", "--mood", "calm", "--details", "--data-dir", home).stdout.decode()


def test_an_unknown_song_is_named_and_not_kept(edge_emo, home):
    done = edge_emo("history", "add", "kept", "nope", "--data-dir", home)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"nope: no such song" in done.stderr
    assert exported(edge_emo, home) == []


@pytest.mark.slow
def test_reset_and_forget(edge_emo, home):
    uids = recommended(edge_emo, home)
    edge_emo("history", "add", "kept", uids[0], "--data-dir", home)
    assert edge_emo("history", "reset", "--data-dir", home).returncode == 0
    assert document(edge_emo("history", "stats", "--json", "--data-dir", home), "history")["likes"] == []
    assert len(exported(edge_emo, home)) == 6
    assert edge_emo("history", "forget", "--song", uids[1], "--yes", "--data-dir", home).stderr == b"1 entry deleted\n"
    assert edge_emo("history", "forget", "--data-dir", home, stdin=b"n\n").returncode == 1
    assert len(exported(edge_emo, home)) == 5
    assert edge_emo("history", "forget", "--data-dir", home, stdin=b"y\n").returncode == 0
    assert exported(edge_emo, home) == []


@pytest.mark.slow
def test_songs_are_recommended_when_the_history_is_locked(edge_emo, home):
    recommended(edge_emo, home)
    other = sqlite3.connect(home / FILE_NAME, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    done = edge_emo("recommend", "--mood", "calm", "-n", 5, "--jsonl", "--data-dir", home)
    other.close()
    assert done.returncode == 0
    assert b"another process holds it" in done.stderr
    assert len(json.loads(done.stdout)["songs"]) == 5


def test_songs_are_recommended_when_the_history_cannot_be_kept(edge_emo, tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = edge_emo("recommend", "--mood", "calm", "-n", 5, "--jsonl", "--data-dir", tmp_path / "file" / "home")
    assert done.returncode == 0
    assert b"--data-dir" in done.stderr
    result = json.loads(done.stdout)
    assert len(result["songs"]) == 5
    assert result["uses_history"] is False


@pytest.mark.slow
def test_a_damaged_history_is_kept_aside_and_named(edge_emo, home):
    recommended(edge_emo, home)
    file = home / FILE_NAME
    file.write_bytes(file.read_bytes()[:5000])
    done = edge_emo("recommend", "--mood", "calm", "-n", 5, "--json", "--data-dir", home)
    assert done.returncode == 0
    assert b"damaged; it is kept as" in done.stderr
    jsonschema.validate(json.loads(done.stdout), {"required": ["results"]})
    assert len(exported(edge_emo, home)) == 5
