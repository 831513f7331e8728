"""`edge-emo songs`: the catalogue, and one's own songs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from edge_emo.app.library import library
from edge_emo.cli import options
from edge_emo.cli.own_songs import add, remove
from edge_emo.cli.song_lists import export, import_
from edge_emo.cli.terminal import tell
from edge_emo.core.text import plain

if TYPE_CHECKING:
    from edge_emo.music.store.filters import Filters


@click.group()
def songs() -> None:
    """Search and show the songs of the catalogue and your own, and add your own."""


_catalogue = click.option("--catalogue", type=click.Path(), help="Another catalogue than the one that ships.")


@songs.command()
@click.argument("text", default="", type=options.Text())
@click.option("--limit", type=click.IntRange(1, 10000), default=20, show_default=True)
@options.filters(min_duration_s=0, occasions=True)
@_catalogue
@options.user_data
@options.output_format
def search(text: str, limit: int, filters: Filters, catalogue: str | None, data_dir: str | None, output: str) -> None:
    """Find songs whose title, artist, genre, moods or instruments hold every word of TEXT, or its beginning."""
    with library(catalogue, data_dir, tell) as opened:
        _print(opened.catalogue.search(text, limit, filters), output)


@songs.command()
@click.argument("uids", nargs=-1, required=True, metavar="UID...", type=options.Text())
@_catalogue
@options.user_data
@options.output_format
def show(uids: tuple[str, ...], catalogue: str | None, data_dir: str | None, output: str) -> None:
    """Show the songs with these identifiers; --json tells everything that is known of them."""
    with library(catalogue, data_dir, tell) as opened:
        _print(opened.catalogue.songs(uids), output)


@songs.command()
@_catalogue
@options.user_data
@options.output_format
def info(catalogue: str | None, data_dir: str | None, output: str) -> None:
    """Count songs by licence, source and most fitting emotion, after reading the whole catalogue."""
    from edge_emo.app.documents import CatalogueDocument
    from edge_emo.cli.printing import put_rows

    with library(catalogue, data_dir, tell) as opened:
        opened.catalogue.check()
        found = opened.catalogue.info()
    counts = [
        {"group": group, "name": name, "songs": count}
        for group in ("license", "source", "emotion")
        for name, count in getattr(found, f"by_{group}").items()
    ]
    if output != "text":
        put_rows(output, counts, CatalogueDocument(found))
        return
    click.echo(f"{plain(found.path)}\n{found.songs} songs by {found.artists} artists, schema {found.schema_version}")
    for row in counts:
        click.echo(f"  {row['group']:<8} {plain(row['name']):<30} {row['songs']:>6}")


songs.add_command(add)
songs.add_command(remove)
songs.add_command(import_)
songs.add_command(export)


def _print(found: list, output: str) -> None:  # type: ignore[type-arg]
    from edge_emo.app.documents import SongsDocument
    from edge_emo.cli.printing import put_rows, strong
    from edge_emo.report import text

    if output != "text":
        put_rows(output, [msgspec.to_builtins(song) for song in found], SongsDocument(found))
    elif not found:
        click.echo("no song found", err=True)
    for song in found if output == "text" else []:
        click.echo(text.song(song, strong))
