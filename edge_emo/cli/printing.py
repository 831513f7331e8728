"""Data on standard output: what reports are, in bold where they mean it and a terminal is there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from edge_emo.report import machine


def put(rendered: bytes | str) -> None:
    """Print what a report returned, as it is."""
    click.echo(rendered, nl=False)


def put_rows(output: str, rows: Iterable[Any], document: Any) -> None:
    """Print `rows` as JSON lines or CSV, or the `document` that holds them as JSON."""
    for part in machine.rendered(output, rows, document):
        put(part)


def strong(text: str) -> str:
    """Return text in bold, for a terminal."""
    return click.style(text, bold=True)
