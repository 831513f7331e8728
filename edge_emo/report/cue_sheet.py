"""Cue sheets: which song is heard when in a film, in seconds and in whole frames, and the credits that go with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from edge_emo.music.ranking.cues import Cue
from edge_emo.music.store.catalogue import Song
from edge_emo.music.store.licenses import credit_line, is_cc_by

_NO_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")  # what XML cannot hold


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


def credits_of(sheet: CueSheet) -> str:
    """Return the credits to paste under the video, each once, and what is left to do for the songs without one."""
    lines = list(dict.fromkeys(one_line(line) for cue in sheet.cues if (line := credit(cue.song))))
    others = [cue.song for cue in sheet.cues if not is_cc_by(cue.song.license)]
    parts = ["Paste these lines under the video:\n\nMusic:" if lines else "No song asks for a credit under the video."]
    parts += lines
    if others:
        parts.append("\nBefore you publish (not to be pasted):")
        parts += [f"- {label(song)}: {_to_do(song)}" for song in dict.fromkeys(others)]
    return "\n".join(parts) + "\n"


def _to_do(song: Song) -> str:
    where = f"To get it, {song.find}." if song.find and not song.path else song.link
    return one_line(" ".join(filter(None, [f"{song.license}.", song.usage, where])))
