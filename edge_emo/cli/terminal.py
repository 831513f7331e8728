"""What the command line says beside its data, on standard error, and the signals that ask it to end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from edge_emo.sources import plain

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # Windows has no SIGHUP, and alone has SIGBREAK


def tell(message: object) -> None:
    """Print a line on standard error that cannot steer a terminal, whatever name or tag is in it."""
    click.echo(f"edge-emo: {plain(str(message))}", err=True)


class Interrupted(KeyboardInterrupt):
    """A signal asked the process to end; what was begun is tidied up on the way out."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def exit_code(self) -> int:
        """What a shell expects of a process that a signal ended."""
        return 128 + self.number


@contextmanager
def signals_raised() -> Iterator[list[Interrupted]]:
    """Raise `Interrupted` where a signal asks the process to end; given is a list of those that came.

    An exit after one is with its code. A signal that the caller has ignored, as nohup does, stays so.
    """
    came: list[Interrupted] = []

    def handle(number: int, _: FrameType | None) -> None:
        came.append(Interrupted(number))
        raise came[-1]

    kept = {}
    for name in _NAMES:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            try:
                kept[number] = signal.signal(number, handle)
            except ValueError:  # not in the main thread, which alone receives signals
                break
    try:
        yield came
    except SystemExit as error:
        if came:
            raise SystemExit(came[-1].exit_code) from error
        raise
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
