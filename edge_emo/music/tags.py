"""What a sound file says about itself: title, artist, genre, moods, tempo, licence, and its length."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from edge_emo.errors import ExtraMissingError, MediaError
from edge_emo.music import licenses
from edge_emo.music.record import SongRecord
from edge_emo.sources import printable

SUFFIXES = frozenset([
    ".aac", ".aif", ".aifc", ".aiff", ".ape", ".dff", ".dsf", ".flac", ".m4a", ".m4b", ".mp2", ".mp3", ".mpc", ".oga",
    ".ofr", ".ogg", ".opus", ".spx", ".tak", ".tta", ".wav", ".wma", ".wv",
])  # fmt: skip
"""Endings of the sound files whose tags can be read."""

SOURCE = "file"
"""`source` of a song that is known by the tags of its file."""

# by the names of ID3, of Vorbis comments and APE, of MP4, and of ASF, after MusicBrainz Picard's table of them
_KEYS = {
    "title": ("TIT2", "title", "\xa9nam", "Title"),
    "artist": ("TPE1", "artist", "\xa9ART", "Author", "Artist"),
    "genre": ("TCON", "genre", "\xa9gen", "WM/Genre", "Genre"),
    "moods": ("TMOO", "TXXX:MOOD", "mood", "----:com.apple.iTunes:MOOD", "WM/Mood", "Mood"),
    "bpm": ("TBPM", "bpm", "tmpo", "WM/BeatsPerMinute", "BPM"),
    "license": (
        "WCOP", "TXXX:LICENSE", "license", "----:com.apple.iTunes:LICENSE", "LICENSE", "License",
        "TCOP", "copyright", "cprt", "Copyright",
    ),
}  # fmt: skip
_LONGEST_TEXT, _LONGEST_TAG, _MOST_TAGS = 2000, 200, 100  # as in SongRecord
_SEPARATORS = re.compile(r"[;,/|]")
_BPM = 1.0, 1000.0


def read(path: str) -> SongRecord:
    """Return the song that the tags of a file tell of, without a `uid`; without a title the file's name stands for it.

    Only moods, genre and licence that a tag names are taken; a licence counts where a tag is nothing but the name or
    the address of a Creative Commons licence. Raises MediaError where the file is no sound file or is damaged, and
    ExtraMissingError without mutagen.
    """
    try:
        import mutagen
    except ImportError as error:
        raise ExtraMissingError("reading tags needs mutagen; pip install 'edge-emo[music]'") from error

    try:
        file = mutagen.File(path)
    except Exception as error:  # of a damaged file, whatever its parser runs into
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise MediaError(f"{printable(path)}: damaged, or no sound file ({reason}); copy it again") from error
    if file is None:
        raise MediaError(f"{printable(path)}: not the kind of file its name says; rename it, or copy it again")
    found = {name: list(_values(file.tags, keys)) for name, keys in _KEYS.items()}
    if file.tags is None and path.lower().endswith(".wav"):
        found.update(_riff_info(path))
    length, bpm = getattr(file.info, "length", None) or math.nan, _bpm(found["bpm"])
    duration_s = length if 0 < length < math.inf else None
    terms = next(filter(None, map(licenses.creative_commons, found["license"])), (licenses.UNKNOWN, "", ""))
    return SongRecord(
        title=next(iter(found["title"]), "") or clean(Path(path).stem, _LONGEST_TEXT) or "untitled",
        artist=clean(", ".join(dict.fromkeys(found["artist"])), _LONGEST_TEXT),
        source=SOURCE,
        genre=next(iter(found["genre"]), "")[:_LONGEST_TAG],
        moods=tuple(dict.fromkeys(_split(found["moods"])))[:_MOST_TAGS],
        duration_s=duration_s,
        duration_from="file" if duration_s else "",
        bpm=bpm,
        bpm_from="tag" if bpm else "",
        license=terms[0],
        license_url=terms[1],
        usage=terms[2],
        path=path,
    )


def clean(text: str, longest: int) -> str:
    """Return text on one line, without control characters and halves of surrogate pairs, not longer than `longest`."""
    spaced = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text)
    return " ".join(spaced.split())[:longest].rstrip()


def _values(tags: Any, keys: Iterable[str]) -> Iterator[str]:
    """Yield the texts of the tags with these names, none of them empty."""
    for key in keys if tags is not None else ():
        try:
            value: Any = tags[key]
        except (KeyError, ValueError):  # Vorbis comments refuse names that they cannot have
            continue
        if key == "TCON":
            value = value.genres  # with the numbers of ID3 as names
        elif key == "WCOP":
            value = [value.url]
        elif hasattr(value, "text"):
            value = value.text
        elif isinstance(value, str):
            value = [value]
        for text in value if isinstance(value, Iterable) else ():  # a tag of APE may be binary
            if text := clean(_decoded(text), _LONGEST_TEXT):
                yield text


def _decoded(value: Any) -> str:
    return bytes(value).decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _riff_info(path: str) -> dict[str, list[str]]:
    """Return what stands in the INFO chunk of a WAV file, which mutagen leaves out."""
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            info = file.copy_metadata()
    except (RuntimeError, UnicodeDecodeError):
        return {}
    texts = {name: clean(info.get(name, ""), _LONGEST_TEXT) for name in ("title", "artist", "genre")}
    terms = [clean(info.get(name, ""), _LONGEST_TEXT) for name in ("license", "copyright")]
    return {**{name: [text] for name, text in texts.items() if text}, "license": terms}


def _bpm(texts: Iterable[str]) -> float | None:
    for text in texts:
        try:
            bpm = float(text)
        except ValueError:
            continue
        if _BPM[0] <= bpm <= _BPM[1]:
            return bpm
    return None


def _split(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from filter(None, (clean(part, _LONGEST_TAG) for part in _SEPARATORS.split(text)))
