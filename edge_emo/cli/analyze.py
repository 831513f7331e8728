"""`edge-emo analyze`: the timeline of each source, and its summary."""

from __future__ import annotations

from os.path import exists, isfile
from pathlib import Path
from typing import Any

import click

from edge_emo.cli import options


@click.command()
@options.sources
@options.recognition
@click.option("--srt", "output", flag_value="srt", type=str, help="Print subtitles of one source.")
@options.output_format
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also draw the timeline of one source; needs [plot].",
)
@click.option(
    "--annotate",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the picture or film of one source with what was found; films need [video].",
)
@click.pass_context
def analyze(
    ctx: click.Context, /, sources: tuple[str, ...], output: str, plot: Path | None, annotate: Path | None, **asked: Any
) -> None:
    """Print the emotion heard and seen over the time of each SOURCE, and the summary.

    SOURCE is a sound file, a picture, a film, a folder, a glob, "-" for standard input, or "sample" for the synthetic
    voice that ships. CSV holds the readings of the models alone; JSON lines give a line for each source.
    """
    from edge_emo.analysis.analyzer import Analyzer
    from edge_emo.app.documents import AnalyzeDocument
    from edge_emo.cli.batch import Batch, warn
    from edge_emo.media.sources import expand
    from edge_emo.report import annotate as drawing
    from edge_emo.report import machine, srt, text
    from edge_emo.report import plot as plotting

    named = list(expand(sources))
    # what is not there is told by what opens it; a pipe can be read but once
    is_one_file = len(sources) == len(named) == 1 and named != ["-"] and isfile(named[0]) == exists(named[0])
    if (plot or annotate or output == "srt") and not is_one_file:
        raise click.UsageError("--plot, --annotate and --srt are for one source that is a file")
    if plot:
        plotting.check(plot)
    if annotate:
        drawing.check(named[0], annotate)
    batch = Batch(named, Analyzer(**asked))
    print_csv, done = machine.CsvPrinter(), []
    recognised = False
    for timeline in batch:
        warn(timeline.warnings)
        recognised = recognised or bool(timeline.readings)
        if output == "json":
            done.append(timeline)
        elif output == "jsonl":
            machine.print_json_line(timeline)
        elif output == "csv":
            for reading in timeline.readings:
                print_csv(machine.reading_row(timeline.source, reading))
        elif output == "srt":
            click.echo(srt.subtitles(timeline), nl=False)
        else:
            click.echo(text.timeline(timeline))
        if plot:
            plotting.draw(timeline, named[0], plot, audio_track=asked["audio_track"])
        if annotate:
            warn(drawing.annotate(timeline, named[0], annotate, audio_track=asked["audio_track"]))
    if output == "json":
        machine.print_json(AnalyzeDocument(done, batch.failures))
    elif output == "jsonl":
        for failure in batch.failures:
            machine.print_json_line(failure)
    ctx.exit(batch.exit_code(recognised))
