"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from edge_emo.face.detector import Detector

F = TypeVar("F", bound=Callable[..., Any])


def output_format(function: F) -> F:
    """Add --json, --jsonl and --csv; the command receives `output`: "text" or one of them."""
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
    """Add the options of what is looked for, and with which models; the command receives those of `Analyzer`."""
    for option in (
        click.option("--threads", type=click.IntRange(1, 64), default=1, show_default=True, help="For the networks."),
        click.option(
            "--precision", type=click.Choice(["auto", "fp32", "int8"]), default="auto", show_default=True, is_eager=True
        ),
        click.option(
            "--detector",
            metavar="NAME",
            callback=_detector,
            help='"mediapipe", or the path of a YuNet file, to find faces with instead of what ships.',
        ),
        click.option(
            "--face-model",
            metavar="CARD",
            type=click.Path(exists=True, dir_okay=False),
            callback=_alone,
            help="The card of a face model of your own.",
        ),
        click.option(
            "--voice-model",
            metavar="CARD",
            type=click.Path(exists=True, dir_okay=False),
            callback=_alone,
            help="The card of a voice model of your own; it says the precision.",
        ),
        click.option(
            "--faces",
            type=click.Choice(["main", "all"]),
            default="main",
            show_default=True,
            help="Of several people, whose faces are read. The main one counts.",
        ),
        click.option(
            "--fps",
            type=click.FloatRange(0, 240, min_open=True),
            default=5.0,
            show_default=True,
            help="Frames of a film to look at in each second.",
        ),
        click.option(
            "--no-face", "face", flag_value=False, default=True, type=bool, callback=_one_left, help="Only listen."
        ),
        click.option(
            "--no-voice", "voice", flag_value=False, default=True, type=bool, callback=_one_left, help="Only look."
        ),
    ):
        function = option(function)
    return function


def _alone(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value and ctx.params.get("precision", "auto") != "auto":
        raise click.UsageError(f"--precision chooses among the models that ship; a {param.opts[0]} has its own")
    return value


def _one_left(ctx: click.Context, param: click.Parameter, value: bool) -> bool:
    other = {"face": "voice", "voice": "face"}[str(param.name)]
    if not value and ctx.params.get(other) is False:
        raise click.UsageError("--no-voice and --no-face leave nothing to look for; drop one of them")
    return value


def _detector(ctx: click.Context, param: click.Parameter, value: str | None) -> Detector | None:
    if value is None:
        return None
    from edge_emo.errors import EdgeEmoError
    from edge_emo.face.backends import named

    try:
        return named(value)
    except EdgeEmoError as error:
        raise click.BadParameter(str(error)) from error
