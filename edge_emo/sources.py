"""From what a user names (files, folders, globs, "-", "sample") to single sources."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

SOUND_SUFFIXES = frozenset([".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".w64"])
FILM_SUFFIXES = frozenset(
    [".mp4", ".m4a", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".3gp", ".aac", ".wma"]
)

SAMPLE = "sample"
"""Names the synthetic recording that ships, unless a file of that name is there."""


def sample_path() -> Path:
    """Return the recording that ships: a synthetic voice, of our own making."""
    return Path(__file__).parent / "data" / "sample.flac"


def expand(names: Iterable[str]) -> Iterator[str]:
    """Yield each source once: folders give the media files below them, globs what they match, sorted.

    Hidden files of a folder are left out. A name that matches nothing is yielded as it is, for the decoder to
    complain about.
    """
    seen = set()
    for name in names:
        for source in _expand_one(name):
            if source not in seen:
                seen.add(source)
                yield source


def _expand_one(name: str) -> list[str]:
    if name == "-" or os.path.isfile(name):
        return [name]
    if name == SAMPLE and not os.path.exists(name):
        return [str(sample_path())]
    if os.path.isdir(name):
        return sorted(str(path) for path in Path(name).rglob("*") if _is_media(path, Path(name))) or [name]
    if glob.has_magic(name):
        return sorted(glob.glob(name, recursive=True)) or [name]
    return [name]


def _is_media(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.suffix.lower() in SOUND_SUFFIXES | FILM_SUFFIXES and path.is_file()


def printable(name: str) -> str:
    """Return a file's name as text that every output can hold; bytes that are no UTF-8 become a mark."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def title(source: str) -> str:
    """Return what to call a source in text for people."""
    return {"-": "standard input", str(sample_path()): SAMPLE}.get(source, printable(source))
