"""Songs in and out as CSV and JSON lines: what is exported comes back the same."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, TextIO

import msgspec

from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.errors import SongListError
from edge_emo.core.text import printable
from edge_emo.music.library.corrections import corrected
from edge_emo.music.library.csv_files import EXTRA, CsvRows, guarded, joined, opened, split, unguarded
from edge_emo.music.store.catalogue import Catalogue
from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.record import SongRecord
from edge_emo.music.store.song import Song
from edge_emo.music.store.writer import SongWriter

Format = Literal["csv", "jsonl"]

_FIELDS = tuple(name for name in SongRecord.__struct_fields__ if name != "probabilities")
_IS_FIELD, _IS_SHARE = frozenset(_FIELDS), frozenset(EMOTIONS)
COLUMNS = (*_FIELDS, *EMOTIONS)
"""Columns of the CSV; `title` and `artist` must be there."""

ADVICE = "Correct it, or leave such rows out with --skip-bad"
_BATCH = 1000
_WHERE = re.compile(r" - at `\$\.(\w+)(?:\[(\d+)\])?`")  # how msgspec names a field


@dataclass(frozen=True)
class Rejected:
    """A row that was not taken, and why; lines count from 1."""

    line: int
    reason: str


@dataclass(frozen=True)
class Imported:
    """How many songs were written, and what was not taken.

    `repeated` rows name a song without `uid` that was there before, of the same title and artist; the last one counts.
    """

    songs: int
    repeated: int
    rejected: tuple[Rejected, ...]
    unused_columns: tuple[str, ...]


def import_songs(
    database: UserDatabase,
    file: str | Path,
    *,
    format: Format | None = None,
    encoding: str = "utf-8-sig",
    skip_bad: bool = False,
    on_progress: Callable[[float], object] = lambda share: None,
) -> Imported:
    """Write the songs of a file into the user's database; a song with a known `uid` takes the place of that one.

    Where its moods, genre or title are others and its figures still those of that song, they are worked out anew.
    It is one transaction: where it fails or is interrupted, nothing has changed. With `skip_bad`, rows that cannot be
    taken are reported and the others written. `format` follows from the ending of the name. Raises SongListError for
    a file that cannot be read or a row that cannot be taken, UserDataError where the database cannot be written.
    """
    path = Path(file)
    chosen = format or format_of(path)
    rejected: list[Rejected] = []
    seen: set[str] = set()
    written: set[int] = set()
    n_rows = 0
    with (
        Catalogue(own=database.path) as known,
        opened(path, encoding) as (text, share_read),
        database.transaction() as connection,
    ):
        writer = SongWriter(connection, many=True)
        rows = CsvRows(text, path, ("title", "artist")) if chosen == "csv" else _Lines(text, path)
        for line, row in rows:
            try:
                record = of_cells(row) if isinstance(row, dict) else _decoder.decode(row)
                if record.uid and record.uid in seen:
                    raise ValueError(f"the uid {record.uid} was there before")
                written.add(writer.put(corrected(record, known)))
            except ValueError as error:
                if not skip_bad:
                    raise SongListError(
                        f"{path}, line {line}: {plainly(error)}; nothing was imported. {ADVICE}"
                    ) from error
                rejected.append(Rejected(line, plainly(error)))
                continue
            seen.add(record.uid)
            n_rows += 1
            if line % _BATCH == 0:
                on_progress(share_read())
        writer.flush()
    return Imported(
        len(written),
        n_rows - len(written),
        tuple(rejected),
        tuple(name for name in rows.columns if name not in COLUMNS),
    )


def write_songs(songs: Iterable[Song], file: IO[str], format: Format) -> int:
    """Write songs to an open text file (for CSV opened with `newline=""`), and return how many."""
    n = 0
    writer = csv.writer(file)  # its line ends are those of RFC 4180; else a carriage return inside would stay unquoted
    if format == "csv":
        writer.writerow(COLUMNS)
    for song in songs:
        if format == "csv":
            writer.writerow(_cells(song))
        else:
            fields = {name: getattr(song, name) for name in SongRecord.__struct_fields__}
            file.write(msgspec.json.encode(fields).decode() + "\n")
        n += 1
    return n


def format_of(path: Path) -> Format:
    """Return the format that the ending of a name stands for. Raises SongListError."""
    formats: dict[str, Format] = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
    if path.suffix.lower() not in formats:
        raise SongListError(f"{path.name}: lists of songs end in {', '.join(formats)}; rename it, or name its format")
    return formats[path.suffix.lower()]


class _Lines:
    """The lines of a file of JSON objects that are not empty."""

    columns: tuple[str, ...] = ()

    def __init__(self, text: TextIO, path: Path) -> None:
        self._text, self._path = text, path

    def __iter__(self) -> Iterator[tuple[int, str]]:
        number = 0
        try:
            for number, line in enumerate(self._text, start=1):
                if line.strip():
                    yield number, line
        except UnicodeError as error:
            raise SongListError(
                f"{self._path}, near line {number + 1}: not {getattr(error, 'encoding', self._text.encoding)}; "
                "name its encoding with --encoding"
            ) from error
        except csv.Error as error:
            raise SongListError(
                f"{self._path}, line {number + 1}: {error}; give each song a line of its own"
            ) from error


def plainly(error: ValueError) -> str:
    """Return what is wrong with a row, by the name of its column."""
    if isinstance(error, UnicodeEncodeError):
        return f"holds half of a character ({printable(error.object)[:100]!r})"
    found = _WHERE.search(str(error))
    if found is None:
        return str(error)
    column = EMOTIONS[int(found[2])] if found[1] == "probabilities" and found[2] else found[1]
    return f"column {column}: {_WHERE.sub('', str(error)).replace(' | null', '').replace('`', '')}"


def of_cells(row: Mapping[str, str], source: str = "own") -> SongRecord:
    """Return the song of a row of a CSV. Raises ValueError for one that cannot be taken."""
    if EXTRA in row:
        raise ValueError("more cells than columns")
    given: dict[str, Any] = {"artist": "", "source": source}
    for name, cell in row.items():
        if not cell:
            continue
        cell.encode()  # escapes of some encodings leave halves of surrogate pairs
        if name in _IS_SHARE:
            given["probabilities"] = [row.get(each) or 0 for each in EMOTIONS]
        elif name in ("moods", "instruments"):
            given[name] = split(unguarded(cell))
        elif name in _IS_FIELD:
            given[name] = unguarded(cell)
    return msgspec.convert(given, SongRecord, strict=False)


def _cells(song: Song) -> list[str]:
    row = []
    for name in _FIELDS:
        value = getattr(song, name)
        if value is None:
            row.append("")
        elif isinstance(value, tuple):
            row.append(guarded(joined(value)))
        else:
            row.append(guarded(value) if isinstance(value, str) else repr(value))
    return row + [repr(share) for share in song.probabilities]


_decoder = msgspec.json.Decoder(SongRecord)
