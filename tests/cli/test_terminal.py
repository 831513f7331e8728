"""No name, tag or licence that is printed steers the terminal."""

import os
import re
import shutil
import sys

import msgspec
import pytest
from click.testing import CliRunner

from edge_emo.cli import main
from edge_emo.core.text import plain
from edge_emo.media.sources import sample_path
from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.record import SongRecord
from edge_emo.music.store.writer import SongWriter

STEERING = "\x1b[2J\x07\x9b31m\u202e\u2066\x00\r\n"
_STEERS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")  # but line ends


def steers(output):
    return bool(_STEERS.search(output.decode("utf-8", "replace")))


def hostile(name):
    return f"{name}{STEERING}"


@pytest.fixture
def home(tmp_path):
    """A folder of user's data with a song of which every text is hostile."""
    fields = ("title", "artist", "genre", "license", "license_url", "usage", "credit", "link", "source")
    record = SongRecord(
        **{name: hostile(name) for name in fields},
        uid=hostile("own:1"),
        moods=("Calm", hostile("mood")),
        path=hostile("/a"),
    )
    with UserDatabase(tmp_path / "home" / "edge-emo.sqlite") as database, database.transaction() as connection:
        SongWriter(connection).put(record)
    return tmp_path / "home"


@pytest.mark.parametrize(
    "arguments",
    [
        ("songs", "search", "title"),
        ("songs", "info"),
        ("songs", "remove", "nothing\x1b[2J"),
        ("recommend", "--mood", "calm", "--genre", "genre", "--min-duration", 0),
        ("recommend", "--mood", "calm", "--genre", "genre", "--min-duration", 0, "--playlist", "a.m3u8"),
        ("history", "stats"),
        ("score", "sample", "--genre", "genre", "--min-duration", 0, "--out", "a.csv"),
        ("songs", "show", "nothing\x1b[2J\u202e"),
        ("analyze", "nowhere\x1b[2J\u202e.wav"),
        ("doctor", "nowhere\x1b[2J\u202e.wav"),
        ("songs", "export", "no\x1b[2J/a.csv"),
        ("songs", "import", "no\x1b[2J.csv"),
        ("songs", "import", "list.csv", "--encoding", "no\x1b[2J"),
        ("models", "list", "--models-dir", "no\x1b[2J"),
        ("analyze", "sample", "--fps", "\x1b[2J"),
        ("nonsense\x1b[2J",),
        ("--nonsense\x1b[2J",),
    ],
    ids=lambda arguments: re.sub(r"[^\w-]", "_", " ".join(map(str, arguments))),
)
def test_no_text_that_is_printed_for_people_steers_a_terminal(edge_emo, home, tmp_path, arguments):
    (tmp_path / "list.csv").write_text("title,artist\na,b\n")
    done = edge_emo(*arguments, env={"EDGE_EMO_HOME": str(home)})
    assert not steers(done.stdout), done.stdout
    assert not steers(done.stderr), done.stderr
    assert done.stdout or done.stderr
    assert b"Traceback" not in done.stderr


def test_names_of_recordings_and_columns_do_not_steer_a_terminal(edge_emo, tmp_path):
    name = "a\x1b[2J\u202e.flac"
    shutil.copy(sample_path(), tmp_path / name)
    (tmp_path / "b\x1b[2J.csv").write_text("title,artist,odd\x1b[2J\na,b,c\n,x\x1b[2J,\n")
    for arguments in (("analyze", name), ("doctor", name), ("songs", "import", "b\x1b[2J.csv", "--skip-bad")):
        done = edge_emo(*arguments)
        assert not steers(done.stdout), done.stdout
        assert not steers(done.stderr), done.stderr


