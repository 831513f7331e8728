"""`edge-emo songs`: the catalogue, and one's own songs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from edge_emo.app.library import absent_files, library, songs_named
from edge_emo.cli import options
from edge_emo.cli.help import Group
from edge_emo.cli.own_songs import add, remove
from edge_emo.cli.song_lists import export, import_
from edge_emo.cli.terminal import tell
from edge_emo.core.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_emo.music.store.filters import Filters
    from edge_emo.music.store.song import Song


@click.group(cls=Group)
def songs() -> None:
    """Search the catalogue, and add your own music to it."""


_MOST = 10_000  # songs of a search

_catalogue = click.option("--catalogue", type=click.Path(), help="Use this catalogue instead of the bundled one.")


@songs.command(
    examples=('edge-emo songs search "happy ukulele"', "edge-emo songs search joyful --bpm 100-140 --details")
)
@click.argument("text", default="", type=options.Text())
@click.option("--limit", type=click.IntRange(1, _MOST), default=20, show_default=True, help="How many songs at most.")
@options.filters(min_duration_s=0, occasions=True)
@_catalogue
@options.user_data
@options.details
@options.output_format
def search(
    text: str,
    limit: int,
    filters: Filters,
    catalogue: str | None,
    data_dir: str | None,
    details: bool,
    output: str,
) -> None:
    """Find songs by title, artist, genre, mood or instrument.

    Every word of TEXT must match, in full or by its beginning. Moods are also found by words of the same meaning, such
    as joyful or gloomy, and moods and genres in English, German and Russian. Without TEXT, all songs that meet the
    conditions are listed, by artist and title.
    """
    with library(catalogue, data_dir, tell) as opened:
        found = opened.catalogue.search(text, limit, filters)
        n_more = opened.catalogue.count(text, filters) - len(found) if len(found) == limit else 0
        absent = absent_files(opened.catalogue) if filters.local and not found else ""
    facts = [_facts(song, text, filters) for song in found]
    _print(found, output, detailed=details, facts=facts, absent=absent)
    if n_more > 0:
        tell(f"{n_more} more: --limit {min(limit + n_more, _MOST)}")


@songs.command(examples=("edge-emo songs show inc:USUAN1100546", "edge-emo songs show ~/Music/song.mp3 --json"))
@click.argument("names", nargs=-1, required=True, metavar="UID|FILE...", type=options.Text())
@_catalogue
@options.user_data
@options.output_format
def show(names: tuple[str, ...], catalogue: str | None, data_dir: str | None, output: str) -> None:
    """Show all about songs, named by UID or, of your own, by FILE."""
    with library(catalogue, data_dir, tell) as opened:
        _print(songs_named(opened.catalogue, names), output, detailed=True)


@songs.command(examples=("edge-emo songs info", "edge-emo songs info --json"))
@_catalogue
@options.user_data
@options.output_format
def info(catalogue: str | None, data_dir: str | None, output: str) -> None:
    """Check the catalogue and count its songs.

    They are counted by licence, source and best-fitting emotion.
    """
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


def _facts(song: Song, text: str, filters: Filters) -> str:
    """Return a song's tempo where one was asked for, and its instruments where one of those was."""
    tempo = f"{song.bpm:3.0f} bpm" if filters.bpm and song.bpm else ""
    names = ", ".join(song.instruments)
    beginnings = [word[:3] for word in text.casefold().split()]  # of which "sax" and "saxophone" have the same
    is_asked = filters.instruments or any(f" {start}" in f" {names.casefold()}" for start in beginnings)
    return "  ".join(filter(None, [tempo, names if is_asked else ""]))


def _print(found: list[Song], output: str, *, detailed: bool, facts: Sequence[str] = (), absent: str = "") -> None:
    from edge_emo.app.documents import SongsDocument
    from edge_emo.cli.printing import put_rows, put_text, strong, width
    from edge_emo.report import text

    if output != "text":
        put_rows(output, [msgspec.to_builtins(song) for song in found], SongsDocument(found))
    elif found:
        put_text(text.songs(found, strong, detailed=detailed, facts=facts, width=width()))
    else:
        click.echo(absent or "no song found; try fewer or other words, or drop a condition", err=True)
