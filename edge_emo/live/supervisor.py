"""Keeps one device open: notices that it is dead by what comes from it, and opens it again by its name.

A dead device may end its process, fall silent, give the same frame for ever (OpenCV 5221), or give digital silence.
Nothing here sleeps or asks for the time on its own, so that weeks can be simulated.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final

from edge_emo.live.events import DeviceKind, DeviceState, DeviceStatus
from edge_emo.live.order import in_words
from edge_emo.live.process import Process
from edge_emo.live.wire import Packet

SILENT_S: Final = 5.0
"""A device from which nothing comes for so long is dead."""
OPENING_S: Final = 15.0
"""So long it may take until the first packet comes: slow boards import for seconds."""
UNCHANGED_S: Final = 5.0
"""The same bytes for so long are a dead device; twice as long after each time that opening it again changed nothing."""
MOST_UNCHANGED_S: Final = 300.0
LEAST_UNCHANGED: Final = 10
"""So many packets have to be the same."""
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
LOOK_S: Final = 1.0
"""So often is looked whether the device is there."""
STABLE_S: Final = 10.0
"""A device that worked for so long is opened at once when it fails."""
_RATE_S: Final = 60.0
_MOST_FAST: Final = 1.25
"""Sound that comes so many times as fast as its rate says is not of that rate; within a minute."""
_AHEAD_S: Final = 3.0  # of sound that waited in buffers


@dataclass(frozen=True)
class Device:
    """A device by its name, and how to reach it.

    `sight` returns None while it is certainly not there, and else anything that changes when devices come and go.
    A file is played once.
    """

    kind: DeviceKind
    name: str
    open: Callable[[], Process]
    sight: Callable[[], Hashable | None] = lambda: ""
    is_file: bool = False


@dataclass
class _Flow:
    """What came from a device since it was opened."""

    opened_s: float
    last_s: float
    is_begun: bool = False
    payload: bytes | bytearray | memoryview = b""
    changed_s: float = 0.0
    n_same: int = 0
    window: tuple[float, float] | None = None  # when a block came, and its time


@dataclass
class Supervisor:
    """Opens `device`, hands on its packets, and opens it again when it is dead; `tell` hears each change of state once.

    `now` gives seconds on the service's clock. While `is_on` is false, the device is closed.
    """

    device: Device
    now: Callable[[], float]
    tell: Callable[[DeviceState, str], object] = lambda state, reason: None
    is_on: bool = True
    state: DeviceState = "opening"
    reason: str = ""
    since_s: float = 0.0
    seen_s: float | None = None
    reopened: int = 0
    _dropped: int = 0
    _process: Process | None = None
    _flow: _Flow = field(default_factory=lambda: _Flow(0.0, 0.0))
    _wait_s: float = FIRST_WAIT_S
    _patience_s: float = UNCHANGED_S
    _stale: bytes | bytearray | memoryview = b""  # what it gave again and again, until it gives anything else
    _due_s: float = 0.0
    _look_s: float = 0.0
    _seen: Hashable | None = ""

    def tick(self) -> list[Packet]:
        """Return what came from the device since this was last called; call it a few times a second."""
        now_s = self.now()
        if not self.is_on:
            self.close()
            self._become("off", "")
            return []
        if self.state == "off":
            self._wait_s, self._due_s, self._patience_s = FIRST_WAIT_S, 0.0, UNCHANGED_S
            self._become("opening", "")
        if self.state == "ended":
            return []
        self._look(now_s)
        if self._process is None:
            if self._seen is None or now_s < self._due_s:
                return []
            self._open(now_s)
        return self._received(now_s)

    def close(self) -> None:
        """Let go of the device."""
        if self._process is not None:
            self._dropped += self._process.dropped
            self._process.kill()
            self._process = None

    @property
    def status(self) -> DeviceStatus:
        """How the device is."""
        return DeviceStatus(
            device=self.device.kind,
            name=self.device.name,
            state=self.state,
            reason=self.reason,
            since_s=self.since_s,
            seen_s=self.seen_s,
            dropped=self._dropped + (self._process.dropped if self._process else 0),
            reopened=self.reopened,
        )

    def _look(self, now_s: float) -> None:
        """Look whether the device has gone, or come back: then nothing is waited for."""
        if now_s < self._look_s:
            return
        self._look_s = now_s + LOOK_S
        before, self._seen = self._seen, self.device.sight()
        if self._seen is None:
            if self._process is not None:
                self.close()
            self._become("lost", "is not there")
        elif self._seen != before and self._process is None:
            self._wait_s, self._due_s = FIRST_WAIT_S, now_s

    def _open(self, now_s: float) -> None:
        try:
            self._process = self.device.open()
        except OSError as error:  # no more processes, or memory
            self._fail(now_s, f"cannot be started ({error.strerror or error})")
            return
        self._flow = _Flow(now_s, now_s, changed_s=now_s)

    def _received(self, now_s: float) -> list[Packet]:
        process, flow = self._process, self._flow
        if process is None:
            return []
        packets = process.take()
        for packet in packets:
            self._check(packet, now_s)
        if packets:
            flow.last_s, flow.is_begun = now_s, True
        ended = process.ended()
        limit_s = SILENT_S if flow.is_begun else OPENING_S
        if ended is not None:
            code, why = ended
            if code == 0 and self.device.is_file:
                self.close()
                self._become("ended", "")
            else:
                self._fail(now_s, in_words(code, why) or "ended")
        elif self.device.is_file:
            pass  # it may hold a still, or silence, and wait for its time
        elif now_s - flow.last_s >= limit_s:
            self._fail(now_s, f"nothing came from it for {limit_s:.0f} s")
        elif flow.n_same >= LEAST_UNCHANGED and now_s - flow.changed_s >= self._patience_s:
            what = "the same picture" if self.device.kind == "camera" else "digital silence"
            self._patience_s, self._stale = min(2 * self._patience_s, MOST_UNCHANGED_S), flow.payload
            self._fail(now_s, f"gives {what} again and again")
        elif self._is_too_fast(packets, now_s):
            self._fail(now_s, "gives sound faster than time goes: its rate is another than it says")
        if self._process is not None and flow.is_begun and not self._stale:
            if self.state in ("lost", "opening"):
                self.reopened += self.state == "lost"
                self._become("open", "")
            if now_s - flow.opened_s >= STABLE_S:
                self._wait_s = FIRST_WAIT_S
        return packets

    def _check(self, packet: Packet, now_s: float) -> None:
        """Keep in mind whether something new came."""
        flow = self._flow
        is_same = packet.payload == flow.payload and (packet.format != "f32" or _is_constant(packet.payload))
        if is_same:
            flow.n_same += 1
        else:
            flow.payload, flow.changed_s, flow.n_same = packet.payload, now_s, 0
            if packet.payload != self._stale:
                self._patience_s, self._stale, self.seen_s = UNCHANGED_S, b"", now_s

    def _is_too_fast(self, packets: Sequence[Packet], now_s: float) -> bool:
        """Whether sound comes faster than time goes, as from a device of another rate than it says."""
        if self.device.kind != "microphone" or not packets:
            return False
        flow, end_s = self._flow, packets[-1].end_s
        came_s, sound_s = flow.window or (now_s, end_s)
        if flow.window is None or now_s - came_s >= _RATE_S:
            flow.window = now_s, end_s
        return end_s - sound_s > _AHEAD_S + _MOST_FAST * (now_s - came_s)

    def _fail(self, now_s: float, reason: str) -> None:
        self.close()
        self._due_s = now_s + self._wait_s
        self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
        self._become("lost", reason)

    def _become(self, state: DeviceState, reason: str) -> None:
        if state == self.state:
            return  # the first reason stays, and is told once
        self.state, self.reason, self.since_s = state, reason, self.now()
        self.tell(state, reason)


def _is_constant(payload: bytes | bytearray | memoryview) -> bool:
    return payload == bytes(payload[:4]) * (len(payload) // 4)
