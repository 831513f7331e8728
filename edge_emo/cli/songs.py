"""`edge-emo songs`: the catalogue."""

from __future__ import annotations

import click
import msgspec

from edge_emo.cli import options


@click.group()
def songs() -> None:
    """Search and show the songs of the catalogue."""


_catalogue = click.option("--catalogue", type=click.Path(), help="Another catalogue than the one that ships.")


@songs.command()
@click.argument("text")
@click.option("--limit", type=click.IntRange(1, 10000), default=20, show_default=True)
@_catalogue
@options.output_format
def search(text: str, limit: int, catalogue: str | None, output: str) -> None:
    """Find songs whose title or artist hold every word of TEXT."""
    from edge_emo.music.catalogue import Catalogue

    with Catalogue(catalogue) as opened:
        _print(opened.search(text, limit), output)


@songs.command()
@click.argument("uids", nargs=-1, required=True, metavar="UID...")
@_catalogue
@options.output_format
def show(uids: tuple[str, ...], catalogue: str | None, output: str) -> None:
    """Show the songs with these identifiers, as --json prints them."""
    from edge_emo.music.catalogue import Catalogue

    with Catalogue(catalogue) as opened:
        _print(opened.songs(uids), output)


@songs.command()
@_catalogue
@options.output_format
def info(catalogue: str | None, output: str) -> None:
    """Count songs by licence, source and most fitting emotion, after reading the whole catalogue."""
    from edge_emo.music.catalogue import Catalogue
    from edge_emo.report import machine
    from edge_emo.report.documents import CatalogueDocument

    with Catalogue(catalogue) as opened:
        opened.check()
        found = opened.info()
    counts = [
        {"group": group, "name": name, "songs": count}
        for group in ("license", "source", "emotion")
        for name, count in getattr(found, f"by_{group}").items()
    ]
    if output != "text":
        machine.print_rows(output, counts, CatalogueDocument(found))
        return
    click.echo(f"{found.path}\n{found.songs} songs by {found.artists} artists, schema {found.schema_version}")
    for row in counts:
        click.echo(f"  {row['group']:<8} {row['name']:<30} {row['songs']:>6}")


def _print(found: list, output: str) -> None:  # type: ignore[type-arg]
    from edge_emo.report import machine, text
    from edge_emo.report.documents import SongsDocument

    if output != "text":
        machine.print_rows(output, [msgspec.to_builtins(song) for song in found], SongsDocument(found))
    elif not found:
        click.echo("no song found", err=True)
    for song in found if output == "text" else []:
        click.echo(f"{song.uid}  {text.song(song)}")
