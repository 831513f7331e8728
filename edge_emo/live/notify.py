"""Tells systemd how the service is, as sd_notify(3) has it: ready, alive, or about to end.

It is pinged only while the service makes progress, so that one that hangs is started anew.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Collection, Iterator, MutableMapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from edge_emo.core.text import count, plain
from edge_emo.live.events import DeviceKind, StatusEvent
from edge_emo.live.lines import STATES
from edge_emo.live.service import Service
from edge_emo.live.supervisor import LEAST_UNCHANGED, OPENING_S, SILENT_S

Send = Callable[[str], object]

LATE_S: Final = 10.0
"""A loop that began no turn for so long hangs: the longest wait in a turn is 3 s, for a database held by others."""
STUCK_S: Final = OPENING_S + LEAST_UNCHANGED * SILENT_S
"""A device that is taken to work, but gave nothing new for so long: its supervisor should have opened it again."""
_BEAT_S: Final = 10.0  # where systemd asks for no ping
_READY_S: Final = 0.2
_PATIENCE_S: Final = 1.0  # for systemd to take what is sent


@dataclass
class Watch:
    """Tells systemd through `send` how `service` is, each time that `beat` is called.

    `live` are the devices from which something new has to come; a file may hold silence, or a still. `tell` hears once
    why systemd is pinged no more.
    """

    service: Service
    send: Send
    live: Collection[DeviceKind] = ("camera", "microphone")
    tell: Callable[[str], object] = lambda reason: None
    is_ready: bool = False
    _said: str = field(default="", init=False)

    def beat(self) -> None:
        """Say that the service is ready, once; that it is well, while it is; and what it does, when that changes."""
        if not self.is_ready:
            if not self.service.turn_s:
                return
            self.is_ready = True
            self.send("READY=1")
        status = self.service.status()
        why = hang(status, self.service.turn_s, self.live)
        if not why:
            self.send("WATCHDOG=1")
        text = why or sentence(status)
        if text != self._said:
            self._said = text
            self.send(f"STATUS={text}")
            if why:
                self.tell(f"{why}; systemd is no longer told that all is well")


def hang(status: StatusEvent, turn_s: float, live: Collection[DeviceKind]) -> str:
    """Return what makes no progress, in words; nothing where all is well.

    A device that is switched off, or lost and waited for, is well: starting anew would not bring it back.
    """
    if status.time_s - turn_s > LATE_S:
        return "the service hangs"
    for each in status.devices:
        if each.device in live and each.state in ("opening", "open"):
            seen_s = max(each.since_s, each.seen_s or 0.0)
            if status.time_s - seen_s > STUCK_S:
                return f"the {each.device} hangs"
    return ""


def sentence(status: StatusEvent) -> str:
    """Return how the service is; not what anybody feels, as every user of the machine can read it."""
    devices = "; ".join(f"{each.device} {STATES[each.state]}" for each in status.devices)
    return plain(f"{devices}; {count(status.visits, 'visitor')} so far")


@contextmanager
def watched(
    service: Service,
    live: Collection[DeviceKind],
    tell: Callable[[str], object],
    environment: MutableMapping[str, str] = os.environ,
) -> Iterator[None]:
    """Have systemd know how a service is, from its first turn on, where the environment names its socket.

    What the environment holds of it is taken out, as the processes of the devices have nothing to tell.
    """
    address = environment.pop("NOTIFY_SOCKET", "")
    period, pid = environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", "")
    if not address.startswith(("/", "@")):  # systemd also knows addresses of virtual machines
        yield
        return
    where = f"\0{address[1:]}" if address.startswith("@") else address
    watchdog_s = int(period) / 1e6 if period.isdecimal() and pid in ("", str(os.getpid())) else 0.0
    often_s = min(watchdog_s / 3 or _BEAT_S, _BEAT_S)
    ended = threading.Event()
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as connection:
        connection.settimeout(_PATIENCE_S)

        def send(line: str) -> None:
            with suppress(OSError):  # systemd may be starting itself anew; the next ping will reach it
                connection.sendto(line.encode(errors="replace"), where)

        watch = Watch(service, send, live, tell)

        def go_on() -> None:
            while not ended.wait(often_s if watch.is_ready else _READY_S):
                watch.beat()

        thread = threading.Thread(target=go_on, daemon=True)
        thread.start()
        try:
            yield
        finally:
            send("STOPPING=1")
            ended.set()
            thread.join()
