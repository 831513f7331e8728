"""`edge-emo analyze`: the timeline of each source, and its summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edge_emo.cli import options

if TYPE_CHECKING:
    from edge_emo.card import Precision


@click.command()
@options.sources
@options.recognition
@options.output_format
@click.pass_context
def analyze(
    ctx: click.Context,
    sources: tuple[str, ...],
    voice_model: str | None,
    precision: Precision,
    threads: int,
    output: str,
) -> None:
    """Print the emotion heard in each window of each SOURCE, and the summary.

    SOURCE is a sound file, a film, a folder, a glob, "-" for standard input, or "sample" for the synthetic
    voice that ships. CSV holds the windows alone; JSON lines give a line for each source.
    """
    from edge_emo.analyzer import Analyzer
    from edge_emo.cli.batch import Batch, warn
    from edge_emo.report import machine, text
    from edge_emo.report.documents import AnalyzeDocument

    batch = Batch(sources, Analyzer(voice_model=voice_model, precision=precision, threads=threads))
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
        else:
            click.echo(text.timeline(timeline))
    if output == "json":
        machine.print_json(AnalyzeDocument(done, batch.failures))
    elif output == "jsonl":
        for failure in batch.failures:
            machine.print_json_line(failure)
    ctx.exit(batch.exit_code(recognised))
