"""Options that several commands share."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from edge_emo.analysis.modalities import MODALITIES, Modality
from edge_emo.cli.outputs import stdout_to
from edge_emo.core.text import printable

if TYPE_CHECKING:
    from edge_emo.face.detector import Detector
    from edge_emo.media.tracks import AudioTrack
    from edge_emo.music.store.filters import LicenseChoice

F = TypeVar("F", bound=Callable[..., Any])


class Finite(click.FloatRange):
    """A number in a range, which NaN passes and infinity may."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number, which is one."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


class Text(click.types.StringParamType):
    """Text; bytes that are no UTF-8 become a mark, as nothing that is looked for can hold them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return text that can be encoded."""
        return printable(super().convert(value, param, ctx))


def output_format(function: F) -> F:
    """Add --json, --jsonl and --csv; the command receives `output`: "text" or one of them. Add --output, done here."""

    @wraps(function)
    def into_file(*args: Any, output_file: str | None, **others: Any) -> Any:
        _is_no_source(output_file, others)
        with stdout_to(output_file):
            return function(*args, **others)

    with_options = click.option(
        "-o",
        "--output",
        "output_file",
        metavar="FILE",
        type=click.Path(dir_okay=False),
        help="Write to FILE instead of the screen. FILE changes only once all of it is written.",
    )(cast(F, into_file))
    for name, text in (
        ("csv", "Print CSV."),
        ("jsonl", "Print JSON lines, each as soon as it is ready."),
        ("json", "Print one JSON document."),
    ):
        with_options = click.option(f"--{name}", "output", flag_value=name, type=str, help=text)(with_options)
    return click.option("--text", "output", flag_value="text", type=str, default="text", hidden=True)(with_options)


def sources(function: F) -> F:
    """Add the arguments that name recordings."""
    return click.argument("sources", nargs=-1, metavar="SOURCE...")(function)


def recognition(function: F) -> F:
    """Add the options of what is looked for, and with which models; the command receives those of `Analyzer`."""
    for option in (
        click.option(
            "--threads", type=click.IntRange(1, 64), default=1, show_default=True, help="Threads for the models."
        ),
        click.option(
            "--precision",
            type=click.Choice(["auto", "fp32", "int8"]),
            default="auto",
            show_default=True,
            is_eager=True,
            help="Which files of the bundled models to use.",
        ),
        click.option(
            "--detector",
            metavar="NAME",
            callback=_detector,
            help='Find faces with "mediapipe" or a YuNet file (give its path) instead of the bundled detector.',
        ),
        click.option(
            "--face-model",
            metavar="CARD",
            type=click.Path(exists=True, dir_okay=False),
            callback=_alone,
            help="Use your own face model; give the path of its card.",
        ),
        click.option(
            "--voice-model",
            metavar="CARD",
            type=click.Path(exists=True, dir_okay=False),
            callback=_alone,
            help="Use your own voice model; give the path of its card.",
        ),
        click.option(
            "--audio-track",
            metavar="N|LANG",
            callback=_track,
            help="Sound track of a film, by number or language as `edge-emo doctor` lists them.  "
            "[default: the film's default track]",
        ),
        click.option(
            "--faces",
            type=click.Choice(["main", "all"]),
            default="main",
            show_default=True,
            help="Whose faces to read. The result is always about the main person.",
        ),
        click.option(
            "--fps",
            type=Finite(0, 240, min_open=True),
            default=5.0,
            show_default=True,
            help="Frames to look at in each second of a film.",
        ),
        *map(_left_out, reversed(MODALITIES.values())),
    ):
        function = option(function)
    return function


