"""CSV files: read with their errors named, lists in one cell, and text that a spreadsheet takes for no formula."""

from __future__ import annotations

import csv
import errno
import io
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TextIO

from edge_emo.core.errors import SongListError
from edge_emo.core.text import printable

LONGEST_CELL = 100_000
"""Characters; more is no song's title but a file gone wrong."""

EXTRA = "\0"
"""The column of cells beyond those that the first line names."""

LONGEST_LINE = 16_000_000
"""Characters."""

_FORMULA = tuple("=+-@\t\r'")


def guarded(text: str) -> str:
    """Return text with an apostrophe before it where a spreadsheet would run it as a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def unguarded(text: str) -> str:
    """Return what `guarded` was given."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def joined(values: Iterable[object]) -> str:
    """Return a list as one cell, separated by "|"; a backslash stands before one that is part of a value."""
    return "|".join(str(value).replace("\\", "\\\\").replace("|", "\\|") for value in values)


def split(cell: str) -> tuple[str, ...]:
    """Return the values of a list that `joined` made, without blanks around them and without empty ones."""
    if "\\" not in cell:
        return tuple(value for part in cell.split("|") if (value := part.strip()))
    parts = re.findall(r"(?:\\.|[^|\\])+", cell, re.DOTALL)
    return tuple(value for part in parts if (value := re.sub(r"\\(.)", r"\1", part, flags=re.DOTALL).strip()))


@contextmanager
def opened(path: Path, encoding: str) -> Iterator[tuple[TextIO, Callable[[], float]]]:
    """Open a text file; also given is a function that says which share of it was read, 0 for a pipe.

    Raises SongListError where it cannot be opened, holds a line that is too long, or the encoding is not known.
    """
    try:
        io.TextIOWrapper(io.BytesIO(), encoding)  # refuses codecs that are none of text, as a look-up does not
    except (LookupError, ValueError) as error:
        raise SongListError(f"{printable(encoding)[:100]}: unknown encoding; try utf-8, utf-16-le or cp1252") from error
    try:
        with path.open("rb") as file:
            size = max(1, path.stat().st_size) if path.is_file() else math.inf
            yield _Text(file, encoding, newline=""), lambda: file.tell() / size if size < math.inf else 0.0
    except OSError as error:
        if error.filename != str(path) and error.errno != errno.EIO:  # of what was done while it was open
            raise
        raise SongListError(f"{printable(str(path))}: {error.strerror}; name a file that can be read") from error
    except ValueError as error:
        if "\0" not in str(path):
            raise
        raise SongListError(f"{str(path)!r}: not a possible path ({error}); name a file that can be read") from error


class _Text(io.TextIOWrapper):
    """Text of which no line is longer than `LONGEST_LINE`: what has none, such as a device, would fill the memory."""

    def __next__(self) -> str:  # type: ignore[override]
        line = self.readline(LONGEST_LINE + 1)
        if not line:
            raise StopIteration
        if len(line) > LONGEST_LINE:
            raise csv.Error(f"a line of more than {LONGEST_LINE} characters")
        return line


class CsvRows:
    """The rows of a CSV whose first line names the columns. Raises SongListError for what is none.

    Of several `delimiters` the one counts that the first line has most of: spreadsheets write semicolons where a comma
    stands before decimals.
    """

    def __init__(self, text: TextIO, path: Path, required: Sequence[str], delimiters: str = ",") -> None:
        csv.field_size_limit(LONGEST_CELL)
        self._path, self._encoding = path, text.encoding
        with self._errors(1):
            first_line = next(text, "")
            self.delimiter = max(delimiters, key=first_line.count)
            lines = chain([first_line], text)
            self._reader = csv.reader(lines, strict=True, delimiter=self.delimiter)
            self.columns = tuple(name.strip().casefold() for name in next(self._reader, ()))
        missing = [name for name in required if name not in self.columns]
        if missing:
            first = ", ".join(self.columns)
            separated = "; separate them by commas" if ";" in first or "\t" in first else ""
            raise SongListError(
                f"{path}: no column {' and no column '.join(missing)}; its first line must name the columns, "
                f"it says: {first[:200]}{separated}"
            )

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield the line of each row and its cells by column: what is too much under `EXTRA`, what lacks empty."""
        n = len(self.columns)
        line = self._reader.line_num + 1
        while True:
            try:  # a context of its own for each row would take as long as reading it
                cells = next(self._reader, None)
            except (UnicodeError, csv.Error):
                with self._errors(line):
                    raise
            if cells is None:
                return
            if cells:
                row = dict(zip(self.columns, cells + [""] * (n - len(cells)), strict=False))
                if len(cells) > n:
                    row[EXTRA] = self.delimiter.join(cells[n:])
                yield line, row
            line = self._reader.line_num + 1

    @contextmanager
    def _errors(self, line: int) -> Iterator[None]:
        try:
            yield
        except UnicodeError as error:
            raise SongListError(
                f"{self._path}, near line {line}: not {getattr(error, 'encoding', self._encoding)}; "
                "name its encoding, such as --encoding cp1252"
            ) from error
        except csv.Error as error:
            raise SongListError(
                f"{self._path}, line {line}: {error}; a quotation mark may be missing, there or before"
            ) from error
