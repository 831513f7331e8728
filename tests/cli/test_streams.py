"""Standard streams and encodings of every kind, a full disk, no network, and nothing written unasked."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_a_closed_pipe_is_no_error(edge_emo, tmp_path):
    done = subprocess.run(
        f"'{sys.executable}' -m edge_emo songs search a --limit 5000 | head -n 1",
        shell=True,
        capture_output=True,
        cwd=ROOT,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    assert b"Error" not in done.stderr


@pytest.mark.parametrize("closed", ["2>&-", "<&-", "<&- 2>&-"])
def test_closed_streams(closed):
    done = subprocess.run(
        f"'{sys.executable}' -m edge_emo analyze sample {closed}",
        shell=True,
        capture_output=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0
    assert b"heard: " in done.stdout


def test_closed_standard_input_is_told():
    done = subprocess.run(
        f"'{sys.executable}' -m edge_emo analyze - <&-", shell=True, capture_output=True, cwd=ROOT, check=False
    )
    assert done.returncode == 1
    assert b"standard input is closed" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize("arguments", [("analyze", "sample"), ("songs", "info"), ("doctor", "--json")])
def test_a_full_disk_is_told_in_one_line(arguments):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "edge_emo", *arguments], stdout=full, stderr=subprocess.PIPE, cwd=ROOT, check=False
        )
    assert done.returncode == 1
    assert done.stderr.decode().count("\n") == 1
    assert "cannot be written" in done.stderr.decode()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8"])
def test_odd_encodings_do_not_break_the_output(edge_emo, encoding):
    env = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    text = edge_emo("analyze", "sample", env=env)
    assert text.returncode == 0
    assert b"Traceback" not in text.stderr
    data = edge_emo("recommend", "--mood", "calm", "-n", 1000, "--csv", env=env)
    assert data.returncode == 0
    assert len(list(csv.reader(io.StringIO(data.stdout.decode("utf-8"))))) == 1001


def test_a_data_folder_whose_name_is_no_utf8_is_printed(edge_emo):
    done = edge_emo("history", "stats", "--json", "--data-dir", os.fsdecode(b"a\xff"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["history"]["path"].startswith("a\N{REPLACEMENT CHARACTER}")


def test_nothing_is_written(edge_emo, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    env = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "XDG_DATA_HOME": str(home / "data")}
    before = set(tmp_path.rglob("*"))
    assert edge_emo("recommend", "sample", env=env).returncode == 0
    assert edge_emo("songs", "search", "piano", env=env).returncode == 0
    assert set(tmp_path.rglob("*")) == before
    assert not list((ROOT / "edge_emo" / "music" / "data").glob("*-wal"))


@pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are a thing of Linux")
def test_it_works_without_any_network():
    isolated = ["unshare", "--user", "--net"]
    if subprocess.run([*isolated, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system allows no network namespace")
    done = subprocess.run(
        [*isolated, sys.executable, "-m", "edge_emo", "recommend", "sample", "--json"],
        capture_output=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0
