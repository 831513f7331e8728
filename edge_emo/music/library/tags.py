"""What a sound file says about itself: title, artist, genre, moods, tempo, licence, and its length."""

from __future__ import annotations

import io
import math
import os
import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from edge_emo.core.errors import ExtraMissingError, MediaError
from edge_emo.core.text import printable, to_install
from edge_emo.music.store import licenses
from edge_emo.music.store.record import SongRecord

SUFFIXES = frozenset([
    ".aac", ".aif", ".aifc", ".aiff", ".ape", ".dff", ".dsf", ".flac", ".m4a", ".m4b", ".mp2", ".mp3", ".mpc", ".oga",
    ".ofr", ".ogg", ".opus", ".spx", ".tak", ".tta", ".wav", ".wma", ".wv",
])  # fmt: skip
"""Endings of the sound files whose tags can be read."""

SOURCE = "file"
"""`source` of a song that is known by the tags of its file."""

# by the names of ID3, of Vorbis comments and APE, of MP4, and of ASF, after MusicBrainz Picard's table of them; in any
# case, as programs differ in that of what they name themselves
_KEYS = {
    "title": ("tit2", "title", "\xa9nam"),
    "artist": ("tpe1", "artist", "\xa9art", "author"),
    "genre": ("tcon", "genre", "\xa9gen", "wm/genre"),
    "moods": ("tmoo", "txxx:mood", "mood", "----:com.apple.itunes:mood", "wm/mood"),
    "bpm": ("tbpm", "bpm", "tmpo", "wm/beatsperminute"),
    "license": (
        "wcop", "txxx:license", "license", "----:com.apple.itunes:license", "tcop", "copyright", "cprt",
    ),
}  # fmt: skip
_MOST_READ = 64 << 20  # bytes of a file, for its tags
_LONGEST_TEXT, _LONGEST_TAG, _MOST_TAGS = 2000, 200, 100  # as in SongRecord
_LETTERS = re.compile("(?<![A-Za-z])[\xa8\xb8\xc0-\xd6\xd8-\xf6\xf8-\xff]{3,}(?![A-Za-z])")  # a word without ASCII
_SEPARATORS = re.compile(r"[;,/|]")
_BPM = 1.0, 1000.0


@dataclass(frozen=True)
class Misread:
    """A tag that says to be Latin-1 and is not: how it reads, and how it would in the `encoding` it seems to be in."""

    path: str
    text: str
    repaired: str
    encoding: str


class Tags(NamedTuple):
    """A song as the tags of its file have it, and the first that seems to be misread, or was repaired."""

    song: SongRecord
    misread: Misread | None


def read_tags(path: str, encoding: str | None = None) -> Tags:
    """Return the song that the tags of a file tell of, without a `uid`; without a title the file's name stands for it.

    Only moods, genres and licence that a tag names are taken; a licence counts where a tag is nothing but the name or
    the address of a Creative Commons licence. With an `encoding`, tags that seem to be misread are read in it. Raises
    MediaError where the file is no sound file or is damaged, and ExtraMissingError without mutagen.
    """
    try:
        import mutagen
    except ImportError as error:
        raise ExtraMissingError(f"reading tags needs mutagen; {to_install('music')}") from error

    _leave_compressed_frames_out()
    try:
        with _Bounded(path) as content:
            file = mutagen.File(content)
            sets = [] if file is None else _tags(file, content)
    except Exception as error:  # of a damaged file, whatever its parser runs into
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise MediaError(f"{printable(path)}: damaged, or no sound file ({reason}); copy it again") from error
    if file is None:
        raise MediaError(f"{printable(path)}: not the kind of file its name says; rename it, or copy it again")
    raw = {name: list(_texts(sets, keys)) for name, keys in _KEYS.items()}
    if file.tags is None and path.lower().endswith(".wav"):
        raw.update(_riff_info(path))
    misread = _misread(path, [text for texts in raw.values() for text in texts], encoding)
    if misread and encoding:
        raw = {name: [_repaired(text, encoding) for text in texts] for name, texts in raw.items()}
    found = {name: [text for one in texts if (text := clean(one, _LONGEST_TEXT))] for name, texts in raw.items()}
    length, bpm = getattr(file.info, "length", None) or math.nan, _bpm(found["bpm"])
    duration_s = length if 0 < length < math.inf else None
    terms = next(filter(None, map(licenses.creative_commons, found["license"])), (licenses.UNKNOWN, "", ""))
    song = SongRecord(
        title=next(iter(found["title"]), "") or clean(Path(path).stem, _LONGEST_TEXT) or "untitled",
        artist=clean(", ".join(dict.fromkeys(found["artist"])), _LONGEST_TEXT),
        source=SOURCE,
        genre=_joined(found["genre"]),
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
    return Tags(song, misread)


def clean(text: str, longest: int) -> str:
    """Return text on one line, without control characters and halves of surrogate pairs, not longer than `longest`."""
    spaced = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text)
    return " ".join(spaced.split())[:longest].rstrip()


