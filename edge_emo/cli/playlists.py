"""--playlist and --play: where the songs go that were recommended."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from edge_emo.cli.terminal import tell
from edge_emo.core.text import count

if TYPE_CHECKING:
    from edge_emo.music.ranking.choice import Recommendation
    from edge_emo.music.store.song import Song

F = TypeVar("F", bound=Callable[..., Any])


def playlist_options(function: F) -> F:
    """Add --playlist and --play; the command receives `playlist` and `play`."""
    for option in (
        click.option(
            "--play", is_flag=True, help="Play the songs that are files on this machine, in the system's player."
        ),
        click.option(
            "--playlist",
            type=click.Path(dir_okay=False),
            callback=_playlist,
            help="Also write the songs to a playlist: .m3u8, .m3u or .xspf.",
        ),
    ):
        function = option(function)
    return function


def deliver(items: Sequence[Recommendation], playlist: str | None, play: bool, data_dir: str | None) -> None:
    """Write songs to a playlist and play them, each once; what was written or left out is told on standard error.

    Raises PlaylistError where the playlist cannot be written or nothing can be played.
    """
    if not items or not (playlist or play):
        if playlist:
            tell(f"{playlist}: not written, as there is no song for it")
        return
    from edge_emo.music.library.playlist import write_playlist

    there = [_as_it_is(song) for song in {item.song.uid: item.song for item in items}.values()]
    if playlist:
        left_out = write_playlist(playlist, there)
        for song in left_out:
            tell(f"{song.title}: has neither a file nor a link, so it is not in {playlist}")
        written = {song.uid for song in there} - {song.uid for song in left_out}
        unfit = len(written - {item.song.uid for item in items if item.fits})
        note = f", {unfit} of which {'does' if unfit == 1 else 'do'} not fit" if unfit else ""
        tell(f"{playlist}: {count(len(written), 'song')} written{note}")
        if pages := sum(1 for song in there if song.link and not song.path):
            tell(f"{pages} of the songs are links to web pages; not every player opens those")
    if play:
        _play([song for song in there if song.path], data_dir)


def _play(songs: Sequence[Song], data_dir: str | None) -> None:
    from edge_emo.core.errors import PlaylistError
    from edge_emo.music.library.playlist import write_playlist
    from edge_emo.music.store.database import data_folder
    from edge_emo.music.store.privacy import PLAYLIST

    if not songs:
        raise PlaylistError(
            "none of these songs is a file on this machine; add your music with `edge-emo songs add`, then use --local"
        )
    path = data_folder(data_dir) / PLAYLIST
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise PlaylistError(
            f"{path.parent}: cannot be created ({error.strerror}); choose another --data-dir"
        ) from error
    write_playlist(path, songs)
    with _stdout_as_stderr():
        # elsewhere the starter returns by itself, and waiting would last until the player is closed
        code = click.launch(str(path), wait=sys.platform.startswith("linux"))
    if code:
        raise PlaylistError(f"{path}: no player could open it (code {code}); open it yourself, or install a player")


def _as_it_is(song: Song) -> Song:
    """Return the song, without its path if the file is gone."""
    if song.path is None or os.path.isfile(song.path):
        return song
    tell(f"{song.path}: is gone; run `edge-emo songs add` on its folder again")
    return replace(song, path=None)


@contextmanager
def _stdout_as_stderr() -> Iterator[None]:
    """Let what a player prints go to standard error, as standard output is for data."""
    if sys.stdout is None or sys.stderr is None:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _playlist(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        from edge_emo.core.errors import PlaylistError
        from edge_emo.music.library.playlist import check

        try:
            check(value)
        except PlaylistError as error:
            raise click.BadParameter(str(error)) from error
    return value
