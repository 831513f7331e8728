"""The control socket: a socket of this machine in the service's folder, through which devices are switched.

A line such as `camera off` gets the service's status as a line of JSON back. Only the user whose folder it is can
reach it.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, get_args

import msgspec

from edge_emo.core.errors import ServiceError
from edge_emo.core.text import plain
from edge_emo.live.events import DeviceKind, StatusEvent
from edge_emo.live.service import Service
from edge_emo.live.state import SOCKET

_PATIENCE_S: Final = 5.0
_MOST_BYTES: Final = 1 << 20

Command = tuple[DeviceKind, bool]


def command_of(line: str) -> Command | None:
    """Return the device and whether it is switched on; None for "status". Raises ValueError for anything else."""
    words = line.split()
    if words == ["status"]:
        return None
    if len(words) == 2 and words[0] in get_args(DeviceKind) and words[1] in ("on", "off"):
        return ("camera" if words[0] == "camera" else "microphone"), words[1] == "on"
    raise ValueError(
        f"{plain(line)[:80]!r}: unknown; say status, camera on, camera off, microphone on or microphone off"
    )


def answering(service: Service) -> Callable[[str], bytes]:
    """Return what answers the lines for a service; it waits until a device is switched."""

    def answer(line: str) -> bytes:
        try:
            command = command_of(line)
        except ValueError as error:
            return msgspec.json.encode({"error": str(error)}) + b"\n"
        if command is not None:
            device, on = command
            service.switch(device, on)
            deadline = time.monotonic() + _PATIENCE_S / 2
            while time.monotonic() < deadline and not _is_switched(service.status(), device, on):
                time.sleep(0.02)
        return msgspec.json.encode(service.status()) + b"\n"

    return answer


def _is_switched(status: StatusEvent, device: DeviceKind, on: bool) -> bool:
    return all((each.state != "off") == on for each in status.devices if each.device == device)


def ask(folder: Path, line: str) -> bytes:
    """Send a line to the service of a folder and return its answer. Raises ServiceError or ValueError."""
    command_of(line)
    try:
        with closing(_socket()) as connection, _address(folder) as address:
            connection.settimeout(_PATIENCE_S)
            connection.connect(address)
            connection.sendall(line.encode() + b"\n")
            answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    except OSError as error:
        raise ServiceError(
            f"{folder}: no edge-emo live runs with this folder ({error.strerror or error}); start one, or name its "
            "folder with --data-dir"
        ) from error
    return answer


@contextmanager
def listening(folder: Path, answer: Callable[[str], bytes]) -> Iterator[None]:
    """Answer those who ask; `answer` is called in a thread of its own. Raises OSError where there can be no socket."""
    path = folder / SOCKET
    with closing(_socket()) as server:
        path.unlink(missing_ok=True)  # of one that was killed: who holds the folder's lock is alone
        before = os.umask(0o177)
        try:
            with _address(folder) as address:
                server.bind(address)
        finally:
            os.umask(before)
        server.listen(8)
        thread = threading.Thread(target=_serve, args=[server, answer], daemon=True)
        thread.start()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)  # wakes the thread
    thread.join(_PATIENCE_S)


def _serve(server: socket.socket, answer: Callable[[str], bytes]) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:  # it was closed
            return
        with closing(connection), suppress(OSError):
            connection.settimeout(_PATIENCE_S)
            line = connection.makefile("rb").readline(256).decode(errors="replace").strip()
            connection.sendall(answer(line))


def _socket() -> socket.socket:
    if not hasattr(socket, "AF_UNIX"):
        raise OSError(None, "this system has no sockets between processes; use the switches on the page")
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)


@contextmanager
def _address(folder: Path) -> Iterator[str]:
    """Give the socket's path; a long one, which sockets cannot have, through a descriptor of its folder on Linux."""
    path = str(folder / SOCKET)
    if len(os.fsencode(path)) < 100 or sys.platform != "linux":
        yield path
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET}"
    finally:
        os.close(descriptor)
