"""`edge-emo recommend`: what was heard and seen, and songs for it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from edge_emo.cli import options
from edge_emo.cli.playlists import deliver, playlist_options
from edge_emo.cli.terminal import tell
from edge_emo.core.emotions import EMOTIONS

if TYPE_CHECKING:
    from edge_emo.music.ranking.recommend import Intent, Strategy
    from edge_emo.music.store.catalogue import Song
    from edge_emo.music.store.filters import Filters


@click.command()
@options.sources
@click.option("--mood", type=click.Choice(EMOTIONS), help="Choose by hand instead of listening.")
@click.option("-n", "count", type=click.IntRange(1, 1000), default=10, show_default=True, help="Number of songs.")
@click.option("--seed", type=click.IntRange(0), help="The same songs every time, whatever was shown before.")
@click.option(
    "--strategy",
    type=click.Choice(["together", "five-and-five", "random"]),
    default="together",
    show_default=True,
    help="five-and-five: half of the songs for the voice, half for the face. random: whatever their mood.",
)
@click.option(
    "--intent",
    type=click.Choice(["match", "lift"]),
    default="match",
    show_default=True,
    help="lift: begin where the person is and lead to calm or happy, step by step.",
)
@options.filters(min_duration_s=30, occasions=False)
@click.option("--catalogue", type=click.Path(exists=True), help="Another catalogue than the one that ships.")
@click.option(
    "--history/--no-history",
    "uses_history",
    default=True,
    help="Keep what was shown, and learn from it; not with --seed.  [default: history]",
)
@options.user_data
@playlist_options
@options.recognition
@options.output_format
@click.pass_context
def recommend(
    ctx: click.Context,
    /,
    sources: tuple[str, ...],
    mood: str | None,
    count: int,
    seed: int | None,
    strategy: Strategy,
    intent: Intent,
    filters: Filters,
    catalogue: str | None,
    uses_history: bool,
    data_dir: str | None,
    playlist: str | None,
    play: bool,
    output: str,
    **asked: Any,
) -> None:
    """Listen to and look at each SOURCE and recommend songs for the emotion found.

    SOURCE is a sound file, a picture, a film, a folder, a glob, "-" for standard input, or "sample" for the synthetic
    voice that ships.
    """
    from edge_emo.app.documents import RecommendDocument, Recommended
    from edge_emo.app.library import library
    from edge_emo.app.recommending import Recommending
    from edge_emo.cli.batch import Batch, warn
    from edge_emo.cli.printing import put, strong
    from edge_emo.music.ranking.recommend import Recommender
    from edge_emo.music.store.history import History
    from edge_emo.report import machine, text

    if mood and sources:
        raise click.UsageError("--mood chooses by hand; leave the sources out")
    uses_history = uses_history and seed is None  # else the same seed would not give the same songs
    opened = ctx.with_resource(library(catalogue, data_dir, tell, history=uses_history))
    history = History(opened.database) if uses_history and opened.database else None
    recommender = Recommender(opened.catalogue, history)
    seed = random.randrange(2**31) if seed is None else seed
    asking = Recommending(recommender, count, seed, filters, intent, strategy)

    def listen(source: str, on_progress: Callable[[float], object]) -> Recommended:
        timeline = analyzer(source, on_progress)
        warn(timeline.warnings)
        return asking.for_timeline(timeline)

    batch = Batch(sources, listen)
    results: Iterable[Recommended] = batch
    if mood:
        results = [asking.for_mood(mood)]
    else:
        from edge_emo.analysis.analyzer import Analyzer

        analyzer = Analyzer(**asked)

    csv_line, done = machine.CsvLines(), []
    recognized = False
    chosen: list[Song] = []
    for result in results:
        recognized = recognized or bool(result.songs)
        chosen += [item.song for item in result.songs]
        if output == "json":
            done.append(result)
        elif output == "jsonl":
            put(machine.json_line(result))
        elif output == "csv":
            for row in machine.song_rows(result):
                put(csv_line(row))
        elif output == "text":
            click.echo(text.recommended(result, strong))
    for reason in recommender.warnings:
        tell(f"{reason}; going on without your history")
    if output == "json":
        put(machine.json_document(RecommendDocument(done, batch.failures)))
    elif output == "jsonl":
        for failure in batch.failures:
            put(machine.json_line(failure))
    deliver(chosen, playlist, play, data_dir)
    ctx.exit(batch.exit_code(recognized))
