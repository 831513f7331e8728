"""What may be named to be heard and seen: files, folders, patterns, standard input."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from edge_emo.media.sources import sample_path
from tests.cli.conftest import document


def test_folders_globs_and_standard_input(edge_emo, tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    shutil.copy(sample_path(), tmp_path / "in" / "a.flac")
    shutil.copy(sample_path(), tmp_path / "in" / "deep" / "b.flac")
    (tmp_path / "in" / "notes.txt").write_text("no sound")
    for given in (["in"], ["in/**/*.flac"], ["in/a.flac", "in/deep/b.flac"]):
        found = document(edge_emo("analyze", "--json", *given), "analyze")
        assert [Path(result["source"]).name for result in found["results"]] == ["a.flac", "b.flac"]
    found = document(edge_emo("analyze", "-", "--json", stdin=sample_path().read_bytes()), "analyze")
    assert found["results"][0]["source"] == "-"
    assert found["results"][0]["readings"]


def test_a_folder_gives_its_visible_files_only(edge_emo, tmp_path):
    for name in ("a.flac", ".hidden.flac", ".git/b.flac"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(sample_path(), tmp_path / name)
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "dead.wav").symlink_to(tmp_path / "nowhere.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    found = document(edge_emo("analyze", tmp_path, "--json"), "analyze")
    assert [Path(result["source"]).name for result in found["results"]] == ["a.flac"]
    assert not found["errors"]


def test_what_names_no_file_is_told_apart(edge_emo, tmp_path):
    assert b"is a folder; name a sound, picture or film in it" in edge_emo("analyze", tmp_path).stderr
    assert b"matches no file" in edge_emo("analyze", tmp_path / "*.wav").stderr


def test_a_bad_file_does_not_stop_the_rest(edge_emo, tmp_path):
    (tmp_path / "bad.wav").write_text("no sound")
    done = edge_emo("analyze", "bad.wav", "missing.wav", "sample", "--json")
    found = document(done, "analyze")
    assert done.returncode == 1
    assert len(found["results"]) == 1
    assert [Path(error["source"]).name for error in found["errors"]] == ["bad.wav", "missing.wav"]
    assert b"bad.wav" in done.stderr
    assert b"missing.wav: no such file" in done.stderr
    assert b"Traceback" not in done.stderr


def test_json_lines_tell_of_failures_too(edge_emo):
    done = edge_emo("analyze", "nowhere.wav", "sample", "--jsonl")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line.get("exit_code") for line in lines] == [None, 1]
    assert "no such file" in lines[1]["error"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_a_name_that_is_no_utf8_is_heard_and_spares_the_others(edge_emo, tmp_path):
    odd = os.fsdecode(b"odd\xff\xfe.flac")
    shutil.copy(sample_path(), tmp_path / odd)
    shutil.copy(sample_path(), tmp_path / "plain.flac")
    (tmp_path / os.fsdecode(b"bad\xff.wav")).write_text("no sound")
    done = edge_emo("analyze", tmp_path, "--json")
    found = document(done, "analyze")
    assert done.returncode == 1
    assert [Path(result["source"]).name for result in found["results"]] == ["odd\ufffd\ufffd.flac", "plain.flac"]
    assert [Path(error["source"]).name for error in found["errors"]] == ["bad\ufffd.wav"]
