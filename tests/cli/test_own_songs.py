"""One's own music on the command line: added, found, recommended, listed and played."""

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import document
from tests.conftest import ROOT
from tests.music.sounds import tag, write_sound


@pytest.fixture
def music(tmp_path):
    """Three songs of 40 s, one of them happy."""
    folder = tmp_path / "music"
    tag(write_sound(folder / "a.flac", 40, 300), title="Sunny 🎵", artist="Me", mood="Happy", genre="Mine")
    tag(write_sound(folder / "b.mp3", 40, 400), title="שיר ערב", artist="'Quoted \"Twice\"'", mood="Sad")
    write_sound(folder / "c.wav", 40, 500)
    return folder


def test_music_is_added_found_and_removed(edge_emo, music):
    done = edge_emo("songs", "add", "music")
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        b"3 added, 1 without a known mood or genre\n",
        f"edge-emo: without a known mood or genre: {music / 'c.wav'}\n".encode(),
    )
    assert edge_emo("songs", "add", "music").stdout == b"3 unchanged\n"
    found = document(edge_emo("songs", "search", "sunny", "--json"), "songs")["songs"]
    assert [song["path"] for song in found if song["source"] == "file"] == [str(music / "a.flac")]
    shown = edge_emo("songs", "show", found[0]["uid"]).stdout.decode()
    assert "Sunny 🎵 by Me" in shown
    assert f"file: {music / 'a.flac'}" in shown
    info = document(edge_emo("songs", "info", "--json"), "catalogue")["catalogue"]
    assert (info["by_source"]["file"], info["songs"]) == (3, 6050)
    assert b"1 song removed" in edge_emo("songs", "remove", found[0]["uid"]).stderr
    assert b"2 songs removed" in edge_emo("songs", "remove", "music").stderr
    assert edge_emo("songs", "show", found[0]["uid"]).returncode == 1
    assert len(list(music.iterdir())) == 3


def test_songs_that_ship_cannot_be_removed(edge_emo):
    done = edge_emo("songs", "remove", "inc:USUAN1100546")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"inc:USUAN1100546: none of your own songs" in done.stderr
    assert b"Traceback" not in done.stderr


def test_the_report_in_every_format(edge_emo, music):
    (music / "bad.mp3").write_text("no sound")
    done = edge_emo("songs", "add", "music", "--json")
    assert done.returncode == 1
    added = document(done, "added")["added"]
    assert (added["folders"], added["added"]) == ([str(music)], 3)
    assert [Path(file["path"]).name for file in added["unreadable"]] == ["bad.mp3"]
    assert b"bad.mp3: " in done.stderr
    [row] = csv.DictReader(io.StringIO(edge_emo("songs", "add", "music", "--csv").stdout.decode()))
    assert (row["unchanged"], row["unreadable"].startswith(str(music / "bad.mp3"))) == ("3", True)
    assert json.loads(edge_emo("songs", "add", "music", "--jsonl").stdout)["unchanged"] == 3
    assert edge_emo("songs", "add", "music").stdout == b"3 unchanged, 1 unreadable\n"


def test_the_songs_of_an_empty_folder_are_kept_until_removed(edge_emo, music):
    edge_emo("songs", "add", "music")
    shutil.rmtree(music)
    assert edge_emo("songs", "add", "music").returncode == 2
    music.mkdir()
    done = edge_emo("songs", "add", "music")
    assert (done.returncode, done.stdout) == (0, b"3 missing\n")
    assert b"3 files missing, and the songs kept: the folder is empty" in done.stderr
    (music / "notes.txt").touch()
    assert edge_emo("songs", "add", "music", "--keep-missing").stdout == b"3 missing\n"
    assert edge_emo("songs", "add", "music").stdout == b"3 gone\n"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such names")
