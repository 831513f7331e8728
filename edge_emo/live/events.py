"""What a live service tells, as it happens: each event is a line of JSON.

`at` is in seconds since 1970, all other times are in seconds on the service's own clock, which no change of the wall
clock moves. No event ever holds a picture or a sound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from edge_emo.core.timeline import Reading, Segment
from edge_emo.music.ranking.recommend import Recommendation

DeviceKind = Literal["camera", "microphone"]
DeviceState = Literal["off", "opening", "open", "lost", "ended"]
"""Of a device: "lost" is one that is not there or of no use and is waited for, "ended" a file that was played."""


@dataclass(frozen=True, kw_only=True)
class PresenceEvent:
    """A visitor came, found by a voice or a face, or went.

    `visit` counts them. Who goes has "left", or is "still" (a picture, a poster), or the source "ended".
    """

    event: Literal["presence"] = "presence"
    at: float
    time_s: float
    visit: int
    is_present: bool
    by: str | None = None
    reason: Literal["came", "left", "still", "ended"] = "came"


@dataclass(frozen=True, kw_only=True)
class ReadingEvent:
    """What a network found; a reading that is not final is of an utterance that goes on, and will be replaced."""

    event: Literal["reading"] = "reading"
    at: float
    time_s: float
    visit: int
    is_final: bool
    reading: Reading


@dataclass(frozen=True, kw_only=True)
class SegmentEvent:
    """The time over which one emotion held, told once and for good some seconds after it."""

    event: Literal["segment"] = "segment"
    at: float
    time_s: float
    visit: int
    segment: Segment


@dataclass(frozen=True, kw_only=True)
class SongsEvent:
    """Songs for an emotion that has held."""

    event: Literal["songs"] = "songs"
    at: float
    time_s: float
    visit: int
    emotion: str
    songs: tuple[Recommendation, ...]


@dataclass(frozen=True, kw_only=True)
class DeviceEvent:
    """A device changed its state, told once; `reason` says why in words."""

    event: Literal["device"] = "device"
    at: float
    time_s: float
    device: DeviceKind
    name: str
    state: DeviceState
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class DeviceStatus:
    """How a device is; `seen_s` is when something new came from it last, `dropped` counts what came too fast.

    `reopened` counts how often it was lost and came back.
    """

    device: DeviceKind
    name: str
    state: DeviceState
    reason: str
    since_s: float
    seen_s: float | None
    dropped: int
    reopened: int


@dataclass(frozen=True, kw_only=True)
class Feeling:
    """What is found by now, by the past alone; probabilities in the order of `EMOTIONS`. It has held for `held_s`."""

    emotion: str
    raw: str
    probability: float
    probabilities: tuple[float, ...]
    valence: float
    arousal: float
    held_s: float


@dataclass(frozen=True, kw_only=True)
class Heat:
    """How warm the board is, None where it does not tell, and whether the service does less because of it."""

    temperature_c: float | None = None
    is_hot: bool = False
    under_voltage: bool = False


@dataclass(frozen=True, kw_only=True)
class StatusEvent:
    """How the service is: told from time to time, and when it changes.

    `visit` is that of who is there, `visits` counts all. `fps` is how many frames a second are looked at; `view` says
    why a face is not read, or that it is dark.
    """

    event: Literal["status"] = "status"
    at: float
    time_s: float
    visit: int | None
    visits: int
    feeling: Feeling | None
    view: Literal["ok", "nobody", "turned_away", "too_small", "still", "dark"]
    fps: float
    heat: Heat
    devices: tuple[DeviceStatus, ...]


Event: TypeAlias = PresenceEvent | ReadingEvent | SegmentEvent | SongsEvent | DeviceEvent | StatusEvent
EVENTS: Final[tuple[type[Event], ...]] = get_args(Event)