def test_what_a_card_says_does_not_steer_a_terminal(edge_emo, models):
    path = models / "voice.int8.json"
    card = msgspec.json.decode(path.read_bytes())
    card |= {"name": hostile("name"), "license": hostile("license"), "version": hostile("version")}
    card["metrics"][0] |= {"name": hostile("metric"), "data": hostile("data")}
    path.write_bytes(msgspec.json.encode(card))
    done = edge_emo("models", "list", "--models-dir", models)
    assert b"license" in done.stdout
    assert not steers(done.stdout), done.stdout


def test_text_of_any_language_stays_as_it_is():
    for text in ("Группа крови", "שלום", "نور", "👩‍👩‍👧 🎵", "a\u200bb"):
        assert plain(text) == text
    assert plain(STEERING) == " [2J 31m "


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
@pytest.mark.parametrize(
    "arguments",
    [
        ("songs", "show"), ("songs", "search"), ("songs", "remove"), ("history", "add", "kept"),
        ("history", "forget", "--yes", "--song"), ("recommend", "--mood", "calm", "--genre"),
        ("recommend", "--mood", "calm", "--instrument"), ("songs", "import", "--encoding", "utf-8"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_utf8_name_no_song_and_raise_nothing(edge_emo, arguments):
    done = edge_emo(*arguments, os.fsdecode(b"\xff\xfe"))
    assert b"Traceback" not in done.stderr
    assert done.returncode in (0, 1, 2, 4)


@pytest.mark.parametrize(
    ("option", "arguments"),
    [
        ("--fps", ("analyze", "sample")), ("--min-duration", ("recommend", "sample")),
        ("--max-duration", ("recommend", "sample")), ("--min-stretch", ("score", "sample", "--out", "a.csv")),
        ("--crossfade", ("score", "sample", "--out", "a.csv")), ("--bpm", ("songs", "search")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", ["nan", "inf", "-nan"])
def test_what_is_no_number_is_wrong_usage(option, arguments, value):
    given = f"{value}-{value}" if option == "--bpm" else value
    assert CliRunner().invoke(main, [*arguments, f"{option}={given}"]).exit_code == 2


def test_on_a_terminal_text_stays_within_its_width_and_elsewhere_it_is_not_broken(monkeypatch, capsys):
    from edge_emo.cli import printing

    text = "a head\n" + " 1. " + "word " * 40 + "\nx" + "y" * 100
    printing.put_text(text)
    assert capsys.readouterr().out == f"{text}\n"
    monkeypatch.setenv("COLUMNS", "50")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    printing.put_text(text)
    head, *lines, unbreakable = capsys.readouterr().out.splitlines()
    assert (head, unbreakable) == ("a head", "x" + "y" * 100)
    assert len(lines) > 4
    assert max(map(len, lines)) <= 50
    assert all(line.startswith("      word") for line in lines[1:]), "under the beginning of the first"
    assert " ".join(" ".join(lines).split()) == " ".join(text.splitlines()[1].split())


def test_search_shows_tempo_and_instruments_only_when_asked_for_by_them(edge_emo):
    plain_list = edge_emo("songs", "search", "joyful", "--limit", 5).stdout.decode()
    assert " bpm" not in plain_list
    assert "Piano" not in plain_list
    by_tempo = edge_emo("songs", "search", "joyful", "--limit", 5, "--bpm", "100-140").stdout.decode()
    assert len(re.findall(r" 1[0-4]\d bpm$", by_tempo, re.MULTILINE)) == 5
    for arguments in (("happy ukulele",), ("happy", "--instrument", "ukulele")):
        rows = edge_emo("songs", "search", *arguments, "--limit", 3).stdout.decode().split("\n\n")[0]
        assert len([row for row in rows.splitlines() if "Uk" in row]) == 3


def test_verifying_models_prints_the_verdict_alone_and_listing_what_there_is(edge_emo):
    verdict, listed = edge_emo("models", "verify"), edge_emo("models", "list")
    assert re.fullmatch(rb"(\d+) of \1 model files are sound\n", verdict.stdout)
    assert b"voice.int8.json" in listed.stdout
    assert b"sound\n" not in listed.stdout
