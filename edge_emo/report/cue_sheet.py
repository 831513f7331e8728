"""Cue sheets: which song is heard when in a film, in seconds and in whole frames, and the credits that go with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from edge_emo.music.ranking.cues import Cue
from edge_emo.music.store.licenses import credit_line, is_cc_by
from edge_emo.music.store.song import Song

_NO_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")  # what XML cannot hold

_WHOLE_S = 1.0  # a song of which no more is left out, such as silence at its end, is not shortened


@dataclass(frozen=True)
class Edit:
    """A cue in whole frames: from `start` to `end` of the film, from `source_in` on of the song.

    `crosses_in` and `crosses_out` are the lengths of the crossfades with the songs before and after; the smaller half
    of each lies before `start` and `end`. `fade_out` is the length of a fade within, before silence.
    """

    cue: Cue
    start: int
    end: int
    source_in: int
    crosses_in: int
    crosses_out: int
    fade_out: int

    @property
    def before(self) -> int:
        """For how many frames before `start` the song is heard."""
        return self.crosses_in // 2

    @property
    def after(self) -> int:
        """For how many frames after `end` the song is heard."""
        return self.crosses_out - self.crosses_out // 2


@dataclass(frozen=True)
class CueSheet:
    """The cues of a film. `source` is its name as text, `path` where it is; `frame_rate` is that of the edit."""

    source: str
    path: Path
    duration_s: float
    frame_rate: Fraction
    has_picture: bool
    has_sound: bool
    cues: tuple[Cue, ...]

    def frame(self, seconds: float) -> int:
        """Return the nearest frame to a time."""
        return round(seconds * self.frame_rate)

    def edits(self) -> list[Edit]:
        """Return the cues in whole frames, in which they follow each other as they do in time."""
        found: list[Edit] = []
        reached = crosses_in = 0
        for cue, after in zip(self.cues, [*self.cues[1:], None], strict=True):
            start = max(reached, self.frame(cue.start_s))
            reached = max(start + 1, self.frame(cue.end_s))
            fade, crosses = self.frame(cue.fade_out_s), after is not None and cue.leads_into(after)
            source_in = crosses_in // 2 + self.frame(cue.source_in_s - cue.fade_in_s / 2)
            found.append(Edit(cue, start, reached, source_in, crosses_in, fade * crosses, fade * (not crosses)))
            crosses_in = fade * crosses
        return found


def label(song: Song) -> str:
    """Return what to call a song where a line is all there is: title and artist, or what it is known by."""
    return one_line(" - ".join(filter(None, [song.title, song.artist]))) or song.uid


def one_line(text: str) -> str:
    """Return text without breaks and control characters."""
    return " ".join(_NO_TEXT.sub(" ", text).split())


def credit(song: Song) -> str | None:
    """Return the credit line that a song asks for, None where it asks for none."""
    return song.credit or credit_line(song.license, song.license_url, song.title, song.artist, song.source, song.link)


def file_name(song: Song) -> str:
    """Return the name under which XML looks for a song without a file, beside the cue sheet."""
    return re.sub(r'[\\/:*?"<>|]', "_", label(song))[:200] + ".mp3"


def credits_of(sheet: CueSheet) -> str:
    """Return the credits for the description of a video, each once, the terms of other songs, and where to get all."""
    songs = list(dict.fromkeys(cue.song for cue in sheet.cues))
    lines: dict[str, set[str]] = {}
    for cue in sheet.cues:
        if line := credit(cue.song):
            lines.setdefault(one_line(line), set()).update(_changes(cue))
    parts = ["Copy these lines into the video's description:\n\nMusic:" if lines else "No song needs a credit line."]
    for line, changes in lines.items():
        parts.append(f"{line} ({', '.join(sorted(changes, reverse=True))})" if changes else line)
    if others := [song for song in songs if not is_cc_by(song.license)]:
        parts.append("\nBefore you publish (do not copy this part):")
        parts += [f"- {label(song)}: {_terms(song)}" for song in others]
    if missing := [song for song in songs if not song.path]:
        parts.append("\nTo get the music, download each song and save it beside the cue sheet under its name here:")
        parts += [f"- {file_name(song)}: {_where(song)}" for song in missing]
    return "\n".join(parts) + "\n"


def _changes(cue: Cue) -> set[str]:
    """Return how a film changes a song, which CC BY asks to say."""
    length_s = cue.song.duration_s
    is_faded = cue.fade_in_s > 0 or cue.fade_out_s > 0
    is_cut = length_s is not None and cue.source_out_s - cue.source_in_s < length_s - _WHOLE_S
    return {name for name, is_so in (("shortened", is_cut), ("faded", is_faded)) if is_so}


def _terms(song: Song) -> str:
    return one_line(" ".join(filter(None, [f"{song.license}.", song.usage])))


def _where(song: Song) -> str:
    """Return how to get a song; where its link is at best its artist's page, that comes second."""
    if song.find:
        return one_line(song.find + (f"; the artist's page: {song.link}" if song.link else ""))
    return one_line(song.link) or "no link is known; search for title and artist"
