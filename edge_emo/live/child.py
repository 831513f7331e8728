"""The process of one device: it opens the device, writes packets, and ends when the service does.

    python -m edge_emo.live.child ORDER

ORDER is an `Order` as JSON. A process that fails says why in one line on standard error and by its exit code.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Final

import msgspec

from edge_emo.core.errors import EdgeEmoError
from edge_emo.core.text import plain, to_install
from edge_emo.live.order import BROKEN, ENDED, MISSING, Order, exit_code_for

_BACKENDS: Final = {
    "film": ("paced", "frames"),
    "sound": ("paced", "blocks"),
    "v4l2": ("cameras", "by_pyav"),
    "opencv": ("cameras", "by_opencv"),
    "alsa": ("microphones", "by_pyav"),
    "sounddevice": ("microphones", "by_sounddevice"),
}


def main(order: Order) -> int:
    """Do what is ordered until the device or the service ends, and return the exit code."""
    _die_with_the_service()
    if order.backend == "program":  # whatever it writes is raw, and for the service to cut
        try:
            os.execvp(order.arguments[0], order.arguments)
        except OSError as error:
            return _failed(f"{order.arguments[0]}: cannot be started ({error.strerror})", MISSING)
    output = _own_output()
    threading.Thread(target=_end_with_the_service, daemon=True).start()
    try:
        for header, payload in _packets(order, lambda: time.monotonic() - order.epoch_s):
            _write(output, header)
            _write(output, payload)
    except BrokenPipeError:  # the service has gone, or wants no more
        return ENDED
    except EdgeEmoError as error:
        return _failed(str(error), MISSING if isinstance(error, FileNotFoundError) else BROKEN)
    except OSError as error:  # PyAV's errors are children of it
        return _failed(f"{order.name}: {error.strerror or error}", exit_code_for(error))
    except ImportError as error:
        return _failed(f"{error}; {to_install('live')}", BROKEN)
    return ENDED


def _packets(order: Order, clock: Callable[[], float]) -> Iterator[tuple[bytes, bytes | bytearray | memoryview]]:
    from edge_emo.live.wire import packed

    module, function = _BACKENDS[order.backend]
    source = getattr(import_module(f"edge_emo.live.{module}"), function)  # alone, as each needs libraries of its own
    for packet in source(order, clock):
        yield packed(packet), packet.payload


def _own_output() -> int:
    """Return what is standard output for packets alone; what libraries print goes to standard error."""
    output = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return output


def _write(output: int, data: bytes | bytearray | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(output, view) :]


def _end_with_the_service() -> None:
    """Wait for standard input, which the service holds open, to end."""
    while os.read(0, 4096):
        pass
    os._exit(ENDED)


def _die_with_the_service() -> None:
    """Have Linux end this process with the one that started it, however that one ends; it holds for a program too."""
    if sys.platform == "linux":
        import ctypes
        import signal

        parent = os.getppid()
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:  # it ended just before
            os._exit(ENDED)


def _failed(text: str, code: int) -> int:
    print(plain(text), file=sys.stderr, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(msgspec.json.decode(sys.argv[1], type=Order)))
