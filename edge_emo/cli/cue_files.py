"""The files of a cue sheet: the sheet itself, and the credits beside it."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

from edge_emo.core.errors import CueSheetError
from edge_emo.core.files import atomic_writes
from edge_emo.report.cue_formats import check_format, rendered
from edge_emo.report.cue_sheet import CueSheet, credits_of


def credits_path(path: Path) -> Path:
    """Return where the credits of a cue sheet are written: beside it."""
    return path.with_name(f"{path.name}.credits.txt")


def check(path: Path, frame_rate: Fraction, *, may_replace: bool = False) -> None:
    """Raise what `write` would, as far as it can be known before there are cues.

    That is what `check_format` raises, and CueSheetError for a folder that is not there or not writable, and, unless it
    `may_replace` them, for files that are there.
    """
    check_format(path, frame_rate)
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise CueSheetError(f"{path}: its folder does not exist or is read-only; create it, or choose another")
    for each in (path, credits_path(path)):
        if each.is_dir() or (each.exists() and not may_replace):
            raise CueSheetError(f"{each}: already exists; choose another name, or overwrite it with --force")


def write(sheet: CueSheet, path: Path, *, may_replace: bool = False) -> list[Path]:
    """Write a cue sheet in the format that its name ends in, and the credits beside it; return both paths.

    Both are written whole or not at all. Raises CueSheetError and ExtraMissingError, see `check`.
    """
    check(path, sheet.frame_rate, may_replace=may_replace)
    contents = {path: rendered(sheet, path), credits_path(path): credits_of(sheet)}
    try:
        with atomic_writes(contents) as drafts:
            for draft, content in zip(drafts, contents.values(), strict=True):
                draft.write_text(content, encoding="utf-8", newline="")
    except OSError as error:
        raise CueSheetError(
            f"{error.filename or path}: cannot be written ({error.strerror}); make room, or choose another folder"
        ) from error
    return list(contents)
