"""Devices are named by what stays when plugs move, and a name is never an address."""

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
