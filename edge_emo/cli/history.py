"""`edge-emo history`: what became of the songs, and what was learned from it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from edge_emo.app.library import user_database
from edge_emo.cli import options
from edge_emo.cli.terminal import tell
from edge_emo.core.text import plain

if TYPE_CHECKING:
    from edge_emo.music.store.history import Action


@click.group()
def history() -> None:
    """See, teach, export and delete what is known of the songs that you were shown."""


@history.command()
@click.argument("action", type=click.Choice(["played", "kept", "skipped", "downloaded"]))
@click.argument("uids", nargs=-1, required=True, metavar="UID...", type=options.Text())
@click.option("--catalogue", type=click.Path(exists=True), help="Another catalogue than the one that ships.")
@options.user_data
def add(action: Action, uids: tuple[str, ...], catalogue: str | None, data_dir: str | None) -> None:
    """Say what became of songs: "edge-emo history add kept UID". The next recommendations learn from it."""
    from edge_emo.app.library import library
    from edge_emo.music.store.history import History

    with user_database(data_dir, tell) as database, library(catalogue, data_dir, tell) as opened:
        opened.catalogue.songs(uids)  # an unknown song is named
        History(database).add(action, *uids)
    click.echo(f"{len(uids)} {action}", err=True)


@history.command()
@click.option("--catalogue", type=click.Path(exists=True), help="Another catalogue than the one that ships.")
@click.option("--top", type=click.IntRange(1, 1000), default=10, show_default=True, help="Likes and dislikes to show.")
@options.user_data
@options.output_format
def stats(catalogue: str | None, top: int, data_dir: str | None, output: str) -> None:
    """Count what is known, and show what was learned from it: what you like, and how sure that is."""
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
        f"{plain(counted.path)}\n{counted.events} rows about {counted.songs} songs{_span(counted.first, counted.last)}"
    )
    click.echo("  " + ", ".join(f"{n} {action}" for action, n in counted.by_action.items()))
    shown = likes if len(likes) <= 2 * top else likes[:top] + likes[-top:]
    for like in shown:
        where = f" when {like.emotion}" if like.emotion else ""
        click.echo(f"  {like.kind:<7} {plain(like.name) + where:<40} {like.weight:+.2f} ± {like.deviation:.2f}")


@history.command()
@options.user_data
@options.output_format
def export(data_dir: str | None, output: str) -> None:
    """Print every row, as CSV unless another format is asked for."""
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


@history.command()
@options.user_data
def reset(data_dir: str | None) -> None:
    """Begin to learn anew; the rows stay."""
    from edge_emo.music.store.history import History

    with user_database(data_dir, tell) as database:
        History(database).learn_anew()
    click.echo("learning begins anew; what is known of the songs stays (see `edge-emo history forget`)", err=True)


@history.command()
@click.option("--song", "uid", metavar="UID", type=options.Text(), help="Only what is known of this song.")
@click.option("--before", type=click.DateTime(), help="Only what is older than this day.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.user_data
def forget(uid: str | None, before: datetime | None, yes: bool, data_dir: str | None) -> None:
    """Delete the history for good, all of it or a part. Your own songs stay."""
    from edge_emo.music.store.history import History

    with user_database(data_dir, tell) as database:
        if not yes:
            what = f"rows about {uid}" if uid else f"{History(database).stats().events} rows"
            click.confirm(
                f"Delete {what}{f' before {before:%Y-%m-%d}' if before else ''} for good?", abort=True, err=True
            )
        n = History(database).forget(uid, before=before.timestamp() if before else None)
        copies = sorted(database.path.parent.glob(f"{database.path.name}.damaged-*"))
    click.echo(f"{n} rows deleted", err=True)
    for copy in copies:
        tell(f"{copy}: a damaged copy of earlier days, which may hold more; delete it too")


def _span(first: float | None, last: float | None) -> str:
    if first is None or last is None:
        return ""
    days = [datetime.fromtimestamp(at).strftime("%Y-%m-%d") for at in (first, last)]
    return f", {days[0]} to {days[1]}"
