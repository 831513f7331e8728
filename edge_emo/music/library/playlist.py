"""Songs as a playlist that players read: M3U, M3U8 and XSPF."""

from __future__ import annotations

import locale
import os
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from edge_emo.core.errors import PlaylistError
from edge_emo.core.files import atomic_write, check_folder, real_path
from edge_emo.core.text import printable
from edge_emo.music.library.tags import clean
from edge_emo.music.store.song import Song

SUFFIXES = (".m3u", ".m3u8", ".xspf")

_LONGEST_LINE = 2000
_XSPF = "http://xspf.org/ns/0/"
_LICENSE = "http://creativecommons.org/ns#license"


def write_playlist(path: str | os.PathLike[str], songs: Sequence[Song]) -> list[Song]:
    """Write a playlist in the format that the name ends in; return the songs left out, which have no file and no link.

    A song is named by the absolute path of its file, else by its link. M3U is written in the encoding of the system,
    as players expect, M3U8 and XSPF in UTF-8. The file changes only once it is complete. Raises PlaylistError.
    """
    check(path)
    path = real_path(path)
    listed = [song for song in songs if song.path or song.link]
    if path.suffix.lower() == ".xspf":
        content = _xspf(listed, path.stem)
    else:
        encoding = "utf-8" if path.suffix.lower() == ".m3u8" else locale.getpreferredencoding(False)
        content = _m3u(listed, path, encoding)
    try:
        with atomic_write(path) as draft:
            draft.write_bytes(content)
    except OSError as error:
        raise PlaylistError(
            f"{printable(str(path))}: cannot be written ({error.strerror}); make room, or write elsewhere"
        ) from error
    return [song for song in songs if not (song.path or song.link)]


def check(path: str | os.PathLike[str]) -> None:
    """Raise PlaylistError unless the name ends as that of a playlist, in a folder that can be written to."""
    if Path(path).suffix.lower() not in SUFFIXES:
        raise PlaylistError(f"{printable(os.fspath(path))}: no known playlist; end its name in {', '.join(SUFFIXES)}")
    try:
        check_folder(Path(path))
    except OSError as error:
        raise PlaylistError(f"{printable(os.fspath(path))}: cannot be written ({error.strerror})") from error


def _m3u(songs: Sequence[Song], path: Path, encoding: str) -> bytes:
    """Return extended M3U: a line of length, artist and title before the place of each song."""
    lines = [b"#EXTM3U"]
    for song in songs:
        seconds = -1 if song.duration_s is None else round(song.duration_s)
        title = " - ".join(filter(None, (_text(song.artist), _text(song.title))))
        place = str(Path(song.path).absolute()) if song.path else _link(song.link)
        if place.strip() != place or len(place.splitlines()) > 1:
            place = Path(place).as_uri()
        try:
            lines += [f"#EXTINF:{seconds},{title}".encode(encoding, "replace"), place.encode(encoding)]
        except UnicodeEncodeError as error:
            raise PlaylistError(
                f"{printable(str(path))}: {printable(place)} cannot be written in {encoding}; end the name in .m3u8"
            ) from error
    return b"\n".join([*lines, b""])


def _xspf(songs: Sequence[Song], title: str) -> bytes:
    """Return XSPF, version 1 (https://www.xspf.org/spec)."""
    playlist = ET.Element("playlist", {"version": "1", "xmlns": _XSPF})
    _add(playlist, "title", _text(title))
    tracks = ET.SubElement(playlist, "trackList")
    for song in songs:
        track = ET.SubElement(tracks, "track")
        _add(track, "location", Path(song.path).absolute().as_uri() if song.path else _link(song.link))
        _add(track, "title", _text(song.title))
        _add(track, "creator", _text(song.artist))
        _add(track, "annotation", _text(song.credit or ""))
        _add(track, "info", _link(song.link))
        _add(track, "duration", "" if song.duration_s is None else str(round(song.duration_s * 1000)))
        _add(track, "meta", _link(song.license_url), rel=_LICENSE)
    ET.indent(playlist)
    return bytes(ET.tostring(playlist, encoding="utf-8", xml_declaration=True)) + b"\n"


def _add(parent: ET.Element, name: str, text: str, **attributes: str) -> None:
    """Add an element, unless it were empty."""
    if text:
        ET.SubElement(parent, name, attributes).text = text


def _text(text: str) -> str:
    """Return text on one line, without characters that XML cannot hold."""
    return clean(text, _LONGEST_LINE).translate({0xFFFE: None, 0xFFFF: None})


def _link(link: str) -> str:
    """Return a link as a URI, in which no character outside of ASCII may stand."""
    return quote(link, safe=":/?#[]@!$&'()*+,;=%~", errors="replace")
