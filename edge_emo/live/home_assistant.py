"""What a fleet is told of one service, in the words of Home Assistant: a device, its state, and its two switches.

Only counts and labels are in it: no picture, no sound, no name of a device of this machine, and no path.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import msgspec

from edge_emo import __version__
from edge_emo.core.emotions import EMOTIONS, UNCERTAIN
from edge_emo.core.text import plain
from edge_emo.live.events import DeviceKind, SongsEvent, StatusEvent

BIRTH_TOPIC: Final = "homeassistant/status"
"""Home Assistant says "online" here when it has started."""
ONLINE, OFFLINE = "online", "offline"
NOBODY: Final = "none"
"""The emotion while nobody is there, or nothing was found yet."""
_MOST_CHARACTERS: Final = 255  # of a state
_SWITCHED: Final = {b"ON": True, b"OFF": False}

Switch = Literal["ON", "OFF"]


@dataclass(frozen=True)
class Names:
    """The topics of a service that is called `name`, below `prefix`."""

    name: str
    prefix: str

    @property
    def id(self) -> str:
        """The service's identifier: ASCII letters, digits and hyphens, another for each name."""
        decomposed = unicodedata.normalize("NFKD", self.name).encode("ascii", "ignore").decode().lower()
        slug = re.sub(r"[^a-z0-9]+", "-", decomposed).strip("-")
        if slug != self.name:  # others may come to the same letters
            slug = "-".join(filter(None, [slug, hashlib.sha256(self.name.encode()).hexdigest()[:6]]))
        return f"edge-emo-{slug}"

    @property
    def discovery(self) -> str:
        """Where Home Assistant finds the device."""
        return f"homeassistant/device/{self.id}/config"

    @property
    def state(self) -> str:
        """Where the state is."""
        return f"{self.prefix}/{self.id}/state"

    @property
    def availability(self) -> str:
        """Where it says whether the service is there."""
        return f"{self.prefix}/{self.id}/availability"

    def command(self, device: DeviceKind | Literal["+"]) -> str:
        """Where a device is switched; "+" for that of all."""
        return f"{self.prefix}/{self.id}/{device}/set"

    def command_of(self, topic: str, payload: bytes) -> tuple[DeviceKind, bool] | None:
        """Return the device that a message switches, and whether on; None for what is no command."""
        for device in get_args(DeviceKind):
            if topic == self.command(device) and payload in _SWITCHED:
                return device, _SWITCHED[payload]
        return None


@dataclass(frozen=True, kw_only=True)
class State:
    """All that is told of what happens: one JSON object. A device that the service does not use is left out.

    `confidence` is in percent, `temperature` in degrees Celsius; `visitors` counts from the start of the service.
    """

    emotion: str
    confidence: int | None
    visitors: int
    song: str | None
    temperature: int | None
    throttled: Switch
    camera: Switch | None
    microphone: Switch | None


def state_of(status: StatusEvent, songs: SongsEvent | None) -> State:
    """Return the state for a status and what was proposed to who is there."""
    feeling = status.feeling if status.visit is not None else None
    heat = status.heat
    switches = {each.device: _switch(each.state != "off") for each in status.devices}
    return State(
        emotion=feeling.emotion if feeling else NOBODY,
        confidence=round(100 * feeling.probability) if feeling else None,
        visitors=status.visits,
        song=_song(songs),
        temperature=None if heat.temperature_c is None else round(heat.temperature_c),
        throttled=_switch(heat.is_hot or heat.under_voltage),
        camera=switches.get("camera"),
        microphone=switches.get("microphone"),
    )


def _switch(on: bool) -> Switch:
    return "ON" if on else "OFF"


def _song(songs: SongsEvent | None) -> str | None:
    if songs is None or not songs.songs:
        return None
    song = songs.songs[0].song
    text = plain(f"{song.title} – {song.artist}" if song.artist else song.title)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…"


def discovery_message(names: Names, devices: Sequence[DeviceKind]) -> bytes:
    """Return the message by which Home Assistant learns of the service, its sensors, and switches of its `devices`."""
    components: dict[str, dict[str, Any]] = {
        "emotion": {"name": "Emotion", "device_class": "enum", "options": [*EMOTIONS, UNCERTAIN, NOBODY]},
        "confidence": {"name": "Confidence", "unit_of_measurement": "%", "state_class": "measurement"},
        "visitors": {"name": "Visitors", "state_class": "total_increasing"},
        "song": {"name": "Song"},
        "temperature": {
            "name": "Temperature",
            "device_class": "temperature",
            "unit_of_measurement": "°C",
            "state_class": "measurement",
            "entity_category": "diagnostic",
        },
        "throttled": {
            "p": "binary_sensor",
            "name": "Throttled",
            "device_class": "problem",
            "entity_category": "diagnostic",
        },
    }
    for device in get_args(DeviceKind):
        components[device] = {"p": "switch"}  # this alone takes away the switch of an earlier start
        if device in devices:
            components[device] |= {"name": device.capitalize(), "command_topic": names.command(device)}
    for key, component in components.items():
        component.setdefault("p", "sensor")
        if "name" in component:
            component |= {"unique_id": f"{names.id}-{key}", "value_template": f"{{{{ value_json.{key} }}}}"}
    return msgspec.json.encode(
        {
            "dev": {"ids": [names.id], "name": f"edge-emo {names.name}", "mdl": "edge-emo live", "sw": __version__},
            "o": {"name": "edge-emo", "sw": __version__},
            "cmps": components,
            "state_topic": names.state,
            "availability_topic": names.availability,
            "qos": 1,
        }
    )
