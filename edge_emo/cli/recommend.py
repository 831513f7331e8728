"""`edge-emo recommend`: what was heard and seen, and songs for it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from edge_emo.cli import options
from edge_emo.cli.help import Command
from edge_emo.cli.playlists import deliver, playlist_options
from edge_emo.cli.terminal import tell
from edge_emo.core.emotions import EMOTIONS

if TYPE_CHECKING:
    from edge_emo.music.ranking.choice import Recommendation
    from edge_emo.music.ranking.recommend import Intent, Strategy
    from edge_emo.music.store.filters import Filters


@click.command(
    cls=Command,
    examples=("edge-emo recommend clip.wav", "edge-emo recommend --mood calm -n 5 --license cc-by --details"),
)
@options.sources
@click.option("--mood", type=click.Choice(EMOTIONS), help="Choose the mood by hand; takes no SOURCE.")
@click.option("-n", "count", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many songs.")
@click.option("--seed", type=click.IntRange(0), help="Get the same songs every time, whatever you were shown before.")
@click.option(
    "--strategy",
    type=click.Choice(["together", "five-and-five", "random"]),
    default="together",
    show_default=True,
    help="together: voice and face combined. five-and-five: half of the songs for the voice, half for the face. "
    "random: any song.",
)
@click.option(
    "--intent",
    type=click.Choice(["match", "lift"]),
    default="match",
    show_default=True,
    help="match: songs for the mood that was found. lift: songs that lead from it to calm or happy, step by step.",
)
@options.filters(min_duration_s=30, occasions=False)
@click.option("--catalogue", type=click.Path(exists=True), help="Use this catalogue instead of the bundled one.")
@click.option(
    "--history/--no-history",
    "uses_history",
    default=True,
    help="Remember the songs you were shown, and learn from what you do with them. Off with --seed.  "
    "[default: history]",
)
@options.user_data
@playlist_options
@options.recognition
@options.details
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
    details: bool,
    output: str,
    **asked: Any,
) -> None:
    """Recommend songs for the emotion in each SOURCE.

    SOURCE is a sound file, picture, film, folder or glob, "-" for standard input, or "sample" for the bundled synthetic
    voice.
    """
    from edge_emo.app.documents import RecommendDocument, Recommended
    from edge_emo.app.library import absent_files, library
    from edge_emo.app.recommending import Recommending
    from edge_emo.cli.batch import Batch, warn
    from edge_emo.cli.printing import put, put_text, strong, width
    from edge_emo.music.ranking.recommend import Recommender
    from edge_emo.music.store.history import History
    from edge_emo.report import machine, text

    if mood and sources:
        raise click.UsageError("--mood takes no source; drop one of them")
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
    chosen: list[Recommendation] = []
    absent = ""
    for result in results:
        recognized = recognized or bool(result.songs)
        chosen += result.songs
        if filters.local and len(result.songs) < count:
            absent = absent_files(opened.catalogue)
        if output == "json":
            done.append(result)
        elif output == "jsonl":
            put(machine.json_line(result))
        elif output == "csv":
            for row in machine.song_rows(result):
                put(csv_line(row))
        elif output == "text":
            put_text(text.recommended(result, strong, detailed=details, width=width(), absent=absent))
    if absent and (chosen or output != "text"):
        tell(absent)
    for reason in recommender.warnings:
        tell(f"{reason}; continuing without your history")
    if output == "json":
        put(machine.json_document(RecommendDocument(done, batch.failures)))
    elif output == "jsonl":
        for failure in batch.failures:
            put(machine.json_line(failure))
    deliver(chosen, playlist, play, data_dir)
    ctx.exit(batch.exit_code(recognized))
