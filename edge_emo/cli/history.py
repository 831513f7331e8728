"""`edge-emo history`: what became of the songs, and what was learned from it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from edge_emo.app.library import user_database
from edge_emo.cli import options
from edge_emo.cli.help import Group
from edge_emo.cli.terminal import tell
from edge_emo.core.text import count, plain

if TYPE_CHECKING:
    from edge_emo.music.store.history import Action


@click.group(cls=Group)
def history() -> None:
    """Manage the history of the songs you were shown."""


@history.command(examples=("edge-emo history add skipped UID UID", "edge-emo history add kept ~/Music/song.mp3"))
@click.argument("action", type=click.Choice(["played", "kept", "skipped", "downloaded"]))
@click.argument("names", nargs=-1, required=True, metavar="UID|FILE...", type=options.Text())
@click.option("--catalogue", type=click.Path(exists=True), help="Use this catalogue instead of the bundled one.")
@options.user_data
def add(action: Action, names: tuple[str, ...], catalogue: str | None, data_dir: str | None) -> None:
    """Say what you did with songs; later recommendations learn from it.

    Name songs by UID, which `edge-emo recommend --details` shows, or your own by FILE.
    """
    from edge_emo.app.library import library, songs_named
    from edge_emo.music.store.history import History

    with user_database(data_dir, tell) as database, library(catalogue, data_dir, tell) as opened:
        songs = songs_named(opened.catalogue, names)
        History(database).add(action, *(song.uid for song in songs))
    for song in songs:
        click.echo(plain(f"{action}: {song.title}{f' – {song.artist}' if song.artist else ''}"), err=True)


@history.command(examples=("edge-emo history stats", "edge-emo history stats --top 3 --json"))
@click.option("--catalogue", type=click.Path(exists=True), help="Use this catalogue instead of the bundled one.")
@click.option(
    "--top", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many likes and dislikes to show."
)
@options.user_data
@options.output_format
def stats(catalogue: str | None, top: int, data_dir: str | None, output: str) -> None:
    """Show what was learned: what you like, and how sure that is."""
    from edge_emo.app.learned import learned
    from edge_emo.app.library import library
    from edge_emo.cli.printing import put_rows

    with user_database(data_dir, tell) as database, library(catalogue, data_dir, tell) as opened:
        found = learned(opened.catalogue, database)
    counted, likes = found.history, found.likes
    if output != "text":
        put_rows(output, likes, found)
        return
    click.echo(
        f"{plain(counted.path)}\n"
        f"{count(counted.events, 'entry')} about {count(counted.songs, 'song')}{_span(counted.first, counted.last)}"
    )
    click.echo("  " + ", ".join(f"{n} {action}" for action, n in counted.by_action.items()))
    shown = likes if len(likes) <= 2 * top else likes[:top] + likes[-top:]
    if shown:
        click.echo("liking, in standard deviations, and how unsure it is:")
    for like in shown:
        where = f" when {like.emotion}" if like.emotion else ""
        click.echo(f"  {like.kind:<7} {plain(like.name) + where:<40} {like.weight:+.2f} ± {like.deviation:.2f}")


@history.command(examples=("edge-emo history export > history.csv", "edge-emo history export --jsonl"))
@options.user_data
@options.output_format
def export(data_dir: str | None, output: str) -> None:
    """Print the whole history, as CSV by default."""
    from edge_emo.app.documents import EventsDocument
    from edge_emo.cli.printing import put, put_rows
    from edge_emo.music.store.history import History
    from edge_emo.report import machine

    with user_database(data_dir, tell) as database:
        events = History(database).events()
        if output == "json":
            put(machine.json_document(EventsDocument(list(events))))
        else:
            put_rows("jsonl" if output == "jsonl" else "csv", events, None)


@history.command(examples=("edge-emo history reset", "edge-emo history reset --data-dir kiosk"))
@options.user_data
def reset(data_dir: str | None) -> None:
    """Forget what was learned; the history itself stays."""
    from edge_emo.music.store.history import History

    with user_database(data_dir, tell) as database:
        History(database).learn_anew()
    click.echo("learning starts again; the history stays (delete it with `edge-emo history forget`)", err=True)


@history.command(examples=("edge-emo history forget", "edge-emo history forget --before 2026-01-01 --yes"))
@click.option("--song", "uid", metavar="UID", type=options.Text(), help="Delete only what is about this song.")
@click.option("--before", type=click.DateTime(), help="Delete only what is older than this day.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@options.user_data
def forget(uid: str | None, before: datetime | None, yes: bool, data_dir: str | None) -> None:
    """Delete the history for good, all or part of it. Your own songs stay."""
    from edge_emo.music.store.history import History

    with user_database(data_dir, tell) as database:
        if not yes:
            what = f"entries about {uid}" if uid else count(History(database).stats().events, "entry")
            click.confirm(
                f"Delete {what}{f' before {before:%Y-%m-%d}' if before else ''} for good?", abort=True, err=True
            )
        n = History(database).forget(uid, before=before.timestamp() if before else None)
        copies = sorted(database.path.parent.glob(f"{database.path.name}.damaged-*"))
    click.echo(f"{count(n, 'entry')} deleted", err=True)
    for copy in copies:
        tell(f"{copy}: an older, damaged copy, which may hold more of your history; delete it too")


def _span(first: float | None, last: float | None) -> str:
    if first is None or last is None:
        return ""
    days = [datetime.fromtimestamp(at).strftime("%Y-%m-%d") for at in (first, last)]
    return f", {days[0]} to {days[1]}"
