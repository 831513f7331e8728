"""What `edge-emo live` shows: events as JSON lines, on the whole screen of a terminal, or as lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from edge_emo.cli.terminal import tell
from edge_emo.core.text import plain

if TYPE_CHECKING:
    from edge_emo.live.events import Event
    from edge_emo.live.service import Service


@contextmanager
def shown(service: Service, *, jsonl: bool, quiet: bool, notices: Sequence[str]) -> Iterator[None]:
    """Show the events of a service; on the whole screen with notices in these languages.

    With `quiet`, only what happens to its devices is printed, and as lines also what happens to the board.
    """
    if jsonl:
        from edge_emo.cli.printing import put
        from edge_emo.live.events import DeviceEvent
        from edge_emo.report import machine

        def print_json(event: Event) -> None:
            if isinstance(event, DeviceEvent) or not quiet:
                put(machine.json_line(event))
                sys.stdout.flush()

        service.subscribe(print_json)
        yield
    elif sys.stdout.isatty() and not quiet:
        from rich.console import Console

        from edge_emo.live.screen import full_screen

        if not sys.stderr.isatty():  # it goes to a log
            service.subscribe(_lines(tell, quiet=True))
        with full_screen(Console(), service.status, notices) as screen:
            service.subscribe(screen)
            yield
    else:
        service.subscribe(_lines(lambda text: click.echo(plain(text)), quiet=quiet))
        yield


def _lines(put: Callable[[str], object], *, quiet: bool) -> Callable[[Event], None]:
    """Return what puts events as lines; that the board is hot, or its power weak, once and not at every status."""
    from edge_emo.live.events import DeviceEvent, StatusEvent
    from edge_emo.live.lines import line

    before = (False, False)

    def put_line(event: Event) -> None:
        nonlocal before
        if isinstance(event, StatusEvent):
            board = event.heat.is_hot, event.heat.under_voltage
            if board == before:
                return
            before = board
        elif quiet and not isinstance(event, DeviceEvent):
            return
        if text := line(event):
            put(text)

    return put_line
