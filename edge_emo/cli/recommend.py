"""`edge-emo recommend`: what was heard, and songs for it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

from edge_emo.cli import options
from edge_emo.emotions import EMOTIONS

if TYPE_CHECKING:
    from edge_emo.card import Precision
    from edge_emo.music.recommend import LicenseChoice


@click.command()
@options.sources
@click.option("--mood", type=click.Choice(EMOTIONS), help="Choose by hand instead of listening.")
@click.option("-n", "count", type=click.IntRange(1, 1000), default=10, show_default=True, help="Number of songs.")
@click.option("--seed", type=click.IntRange(0), help="The same songs every time.")
@click.option(
    "--license",
    "license_choice",
    type=click.Choice(["any", "cc-by"]),
    default="any",
    show_default=True,
    help="cc-by: only songs that may be published anywhere with a credit line.",
)
@click.option("--catalogue", type=click.Path(exists=True), help="Another catalogue than the one that ships.")
@options.recognition
@options.output_format
@click.pass_context
def recommend(
    ctx: click.Context,
    sources: tuple[str, ...],
    mood: str | None,
    count: int,
    seed: int | None,
    license_choice: LicenseChoice,
    catalogue: str | None,
    voice_model: str | None,
    precision: Precision,
    threads: int,
    output: str,
) -> None:
    """Listen to each SOURCE and recommend songs for the emotion heard.

    SOURCE is a sound file, a film, a folder, a glob, "-" for standard input, or "sample" for the synthetic
    voice that ships.
    """
    from edge_emo.cli.batch import Batch, warn
    from edge_emo.music.catalogue import Catalogue
    from edge_emo.music.recommend import Recommendation, Recommender, certain, distribution
    from edge_emo.report import machine, text
    from edge_emo.report.documents import RecommendDocument, Recommended

    if mood and sources:
        raise click.UsageError("--mood chooses by hand; leave the sources out")
    recommender = Recommender(Catalogue(catalogue))
    seed = random.randrange(2**31) if seed is None else seed

    def songs(probabilities: list[float]) -> list[Recommendation]:
        return recommender(probabilities, count, seed=seed, license=license_choice)

    def listen(source: str, on_progress: Callable[[float], object]) -> Recommended:
        timeline = analyzer(source, on_progress)
        warn(timeline.warnings)
        chosen = songs(distribution(timeline.summary)) if timeline.readings else []
        return Recommended(timeline.source, None, timeline.summary, seed, chosen, list(timeline.warnings))

    batch = Batch(sources, listen)
    results: Iterable[Recommended] = batch
    if mood:
        results = [Recommended(None, mood, None, seed, songs(certain(mood)))]
    else:
        from edge_emo.analyzer import Analyzer

        analyzer = Analyzer(voice_model=voice_model, precision=precision, threads=threads)

    print_csv, done = machine.CsvPrinter(), []
    recognised = False
    for result in results:
        recognised = recognised or bool(result.songs)
        if output == "json":
            done.append(result)
        elif output == "jsonl":
            machine.print_json_line(result)
        elif output == "csv":
            for row in machine.song_rows(result):
                print_csv(row)
        elif output == "text":
            click.echo(text.recommended(result))
    if output == "json":
        machine.print_json(RecommendDocument(done, batch.failures))
    elif output == "jsonl":
        for failure in batch.failures:
            machine.print_json_line(failure)
    ctx.exit(batch.exit_code(recognised))
