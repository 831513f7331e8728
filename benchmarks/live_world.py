"""A world for a live service on a simulated clock: devices that are pulled out in every way, and visitors."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import numpy as np

from edge_emo.face.detector import Face
from edge_emo.live.events import DeviceKind
from edge_emo.live.supervisor import Device
from edge_emo.live.wire import Packet

FRAME_S, BLOCK_S, RATE = 0.5, 1.0, 16000
WIDTH, HEIGHT = 320, 240
WAYS = ("ends", "falls silent", "repeats itself", "goes on")
"""What the process of a device does when that is pulled out; its name is gone in any case."""


class Clock:
    """Simulated seconds, in the place of a `Bell`."""

    epoch_s = 0.0

    def __init__(self) -> None:
        self.now_s = 0.0

    def clock(self) -> float:
        """Return the seconds since the service began."""
        return self.now_s

    def ring(self) -> None:
        """Nobody sleeps."""

    def wait(self, at_most_s: float) -> None:
        """Let time pass."""
        self.now_s += at_most_s


class OneFace:
    """A detector that finds a face in every picture that is bright on its right side, where its light is."""

    name = "one face"

    def detect(self, picture: np.ndarray) -> list[Face]:
        """Return the face; it moves a little from picture to picture."""
        if picture[:, WIDTH // 2 :].mean() < 100:
            return []
        left = 180.0 + float(picture[0, 0, 0]) % 16
        points = ((20, 40), (60, 40), (40, 65), (25, 84), (55, 84))
        return [Face((left, 60.0, left + 80, 160.0), 0.9, tuple((left + x, 60.0 + y) for x, y in points))]


@dataclass
class World:
    """What there is: the devices that are plugged in, under which number, and whether somebody is there."""

    clock: Clock
    rng: random.Random
    is_there: dict[DeviceKind, bool] = field(default_factory=lambda: {"camera": True, "microphone": True})
    number: dict[DeviceKind, int] = field(default_factory=lambda: {"camera": 0, "microphone": 0})
    way: dict[DeviceKind, str] = field(default_factory=lambda: {"camera": "ends", "microphone": "ends"})
    refusals: dict[DeviceKind, int] = field(default_factory=lambda: {"camera": 0, "microphone": 0})
    visitor: bool = False
    opened: int = 0
    closed: int = 0

    def device(self, kind: DeviceKind) -> Device:
        """Return a device whose name stays, and whose number changes."""
        return Device(kind, f"the {kind}", lambda: Simulated(self, kind), lambda: self._sight(kind))

    def unplug(self, kind: DeviceKind) -> None:
        """Pull a device out."""
        self.is_there[kind], self.way[kind] = False, self.rng.choice(WAYS)

    def plug(self, kind: DeviceKind) -> None:
        """Put it in again: under another number, and at first not always ready."""
        self.is_there[kind] = True
        self.number[kind] += 1
        self.refusals[kind] = self.rng.choice((0, 0, 1, 2))

    def _sight(self, kind: DeviceKind) -> int | None:
        return self.number[kind] if self.is_there[kind] else None


class Simulated:
    """A device's process."""

    def __init__(self, world: World, kind: DeviceKind) -> None:
        self.dropped = 0
        self._world, self._kind, self._number = world, kind, world.number[kind]
        self._is_refused = world.refusals[kind] > 0
        world.refusals[kind] -= self._is_refused
        world.opened += 1
        self._next_s = world.clock.now_s + 0.5
        self._last = b""
        self._noise = np.random.default_rng(self._number)

    def take(self) -> list[Packet]:
        """Return what came by now."""
        packets, world = [], self._world
        step_s = FRAME_S if self._kind == "camera" else BLOCK_S
        while self._next_s <= world.clock.now_s and not self._is_refused:
            at_s, self._next_s = self._next_s, self._next_s + step_s
            if self._is_lost and world.way[self._kind] in ("ends", "falls silent"):
                continue
            if not self._is_lost or world.way[self._kind] == "goes on" or not self._last:
                self._last = self._frame() if self._kind == "camera" else self._block()
            if self._kind == "camera":
                packets.append(Packet("i420", at_s, at_s, self._last, WIDTH, HEIGHT))
            else:
                packets.append(Packet("f32", at_s - BLOCK_S, at_s, self._last))
        return packets

    def ended(self) -> tuple[int, str] | None:
        """Return the exit code and the reason where it has ended."""
        if self._is_refused:
            return 12, "permission denied"
        return (13, "no such device") if self._is_lost and self._world.way[self._kind] == "ends" else None

    def kill(self) -> None:
        """End it."""
        self._world.closed += 1

    @property
    def _is_lost(self) -> bool:
        return not self._world.is_there[self._kind] or self._world.number[self._kind] != self._number

    def _frame(self) -> bytes:
        luma = np.full((HEIGHT, WIDTH), 60, np.uint8)
        if self._world.visitor:
            luma[:, WIDTH // 2 :] = 180
        luma[0, :8] = self._noise.integers(0, 255, 8, np.uint8)
        return luma.tobytes() + b"\x80" * (WIDTH * HEIGHT // 2)

    def _block(self) -> bytes:
        return _QUIET[int(self._noise.integers(len(_QUIET)))]


_QUIET = [
    (1e-5 * np.random.default_rng(number).standard_normal(int(BLOCK_S * RATE))).astype(np.float32).tobytes()
    for number in range(16)
]
