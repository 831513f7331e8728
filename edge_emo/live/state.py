"""What a live service keeps in its folder: which devices are switched on, and that it is the only one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, get_args

import msgspec

from edge_emo.core.errors import ServiceError
from edge_emo.core.files import atomic_write, read_bytes
from edge_emo.live.events import DeviceKind

STATE_FILE: Final = "live.json"
LOCK_FILE: Final = "live.lock"
SOCKET: Final = "live.sock"
_MOST_BYTES: Final = 1 << 16


def read_switches(folder: Path) -> dict[DeviceKind, bool]:
    """Return which devices are switched on; all are where nothing is known, or the file is damaged."""
    switches: dict[DeviceKind, bool] = dict.fromkeys(get_args(DeviceKind), True)
    try:
        kept = msgspec.json.decode(read_bytes(folder / STATE_FILE, _MOST_BYTES), type=dict[str, bool])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return switches
    return {device: kept.get(device, True) for device in switches}


def write_switches(folder: Path, switches: Mapping[DeviceKind, bool]) -> None:
    """Keep which devices are switched on. Raises OSError."""
    with atomic_write(folder / STATE_FILE) as draft:
        draft.write_bytes(msgspec.json.encode(switches) + b"\n")


def is_usable(folder: Path) -> bool:
    """Return whether anything can be kept in a folder, which is made where it is missing."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the folder for this service; the system lets go of it however the process ends.

    Raises ServiceError where another one holds it, or nothing can be kept there.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK_FILE, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise ServiceError(f"{folder}: cannot be used ({error.strerror}); name another with --data-dir") from error
    try:
        try:
            _lock(descriptor)
        except OSError as error:
            raise ServiceError(
                f"{folder}: another edge-emo live runs with this folder; end that one, talk to it with --control, or "
                "name another folder with --data-dir"
            ) from error
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
