"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def output_format(function: F) -> F:
    """Add --json, --jsonl and --csv; the command receives `output`: "text" or one of the three."""
    for name, text in (
        ("csv", "Print CSV."),
        ("jsonl", "Print JSON lines, each as soon as it is known."),
        ("json", "Print one JSON document."),
    ):
        function = click.option(f"--{name}", "output", flag_value=name, type=str, help=text)(function)
    return click.option("--text", "output", flag_value="text", type=str, default="text", hidden=True)(function)


def sources(function: F) -> F:
    """Add the arguments that name recordings."""
    return click.argument("sources", nargs=-1, metavar="SOURCE...")(function)


def recognition(function: F) -> F:
    """Add the options of the models."""
    for option in (
        click.option("--threads", type=click.IntRange(1, 64), default=1, show_default=True, help="For the network."),
        click.option(
            "--precision", type=click.Choice(["auto", "fp32", "int8"]), default="auto", show_default=True, is_eager=True
        ),
        click.option(
            "--voice-model",
            metavar="CARD",
            type=click.Path(exists=True, dir_okay=False),
            callback=_alone,
            help="The card of a voice model of your own; it says the precision.",
        ),
    ):
        function = option(function)
    return function


def _alone(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value and ctx.params.get("precision", "auto") != "auto":
        raise click.UsageError("--precision chooses among the models that ship; a --voice-model has its own")
    return value
