"""Cue sheets read back: the CSV and the JSON that `edge-emo score` writes, as somebody edited them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
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
_OF_SONG = ("uid", "title", "artist")
_TIMES = {"start_s": "start", "end_s": "end"}
"""Columns of seconds, and those of time codes, which count where no seconds are given."""


def read(path: Path, frame_rate: Fraction) -> list[EditedCue]:
    """Return the cues of a cue sheet in CSV or JSON, time codes taken at `frame_rate`.

    Of its columns, the times, `uid`, `emotion` and the fades count; title, artist and licence follow from `uid`, and
    where it is empty say which song does not come again. A time may be given in seconds, as a time code, or as both
    where they are of the same frame. Raises CueSheetError.
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
    found = []
    for place, row in rows:
        try:
            found.append(_edited(row, frame_rate))
        except ValueError as error:
            raise CueSheetError(f"{path}, {place}: {error}") from error
    return found


def _csv_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with opened(path, "utf-8-sig") as (text, _):
        rows = CsvRows(text, path, ("uid", "emotion"))
        for line, row in rows:
            if EXTRA in row:
                raise CueSheetError(f"{path}, line {line}: more cells than columns; put text with commas in quotes")
            yield f"line {line}", {name: unguarded(cell) for name, cell in row.items() if cell.strip()}


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


def _edited(row: Mapping[str, Any], rate: Fraction) -> EditedCue:
    given = {name: row[name] for name in _FIELDS if row.get(name) is not None}
    for name, code in _TIMES.items():
        if code in row:
            frame = frame_of(str(row[code]), rate)
            try:
                apart = abs(float(given.get(name, frame / rate)) * float(rate) - frame)
            except ValueError:
                raise ValueError(f"column {name}: {given[name]!r} is not a number of seconds") from None
            if not apart < _SAME_FRAME:
                raise ValueError(
                    f"{code} {row[code]} and {name} {given[name]} differ; leave one of them empty, or "
                    "set --frame-rate to that of the sheet"
                )
            given.setdefault(name, float(frame / rate))
        if name not in given:
            raise ValueError(f"no {name} and no {code}; give one of them")
    if given.get("emotion") not in (None, *EMOTIONS):
        raise ValueError(f"emotion {given['emotion']!r} is unknown; use one of {', '.join(EMOTIONS)}")
    try:
        return msgspec.convert(given, EditedCue, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(str(error).replace("`", "")) from error
