"""`edge-emo score`: a song for each stretch of a film, as a cue sheet for the editing program."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge_emo.cli import exit_codes, options

if TYPE_CHECKING:
    from edge_emo.music.filters import Filters

_RATES = ["23.976", "24", "25", "29.97", "30", "48", "50", "59.94", "60"]


def _of_known_format(ctx: click.Context, param: click.Parameter, value: Path) -> Path:
    from edge_emo.report.cue_sheet import SUFFIXES

    if value.suffix.lower() not in SUFFIXES:
        raise click.BadParameter(f"{value} is no known cue sheet; end its name in one of {', '.join(SUFFIXES)}")
    return value


@click.command()
@click.argument("film")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    callback=_of_known_format,
    help="The cue sheet, its format by its end: .otio, .edl, .xml (Premiere, Resolve), .fcpxml (Final Cut Pro), "
    ".csv, .txt (Audacity). The credits are written beside it.",
)
@click.option("--force", is_flag=True, help="Replace files that are there already.")
@click.option(
    "--min-stretch",
    "min_stretch_s",
    type=click.FloatRange(1, 86400),
    default=20,
    show_default=True,
    help="Seconds that a song is heard at least.",
)
@click.option(
    "--crossfade",
    "crossfade_s",
    type=click.FloatRange(0, 60),
    default=2,
    show_default=True,
    help="Seconds from one song to the next, and of the fade at the end.",
)
@click.option(
    "--frame-rate",
    type=click.Choice(_RATES),
    help="Frames a second of the time codes.  [default: those of the film, else 25]",
)
@click.option("--seed", type=click.IntRange(0), help="The same songs every time.")
@options.filters(min_duration_s=30, occasions=False)
@click.option("--catalogue", type=click.Path(exists=True), help="Another catalogue than the one that ships.")
@options.user_data
@options.recognition
@options.output_format
@click.pass_context
def score(
    ctx: click.Context,
    /,
    film: str,
    out: Path,
    force: bool,
    min_stretch_s: float,
    crossfade_s: float,
    frame_rate: str | None,
    seed: int | None,
    filters: Filters,
    catalogue: str | None,
    data_dir: str | None,
    output: str,
    **asked: Any,
) -> None:
    """Choose a song for each stretch of FILM, and write when which is heard as a cue sheet.

    FILM is a film or a sound file, or "sample" for the synthetic voice that ships. Beside the cue sheet, the credits
    to paste under the video are written. No song comes twice.
    """
    from edge_emo.analyzer import Analyzer
    from edge_emo.cli.batch import Batch, warn
    from edge_emo.cli.library import library
    from edge_emo.errors import NoVoiceError
    from edge_emo.film import frame_rate as stated_rate
    from edge_emo.music.recommend import Recommender
    from edge_emo.music.score import plan
    from edge_emo.report import cue_sheet, machine, text, timecode
    from edge_emo.report.documents import Scored, ScoreDocument
    from edge_emo.sources import expand, printable

    found = list(expand([film]))
    if film == "-" or Path(film).is_dir() or len(found) != 1:
        raise click.UsageError("a cue sheet is for one film that is a file")
    source = Path(found[0]).absolute()
    stated = stated_rate(source) if source.is_file() else None
    rate = timecode.RATES[frame_rate] if frame_rate else timecode.nearest_rate(stated)
    cue_sheet.check(out, rate, may_replace=force)  # before the film, which may take minutes
    recommender = Recommender(ctx.with_resource(library(catalogue, data_dir)).catalogue)
    seed = random.randrange(2**31) if seed is None else seed
    batch = Batch(found, Analyzer(**asked))
    for timeline in batch:
        warn(timeline.warnings)
        try:
            cues = plan(
                timeline,
                recommender,
                min_stretch_s=min_stretch_s,
                crossfade_s=crossfade_s,
                filters=filters,
                seed=seed,
            )
        except NoVoiceError as error:
            click.echo(f"edge-emo: {error}", err=True)
            ctx.exit(exit_codes.NOTHING_RECOGNISED)
        sheet = cue_sheet.CueSheet(
            source=timeline.source,
            path=source,
            duration_s=timeline.duration_s,
            frame_rate=rate,
            has_picture=stated is not None,
            has_sound=timeline.voice is not None or not asked["voice"],
            cues=tuple(cues),
        )
        files = [printable(str(path)) for path in cue_sheet.write(sheet, out, may_replace=force)]
        result = Scored(timeline.source, timeline.duration_s, float(rate), seed, cues, files)
        if output == "json":
            machine.print_json(ScoreDocument([result], batch.failures))
        elif output in ("csv", "jsonl"):
            machine.print_rows(output, cue_sheet.rows(sheet), None)
        else:
            click.echo(text.scored(result))
    for failure in batch.failures:
        if output == "json":
            machine.print_json(ScoreDocument([], [failure]))
        elif output == "jsonl":
            machine.print_json_line(failure)
    ctx.exit(batch.exit_code(recognised=True))
