"""What a user may name: cameras and microphones that are there, by names that stay, and files played in their place."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from edge_emo.core.errors import DeviceError
from edge_emo.core.text import plain, to_install
from edge_emo.live.events import DeviceKind
from edge_emo.live.order import Backend, Order
from edge_emo.live.process import DeviceProcess, child_command
from edge_emo.live.supervisor import Device
from edge_emo.live.wire import Framed, Raw, Reader
from edge_emo.media.sources import SAMPLE, kind, opened, sample_path, title

AUTO: Final = "auto"
PI_CAMERA: Final = "rpicam"
"""Names the camera of a Raspberry Pi, which `rpicam-vid` opens."""
DEFAULT_MICROPHONE: Final = "default"
_URL: Final = re.compile(r"\w[\w+.-]+://|(?:https?|rtsp|rtmp|tcp|udp|concat|pipe|file):", re.IGNORECASE)
_ALSA_CARD: Final = re.compile(r"(?:plug)?hw:(?:CARD=)?([^,]+)")


@dataclass(frozen=True)
class Listed:
    """A device that is there: its `name` is what `--camera` and `--microphone` take."""

    device: DeviceKind
    name: str
    about: str


@dataclass(frozen=True)
class System:
    """Where a system keeps its devices; another one for tests."""

    dev: Path = Path("/dev")
    proc: Path = Path("/proc")
    platform: str = sys.platform

    def devices(self) -> list[Listed]:
        """Return the devices that are there."""
        return [*self.cameras(), *self.microphones()]

    def cameras(self) -> list[Listed]:
        """Return the cameras, that of a Raspberry Pi first."""
        found = []
        if program := pi_program():
            found.append(Listed("camera", PI_CAMERA, f"camera of a Raspberry Pi, through {program}"))
        if self.platform != "linux":
            return [*found, Listed("camera", "0", "the first camera; 1 is the second")]
        for folder in ("by-id", "by-path"):
            links = sorted((self.dev / "v4l" / folder).glob("*-index0"))
            found += [Listed("camera", str(link), f"now {_target(link)}") for link in links]
        if not any(listed.name != PI_CAMERA for listed in found):
            found += [Listed("camera", str(path), "") for path in sorted(self.dev.glob("video[0-9]*"))]
        return found

    def microphones(self) -> list[Listed]:
        """Return the microphones: each card with a capture device, and the system's default."""
        if self.platform != "linux":
            return _portaudio_microphones()
        found = []
        for pcm in sorted((self.proc / "asound").glob("card[0-9]*/pcm[0-9]*c")):
            card = _first_line(pcm.parent / "id")
            number = int(re.findall(r"\d+", pcm.name)[0])
            about = next((line for line in _lines(pcm / "info") if line.startswith("name: ")), "")
            found.append(Listed("microphone", f"plughw:CARD={card},DEV={number}", about.removeprefix("name: ")))
        if shutil.which("pw-record"):
            found.append(Listed("microphone", DEFAULT_MICROPHONE, "what PipeWire records from"))
        elif shutil.which("arecord"):
            found.append(Listed("microphone", DEFAULT_MICROPHONE, "what ALSA or its sound server records from"))
        return found

    def sight(self, device: DeviceKind, name: str) -> Hashable | None:
        """Return None while a named device is not there, and else what changes when devices come and go."""
        if self.platform != "linux":
            return ""
        if name.startswith("/"):
            return os.path.realpath(name) if os.path.exists(name) else None
        if card := _ALSA_CARD.match(name):
            path = self.proc / "asound" / card.group(1)  # a link by the card's name
            numbered = self.proc / "asound" / f"card{card.group(1)}"
            return next((os.path.realpath(each) for each in (path, numbered) if each.exists()), None)
        return tuple((listed.name, listed.about) for listed in self.devices() if listed.device == device)


def pi_program() -> str | None:
    """Return what opens the camera of a Raspberry Pi, None where nothing does."""
    return next((name for name in ("rpicam-vid", "libcamera-vid") if shutil.which(name)), None)


