"""Lists of songs for people: a line for each song, all about one, and what holds for several, said once below."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.text import plain
from edge_emo.music.store.licenses import AUDIO_LIBRARY, UNKNOWN, in_a_word
from edge_emo.music.store.song import Song

Strong = Callable[[str], str]
"""What makes text stand out where it is going to be read, such as bold on a terminal; `str` leaves it as it is."""

_WIDEST = 60  # columns for title and artist where the width is not known
_NARROWEST = 10
_UNKNOWN = "fine to listen to. Before you publish a video with it, ask whoever holds the rights, unless that is you."
_SUITED = 0.1  # probability from which on an emotion is named
_FROM = {"moods": "from its mood tags", "genre": "from its genre", "given": "as given"}


def rows(
    songs: Sequence[Song],
    *,
    before: Sequence[str] = (),
    after: Sequence[str] = (),
    width: int | None = None,
    strong: Strong = str,
) -> list[str]:
    """Return a line for each song: title, artist, length and licence in a word, in columns.

    `before` and `after` hold a text for each song, such as its number. A title that does not fit into `width` columns
    is cut.
    """
    names = [" – ".join(filter(None, [plain(song.title), plain(song.artist)])) for song in songs]
    starts = _column(before or [""] * len(songs))
    lengths = _column([clock(song.duration_s) for song in songs], right=True)
    licenses = _column([plain(in_a_word(song.license)) for song in songs])
    ends = [
        "  ".join([length, license, plain(note)]).rstrip()
        for length, license, note in zip(lengths, licenses, after or [""] * len(songs), strict=True)
    ]
    room = _WIDEST
    if width is not None:
        room = width - max(map(columns, starts), default=0) - max(map(columns, ends), default=0) - 2
        names = [_cut(name, max(_NARROWEST, room)) for name in names]
    wide = min(max(map(columns, names), default=0), max(_NARROWEST, room))
    return [
        f"{start}{_strong_title(name, song, strong)}{' ' * max(0, wide - columns(name))}  {end}"
        for start, name, song, end in zip(starts, names, songs, ends, strict=True)
    ]


def details(song: Song, strong: Strong = str) -> str:
    """Return all that matters of a song, a line for each thing."""
    by = f" by {plain(song.artist)}" if song.artist else ""
    tempo = f"{song.bpm:g} bpm" if song.bpm else ""
    about = filter(None, [clock(song.duration_s), song.genre, "/".join(song.moods), tempo, "/".join(song.instruments)])
    lines = [f"{strong(plain(song.title))}{by}", plain(", ".join(about)), f"UID {plain(song.uid)}"]
    lines += [suits(song), f"licence: {plain(song.license)}"]
    if song.credit:
        lines.append(f"credit: {plain(song.credit)}")
    if song.link and song.link not in (song.credit or ""):
        lines.append(f"{'artist' if song.find else 'link'}: {plain(song.link)}")
    if song.path:
        lines.append(f"file: {plain(song.path)}")
    return "\n    ".join(filter(None, lines))


def suits(song: Song) -> str:
    """Return which emotions a song suits, how well, and what says so."""
    if song.mood_from == "nothing":
        return "suits: not known, as neither its mood tags nor its genre are"
    ranked = sorted(zip(EMOTIONS, song.probabilities, strict=True), key=lambda item: -item[1])
    named = [item for item in ranked if item[1] >= _SUITED] or ranked[:1]
    emotions = ", ".join(f"{emotion} {probability:.0%}" for emotion, probability in named)
    return f"suits: {emotions} ({plain(_FROM.get(song.mood_from, song.mood_from))})"


def legend(songs: Sequence[Song]) -> list[str]:
    """Return what the licences of a list allow, a line for each."""
    usages = {in_a_word(song.license): _UNKNOWN if song.license == UNKNOWN else song.usage for song in songs}
    return [f"{plain(word)}: {plain(usage)}" for word, usage in sorted(usages.items()) if usage]


def footnotes(songs: Sequence[Song], *, detailed: bool) -> list[str]:
    """Return what the licences of a list allow, where its credit lines are, and how to find what has no link."""
    lines = legend(songs)
    searched = {in_a_word(song.license) for song in songs if song.find and not song.path}
    if searched:  # some of its songs are under CC BY, and then its name is nowhere in the list
        which = "From the Audio Library" if searched == {"Audio Library"} else "Songs without a link of their own"
        lines.append(f"{which}: search for title and artist at {AUDIO_LIBRARY}.")
    if any(song.credit for song in songs) and not detailed:
        lines.append("Credit lines and links: --details.")
    return lines


def clock(seconds: float | None) -> str:
    """Return a length in minutes and seconds, nothing for an unknown one."""
    return "" if seconds is None else f"{int(seconds // 60)}:{int(seconds % 60):02d}"


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(_columns_of(character) for character in text)


def _columns_of(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) == "Cf":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _column(texts: Sequence[str], *, right: bool = False) -> list[str]:
    wide = max(map(columns, texts), default=0)
    return [" " * (wide - columns(text)) + text if right else text + " " * (wide - columns(text)) for text in texts]


def _cut(text: str, room: int) -> str:
    """Return as much of a text as fits, with an ellipsis where some of it does not."""
    if columns(text) <= room:
        return text
    ends = list(accumulate(map(_columns_of, text)))
    return text[: bisect_right(ends, room - 1)].rstrip() + "…"


def _strong_title(name: str, song: Song, strong: Strong) -> str:
    title = plain(song.title)
    return strong(title) + name[len(title) :] if name.startswith(title) else strong(name)
