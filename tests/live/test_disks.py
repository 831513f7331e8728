"""Disks that are read-only or full: all that changes lies in one folder, and the service goes on without it."""

import json
import shutil
import signal
import subprocess
import sys

import pytest

from edge_emo.music.store.database import FILE_NAME, UserDatabase
from edge_emo.music.store.history import History
from tests.live.conftest import until
from tests.live.test_service import SOON_S, events

READ_ONLY = """
set -e
test "$2" = none || mount --bind "$1/$2" "$1/$2"
while read -r _ where _; do
    test "$where" = "$1/$2" || mount -o remount,bind,ro "$where" 2>/dev/null || true
done < /proc/self/mounts
for folder in "$1" "$HOME" /tmp /var /dev/shm; do
    if touch "$folder/here" 2>/dev/null; then exit 99; fi
done
cd "$1"
shift 2
exec "$@"
"""
"""Makes every file system read-only, but for one folder in a folder, and runs a command there."""


def can_mount():
    works = ["unshare", "-rm", "mount", "-o", "remount,bind,ro", "/"]
    return sys.platform == "linux" and shutil.which("unshare") and subprocess.run(works).returncode == 0


pytestmark = pytest.mark.skipif(not can_mount(), reason="needs Linux where users may mount in a namespace of their own")


@pytest.fixture
def read_only(tmp_path):
    """Return the words before a command for which all is read-only but one folder, "none" for no folder at all."""
    (tmp_path / "home").mkdir()
    return lambda but="none": ("unshare", "-rm", "sh", "-c", READ_ONLY, "sh", tmp_path, but)


def test_all_that_changes_lies_in_one_folder(start, scene, read_only, control, tmp_path):
    service = start("--camera", scene, "--microphone", "none", before=read_only("home"))
    until(service, "device", state="open")
    assert json.loads(control("status").stdout)["devices"], "the socket is in it"
    out, told = service.communicate(timeout=300)
    assert service.returncode == 0, told
    assert any(event["event"] == "songs" for event in events(out))
    assert told == b""
    with UserDatabase(tmp_path / "home" / FILE_NAME) as database:
        assert list(History(database).events())


def test_what_is_switched_off_is_kept_in_it(start, quiet, read_only, control):
    service = start(*quiet, before=read_only("home"))
    until(service, "device", device="camera", state="open")
    control("camera", "off")
    service.terminate()
    service.communicate(timeout=SOON_S)
    again = start(*quiet, before=read_only("home"))
    assert until(again, "device", device="camera")["state"] == "off"


def test_without_a_history_nothing_is_written_at_all(start, scene, read_only, tmp_path):
    service = start("--no-history", "--camera", scene, "--microphone", "none", before=read_only())
    out, told = service.communicate(timeout=300)
    assert service.returncode == 0, told
    assert any(event["event"] == "songs" for event in events(out))
    assert told.decode().count("control socket") == 1, "said once that there is none"
    assert b"nothing can be kept there" in told
    assert list((tmp_path / "home").iterdir()) == []


def test_signals_still_switch_the_devices(start, quiet, read_only):
    service = start("--no-history", *quiet, before=read_only())
    until(service, "device", device="microphone", state="open")
    service.send_signal(signal.SIGUSR2)
    until(service, "device", device="microphone", state="off")
    service.terminate()
    assert b"forgotten after a restart" in service.communicate(timeout=SOON_S)[1]


def test_a_history_that_can_be_written_nowhere_is_told_at_once(start, quiet, read_only):
    service = start(*quiet, before=read_only())
    _, told = service.communicate(timeout=SOON_S)
    assert service.returncode == 1
    assert b"Read-only file system" in told
    assert b"--data-dir" in told


FULL = """
set -e
mount -t tmpfs -o size=256k,mode=700 none "$1/home"
cat /dev/zero > "$1/home/rest" 2>/dev/null || true
cd "$1"
shift
exec "$@"
"""
"""Runs a command with a full disk in the place of its folder."""


def test_a_full_disk_keeps_no_song_back_and_is_told_once(start, scene, tmp_path):
    (tmp_path / "home").mkdir()
    full = ("unshare", "-rm", "sh", "-c", FULL, "sh", tmp_path)
    service = start("--camera", scene, "--microphone", "none", before=full)
    out, told = service.communicate(timeout=300)
    assert service.returncode == 0, told
    assert any(event["event"] == "songs" for event in events(out))
    assert b"going on without your history" in told or b"continuing without your history" in told
    assert told.count(b"without your history") == 1
    assert b"Traceback" not in told