@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_names_that_are_no_utf8_are_told_on_every_terminal(edge_emo, music, encoding):
    shutil.copy(music / "c.wav", music / os.fsdecode(b"odd\xff.wav"))
    done = edge_emo("songs", "add", "music", env={"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"})
    assert (done.returncode, done.stdout) == (1, b"3 added, 1 without a known mood or genre, 1 unreadable\n")
    assert b"its name is not UTF-8; rename it" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_home_that_cannot_be_written_is_told(edge_emo, music, tmp_path):
    (tmp_path / "file").touch()
    done = edge_emo("songs", "add", "music", "--data-dir", tmp_path / "file" / "home")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"cannot be made (Not a directory); name another folder with --data-dir" in done.stderr
    assert b"Traceback" not in done.stderr


def test_without_mutagen_the_extra_is_named(edge_emo, music, tmp_path):
    (tmp_path / "missing" / "mutagen").mkdir(parents=True)
    (tmp_path / "missing" / "mutagen" / "__init__.py").write_text("raise ImportError('mutagen')")
    done = edge_emo("songs", "add", "music", env={"PYTHONPATH": f"{tmp_path / 'missing'}{os.pathsep}{ROOT}"})
    assert done.returncode == 1
    assert b"run `pip install '.[music]'` in your clone of edge-emo" in done.stderr
    assert b"Traceback" not in done.stderr


def test_local_recommends_only_what_is_on_this_machine(edge_emo, music):
    assert edge_emo("recommend", "--mood", "happy", "--local", "--json").returncode == 4
    edge_emo("songs", "add", "music")
    found = document(edge_emo("recommend", "--mood", "happy", "--local", "--json"), "recommend")
    songs = [item["song"] for item in found["results"][0]["songs"]]
    assert [song["title"] for song in songs] == ["Sunny 🎵", "c"]  # the sad one contradicts the mood
    (music / "a.flac").unlink()
    found = document(edge_emo("recommend", "--mood", "sad", "--local", "--seed", 1, "--json"), "recommend")
    assert [item["song"]["path"] for item in found["results"][0]["songs"]] == [
        str(music / "b.mp3"),
        str(music / "c.wav"),
    ]


def test_local_says_whether_there_are_no_songs_or_their_files_are_gone(edge_emo, music):
    asked = ("recommend", "--mood", "happy", "--local")
    empty = edge_emo(*asked).stdout.decode()
    assert empty == "mood: happy\nyou have no songs of your own yet; add them with `edge-emo songs add FOLDER`\n"
    assert b"you have no songs of your own yet" in edge_emo("songs", "search", "--local").stderr
    assert b"you have no songs of your own yet" in edge_emo(*asked, "--json").stderr
    edge_emo("songs", "add", "music")
    (music / "a.flac").unlink()
    assert b"edge-emo: 1 of your songs is not where it was; " in edge_emo(*asked).stderr
    shutil.rmtree(music)
    assert "3 of your songs are not where they were; connect the disk" in edge_emo(*asked).stdout.decode()
    written = edge_emo(*asked, "--playlist", "out.m3u8")
    assert b"out.m3u8: not written, as there is no song for it" in written.stderr


def test_songs_that_only_a_mood_tag_would_place_are_counted_in_the_advice(edge_emo, music):
    edge_emo("songs", "add", "music")
    text = edge_emo("recommend", "--mood", "happy", "--local", "-n", 2, "--seed", 1).stdout.decode()
    assert "1 of 2 songs fit; 1 of the others has no mood tag, which would place them better: see" in text
    assert "--local" not in text, "which is meant"
    tag(music / "c.wav", mood="Angry")
    edge_emo("songs", "add", "music")
    text = edge_emo("recommend", "--mood", "happy", "--local", "-n", 2, "--seed", 1).stdout.decode()
    assert "1 of 2 songs fit; drop --local (" in text