@dataclass(frozen=True)
class Opening:
    """How devices are opened: `clock` and `epoch_s` are the service's, frames are asked for at `fps` a second."""

    epoch_s: float
    clock: Callable[[], float]
    wake: Callable[[], object]
    fps: float = 5.0
    rate: int = 16000
    audio_track: int | str | None = None
    system: System = System()

    def device(self, device: DeviceKind, name: str) -> Device:
        """Return a device by the name that the user gave; raises DeviceError or MediaError for what can be none."""
        if _URL.match(name):
            raise DeviceError(
                f"{plain(name)}: is an address; a {device} is a device of this machine or a file, so name one of those "
                "of `edge-emo live --list-devices`"
            )
        if name == SAMPLE and not os.path.exists(name):
            name = str(sample_path())
        if os.path.isfile(name):
            return self._file(device, name)
        if os.path.isdir(name) or (os.sep in name and not name.startswith("/dev/")):
            opened(name)  # says what is wrong with it
        return self._camera(name) if device == "camera" else self._microphone(name)

    def _file(self, device: DeviceKind, name: str) -> Device:
        is_camera = device == "camera"
        what = kind(name, opened(name))
        if what == "picture" or (is_camera and what == "sound"):
            raise DeviceError(f"{title(name)}: is a {what}; a {device} plays a {'film' if is_camera else 'sound'}")
        order = self._order("film" if is_camera else "sound", str(Path(name).absolute()))
        open_it = self._start(order, Framed(), room=8 if is_camera else 20, is_file=True)
        return Device(device, title(name), open_it, is_file=True)

    def _camera(self, name: str) -> Device:
        system = self.system

        def open_it() -> DeviceProcess:
            found = name if name != AUTO else next((c.name for c in system.cameras()), "/dev/video0")
            if found == PI_CAMERA:
                return self._program(
                    Raw("i420", self.clock, width=640, height=480),
                    *(pi_program() or "rpicam-vid", "--nopreview", "--timeout", "0", "--codec", "yuv420"),
                    *("--width", "640", "--height", "480", "--framerate", f"{self.fps:g}", "--flush", "-o", "-"),
                )
            by_pyav = system.platform == "linux" and importlib.util.find_spec("av") is not None
            order = self._order("v4l2" if by_pyav else "opencv", found)
            return self._start(order, Framed(), room=4)()

        return Device("camera", name, open_it, lambda: self._sight("camera", name))

    def _microphone(self, name: str) -> Device:
        def open_it() -> DeviceProcess:
            found = name
            if name == AUTO:
                listed = self.system.microphones()
                found = next((each.name for each in listed), DEFAULT_MICROPHONE)
            if self.system.platform != "linux":
                return self._start(self._order("sounddevice", found), Framed(), room=50)()
            if found == DEFAULT_MICROPHONE and shutil.which("pw-record"):
                form = ("--rate", str(self.rate), "--channels", "1", "--format", "f32")
                return self._program(Raw("f32", self.clock, rate=self.rate), "pw-record", *form, "-")
            # plug-ins, which lead to sound servers, are known to the system's own ALSA alone
            is_plain = _ALSA_CARD.match(found) and importlib.util.find_spec("av") is not None
            if not is_plain and shutil.which("arecord"):
                how = ("-t", "raw", "-f", "FLOAT_LE", "-c", "1", "-r", str(self.rate))
                return self._program(Raw("f32", self.clock, rate=self.rate), "arecord", "-q", "-D", found, *how)
            return self._start(self._order("alsa", found), Framed(), room=50)()

        return Device("microphone", name, open_it, lambda: self._sight("microphone", name))

    def _sight(self, device: DeviceKind, name: str) -> Hashable | None:
        seen = self.system.sight(device, name)
        return None if name == AUTO and seen == () else seen

    def _order(self, backend: Backend, name: str) -> Order:
        return Order(backend, name, epoch_s=self.epoch_s, fps=self.fps, rate=self.rate, audio_track=self.audio_track)

    def _program(self, reader: Reader, *arguments: str) -> DeviceProcess:
        order = Order("program", arguments[0], arguments=arguments)
        return self._start(order, reader, room=4 if arguments[0].endswith("vid") else 50)()

    def _start(self, order: Order, reader: Reader, *, room: int, is_file: bool = False) -> Callable[[], DeviceProcess]:
        command = child_command(msgspec.json.encode(order).decode())
        return lambda: DeviceProcess(command, reader=reader, wake=self.wake, room=room, is_file=is_file)


def _portaudio_microphones() -> list[Listed]:
    if importlib.util.find_spec("sounddevice") is None:
        return [Listed("microphone", DEFAULT_MICROPHONE, f"the system's; {to_install('live')}")]
    import sounddevice

    listed = [Listed("microphone", DEFAULT_MICROPHONE, "the system's")]
    for each in sounddevice.query_devices():
        if each["max_input_channels"]:
            listed.append(Listed("microphone", each["name"], ""))
    return listed


def _target(link: Path) -> str:
    return os.path.realpath(link)


def _first_line(path: Path) -> str:
    return next(iter(_lines(path)), "")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []
