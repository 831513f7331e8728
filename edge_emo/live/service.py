"""The live service: two devices, who is there, and what is told of it, until it is asked to stop."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from edge_emo.analysis.analyzer import Analyzer
from edge_emo.live.events import DeviceEvent, DeviceKind, DeviceState, Event, Heat, StatusEvent
from edge_emo.live.frame_rate import Pace
from edge_emo.live.heat import Thermometer
from edge_emo.live.sound_clock import SoundClock
from edge_emo.live.supervisor import Device, Supervisor
from edge_emo.live.visits import Habits, Propose, Visits
from edge_emo.live.wire import Packet

MODALITY: Final[Mapping[DeviceKind, str]] = {"camera": "face", "microphone": "voice"}
TURN_S: Final = 0.25
"""The service looks at its devices at least so often."""
_HEAT_EVERY_S: Final = 10.0
_SAME_S: Final = 1e-6


@dataclass(frozen=True)
class Plan:
    """What a service does: with which models, how often it looks and tells its status, and how patient it is."""

    analyzer: Analyzer
    propose: Propose
    fps: float = 5.0
    status_every_s: float = 10.0
    habits: Habits = field(default_factory=Habits)


class Bell:
    """Wakes the service when a device's process has something for it; `clock` is the service's, from 0 on."""

    def __init__(self) -> None:
        self.epoch_s = time.monotonic()
        self._rung = threading.Event()

    def clock(self) -> float:
        """Return the seconds since the service began, which no change of the wall clock moves."""
        return time.monotonic() - self.epoch_s

    def ring(self) -> None:
        """Wake the service."""
        self._rung.set()

    def wait(self, at_most_s: float) -> None:
        """Sleep until it rings."""
        self._rung.wait(at_most_s)
        self._rung.clear()


class Service:
    """Runs the devices and tells each event to all who subscribed, in the thread of `run`.

    `keep` is told which devices are switched on when that changes. `turn_s` is when the last turn of its loop began:
    one that is long ago tells that the service hangs. `status`, `switch` and `stop` may be called from any thread.
    """

    def __init__(
        self,
        plan: Plan,
        devices: Sequence[Device],
        *,
        bell: Bell | None = None,
        switches: Mapping[DeviceKind, bool] | None = None,
        keep: Callable[[Mapping[DeviceKind, bool]], object] = lambda switches: None,
        thermometer: Callable[[], Heat] | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.turn_s = 0.0
        self._plan, self._keep, self._wall = plan, keep, wall
        self._listeners: list[Callable[[Event], object]] = []
        self._bell = bell or Bell()
        self._thermometer = thermometer or Thermometer()
        self._visits = Visits(plan.analyzer, self._emit, plan.propose, wall=wall, habits=plan.habits)
        self._is_stopped = threading.Event()
        self._heat, self._heat_s, self._status_s = Heat(), 0.0, 0.0
        self._pace, self._sound_clock = Pace(plan.fps), SoundClock()
        self._stream_s = 0.0
        self._reached_s: dict[DeviceKind, float] = {}
        self._waiting: list[tuple[DeviceKind, Packet]] = []
        on = switches or {}
        self._supervisors = {
            device.kind: Supervisor(device, self._bell.clock, self._told(device), is_on=on.get(device.kind, True))
            for device in devices
        }
        self._kept = {kind: each.is_on for kind, each in self._supervisors.items()}

    def subscribe(self, listener: Callable[[Event], object]) -> None:
        """Have a function called with each event."""
        self._listeners.append(listener)

    def run(self) -> None:
        """Go on until `stop` is called, or all devices are files that have ended."""
        try:
            while not self._is_stopped.is_set():
                self.turn()
                if all(each.state == "ended" for each in self._supervisors.values()):
                    break
                self._bell.wait(TURN_S)
        finally:
            for supervisor in self._supervisors.values():
                supervisor.close()
            self._visits.end(self._stream_s if self._is_played else self._bell.clock())
            self._emit(self.status())

    def turn(self) -> None:
        """Take what came from the devices and tell what it amounts to; `run` calls it again and again."""
        now_s = self.turn_s = self._bell.clock()
        came = {kind: supervisor.tick() for kind, supervisor in self._supervisors.items()}
        self._keep_switches()
        self._visits.expected = {
            MODALITY[kind] for kind, each in self._supervisors.items() if each.state in ("opening", "open")
        }
        for kind, packet in self._in_order(came):
            if kind == "camera":
                self._see(packet)
            else:
                self._hear(packet, now_s)
        if not (self._is_played and self._visits.expected):  # what is played has a time of its own, and may be late
            self._visits.tick(now_s)
        if now_s >= self._heat_s:
            self._heat_s = now_s + _HEAT_EVERY_S
            self._warm(self._thermometer())
        if now_s >= self._status_s:
            self._status_s = now_s + self._plan.status_every_s
            self._emit(self.status())

    def status(self) -> StatusEvent:
        """Return how the service is."""
        return StatusEvent(
            at=self._wall(),
            time_s=self._bell.clock(),
            visit=self._visits.visit,
            visits=self._visits.visits,
            feeling=self._visits.feeling,
            view=self._visits.view,
            fps=self._pace.fps,
            heat=self._heat,
            devices=tuple(supervisor.status for supervisor in self._supervisors.values()),
        )

    def switch(self, device: DeviceKind, on: bool) -> None:
        """Have a device closed, or opened again, at the next turn; it stays so after a restart.

        What is not there, or was not asked for, cannot be switched on.
        """
        if device in self._supervisors:
            self._supervisors[device].is_on = on
        self._bell.ring()

    def toggle(self, device: DeviceKind) -> None:
        """Switch a device off that is on, and on that is off."""
        if device in self._supervisors:
            self.switch(device, not self._supervisors[device].is_on)

    def stop(self) -> None:
        """Have `run` end soon, with all told and closed."""
        self._is_stopped.set()
        self._bell.ring()

    def _see(self, packet: Packet) -> None:
        is_file = self._supervisors["camera"].device.is_file
        paced = packet if is_file and not self._heat.is_hot else self._pace(packet)
        if paced is not None:
            self._stream_s = max(self._stream_s, paced.end_s)
            self._visits.see(paced)

    def _hear(self, packet: Packet, now_s: float) -> None:
        is_file = self._supervisors["microphone"].device.is_file
        self._stream_s = max(self._stream_s, packet.end_s)
        self._visits.hear(packet.start_s if is_file else self._sound_clock(packet, now_s), packet.samples)

    def _in_order(self, came: Mapping[DeviceKind, Sequence[Packet]]) -> list[tuple[DeviceKind, Packet]]:
        """Return what came in order of time; of what is played, up to the time that all of it has reached."""
        for kind, packets in came.items():
            is_file = self._supervisors[kind].device.is_file
            for packet in packets:
                if is_file and packet.start_s < self._reached_s.get(kind, 0.0) - _SAME_S:
                    continue  # its process was killed, and plays it from the beginning
                self._reached_s[kind] = packet.end_s
                self._waiting.append((kind, packet))
        self._waiting.sort(key=lambda each: each[1].end_s)
        until_s = math.inf
        if self._is_played:
            playing = [kind for kind, each in self._supervisors.items() if each.state in ("opening", "open")]
            until_s = min((self._reached_s.get(kind, 0.0) for kind in playing), default=math.inf)
        n_ready = sum(packet.end_s <= until_s for _, packet in self._waiting)
        ready, self._waiting = self._waiting[:n_ready], self._waiting[n_ready:]
        return ready

    @property
    def _is_played(self) -> bool:
        return all(each.device.is_file for each in self._supervisors.values())

    def _keep_switches(self) -> None:
        switches = {kind: each.is_on for kind, each in self._supervisors.items()}
        if switches != self._kept:
            self._kept = switches
            self._keep(switches)

    def _warm(self, heat: Heat) -> None:
        was_hot, self._heat = self._heat.is_hot, heat
        if heat.is_hot != was_hot:
            self._pace.fps = self._plan.fps / (2 if heat.is_hot else 1)
            self._emit(self.status())

    def _told(self, device: Device) -> Callable[[DeviceState, str], object]:
        def tell(state: DeviceState, reason: str) -> None:
            if state == "open" and device.kind == "microphone":
                self._sound_clock = SoundClock()
            self._emit(
                DeviceEvent(
                    at=self._wall(),
                    time_s=self._bell.clock(),
                    device=device.kind,
                    name=device.name,
                    state=state,
                    reason=reason,
                )
            )

        return tell

    def _emit(self, event: Event) -> None:
        for listener in self._listeners:
            listener(event)
