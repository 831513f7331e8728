"""`edge-emo songs add` and `songs remove`: one's own music."""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from edge_emo.app.library import user_database
from edge_emo.cli import exit_codes, options
from edge_emo.cli.help import Command
from edge_emo.cli.terminal import tell
from edge_emo.core.text import count, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_emo.music.library.folder import Added
    from edge_emo.music.library.walk import Unreadable


_NAMED = 5  # of the files, or moods, that something is said of


class _Folder(click.Path):
    """A folder that is there."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the folder; of a file, its folder is named."""
        if os.path.isfile(value):
            self.fail(f"{value} is a file; name the folder it is in: {Path(value).parent}", param, ctx)
        return super().convert(value, param, ctx)


def _encoding(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    try:
        "".encode(value or "utf-8")
    except (LookupError, ValueError) as error:
        raise click.BadParameter(f"{value} is not a known text encoding; try cp1251, koi8-r or utf-8") from error
    return value


@click.command(cls=Command, examples=("edge-emo songs add ~/Music", "edge-emo songs add ~/Music --watch --jsonl"))
@click.argument("folders", nargs=-1, required=True, metavar="FOLDER...", type=_Folder(exists=True, file_okay=False))
@click.option("--watch", is_flag=True, help="Keep running and follow changes in these folders until interrupted.")
@click.option(
    "--tag-encoding",
    metavar="NAME",
    callback=_encoding,
    help="Encoding, such as cp1251, for tags that claim to be Latin-1 but do not look it. Rereads known files too.",
)
@click.option(
    "--keep-missing", is_flag=True, help="Keep songs whose files are gone, for example because a disk is not connected."
)
@options.user_data
@options.output_format
@click.pass_context
def add(
    ctx: click.Context,
    /,
    folders: tuple[str, ...],
    watch: bool,
    keep_missing: bool,
    tag_encoding: str | None,
    data_dir: str | None,
    output: str,
) -> None:
    """Add the music in each FOLDER to your own songs.

    Titles, genres and moods come from the tags of the files. Run it again to pick up changes. Nothing is copied, no
    file is changed, and songs whose files are gone are removed.
    """
    from edge_emo.cli.batch import Bar
    from edge_emo.music.library.folder import add_folders
    from edge_emo.music.library.watch import Watch

    if watch and output in ("json", "csv"):
        raise click.UsageError(f"--watch never ends, so it cannot write --{output}; use --jsonl")
    with ExitStack() as stack:
        database = stack.enter_context(user_database(data_dir, tell))
        changes = stack.enter_context(Watch(folders)) if watch else ()
        with closing(Bar(1, "Reading")) as bar:
            on_progress = bar.show if sys.stderr is not None and sys.stderr.isatty() else None
            added = add_folders(
                database, folders, keep_missing=keep_missing, tag_encoding=tag_encoding, on_progress=on_progress
            )
        told: set[Unreadable] = set()
        _print(added, output, told)
        if added.missing and not keep_missing:
            tell(
                f"{count(added.missing, 'file')} missing, and the songs kept: the folder is empty, so its disk may not "
                "be connected; remove them with `edge-emo songs remove FOLDER`"
            )
        if watch:
            tell(f"watching {', '.join(map(printable, folders))}; stop with Ctrl-C")
        for changed in changes:
            added = add_folders(
                database, changed, keep_missing=keep_missing, follow_links=False, tag_encoding=tag_encoding
            )
            if added.added or added.changed or added.moved or added.copies or added.gone or added.unreadable:
                _print(added, output, told, at=time.strftime("%H:%M:%S  "))
    ctx.exit(exit_codes.BAD_INPUT if added.unreadable else exit_codes.DONE)


@click.command(cls=Command, examples=("edge-emo songs remove ~/Music/Old", "edge-emo songs remove UID UID"))
@click.argument("names", nargs=-1, required=True, metavar="UID|FOLDER...")
@options.user_data
def remove(names: tuple[str, ...], data_dir: str | None) -> None:
    """Remove songs of your own, by UID or FOLDER.

    The files stay, and you can add them again.
    """
    from edge_emo.music.library.folder import remove_songs

    with user_database(data_dir, tell) as database:
        n = remove_songs(database, names)
    click.echo(f"{count(n, 'song')} removed", err=True)


def _print(added: Added, output: str, told: set[Unreadable], at: str = "") -> None:
    """Print the report, in text after `at`; what is wrong with files goes to standard error, each of them once."""
    from edge_emo.app.documents import AddedDocument
    from edge_emo.cli.printing import put_rows

    for file in added.unreadable:
        if file not in told:
            tell(f"{file.path}: {file.reason}")
            told.add(file)
    if added.misread:
        first = added.misread[0]
        tell(
            f"{count(len(added.misread), 'file')} with tags that claim to be Latin-1 but look like {first.encoding}: "
            f"“{first.text}” would read “{first.repaired}”; if that is right, run "
            f"`edge-emo songs add --tag-encoding {first.encoding} FOLDER`"
        )
    if added.unplaced_files:
        tell(f"without a known mood or genre: {_some(added.unplaced_files)}")
    if added.unknown_moods:
        tell(
            f"moods that are not known: {_some(added.unknown_moods)}; see “Correct a mood” in docs/how-to/own-music.md"
        )
    counts: dict[str, Any] = msgspec.to_builtins(added)
    lists = {name: counts.pop(name) for name in ("unreadable", "misread", "unplaced_files", "unknown_moods")}
    folders, unreadable = counts.pop("folders"), lists["unreadable"]
    if output == "text":
        counts["without a known mood or genre"] = counts.pop("unplaced")
        counts["unreadable"] = len(unreadable)
        told_counts = [f"{n} {'copy' if (name, n) == ('copies', 1) else name}" for name, n in counts.items() if n]
        click.echo(at + (", ".join(told_counts) or "no sound files"))
    elif output == "csv":
        reasons = [f"{file['path']}: {file['reason']}" for file in unreadable]
        told_lists = lists | {"unreadable": reasons, "misread": [tag["path"] for tag in lists["misread"]]}
        put_rows(output, [{"folders": folders, **counts, **told_lists}], None)
    else:
        put_rows(output, [added], AddedDocument(added))


def _some(names: Sequence[str]) -> str:
    """Return a few names, and how many more there are."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