def test_own_songs_are_named_by_their_file(edge_emo, music):
    edge_emo("songs", "add", "music")
    shown = edge_emo("songs", "show", "music/a.flac").stdout.decode()
    assert "Sunny 🎵 by Me" in shown
    assert "suits: happy 78% (from its mood tags)" in shown
    assert "suits: not known" in edge_emo("songs", "show", music / "c.wav").stdout.decode()
    done = edge_emo("history", "add", "kept", "music/a.flac", "music/c.wav")
    assert (done.returncode, done.stderr.decode()) == (0, "kept: Sunny 🎵 – Me\nkept: c\n")
    assert b"music/notes.txt: no such song" in edge_emo("songs", "show", "music/notes.txt").stderr
    assert edge_emo("songs", "show", "x" * 5000).returncode == 1


def test_a_search_that_is_cut_off_says_how_many_songs_are_left(edge_emo, music):
    edge_emo("songs", "add", "music")
    done = edge_emo("songs", "search", "--local", "--limit", 1)
    assert done.stderr == b"edge-emo: 2 more: --limit 3\n"
    assert edge_emo("songs", "search", "--local", "--limit", 3).stderr == b""
    assert b"licence unknown: fine to listen to." in done.stdout


def test_own_songs_compete_with_those_that_ship(edge_emo, music):
    edge_emo("songs", "add", "music")
    found = document(edge_emo("recommend", "--mood", "happy", "-n", 1000, "--json", "--seed", 1), "recommend")
    sources = {item["song"]["source"] for item in found["results"][0]["songs"]}
    assert {"file", "incompetech"} <= sources


@pytest.mark.parametrize("name", ["out.m3u8", "out.m3u", "out.xspf"])
def test_recommended_songs_as_a_playlist(edge_emo, music, tmp_path, name):
    edge_emo("songs", "add", "music")
    done = edge_emo("recommend", "--mood", "happy", "--local", "--strategy", "random", "--playlist", name)
    assert (done.returncode, done.stderr.decode()) == (0, f"edge-emo: {name}: 3 songs written, 2 of which do not fit\n")
    written = (tmp_path / name).read_text("utf-8")
    assert all(written.count(path.name) == 1 for path in music.iterdir())
    assert "Sunny 🎵" in written


def test_a_playlist_of_songs_of_which_one_is_gone_since(edge_emo, music, tmp_path):
    edge_emo("songs", "add", "music")
    (music / "a.flac").unlink()
    done = edge_emo("recommend", "--mood", "happy", "--genre", "mine", "--playlist", "out.m3u8")
    assert b"a.flac: is gone; run `edge-emo songs add`" in done.stderr
    assert b"not in out.m3u8" in done.stderr
    assert "a.flac" not in (tmp_path / "out.m3u8").read_text("utf-8")


def test_an_unknown_playlist_is_told_before_anything_is_done(edge_emo):
    done = edge_emo("recommend", "sample", "--playlist", "out.txt")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"end its name in .m3u, .m3u8, .xspf" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="the player is that of Linux")
def test_play_hands_the_local_songs_to_the_player(edge_emo, music, tmp_path):
    binaries = tmp_path / "bin"
    binaries.mkdir()
    player = binaries / "xdg-open"
    player.write_text(f'#!/bin/sh\necho playing\ncp "$1" "{tmp_path}/played"\n')
    player.chmod(0o755)
    env = {"PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}
    nothing = edge_emo("recommend", "--mood", "happy", "--play", env=env)
    assert nothing.returncode == 1
    assert b"none of these songs is a file on this machine" in nothing.stderr
    edge_emo("songs", "add", "music")
    done = edge_emo("recommend", "--mood", "happy", "--local", "--strategy", "random", "--play", "--json", env=env)
    assert done.returncode == 0
    document(done, "recommend")
    assert b"playing" in done.stderr
    played = (tmp_path / "played").read_text("utf-8").splitlines()
    assert set(played[2::2]) == {str(path) for path in music.iterdir()}
    player.write_text("#!/bin/sh\nexit 3\n")
    failed = edge_emo("recommend", "--mood", "happy", "--local", "--play", env=env)
    assert failed.returncode == 1
    assert b"no player could open it (code 3)" in failed.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="the player is that of Linux")