class _Bounded(io.FileIO):
    """A sound file of which no more is read than tags take, whatever lengths it states."""

    _left = _MOST_READ

    def read(self, size: int | None = -1, /) -> bytes:
        """Return what comes next. Raises OSError where it is too much."""
        size = -1 if size is None else size
        rest = os.fstat(self.fileno()).st_size - self.tell()
        self._left -= max(0, rest if size < 0 else min(size, rest))
        if self._left < 0:
            raise OSError(f"its tags take more than {_MOST_READ >> 20} MB")
        return super().read(size) or b""


def _leave_compressed_frames_out() -> None:
    """Let mutagen take frames of ID3 that are compressed for damaged ones: a megabyte may unpack to a gigabyte."""
    from mutagen.id3 import _frames

    def decompress(_: bytes) -> bytes:
        raise zlib.error("left out")

    vars(_frames)["zlib"] = SimpleNamespace(decompress=decompress, error=zlib.error)


def _tags(file: Any, content: io.FileIO) -> list[Any]:
    """Return the sets of tags of a file, what the first has counting: MP3 may have those of APE beside those of ID3."""
    from mutagen import apev2, id3

    if not isinstance(file, id3.ID3FileType):
        return [file.tags]
    read: Any = apev2.APEv2
    try:
        content.seek(0)
        ape = read(content)
    except Exception:  # there are none, or what its parser runs into
        return [file.tags]
    is_short = getattr(file.tags, "version", (2,))[0] == 1  # has 30 letters of a title, and one genre
    return [ape, file.tags] if is_short else [file.tags, ape]


def _texts(sets: Iterable[Any], keys: Iterable[str]) -> list[str]:
    """Return the texts of the tags with these names, of the first set that has any."""
    return next(filter(None, (list(_values(tags, keys)) for tags in sets if tags is not None)), [])


def _values(tags: Any, keys: Iterable[str]) -> Iterator[str]:
    """Yield the texts of the tags with these names."""
    names: dict[str, list[str]] = {}
    for name in tags.keys():  # noqa: SIM118 - of Vorbis comments and ASF, the tags themselves are pairs
        names.setdefault(name.casefold(), []).append(name)
    for name in (name for key in keys for name in names.get(key, ())):
        value: Any = tags[name]
        if name == "TCON":
            value = value.genres  # with the numbers of ID3 as names
        elif name == "WCOP":
            value = [value.url]
        elif hasattr(value, "text"):
            value = value.text
        elif isinstance(value, str):
            value = [value]
        yield from map(_decoded, value if isinstance(value, Iterable) else ())  # a tag of APE may be binary


def _misread(path: str, texts: Iterable[str], encoding: str | None) -> Misread | None:
    """Return the first text that seems to be in another encoding than Latin-1, which it was read as."""
    for text in texts:
        found = next((name for name in ("utf-8", "cp1251") if _seems(text, name)), None)
        if found or (encoding and _LETTERS.search(text)):
            meant = encoding or str(found)
            return Misread(path, clean(text, _LONGEST_TEXT), clean(_repaired(text, meant), _LONGEST_TEXT), meant)
    return None


def _seems(text: str, encoding: str) -> bool:
    """Return whether bytes that are Latin-1 letters side by side make words in an encoding."""
    repaired = _repaired(text, encoding)
    if repaired == text:
        return False
    if encoding == "utf-8":  # its rules are such that no other text fulfils them by chance
        return True
    others = [letter for letter in repaired if not letter.isascii() and letter.isalpha()]
    cyrillic = sum("\u0400" <= letter <= "\u04ff" for letter in others)
    return bool(_LETTERS.search(text)) and cyrillic > 0.8 * len(others)


def _repaired(text: str, encoding: str) -> str:
    """Return what was read as Latin-1 in an encoding, where that is possible."""
    try:
        return text.encode("latin-1").decode(encoding)
    except UnicodeError:
        return text


def _joined(genres: Iterable[str]) -> str:
    """Return genres as one, as many as there is room for."""
    joined = ""
    for genre in dict.fromkeys(genres):
        longer = f"{joined}; {genre}" if joined else genre[:_LONGEST_TAG]
        if len(longer) > _LONGEST_TAG:
            break
        joined = longer
    return joined


def _decoded(value: Any) -> str:
    return bytes(value).decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _riff_info(path: str) -> dict[str, list[str]]:
    """Return what stands in the INFO chunk of a WAV file, which mutagen leaves out."""
    import soundfile

    try:
        # by no name: libsndfile looks for "._NAME" beside what it does not know
        with open(path, "rb") as content, soundfile.SoundFile(content) as file:
            info = file.copy_metadata()
    except (RuntimeError, UnicodeDecodeError):
        return {}
    texts = {name: [info[name]] for name in ("title", "artist", "genre") if name in info}
    return {**texts, "license": [info[name] for name in ("license", "copyright") if name in info]}


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
