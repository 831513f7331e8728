"""Data on standard output: what reports are, in bold where they mean it and a terminal is there."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Iterable
from typing import Any

import click

from edge_emo.report import machine

_INDENT = re.compile(r" *(?:\d+\. )?")


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


def width() -> int | None:
    """Return the columns of the terminal that reads standard output, None where no terminal does."""
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    return max(40, shutil.get_terminal_size().columns) if is_terminal else None


def put_text(text: str) -> None:
    """Print text for people; on a terminal, lines that are too long are broken between words, under their beginning."""
    columns = width()
    for line in text.split("\n"):
        if columns is not None and len(click.unstyle(line)) > columns:
            indent = _INDENT.match(line)
            hanging = " " * (len(indent[0]) + 2 if indent else 2)
            line = textwrap.fill(
                line, columns, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False
            )
        click.echo(line)
