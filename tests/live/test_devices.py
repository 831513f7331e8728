"""Devices are named by what stays when plugs move, and a name is never an address."""

import os
import sys
import time

import pytest

from edge_emo.core.errors import DeviceError, MediaError, MediaNotFoundError
from edge_emo.live.devices import Opening as _Opening
from edge_emo.live.devices import System


@pytest.fixture
def system(tmp_path):
    """A Linux with one camera and one microphone."""
    dev, proc = tmp_path / "dev", tmp_path / "proc"
    (dev / "v4l" / "by-id").mkdir(parents=True)
    (dev / "video2").touch()
    (dev / "v4l" / "by-id" / "usb-Maker_Cam-video-index0").symlink_to(dev / "video2")
    card = proc / "asound" / "card1"
    (card / "pcm0c").mkdir(parents=True)
    (card / "pcm0p").mkdir()
    (card / "id").write_text("Mic\n")
    (card / "pcm0c" / "info").write_text("card: 1\nname: USB Audio\n")
    (proc / "asound" / "Mic").symlink_to(card)
    return System(dev, proc, "linux")


@pytest.fixture
def opening(system):
    return _Opening(0.0, lambda: 0.0, lambda: None, system=system)


def test_the_devices_that_are_there_are_listed_by_names_that_stay(system):
    names = [(each.device, each.name, each.about) for each in system.devices() if each.name != "default"]
    camera = str(system.dev / "v4l" / "by-id" / "usb-Maker_Cam-video-index0")
    assert ("camera", camera, f"now {system.dev / 'video2'}") in names
    assert ("microphone", "plughw:CARD=Mic,DEV=0", "USB Audio") in names


def test_a_system_without_devices_has_none(tmp_path):
    assert [each for each in System(tmp_path, tmp_path, "linux").devices() if each.name != "default"] == []


def test_a_camera_is_seen_to_go_and_to_come_back_under_another_number(system):
    link = system.dev / "v4l" / "by-id" / "usb-Maker_Cam-video-index0"
    before = system.sight("camera", str(link))
    link.unlink()
    assert system.sight("camera", str(link)) is None
    link.symlink_to(system.dev / "video3")
    assert system.sight("camera", str(link)) is None, "the link is there before what it leads to"
    (system.dev / "video3").touch()
    assert system.sight("camera", str(link)) not in (None, before)


@pytest.mark.parametrize("name", ["plughw:CARD=Mic,DEV=0", "hw:Mic", "plughw:1,0"])
def test_a_microphone_is_seen_to_go(system, name):
    assert system.sight("microphone", name) is not None
    (system.proc / "asound" / "Mic").unlink()
    (system.proc / "asound" / "card1").rename(system.proc / "asound" / "gone")
    assert system.sight("microphone", name) is None


def test_of_a_device_without_a_name_of_its_own_the_list_tells_when_something_changes(system):
    before = system.sight("microphone", "default")
    (system.proc / "asound" / "card1" / "pcm3c").mkdir()
    assert system.sight("microphone", "default") != before


@pytest.mark.parametrize(
    "name",
    ["rtsp://camera/1", "http://host/film.mp4", "tcp://0.0.0.0:1", "concat:a|b", "file:///etc/passwd", "HTTPS://a"],
)
@pytest.mark.parametrize("device", ["camera", "microphone"])
def test_an_address_is_no_device(opening, device, name):
    with pytest.raises(DeviceError, match="is an address"):
        opening.device(device, name)


@pytest.mark.parametrize("name", ["plughw:CARD=Mic,DEV=0", "default", "auto"])
def test_names_of_microphones_are_no_addresses(opening, name):
    assert opening.device("microphone", name).name == name


def test_a_film_is_a_camera_and_a_microphone(opening, film):
    assert opening.device("camera", str(film)).is_file
    assert opening.device("microphone", str(film)).is_file


def test_what_cannot_be_played_says_so(opening, tmp_path, portrait):
    import cv2

    picture = str(tmp_path / "picture.png")
    cv2.imwrite(picture, portrait)
    with pytest.raises(DeviceError, match="is a picture"):
        opening.device("camera", picture)
    with pytest.raises(DeviceError, match="is a sound"):
        opening.device("camera", "sample")
    with pytest.raises(MediaNotFoundError):
        opening.device("camera", str(tmp_path / "missing.mp4"))
    with pytest.raises(MediaError, match="is a folder"):
        opening.device("camera", str(tmp_path))
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(MediaError, match="is empty"):
        opening.device("camera", str(tmp_path / "empty.mp4"))


def test_auto_waits_while_no_camera_is_there(tmp_path):
    nothing = _Opening(0.0, lambda: 0.0, lambda: None, system=System(tmp_path, tmp_path, "linux"))
    assert nothing.device("camera", "auto").sight() is None


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Put a program on the PATH that keeps its arguments and writes what it is told to, again and again."""

    def write(name, size):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        path = folder / name
        path.write_text(
            f"#!{sys.executable} -S\nimport os, sys, time\n"
            f"open({str(tmp_path / 'asked')!r}, 'w').write(' '.join(sys.argv[1:]))\n"
            f"while True:\n    os.write(1, os.urandom({size}))\n    time.sleep(0.02)\n"
        )
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return tmp_path / "asked"

    return write


def first_packets(device, n=3):
    process, packets, deadline = device.open(), [], time.monotonic() + 60
    try:
        while len(packets) < n:
            assert time.monotonic() < deadline, process.ended()
            packets += process.take()
            time.sleep(0.01)
    finally:
        process.kill()
    return packets


posix = pytest.mark.skipif(sys.platform == "win32", reason="programs of Linux")


@posix
def test_the_camera_of_a_raspberry_pi_comes_first_and_gives_frames(opening, program):
    asked = program("rpicam-vid", 640 * 480 * 3 // 2)
    assert opening.system.cameras()[0].name == "rpicam"
    packets = first_packets(opening.device("camera", "auto"))
    assert {(packet.width, packet.height, packet.picture.shape) for packet in packets} == {(640, 480, (480, 640, 3))}
    assert "--codec yuv420" in asked.read_text()
    assert "--width 640 --height 480 --framerate 5 " in asked.read_text()


@posix
def test_pipewire_is_recorded_from_where_it_is(opening, program):
    asked = program("pw-record", 6400)
    packets = first_packets(opening.device("microphone", "default"))
    assert {len(packet.samples) for packet in packets} == {1600}
    assert "--rate 16000 --channels 1 --format f32" in asked.read_text()


@posix
@pytest.mark.parametrize("name", ["default", "pulse"])
def test_sound_servers_are_recorded_from_by_arecord_whose_alsa_knows_their_plugins(opening, program, name):
    asked = program("arecord", 6400)
    packets = first_packets(opening.device("microphone", name))
    assert {len(packet.samples) for packet in packets} == {1600}
    assert f"-D {name} -t raw" in asked.read_text()


@posix
def test_arecord_listens_where_pyav_is_missing(opening, program, monkeypatch):
    asked = program("arecord", 6400)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    packets = first_packets(opening.device("microphone", "plughw:CARD=Mic,DEV=0"))
    assert {len(packet.samples) for packet in packets} == {1600}
    assert "-D plughw:CARD=Mic,DEV=0 -t raw -f FLOAT_LE -c 1 -r 16000" in asked.read_text()