def filters(min_duration_s: float, *, occasions: bool) -> Callable[[F], F]:
    """Add the conditions on songs; the command receives `filters`."""

    def add(function: F) -> F:
        @wraps(function)
        def with_filters(
            *args: Any,
            license_choice: LicenseChoice,
            min_duration_s: float,
            max_duration_s: float | None,
            genres: tuple[str, ...],
            instruments: tuple[str, ...],
            bpm: tuple[float, float] | None,
            occasions: bool,
            local: bool,
            **others: Any,
        ) -> Any:
            from edge_emo.music.store.filters import Filters

            try:
                asked = Filters(
                    license=license_choice,
                    min_duration_s=min_duration_s or None,
                    max_duration_s=max_duration_s,
                    genres=genres,
                    instruments=instruments,
                    bpm=bpm,
                    occasions=occasions,
                    local=local,
                )
            except ValueError as error:
                raise click.UsageError(str(error)) from error
            return function(*args, filters=asked, **others)

        for option in (
            click.option("--local", is_flag=True, help="Only songs that are files on this machine."),
            click.option(
                "--occasions/--no-occasions",
                default=occasions,
                show_default=True,
                help="Whether to include songs for Christmas, birthdays and children. A --genre you name always is.",
            ),
            click.option(
                "--bpm",
                metavar="LOW-HIGH",
                callback=_range,
                help="Tempo range, such as 60-90. Leaves out songs of unknown tempo.",
            ),
            click.option(
                "--instrument",
                "instruments",
                multiple=True,
                type=Text(),
                help="Only songs with this instrument, such as drums. Repeat for several: any of them will do.",
            ),
            click.option(
                "--genre",
                "genres",
                multiple=True,
                type=Text(),
                help="Only this genre, such as jazz, in English, German or Russian. Repeat for several: any of them "
                "will do.",
            ),
            click.option("--max-duration", "max_duration_s", type=Finite(0), help="Longest song, in seconds."),
            click.option(
                "--min-duration",
                "min_duration_s",
                type=Finite(0),
                default=min_duration_s,
                show_default=True,
                help="Shortest song, in seconds; 0 also allows very short ones, such as jingles.",
            ),
            click.option(
                "--license",
                "license_choice",
                type=click.Choice(["any", "cc-by"], case_sensitive=False),
                default="any",
                show_default=True,
                help="cc-by: only songs you may publish anywhere if you show their credit line.",
            ),
        ):
            with_filters = option(with_filters)
        return cast(F, with_filters)

    return add


def details(function: F) -> F:
    """Add --details; the command receives `details`."""
    return click.option("--details", is_flag=True, help="Show all about each song, such as its credit, link and UID.")(
        function
    )


def user_data(function: F) -> F:
    """Add --data-dir; the command receives `data_dir`."""
    return click.option(
        "--data-dir",
        type=click.Path(file_okay=False),
        envvar="EDGE_EMO_HOME",
        help="Folder for your own songs and history.  [default: the platform's data folder]",
    )(function)


def _is_no_source(output_file: str | None, others: dict[str, Any]) -> None:
    """Raise click.UsageError where a file that is read were written over."""
    named = [*others.get("sources", ()), *(others[name] for name in ("film", "file") if name in others)]
    for source in named if output_file is not None and os.path.exists(output_file) else ():
        if os.path.exists(source) and Path(source).samefile(str(output_file)):
            raise click.UsageError(f"{printable(source)} is a source; give --output another name")


def _range(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[float, float] | None:
    if value is None:
        return None
    try:
        low, high = map(float, value.split("-"))
        if not math.isfinite(low + high):
            raise ValueError
    except ValueError:
        raise click.BadParameter(f"{value} is not a range; write two numbers, such as 60-90") from None
    return low, high


def _alone(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value and ctx.params.get("precision", "auto") != "auto":
        raise click.UsageError(f"--precision is for the bundled models; drop it, or {param.opts[0]}")
    return value


def _track(ctx: click.Context, param: click.Parameter, value: str | None) -> AudioTrack | None:
    return int(value) if value is not None and value.isdecimal() else value


def _left_out(modality: Modality) -> Callable[[F], F]:
    """Return the option that leaves a modality out."""
    text = "Listen only." if modality.takes == "picture" else "Look only."
    flag = f"--no-{modality.name}"
    return click.option(flag, modality.name, flag_value=False, default=True, type=bool, callback=_one_left, help=text)


def _one_left(ctx: click.Context, param: click.Parameter, value: bool) -> bool:
    if not value and not any(ctx.params.get(name, name != param.name) for name in MODALITIES):
        flags = " and ".join(f"--no-{name}" for name in MODALITIES)
        raise click.UsageError(f"{flags} leave nothing to analyze; drop one of them")
    return value


def _detector(ctx: click.Context, param: click.Parameter, value: str | None) -> Detector | None:
    if value is None:
        return None
    from edge_emo.core.errors import EdgeEmoError
    from edge_emo.face.backends import named

    try:
        return named(value)
    except EdgeEmoError as error:
        raise click.BadParameter(str(error)) from error
