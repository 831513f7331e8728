"""The process of a device, seen from the service: packets come into a bounded queue, which drops the oldest."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import IO, Final, Protocol

from edge_emo.core.text import plain
from edge_emo.live.order import exit_code_of, telling
from edge_emo.live.wire import Framed, Packet, Reader, TornError

_SAID: Final = 2000
"""Bytes kept of what a process says on standard error: the last ones."""
_PIPE_BYTES: Final = 1 << 20
_SET_PIPE_SIZE: Final = 1031  # F_SETPIPE_SZ of Linux


class Process(Protocol):
    """A device that was opened."""

    dropped: int
    """Packets that nobody took in time."""

    def take(self) -> list[Packet]:
        """Return what came since this was last asked."""

    def ended(self) -> tuple[int, str] | None:
        """Return the exit code and the reason in words once it has ended and all was taken, None before."""

    def kill(self) -> None:
        """End it, whatever it does, and let go of all that it held."""


class DeviceProcess:
    """A child process that writes packets; `wake` is called when some came, or it ended.

    Of a file nothing is dropped: the process waits until there is room.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        reader: Reader | None = None,
        wake: Callable[[], object] = lambda: None,
        room: int = 8,
        is_file: bool = False,
    ) -> None:
        self.dropped = 0
        self._reader, self._wake, self._room, self._is_file = reader or Framed(), wake, room, is_file
        self._queue: deque[Packet] = deque()
        self._changed = threading.Condition()
        self._is_done = self._is_killed = False
        self._torn = ""
        self._said = b""
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,  # whose end tells a child that the service has gone
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # Ctrl-C on the terminal is for the service
        )
        assert self._process.stdout is not None and self._process.stderr is not None
        self.pid = self._process.pid
        _widen(self._process.stdout)
        self._threads = [
            threading.Thread(target=self._read, args=[self._process.stdout], daemon=True),
            threading.Thread(target=self._listen, args=[self._process.stderr], daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def take(self) -> list[Packet]:
        """Return what came since this was last asked."""
        with self._changed:
            packets = list(self._queue)
            self._queue.clear()
            self._changed.notify_all()
        return packets

    def ended(self) -> tuple[int, str] | None:
        """Return the exit code and the reason in words once it has ended and all was taken, None before."""
        with self._changed:
            if not self._is_done or self._queue:
                return None
        if self._torn:
            return exit_code_of(self._torn), self._torn
        code = self._process.poll()
        if code is None or self._threads[1].is_alive():  # it closed its output, and is about to end
            return None
        said = plain(telling(self._said.decode(errors="replace"))).strip()
        return code, said or (
            f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}" if code else ""
        )

    def kill(self) -> None:
        """End it, whatever it does, and let go of all that it held."""
        with self._changed:
            self._is_killed = True
            self._queue.clear()
            self._changed.notify_all()
        self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()

    def _read(self, stream: IO[bytes]) -> None:
        try:
            while not self._is_killed and (packet := self._reader.read(stream)) is not None:
                self._put(packet)
        except TornError as error:
            self._torn = f"wrote what is no frame and no sound: {error}"
        finally:
            with self._changed:
                self._is_done = True
            self._wake()

    def _put(self, packet: Packet) -> None:
        with self._changed:
            while self._is_file and len(self._queue) >= self._room and not self._is_killed:
                self._changed.wait()
            while len(self._queue) >= self._room:
                self._queue.popleft()
                self.dropped += 1
            if not self._is_killed:
                self._queue.append(packet)
        self._wake()

    def _listen(self, stream: IO[bytes]) -> None:
        while part := stream.read(_SAID):
            self._said = (self._said + part)[-_SAID:]
        self._wake()


def child_command(order: str) -> list[str]:
    """Return the command that starts the package's own process for an order."""
    return [sys.executable, "-m", "edge_emo.live.child", order]


def _widen(stream: IO[bytes]) -> None:
    """Make room in the pipe for a whole frame, so that both sides wake up once for it, where the system can."""
    if sys.platform == "linux":
        import fcntl
        from contextlib import suppress

        with suppress(OSError):
            fcntl.fcntl(stream, _SET_PIPE_SIZE, _PIPE_BYTES)
