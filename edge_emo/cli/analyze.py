"""`edge-emo analyze`: the timeline of each source, and its summary."""

from __future__ import annotations

from functools import partial
from os.path import exists, isfile
from pathlib import Path
from typing import Any

import click

from edge_emo.cli import options
from edge_emo.cli.help import Command


@click.command(
    cls=Command,
    examples=("edge-emo analyze interview.flac talks/", "edge-emo analyze movie.mp4 --plot timeline.png --srt"),
)
@options.sources
@options.recognition
@click.option("--srt", "output", flag_value="srt", type=str, help="Print subtitles; for one source.")
@options.output_format
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also draw the timeline; for one source. Needs [plot].",
)
@click.option(
    "--annotate",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also save the picture or film with what was found drawn on it; for one source. Films need [video].",
)
@click.pass_context
def analyze(
    ctx: click.Context, /, sources: tuple[str, ...], output: str, plot: Path | None, annotate: Path | None, **asked: Any
) -> None:
    """Show the emotions in each SOURCE over time.

    SOURCE is a sound file, picture, film, folder or glob, "-" for standard input, or "sample" for the bundled synthetic
    voice. With --csv, each row is one reading of a model; with --jsonl, each line is one source.
    """
    from edge_emo.analysis.analyzer import Analyzer
    from edge_emo.app.documents import AnalyzeDocument
    from edge_emo.cli.batch import Batch, warn
    from edge_emo.cli.printing import put, put_text, strong
    from edge_emo.media.sources import expand
    from edge_emo.report import machine, srt, text

    named = list(expand(sources))
    # what is not there is told by what opens it; a pipe can be read but once
    is_one_file = len(sources) == len(named) == 1 and named != ["-"] and isfile(named[0]) == exists(named[0])
    if (plot or annotate or output == "srt") and not is_one_file:
        raise click.UsageError("--plot, --annotate and --srt are for one source that is a file")
    if plot or annotate:
        from edge_emo.cli import drawings  # needs OpenCV, which a sound does not
    if plot:
        from edge_emo.app.excerpts import Excerpter

        drawings.check_plot(plot)
    if annotate:
        drawings.check_annotation(named[0], annotate)
    analyzer, watch = Analyzer(**asked), Excerpter() if plot else None
    batch = Batch(named, partial(analyzer, watch=watch) if watch else analyzer)
    csv_line, done = machine.CsvLines(), []
    recognized = False
    for timeline in batch:
        warn(timeline.warnings)
        recognized = recognized or bool(timeline.readings)
        if output == "json":
            done.append(timeline)
        elif output == "jsonl":
            put(machine.json_line(timeline))
        elif output == "csv":
            for reading in timeline.readings:
                put(csv_line(machine.reading_row(timeline.source, reading)))
        elif output == "srt":
            click.echo(srt.subtitles(timeline), nl=False)
        else:
            put_text(text.timeline(timeline, strong))
        if plot and watch:
            drawings.plot(timeline, watch.excerpts(timeline), plot)
        if annotate:
            warn(drawings.annotate(timeline, named[0], annotate, audio_track=asked["audio_track"]))
    if output == "json":
        put(machine.json_document(AnalyzeDocument(done, batch.failures)))
    elif output == "jsonl":
        for failure in batch.failures:
            put(machine.json_line(failure))
    ctx.exit(batch.exit_code(recognized))
