"""Cue sheets read back: the CSV and the JSON that `edge-emo score` writes, as somebody edited them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import zip_longest
from os.path import isfile
from pathlib import Path
from typing import Any, Final

import msgspec

from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.errors import CueSheetError, SongListError
from edge_emo.core.timecode import frame_of
from edge_emo.music.library.csv_files import EXTRA, CsvRows, opened, unguarded
from edge_emo.music.ranking.cues import EditedCue

SUFFIXES: Final = (".csv", ".json")
"""Ends of names of cue sheets that can be read."""

_MOST_BYTES = 50_000_000
_SAME_FRAME = 0.51  # frames: half of one, and what is lost where seconds are written in millionths
_FIELDS = EditedCue.__struct_fields__
_OF_SONG = ("uid", "title", "artist", "license")
_OF_FINDING = ("probability", "is_sure", "disagree", "by_hand", "reason")
_CLOCK = re.compile(r"(\d+):([0-5]\d(?:[.,]\d+)?)")  # a time code has four parts
_NUMBERS = {"start_s", "end_s", "source_in_s", "fade_in_s", "fade_out_s", "probability"}
_TIMES = {"start_s": "start", "end_s": "end"}
"""Columns of seconds, and those of time codes, which count where no seconds are given."""


def read(path: Path, frame_rate: Fraction) -> list[EditedCue]:
    """Return the cues of a cue sheet in CSV or JSON, time codes taken at `frame_rate`.

    Of its columns, the times, `uid`, `emotion` and the fades count; title and artist follow from `uid`, and where it is
    empty say which song does not come again. What was found counts only as long as `found` names the `emotion`; else
    the emotion was chosen by hand. A time may be given in seconds, as a time code, as minutes and seconds (1:05.5), or
    in two ways where both are of the same frame; a cue without an end ends where the next begins. Cells of a CSV are
    separated by commas or by semicolons. Raises CueSheetError.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise CueSheetError(
            f"{path}: not a cue sheet to read back; name a {' or '.join(SUFFIXES)} file that `edge-emo score` wrote"
        )
    if not isfile(path) or path.stat().st_size > _MOST_BYTES:
        raise CueSheetError(f"{path}: no such file, or too large for a cue sheet; name one that `edge-emo score` wrote")
    try:
        rows = list(_csv_rows(path) if path.suffix.lower() == ".csv" else _json_rows(path))
    except SongListError as error:
        raise CueSheetError(str(error)) from error
    found: list[EditedCue] = []
    for (place, row), (_, following) in zip_longest(rows, rows[1:], fillvalue=("", {})):
        try:
            found.append(_edited(row, following, frame_rate))
        except ValueError as error:
            raise CueSheetError(f"{path}, {place}: {error}") from error
    return found


def _csv_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with opened(path, "utf-8-sig") as (text, _):
        rows = CsvRows(text, path, ("uid", "emotion"), ",;\t")
        for line, row in rows:
            if EXTRA in row:
                raise CueSheetError(
                    f"{path}, line {line}: more cells than columns; put text that contains "
                    f"{'commas' if rows.delimiter == ',' else 'the delimiter'} in quotes"
                )
            cells = {name: unguarded(cell) for name, cell in row.items() if cell.strip()}
            if rows.delimiter == ";":  # as written where a comma stands before decimals
                cells |= {name: cells[name].replace(",", ".") for name in _NUMBERS & cells.keys()}
            if "found" in row and cells.get("emotion", "") not in re.findall(r"\w+", row["found"]):
                cells = {name: cell for name, cell in cells.items() if name not in _OF_FINDING}
            yield f"line {line}", cells


def _json_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        document = msgspec.json.decode(path.read_bytes(), type=_Document)
    except OSError as error:
        raise CueSheetError(f"{path}: {error.strerror}; check its permissions") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise CueSheetError(f"{path}: not the output of `edge-emo score --json` ({error})") from error
    if len(document.results) != 1:
        raise CueSheetError(f"{path}: contains the cues of {len(document.results)} films; keep only one of them")
    for number, cue in enumerate(document.results[0].cues, start=1):
        row = {name: value for name, value in cue.items() if value is not None}
        song = row.pop("song", None)
        of_song = {name: song.get(name) for name in _OF_SONG} if isinstance(song, Mapping) else {}
        yield f"cue {number}", {**row, **of_song}


class _Result(msgspec.Struct):
    cues: list[dict[str, Any]]


class _Document(msgspec.Struct):
    results: list[_Result]


def _edited(row: Mapping[str, Any], following: Mapping[str, Any], rate: Fraction) -> EditedCue:
    """Return the cue of a row, up to the `following` one where it has no end. Raises ValueError."""
    given = {name: row[name] for name in _FIELDS if row.get(name) is not None}
    for name, code in _TIMES.items():
        time_s = _time(row, name, rate)
        if time_s is None and name == "end_s":
            time_s = _time(following, "start_s", rate)
        if time_s is None:
            raise ValueError(f"no {name} and no {code}; give one of them")
        given[name] = time_s
    if given.get("emotion") not in (None, *EMOTIONS):
        raise ValueError(f"emotion {given['emotion']!r} is unknown; use one of {', '.join(EMOTIONS)}")
    try:
        return msgspec.convert(given, EditedCue, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(str(error).replace("`", "")) from error


def _time(row: Mapping[str, Any], name: str, rate: Fraction) -> float | None:
    """Return a time of a row in seconds, None where it gives none. Raises ValueError."""
    given, code = row.get(name), row.get(_TIMES[name])
    time_s = None if code is None else _seconds(str(code), rate)
    if given is None:
        return time_s
    try:
        given_s = msgspec.convert(given, float, strict=False)
    except msgspec.ValidationError:
        raise ValueError(f"column {name}: {given!r} is not a number of seconds") from None
    if time_s is not None and not abs(given_s - time_s) * rate < _SAME_FRAME:
        raise ValueError(
            f"{_TIMES[name]} {code} and {name} {given} differ; leave one of them empty, or set --frame-rate to that of "
            "the sheet"
        )
    return given_s


def _seconds(text: str, rate: Fraction) -> float:
    """Return a time that is given as minutes and seconds, or as a time code. Raises ValueError."""
    if clock := _CLOCK.fullmatch(text.strip()):
        return 60 * int(clock[1]) + float(clock[2].replace(",", "."))
    try:
        return float(frame_of(text, rate) / rate)
    except ValueError as error:
        raise ValueError(f"{error}, or as minutes and seconds, such as 1:05.5") from error