def test_no_player_is_told(edge_emo, music, tmp_path):
    edge_emo("songs", "add", "music")
    done = edge_emo("recommend", "--mood", "happy", "--local", "--play", env={"PATH": str(tmp_path)})
    assert done.returncode == 1
    assert b"no player could open it" in done.stderr
    assert b"Traceback" not in done.stderr


def test_watch_needs_an_output_without_end(edge_emo, music):
    assert edge_emo("songs", "add", "music", "--watch", "--json").returncode == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signal")
def test_watch_keeps_up_until_interrupted(music, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "edge_emo", "songs", "add", str(music), "--watch", "--jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored where tests run in the background
    )
    try:
        assert json.loads(process.stdout.readline())["added"] == 3
        write_sound(tmp_path / "new.wav", 1, 700).rename(music / "new.wav")
        assert json.loads(process.stdout.readline())["added"] == 1
        (music / "deep").mkdir()
        (music / "new.wav").rename(music / "deep" / "new.wav")
        assert json.loads(process.stdout.readline())["moved"] == 1
        shutil.rmtree(music / "deep")
        assert json.loads(process.stdout.readline())["gone"] == 1
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    told = told.decode().splitlines()
    assert told[1] == f"edge-emo: watching {music}; stop with Ctrl-C"
    assert told[-1] == "edge-emo: interrupted"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signal")
def test_watch_says_when_something_changed(music, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "edge_emo", "songs", "add", str(music), "--watch"],
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert process.stdout.readline().startswith(b"3 added")
        write_sound(tmp_path / "new.wav", 1, 700).rename(music / "new.wav")
        assert re.fullmatch(
            rb"\d\d:\d\d:\d\d  1 added, 3 unchanged, 1 without a known mood or genre\n", process.stdout.readline()
        )
    finally:
        process.kill()
        process.communicate()


def test_moods_that_are_not_known_and_files_without_any_are_named_a_few_of_them(edge_emo, music):
    for number in range(6):
        tag(write_sound(music / f"{number}.mp3", 1, 200 + number), title=str(number), mood=f"Zxq{number}")
    shutil.copy(music / "b.mp3", music / "copy.mp3")
    done = edge_emo("songs", "add", "music")
    assert done.stdout == b"9 added, 1 copy, 7 without a known mood or genre\n"
    files, moods = done.stderr.decode().splitlines()
    assert files.startswith("edge-emo: without a known mood or genre: ")
    assert files.endswith(" and 2 more")
    assert moods.startswith("edge-emo: moods that are not known: ")
    assert (moods.count("Zxq"), " and 1 more; " in moods, "Happy" in moods) == (5, True, False)


def test_a_file_in_place_of_a_folder_is_answered_with_its_folder(edge_emo, music):
    done = edge_emo("songs", "add", "music/a.flac")
    assert (done.returncode, b"music/a.flac is a file; name the folder it is in: music" in done.stderr) == (2, True)


def test_tags_that_were_misread_are_told_with_the_repair_and_mended_by_it(edge_emo, tmp_path):
    path = write_sound(tmp_path / "music" / "a.mp3")
    tag(path, title="Группа крови".encode("cp1251").decode("latin-1"), genre="Rock")
    told = edge_emo("songs", "add", "music").stderr.decode()
    assert "1 file with tags that claim to be Latin-1 but look like cp1251" in told
    assert "would read “Группа крови”" in told
    assert edge_emo("songs", "add", "music", "--tag-encoding", "cp1251").stdout == b"1 changed\n"
    assert "Группа крови" in edge_emo("songs", "search", "крови").stdout.decode()
    assert edge_emo("songs", "add", "music", "--tag-encoding", "hex").returncode == 2
