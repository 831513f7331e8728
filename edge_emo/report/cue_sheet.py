"""Cue sheets: which song is heard when in a film, for editing programs, and the credits to publish with it."""

from __future__ import annotations

import csv
import importlib.util
import io
import os
import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from edge_emo.errors import CueSheetError, ExtraMissingError
from edge_emo.files import atomic_write
from edge_emo.music.catalogue import Song
from edge_emo.music.csv_files import guarded
from edge_emo.music.licenses import credit_line, is_cc_by
from edge_emo.music.score import Cue
from edge_emo.report.timecode import RATES, timecode

EDIT_FORMATS = {
    ".otio": ("otio_json", "opentimelineio"),
    ".edl": ("cmx_3600", "otio_cmx3600_adapter"),
    ".xml": ("fcp_xml", "otio_fcp_adapter"),
    ".fcpxml": ("fcpx_xml", "otio_fcpx_xml_adapter"),
}
"""By suffix, the adapter of OpenTimelineIO that writes a format, and the module it is in."""

FCPX_RATES = {name: rate for name, rate in RATES.items() if rate != 48}
"""Frames a second that Final Cut Pro knows."""

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


def credits_path(path: Path) -> Path:
    """Return where the credits of a cue sheet are written: beside it."""
    return path.with_name(f"{path.name}.credits.txt")


def check(path: Path, frame_rate: Fraction, *, may_replace: bool = False) -> None:
    """Raise what `write` would, as far as it can be known before there are cues.

    That is CueSheetError for an unknown format, a folder that is not there or not writable, a frame rate that the
    format does not hold, and, unless it `may_replace` them, files that are there; ExtraMissingError without the
    library that writes the format.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise CueSheetError(f"{path}: no known cue sheet; end its name in one of {', '.join(SUFFIXES)}")
    if suffix in EDIT_FORMATS and not all(
        importlib.util.find_spec(module) for module in ("opentimelineio", EDIT_FORMATS[suffix][1])
    ):
        raise ExtraMissingError(
            f"{path}: needs OpenTimelineIO (pip install 'edge-emo[score]', up to Python 3.13); "
            f"{' and '.join(_TEXTS)} work without"
        )
    if suffix == ".fcpxml" and frame_rate not in FCPX_RATES.values():
        raise CueSheetError(
            f"{path}: Final Cut Pro edits at {', '.join(FCPX_RATES)} frames a second, not {float(frame_rate):.5g}; "
            "end the name in .xml (Premiere, Resolve), or give a --frame-rate that the film can be conformed to"
        )
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise CueSheetError(f"{path}: its folder is not there or not writable; name another, or make it")
    for each in (path, credits_path(path)):
        if each.is_dir() or (each.exists() and not may_replace):
            raise CueSheetError(f"{each}: is there already; give another name, or --force to replace it")


def write(sheet: CueSheet, path: Path, *, may_replace: bool = False) -> list[Path]:
    """Write a cue sheet in the format that its name ends in, and the credits beside it; return both paths.

    Both are written whole or not at all. Raises CueSheetError and ExtraMissingError, see `check`.
    """
    check(path, sheet.frame_rate, may_replace=may_replace)
    suffix = path.suffix.lower()
    if suffix in EDIT_FORMATS:
        from edge_emo.report.edit_decisions import written

        text = written(sheet, EDIT_FORMATS[suffix][0], path.absolute().parent)
    else:
        text = _TEXTS[suffix](sheet)
    contents = {path: text, credits_path(path): credits_of(sheet)}
    try:
        with ExitStack() as stack:
            drafts = [stack.enter_context(atomic_write(each)) for each in contents]
            for draft, content in zip(drafts, contents.values(), strict=True):
                draft.write_text(content, encoding="utf-8", newline="")
    except OSError as error:
        raise CueSheetError(
            f"{error.filename or path}: cannot be written ({error.strerror}); make room, or name another folder"
        ) from error
    return list(contents)


def rows(sheet: CueSheet) -> list[dict[str, Any]]:
    """Return the cues as flat rows: time codes at the frame rate of the edit, seconds, and the song."""
    return [
        {
            "cue": number,
            "start": timecode(edit.start, sheet.frame_rate),
            "end": timecode(edit.end, sheet.frame_rate),
            "start_s": cue.start_s,
            "end_s": cue.end_s,
            "emotion": cue.emotion,
            "found": cue.found,
            "title": cue.song.title,
            "artist": cue.song.artist,
            "source_in_s": cue.source_in_s,
            "source_out_s": cue.source_out_s,
            "fade_in_s": cue.fade_in_s,
            "fade_out_s": cue.fade_out_s,
            "license": cue.song.license,
            "credit": credit(cue.song),
            "link": cue.song.link,
            "path": cue.song.path,
            "uid": cue.song.uid,
            "probability": cue.probability,
            "is_sure": cue.is_sure,
            "disagree": cue.disagree,
            "by_hand": cue.by_hand,
            "reason": cue.reason,
        }
        for number, edit in enumerate(sheet.edits(), start=1)
        for cue in [edit.cue]
    ]


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
    return one_line(" ".join(filter(None, [f"{song.license}.", song.usage, song.link])))


def _as_csv(sheet: CueSheet) -> str:
    buffer = io.StringIO()
    found = rows(sheet)
    writer = csv.DictWriter(buffer, found[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in found)
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    return guarded(value) if isinstance(value, str) else round(value, 6) if isinstance(value, float) else value


def _as_labels(sheet: CueSheet) -> str:
    """Return a label track for Audacity."""
    return "".join(f"{cue.start_s:.6f}\t{cue.end_s:.6f}\t{cue.found}: {label(cue.song)}\n" for cue in sheet.cues)


_TEXTS: dict[str, Callable[[CueSheet], str]] = {".csv": _as_csv, ".txt": _as_labels}

SUFFIXES = (*EDIT_FORMATS, *_TEXTS)
"""Ends of names by which a cue sheet gets its format."""
