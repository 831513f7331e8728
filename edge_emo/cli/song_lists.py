"""`edge-emo songs import` and `songs export`: lists of songs in and out."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from edge_emo.app.library import library, user_database
from edge_emo.cli import options
from edge_emo.cli.help import Command
from edge_emo.cli.outputs import written
from edge_emo.cli.terminal import tell
from edge_emo.core.text import count

if TYPE_CHECKING:
    from edge_emo.music.library.exchange import Format
    from edge_emo.music.store.song import Song


@click.command(
    "import",
    cls=Command,
    examples=("edge-emo songs import list.csv", "edge-emo songs import corpus.csv --format lmc --json"),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--format",
    "format_",
    type=click.Choice(["csv", "jsonl", "lmc"]),
    help="lmc: the lyric mood corpus, with the columns artist, title and one of its 17 moods.  [default: by the "
    "ending of the name]",
)
@click.option(
    "--pools",
    type=click.Path(exists=True, dir_okay=False),
    help="For lmc: your own table from moods to emotions, as CSV.",
)
@click.option("--encoding", default="utf-8-sig", show_default=True, help="Text encoding of FILE, such as cp1252.")
@click.option("--skip-bad", is_flag=True, help="Skip rows with mistakes, and report them.")
@options.user_data
@options.output_format
def import_(
    file: str,
    format_: Literal["csv", "jsonl", "lmc"] | None,
    pools: str | None,
    encoding: str,
    skip_bad: bool,
    data_dir: str | None,
    output: str,
) -> None:
    """Add the songs in FILE to your own.

    Either all of them are added or, if a row has a mistake, none.
    """
    from edge_emo.app.documents import ConvertedDocument, ImportedDocument
    from edge_emo.cli.batch import Bar
    from edge_emo.cli.printing import put_rows
    from edge_emo.music.library.exchange import import_songs
    from edge_emo.music.library.lmc import POOLS, import_lmc

    if pools and format_ != "lmc":
        raise click.UsageError("--pools works only with --format lmc")
    with user_database(data_dir, tell) as database, closing(Bar(1, "Importing")) as bar:
        if format_ == "lmc":
            converted = import_lmc(
                database,
                file,
                pools=Path(pools) if pools else POOLS,
                encoding=encoding,
                skip_bad=skip_bad,
                on_progress=bar.show,
            )
        else:
            imported = import_songs(
                database,
                file,
                format=format_,
                encoding=encoding,
                skip_bad=skip_bad,
                on_progress=bar.show,
            )
    for rejected in converted.rejected if format_ == "lmc" else imported.rejected:
        tell(f"{file}, line {rejected.line}: {rejected.reason}; skipped")
    if format_ == "lmc":
        rows = [{"emotion": emotion, "songs": n} for emotion, n in converted.emotions.items()]
        if output != "text":
            put_rows(output, rows, ConvertedDocument(converted))
            return
        for row in rows:
            click.echo(f"{row['emotion']:<10} {row['songs']:>6}")
        click.echo(f"{'total':<10} {converted.total:>6}")
        return
    for column in imported.unused_columns:
        tell(f"column {column!r} was ignored")
    if output == "text":
        repeated = f", {count(imported.repeated, 'duplicate')} merged" if imported.repeated else ""
        skipped = count(len(imported.rejected), "row")
        click.echo(f"{count(imported.songs, 'song')} imported, {skipped} skipped{repeated}")
    else:
        put_rows(output, [imported], ImportedDocument(imported))


@click.command(cls=Command, examples=("edge-emo songs export mine.csv --own", "edge-emo songs export - --format jsonl"))
@click.argument("file", type=click.Path(dir_okay=False))
@click.option(
    "--format",
    "format_",
    type=click.Choice(["csv", "jsonl"]),
    help="Format of FILE.  [default: by the ending of the name]",
)
@click.option("--own", is_flag=True, help="Only your own songs.")
@click.option("--catalogue", type=click.Path(exists=True), help="Use this catalogue instead of the bundled one.")
@options.user_data
def export(file: str, format_: Format | None, own: bool, catalogue: str | None, data_dir: str | None) -> None:
    """Write all songs to FILE, as .csv or .jsonl.

    "-" stands for standard output. `edge-emo songs import` reads the list back without loss.
    """
    from edge_emo.music.library.exchange import format_of, write_songs

    chosen = format_ or ("csv" if file == "-" else format_of(Path(file)))
    with library(catalogue, data_dir, tell) as opened:
        songs: Iterable[Song] = opened.catalogue.all_songs("own" if own else None)
        if own and opened.database is None:
            songs = ()
        with written(file) if file != "-" else click.open_file(file, "w", "utf-8") as text:
            n = write_songs(songs, text, chosen)
    click.echo(f"{count(n, 'song')} written", err=True)
