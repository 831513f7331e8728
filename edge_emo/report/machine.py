"""JSON, JSON lines and CSV: the formats for programs, in UTF-8 wherever they go."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from edge_emo.app.documents import Recommended
from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.text import printable
from edge_emo.core.timeline import Reading
from edge_emo.music.library.csv_files import guarded, joined

_LARGEST_INDENTED = 10_000_000
"""Bytes; a larger document is read by programs alone, and indenting takes three times its memory."""


def json_document(document: Any) -> bytes:
    """Return one JSON document, indented unless it is very large."""
    encoded = _encoded(document)
    return (msgspec.json.format(encoded, indent=2) if len(encoded) <= _LARGEST_INDENTED else encoded) + b"\n"


def json_line(value: Any) -> bytes:
    """Return one value as a line of JSON."""
    return _encoded(value) + b"\n"


def _encoded(value: Any) -> bytes:
    """Return a value as JSON; names that are no UTF-8 as they can be printed."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return printable(json.dumps(msgspec.to_builtins(value), ensure_ascii=False)).encode()


class CsvLines:
    """Turns flat rows into lines of CSV, the header before the first; lists inside a cell are joined by "|".

    Text that a spreadsheet would run as a formula gets an apostrophe before it.
    """

    def __init__(self) -> None:
        self._started = False

    def __call__(self, row: Any) -> bytes:
        """Return a dataclass or mapping as a row."""
        cells = row if isinstance(row, Mapping) else msgspec.to_builtins(row)
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        if not self._started:
            writer.writerow(cells)
        writer.writerow(_cell(value) for value in cells.values())
        self._started = True
        return printable(buffer.getvalue()).encode()


def rendered(output: str, rows: Iterable[Any], document: Any) -> Iterator[bytes]:
    """Yield `rows` as JSON lines or CSV, or the `document` that holds them as JSON."""
    if output == "json":
        yield json_document(document)
    else:
        yield from map(json_line if output == "jsonl" else CsvLines(), rows)


def reading_row(source: str, reading: Reading) -> dict[str, Any]:
    """Return a reading as one flat row, a column for each emotion's probability."""
    row = {"source": source, **msgspec.to_builtins(reading)}
    probabilities = row.pop("probabilities")
    return {**row, **dict(zip(EMOTIONS, probabilities, strict=True))}


def song_rows(result: Recommended) -> Iterator[dict[str, Any]]:
    """Yield the songs of a result as flat rows."""
    timeline = result.timeline
    source, emotion = (timeline.source, timeline.summary.emotion) if timeline else (None, result.mood)
    for rank, item in enumerate(result.songs, start=1):
        about = msgspec.to_builtins(item)
        song = about.pop("song")
        song["song_source"] = song.pop("source")
        yield {"source": source, "emotion": emotion, "rank": rank, **song, **about}


def _cell(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return guarded(joined(_rounded(each) for each in value))
    return guarded(value) if isinstance(value, str) else _rounded(value)


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value
