"""The whole service in its own process, with a film in the place of camera and microphone."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

from edge_emo.analysis.analyzer import analyze
from edge_emo.live.notice import NOTICES
from edge_emo.music.store.database import FILE_NAME, UserDatabase
from edge_emo.music.store.history import History
from tests.conftest import ROOT
from tests.live.conftest import until

SCHEMA = json.loads((ROOT / "docs" / "schemas" / "live.json").read_bytes())
SOON_S = 60.0


def events(out):
    found = [json.loads(line) for line in out.splitlines()]
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for event in found:
        validator.validate(event)
    return found


def children(pid):
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


def gone(pid):
    deadline = time.monotonic() + SOON_S
    status = Path(f"/proc/{pid}/status")
    while status.exists() and "State:\tZ" not in status.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return True


def test_a_film_played_at_its_own_speed_gives_the_segments_of_its_analysis(start, scene):
    out, told = start("--camera", scene, "--microphone", scene).communicate(timeout=300)
    found, whole = events(out), analyze(scene)
    segments = [event["segment"] for event in found if event["event"] == "segment"]
    assert segments == [
        {**vars(segment), "probabilities": pytest.approx(segment.probabilities, abs=1e-4)}
        | {name: pytest.approx(getattr(segment, name), abs=1e-4) for name in ("valence", "arousal")}
        for segment in whole.segments
    ]
    readings = [event["reading"] for event in found if event["event"] == "reading" and event["is_final"]]
    assert len(readings) == len(whole.readings)
    assert [event["state"] for event in found if event["event"] == "device"] == ["open", "open", "ended", "ended"]
    presence = [event for event in found if event["event"] == "presence"]
    assert [event["is_present"] for event in presence] == [True, False]
    assert presence[0]["time_s"] == pytest.approx(2.0, abs=0.21), "who came at 1 s is a visitor at 2 s"
    assert sum(event["event"] == "songs" for event in found) == 1
    assert not re.search(rb"Traceback|Error", told)


def test_what_was_proposed_is_in_the_history(start, scene, tmp_path):
    out, _ = start("--camera", scene, "--microphone", "none").communicate(timeout=300)
    songs = next(event for event in events(out) if event["event"] == "songs")
    with UserDatabase(tmp_path / "home" / FILE_NAME) as database:
        shown = [event.uid for event in History(database).events()]
    assert shown == [item["song"]["uid"] for item in songs["songs"]]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_ends_it_in_good_order(start, scene, name):
    service = start("--camera", scene, "--microphone", scene)
    until(service, "presence")
    processes = children(service.pid)
    assert len(processes) == 2
    service.send_signal(getattr(signal, name))
    out, told = service.communicate(timeout=SOON_S)
    assert service.returncode == 128 + getattr(signal, name)
    assert [event["is_present"] for event in events(out) if event["event"] == "presence"] == [False]
    assert events(out)[-1]["event"] == "status"
    assert b"Traceback" not in told
    assert all(gone(pid) for pid in processes)


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_killed_it_leaves_no_process_and_a_history_that_can_be_read(start, scene, tmp_path):
    for seconds in (0.5, 2.5, 5.0):
        service = start("--camera", scene, "--microphone", scene)
        time.sleep(seconds)
        processes = children(service.pid)
        service.kill()
        service.communicate()
        assert all(gone(pid) for pid in processes)
    out, _ = start("--camera", scene, "--microphone", "none").communicate(timeout=300)
    assert any(event["event"] == "songs" for event in events(out))
    with UserDatabase(tmp_path / "home" / FILE_NAME) as database:
        assert database.warnings == []
        assert list(History(database).events())


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_a_killed_process_of_a_device_is_started_again_and_told_once(start, scene):
    service = start("--camera", scene, "--microphone", scene)
    until(service, "presence")
    for pid in children(service.pid):
        os.kill(pid, signal.SIGKILL)
    states = {}
    for line in service.stdout:
        event = json.loads(line)
        if event["event"] == "device":
            states.setdefault(event["device"], []).append(event["state"])
        if all(found[-1] == "open" for found in states.values()) and len(states) == 2:
            break
    assert states == {"camera": ["lost", "open"], "microphone": ["lost", "open"]}


@pytest.mark.skipif(sys.platform == "win32", reason="sockets between processes")
def test_off_means_off_also_after_a_restart(start, control, quiet):
    service = start(*quiet)
    until(service, "device", device="camera", state="open")
    answer = json.loads(control("camera", "off").stdout)
    assert {each["device"]: each["state"] for each in answer["devices"]}["camera"] == "off"
    assert len(children(service.pid)) == 1 or sys.platform != "linux", "the other device goes on"
    service.terminate()
    service.communicate(timeout=SOON_S)
    again = start(*quiet)
    assert until(again, "device", device="camera")["state"] == "off"
    until(again, "device", device="microphone", state="open")
    control("camera", "on")
    until(again, "device", device="camera", state="open")


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="signals of POSIX")
def test_signals_switch_the_devices(start, quiet):
    service = start(*quiet)
    until(service, "device", state="open")
    service.send_signal(signal.SIGUSR2)
    until(service, "device", device="microphone", state="off")
    service.send_signal(signal.SIGUSR1)
    until(service, "device", device="camera", state="off")
    service.send_signal(signal.SIGUSR2)
    until(service, "device", device="microphone", state="open")


@pytest.mark.skipif(sys.platform == "win32", reason="sockets between processes")
def test_a_second_one_says_so_and_ends(start, control, quiet):
    first = start(*quiet)
    until(first, "device", state="open")
    second = start(*quiet)
    _, told = second.communicate(timeout=SOON_S)
    assert second.returncode == 1
    assert b"another edge-emo live runs with this folder" in told
    assert first.poll() is None
    assert control("status").returncode == 0, "the first one still answers"


def test_there_is_nothing_to_control_where_none_runs(control):
    done = control("camera", "off")
    assert done.returncode == 1
    assert b"no edge-emo live runs" in done.stderr
    assert control("camera", "away").returncode == 2


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_no_socket_is_opened_but_that_for_control(start, scene, tmp_path):
    log = tmp_path / "calls"
    watching = ("strace", "-f", "-qq", "-e", "trace=network", "-o", log)
    start("--camera", scene, "--microphone", scene, before=watching).communicate(timeout=600)
    calls = [line for line in log.read_text().splitlines() if re.search(r"\b(socket|bind|connect)\(", line)]
    bound = [line for line in calls if "bind(" in line]
    assert len(bound) == 1
    assert "live.sock" in bound[0]
    assert [line for line in calls if "socket(" in line and "AF_UNIX" not in line] == []
    assert [line for line in calls if "connect(" in line] == []


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX")
def test_on_a_terminal_the_whole_screen_tells_people_and_a_log_of_the_devices(quiet, tmp_path):
    import pty

    master, slave = pty.openpty()
    command = [sys.executable, "-m", "edge_emo", "live", *map(str, quiet), "--notice", "de", "--notice", "zh-Hant"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "EDGE_EMO_HOME": str(tmp_path), "TERM": "linux", "COLUMNS": "100"}
    with subprocess.Popen(command, stdout=slave, stderr=subprocess.PIPE, env=env, cwd=tmp_path) as service:
        os.close(slave)
        screen = b""
        while not all(NOTICES[language].title.encode() in screen for language in ("de", "zh-Hant")):
            screen += os.read(master, 1 << 16)
        for line in service.stderr:
            if b"camera" in line:
                break
        service.terminate()
        assert b"quiet.mp4 works" in line
        with contextlib.suppress(OSError):  # so ends a terminal that everybody left
            while part := os.read(master, 1 << 16):
                screen += part
        assert service.wait(SOON_S) == 143
    os.close(master)
    assert b"\x1b[?1049l" in screen, "the terminal is left as it was"


@pytest.mark.parametrize("option", ["--camera", "--microphone"])
def test_an_unknown_name_is_waited_for_and_what_is_there_is_told(start, option):
    other = {"--camera": "--microphone", "--microphone": "--camera"}[option]
    name = {"--camera": "/dev/v4l/by-id/usb-Nobody", "--microphone": "plughw:CARD=Nobody"}[option]
    service = start(option, name, other, "none")
    assert until(service, "device", state="lost")["reason"] == "is not there"
    service.terminate()
    told = service.communicate(timeout=SOON_S)[1].decode()
    assert re.search(rf"{name} is not there; (there are .+|no {option[2:]} is there at all); waiting for it", told)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--camera", "rtsp://host/1"], 1, "is an address"),
        (["--camera", "no/such.mp4"], 1, "no such file"),
        (["--camera", "none", "--microphone", "none"], 2, "neither a camera nor a microphone"),
        (["--no-face", "--microphone", "none"], 2, "neither a camera nor a microphone"),
        (["camera", "off"], 2, "add --control"),
        (["--list-devices"], 0, ""),
    ],
)
def test_what_cannot_be_done_is_told_at_once(edge_emo, arguments, code, said):
    done = edge_emo("live", *arguments)
    assert done.returncode == code
    assert said in done.stderr.decode()


def test_without_a_history_it_needs_no_folder(start, quiet, tmp_path):
    (tmp_path / "file").touch()
    service = start("--no-history", "--data-dir", tmp_path / "file" / "folder", *quiet)  # which cannot be made
    until(service, "device", device="camera", state="open")
    service.terminate()
    _, told = service.communicate(timeout=SOON_S)
    assert b"nothing can be kept there" in told
    assert b"Traceback" not in told
