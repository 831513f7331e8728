"""The sound tracks of a film: what there is, and which one is listened to."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, BinaryIO

from edge_emo.core.errors import NoSoundTrackError, TrackNotFoundError
from edge_emo.media.containers import ffmpeg_input, open_with_pyav, reading, unreadable

AudioTrack = int | str
"""A track by its number, from 1 on, or by its language as the file has it, such as "eng"."""

# Stream #0:1[0x2](eng): Audio: aac (LC) (mp4a / 0x6134706D), 44100 Hz, 5.1, fltp, 341 kb/s (default)
_STREAM = re.compile(
    r"^ *Stream #0:\d+(?:\[\w+\])?(?:\((?P<language>[\w-]+)\))?: Audio: (?P<codec>\w+).*?"
    r"(?:, (?P<rate>\d+) Hz)?(?:, (?P<layout>\d+ channels|mono|stereo|quad|downmix|[\d.]+(?:\(\w+\))?))?(?:, [^\n]*)?$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Track:
    """A sound track: its number among them from 1 on, what the file says of it, and whether it is marked as default."""

    number: int
    language: str | None
    codec: str
    sample_rate: int | None
    layout: str | None
    title: str | None
    is_default: bool

    def __str__(self) -> str:
        rate = f"{self.sample_rate} Hz" if self.sample_rate else None
        title = f'"{self.title}"' if self.title else None
        parts = [self.language, self.codec, rate, self.layout, title, "default" if self.is_default else None]
        return f"{self.number}: {', '.join(part for part in parts if part)}"


def sound_tracks(name: str, source: str | BinaryIO) -> list[Track]:
    """Return the sound tracks of a film, none where neither PyAV nor `ffmpeg` is there. Raises MediaError."""
    if importlib.util.find_spec("av") is not None:
        with closing(open_with_pyav(name, source)) as container:
            return tracks_of(container)
    return tracks_by_ffmpeg(name, source) if shutil.which("ffmpeg") else []


def tracks_of(container: Any) -> list[Track]:
    """Return the sound tracks of a PyAV container."""
    return [
        Track(
            number=number,
            language=_language(stream.metadata.get("language")),
            codec=stream.codec_context.name if stream.codec_context else "unknown codec",
            sample_rate=stream.codec_context.sample_rate if stream.codec_context else None,
            layout=stream.codec_context.layout.name if stream.codec_context else None,
            title=stream.metadata.get("title"),
            is_default=is_default(stream),
        )
        for number, stream in enumerate(container.streams.audio, start=1)
    ]


def is_default(stream: Any) -> bool:
    """Tell whether a PyAV stream is marked as the one to play."""
    import av

    return bool(stream.disposition & av.stream.Disposition.default)


def tracks_by_ffmpeg(name: str, source: str | BinaryIO) -> list[Track]:
    """Return the sound tracks that the `ffmpeg` program lists. Raises MediaError."""
    with reading(source) as file:
        command = ["ffmpeg", "-hide_banner", "-nostdin", *ffmpeg_input(source, file)]
        told = subprocess.run(command, stdin=file, capture_output=True, check=False).stderr.decode(errors="replace")
    if "Stream #0:" not in told:
        raise unreadable(name, source, told.strip().rsplit("\n", 1)[-1].rsplit(": ", 1)[-1])
    return [
        Track(
            number=number,
            language=_language(found["language"]),
            codec=found["codec"],
            sample_rate=int(found["rate"]) if found["rate"] else None,
            layout=found["layout"],
            title=None,
            is_default="(default)" in found[0],
        )
        for number, found in enumerate(_STREAM.finditer(told), start=1)
    ]


def chosen_track(name: str, tracks: Sequence[Track], asked: AudioTrack | None = None) -> Track:
    """Return the track that is asked for, else the first that is marked as default, else the first.

    Raises NoSoundTrackError where there is none, TrackNotFoundError where it is another than those that are there.
    """
    if not tracks:
        raise NoSoundTrackError(f"{name}: no sound track; there is no voice to listen to")
    if asked is None:
        return next((track for track in tracks if track.is_default), tracks[0])
    if isinstance(asked, int):
        found = [track for track in tracks if track.number == asked]
    else:
        language = asked.casefold()
        exact = [track for track in tracks if (track.language or "").casefold() == language]
        found = exact or [track for track in tracks if (track.language or "").casefold().startswith(f"{language}-")]
    if not found:
        raise TrackNotFoundError(
            f"{name}: no sound track {asked}; there is {'; '.join(map(str, tracks))}; ask for one of these by its "
            "number or language"
        )
    return next((track for track in found if track.is_default), found[0])


def _language(text: str | None) -> str | None:
    return None if text in (None, "", "und") else text
