"""A process that shuts itself in: no network, no writing but into one folder, bounded memory."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from pathlib import Path

MAX_FILE_BYTES = 4 << 30

_ARCHITECTURES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
"""The kernel's number for each, and that of its call `socket`."""
_IO_URING_SETUP = 425  # opens sockets too
_X32 = 0x40000000  # a second set of numbers for the same calls

_NO_NEW_PRIVS, _SET_SECCOMP, _FILTER = 38, 22, 2
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 13  # 13 is EACCES

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_WRITE_FILE = 1 << 1
_CHANGES = _WRITE_FILE | sum(1 << bit for bit in range(4, 13))  # writing, removing and making, of every kind
_BY_ABI = {2: 1 << 13, 3: 1 << 14}  # moving between folders, truncating


def confine(folder: str | Path, max_bytes: int) -> None:
    """Shut this process in, and those it starts, for good. Call it before anything that starts threads.

    On Linux: no sockets (seccomp), and where the kernel has Landlock, from 5.13 on, nothing written outside `folder`.
    On every POSIX system: `max_bytes` of address space. Temporary files go to `folder`. Raises OSError.
    """
    os.environ.update(HOME=str(folder), TMPDIR=str(folder))
    if os.name == "posix":
        import resource

        for limit, size in (
            (resource.RLIMIT_AS, max_bytes),
            (resource.RLIMIT_FSIZE, MAX_FILE_BYTES),
            (resource.RLIMIT_CORE, 0),
        ):
            _, most = resource.getrlimit(limit)
            size = size if most == resource.RLIM_INFINITY else min(size, most)
            resource.setrlimit(limit, (size, size))
    if sys.platform == "linux" and platform.machine() in _ARCHITECTURES:
        libc = ctypes.CDLL(None, use_errno=True)
        _checked(libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0))
        _write_only_into(libc, [str(folder), "/dev/null"])
        _refuse_sockets(libc)


def landlock_version() -> int:
    """Return the version of Landlock that the kernel has, below 1 where it has none."""
    return ctypes.CDLL(None).syscall(_CREATE_RULESET, None, 0, 1) if sys.platform == "linux" else 0


def _refuse_sockets(libc: ctypes.CDLL) -> None:
    architecture, socket = _ARCHITECTURES[platform.machine()]
    load, jump_equal, jump_greater, end = 0x20, 0x15, 0x35, 0x06
    steps = [
        (load, 0, 0, 4),  # the architecture
        (jump_equal, 0, 5, architecture),
        (load, 0, 0, 0),  # the call's number
        (jump_greater, 3, 0, _X32),
        (jump_equal, 2, 0, socket),
        (jump_equal, 1, 0, _IO_URING_SETUP),
        (end, 0, 0, _ALLOW),
        (end, 0, 0, _REFUSE),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code)))
    _checked(libc.prctl(_SET_SECCOMP, _FILTER, program, 0, 0))


def _write_only_into(libc: ctypes.CDLL, places: list[str]) -> None:
    version = landlock_version()
    if version < 1:
        return
    changes = _CHANGES | sum(right for abi, right in _BY_ABI.items() if abi <= version)
    rules = _checked(libc.syscall(_CREATE_RULESET, struct.pack("Q", changes), 8, 0))
    for place in places:
        parent = os.open(place, os.O_PATH | os.O_CLOEXEC)
        allowed = changes if os.path.isdir(place) else changes & (_WRITE_FILE | _BY_ABI[3])
        _checked(libc.syscall(_ADD_RULE, rules, 1, struct.pack("=Qi", allowed, parent), 0))
        os.close(parent)
    _checked(libc.syscall(_RESTRICT_SELF, rules, 0))
    os.close(rules)


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
