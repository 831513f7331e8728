"""Films written anew by PyAV (extra `[video]`): each frame after it was drawn on, the sound as it was."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

from edge_emo.core.errors import NoPictureError
from edge_emo.core.text import printable
from edge_emo.media.clock import PacketClock
from edge_emo.media.containers import open_with_pyav
from edge_emo.media.frames import FrameDecoder, picture_stream
from edge_emo.media.pictures import Pixels
from edge_emo.media.tracks import AudioTrack, chosen_track, tracks_of

SUFFIXES = frozenset([".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts"])
"""Ends of names by which a film gets its format."""

Draw = Callable[[float, Pixels], None]
"""Draws onto the frame of a time in seconds, in place."""

_TIME_BASE = Fraction(1, 12800)


def redraw(
    source: str | os.PathLike[str], out: Path, draw: Draw, *, audio_track: AudioTrack | None = None
) -> list[str]:
    """Write the film `source` to `out` with what `draw` draws onto its frames, and its sound; return warnings.

    Raises MediaError for a film that cannot be read, and OSError or ValueError where `out` cannot be written.
    """
    import av

    name = printable(os.fspath(source))
    try:
        with closing(open_with_pyav(name, os.fspath(source))) as film, closing(av.open(f"file:{out}", "w")) as new:
            tracks = tracks_of(film)
            track = chosen_track(name, tracks, audio_track) if tracks else None
            sound = film.streams.audio[track.number - 1] if track else None
            return _copy(name, film, sound, new, draw)
    except av.error.FFmpegError as error:
        if isinstance(error, OSError):
            raise
        raise ValueError(error.strerror) from error  # not all of them are errors that Python knows


def _copy(name: str, film: Any, sound: Any | None, out: Any, draw: Draw) -> list[str]:
    import av

    picture = picture_stream(film)
    if picture is None:
        raise NoPictureError(f"{name}: has no picture to draw on")
    picture.thread_type = "AUTO"
    sound_out, drawn, warnings = None, None, []
    waiting: list[Any] = []  # sound from before the first frame, which tells the size of the picture
    if sound is not None:
        try:
            sound_out = out.add_stream_from_template(sound)
        except (av.error.FFmpegError, ValueError):
            warnings.append(
                "the format of the annotated film does not hold the sound of the source; the picture alone is in it"
            )
    frames = FrameDecoder(picture)
    for packet in PacketClock(film).packets():
        if sound is not None and packet.stream.index == sound.index:
            if sound_out is not None and packet.dts is not None:
                waiting.append(packet)
        elif packet.stream.index == picture.index:
            for time_s, frame in _decoded(frames, packet):
                pixels = frames.upright(frame)
                height, width = (side // 2 * 2 for side in pixels.shape[:2])  # H.264 wants even sides
                pixels = pixels[:height, :width].copy()
                draw(time_s, pixels)
                if drawn is None:
                    drawn = _video_stream(out, picture.average_rate or 25, width, height)
                new = av.VideoFrame.from_ndarray(pixels, "rgb24")
                new.pts, new.time_base = round(time_s / _TIME_BASE), _TIME_BASE
                out.mux(drawn.encode(new))
        if drawn is not None:
            for held in waiting:
                held.stream = sound_out
                out.mux(held)
            waiting = []
    if drawn is not None:
        out.mux(drawn.encode(None))
    return warnings


def _decoded(frames: FrameDecoder, packet: Any) -> Iterator[tuple[float, Any]]:
    import av

    try:
        yield from frames.decode(packet)
    except (av.error.FFmpegError, ValueError):
        return  # what is damaged is left out, as it was when it was looked at


def _video_stream(out: Any, rate: Any, width: int, height: int) -> Any:
    """Add a stream that the container and this build of FFmpeg can hold."""
    import av

    codecs = ["libvpx-vp9", "libvpx"] if out.format.name == "webm" else ["libx264", "libopenh264", "mpeg4"]
    stream = out.add_stream(next(name for name in codecs if name in av.codecs_available), rate=rate)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.codec_context.time_base = _TIME_BASE
    return stream
