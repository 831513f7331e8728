"""The formats of cue sheets: four of editing programs, CSV, and labels for Audacity."""

from __future__ import annotations

import csv
import importlib.util
import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from edge_emo.core.errors import CueSheetError, ExtraMissingError
from edge_emo.core.text import to_install
from edge_emo.core.timecode import RATES, timecode
from edge_emo.music.library.csv_files import guarded
from edge_emo.report.cue_sheet import CueSheet, credit, label

EDIT_FORMATS = {
    ".otio": ("otio_json", "opentimelineio"),
    ".edl": ("cmx_3600", "otio_cmx3600_adapter"),
    ".xml": ("fcp_xml", "otio_fcp_adapter"),
    ".fcpxml": ("fcpx_xml", "otio_fcpx_xml_adapter"),
}
"""By suffix, the adapter of OpenTimelineIO that writes a format, and the module it is in."""

FCPX_RATES = {name: rate for name, rate in RATES.items() if rate != 48}
"""Frames a second that Final Cut Pro knows."""


def check_format(path: Path, frame_rate: Fraction) -> None:
    """Raise what `rendered` would for a file of that name.

    That is CueSheetError for an unknown format and for a frame rate that the format does not hold, ExtraMissingError
    without the library that writes the format.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise CueSheetError(f"{path}: no known cue sheet; end its name in one of {', '.join(SUFFIXES)}")
    if suffix in EDIT_FORMATS and not all(
        importlib.util.find_spec(module) for module in ("opentimelineio", EDIT_FORMATS[suffix][1])
    ):
        raise ExtraMissingError(
            f"{path}: needs OpenTimelineIO, for Python up to 3.13; {to_install('score')}; "
            f"{' and '.join(_TEXTS)} work without"
        )
    if suffix == ".fcpxml" and frame_rate not in FCPX_RATES.values():
        raise CueSheetError(
            f"{path}: Final Cut Pro edits at {', '.join(FCPX_RATES)} frames a second, not {float(frame_rate):.5g}; "
            "end the name in .xml (Premiere, Resolve), or give a --frame-rate that the film can be conformed to"
        )


def rendered(sheet: CueSheet, path: Path) -> str:
    """Return a cue sheet in the format that the name of `path` ends in, where it is going to be written.

    Raises CueSheetError and ExtraMissingError, see `check_format`.
    """
    check_format(path, sheet.frame_rate)
    suffix = path.suffix.lower()
    if suffix in _TEXTS:
        return _TEXTS[suffix](sheet)
    from edge_emo.report.edit_decisions import written

    return written(sheet, EDIT_FORMATS[suffix][0], path.absolute().parent)


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
