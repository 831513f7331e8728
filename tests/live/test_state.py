"""What is switched off stays off, one service has a folder to itself, and the control socket is its user's."""

import json
import os
import stat
import sys

import pytest

from edge_emo.core.errors import ServiceError
from edge_emo.live.control import ask, command_of, listening
from edge_emo.live.state import SOCKET, STATE_FILE, is_usable, only_one, read_switches, write_switches

posix = pytest.mark.skipif(sys.platform == "win32", reason="sockets between processes")


def test_devices_are_on_where_nothing_is_known(tmp_path):
    assert read_switches(tmp_path) == {"camera": True, "microphone": True}


def test_what_is_switched_off_is_read_again(tmp_path):
    write_switches(tmp_path, {"camera": False, "microphone": True})
    assert read_switches(tmp_path) == {"camera": False, "microphone": True}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"camera": 3}', b"\xff\xfe", b"null"])
def test_a_damaged_file_switches_nothing_off(tmp_path, content):
    (tmp_path / STATE_FILE).write_bytes(content)
    assert read_switches(tmp_path) == {"camera": True, "microphone": True}


def test_a_folder_is_for_one_service_and_free_after_it(tmp_path):
    first, again = only_one(tmp_path / "new"), only_one(tmp_path / "new")
    with first, pytest.raises(ServiceError, match="another edge-emo live"), again:
        pass
    with only_one(tmp_path / "new"):
        pass


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    assert not is_usable(tmp_path / "file")
    with pytest.raises(ServiceError, match="cannot be used"), only_one(tmp_path / "file"):
        pass


@pytest.mark.parametrize("line", ["", "camera", "camera away", "status now", "off camera", "camera off please"])
def test_unknown_commands_say_what_is_known(line):
    with pytest.raises(ValueError, match="say status, camera on"):
        command_of(line)


def test_commands_are_read():
    assert command_of("camera off") == ("camera", False)
    assert command_of(" microphone  on ") == ("microphone", True)
    assert command_of("status") is None


@posix
@pytest.mark.parametrize("depth", [0, 12])
def test_the_socket_answers_wherever_the_folder_is_and_is_gone_afterwards(tmp_path, depth):
    folder = tmp_path.joinpath(*["a-long-name"] * depth)
    folder.mkdir(parents=True, exist_ok=True)
    if depth and sys.platform != "linux":
        pytest.skip("a path of a socket is short here")
    with listening(folder, lambda line: json.dumps({"heard": line}).encode()):
        assert json.loads(ask(folder, "camera off")) == {"heard": "camera off"}
        assert json.loads(ask(folder, "status")) == {"heard": "status"}
        assert stat.S_IMODE(os.stat(folder / SOCKET).st_mode) == 0o600
    assert not (folder / SOCKET).exists()
    with pytest.raises(ServiceError, match="no edge-emo live runs"):
        ask(folder, "status")


@posix
def test_a_socket_that_a_killed_service_left_is_in_nobodys_way(tmp_path):
    (tmp_path / SOCKET).touch()
    with listening(tmp_path, lambda line: b"here"):
        assert ask(tmp_path, "status") == b"here"
