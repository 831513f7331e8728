"""What was found, drawn onto the picture or film it was found in: boxes, labels and bars."""

from __future__ import annotations

import bisect
import importlib.util
import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2

from edge_emo.clock import PacketClock
from edge_emo.containers import open_with_pyav
from edge_emo.emotions import EMOTIONS
from edge_emo.errors import DecoderMissingError, MediaError, NoPictureError
from edge_emo.face.tracking import shared_area
from edge_emo.files import check_folder, written_whole
from edge_emo.film import FrameDecoder, picture_stream, upright
from edge_emo.pictures import Pixels, read_picture, write_picture
from edge_emo.report.colours import COLOURS
from edge_emo.sources import Kind, kind, opened, printable
from edge_emo.timeline import Moment, Reading, Timeline
from edge_emo.tracks import AudioTrack, chosen_track, tracks_of

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_TIME_BASE = Fraction(1, 12800)
_FILM_SUFFIXES = frozenset([".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts"])
_ENDINGS = {"film": "end its name in .mp4, .mkv or .webm", "picture": "end its name in .jpg, .png or .webp"}
WIDTH, HEIGHT, LARGEST_SHARE = 175, 135, 0.45
"""Of the panel of bars in a picture of 640 pixels, and how much of a smaller picture's sides it may take."""


def annotate(
    timeline: Timeline, source: str | os.PathLike[str], path: Path, *, audio_track: AudioTrack | None = None
) -> list[str]:
    """Write the picture or film `source` with what `timeline` says of it, and its sound; return warnings.

    Raises MediaError where there is no picture to draw on, or it cannot be written at `path`.
    """
    found = check(source, path)
    if timeline.face is None:
        raise MediaError(f"{timeline.source}: no picture was looked at in it; leave out --annotate, or --no-face")
    try:
        with written_whole(path) as draft:
            if found == "film":
                return _write_film(timeline, source, draft, audio_track)
            picture = read_picture(source)
            layout = Layout.of(timeline, picture.shape)
            draw(picture, timeline.readings, timeline.moments[0] if timeline.moments else None, layout)
            write_picture(draft, picture)
            return []
    except (OSError, ValueError) as error:
        if isinstance(error, MediaError):
            raise
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        hint = "make room, or write elsewhere" if isinstance(error, OSError) else _ENDINGS[found]
        raise MediaError(f"{path}: cannot be written ({reason}); {hint}") from error


def check(source: str | os.PathLike[str], path: Path) -> Kind:
    """Return what `source` is, so far as it and `path` can be judged before it is analysed.

    Raises MediaError where there is no picture in it or nothing can be written at `path`, DecoderMissingError without
    PyAV for a film.
    """
    found = kind(source, opened(source))
    if found == "sound":
        raise MediaError(f"{printable(os.fspath(source))}: a sound, no picture to draw on; leave --annotate out")
    if path.exists() and path.samefile(source):
        raise MediaError(f"{path}: is the source itself; give --annotate another name")
    if found == "film" and importlib.util.find_spec("av") is None:
        raise DecoderMissingError(f"{path}: to write films, install PyAV (pip install 'edge-emo[video]')")
    try:
        check_folder(path)
    except OSError as error:
        raise MediaError(f"{path}: cannot be written ({error.strerror})") from error
    if found == "picture" and not (path.suffix and cv2.haveImageWriter(path.name)):
        raise MediaError(f"{path}: cannot be written (no picture format that is known); {_ENDINGS[found]}")
    if found == "film" and path.suffix.lower() not in _FILM_SUFFIXES:
        raise MediaError(f"{path}: cannot be written (no film format that is known); {_ENDINGS[found]}")
    return found


@dataclass(frozen=True)
class Layout:
    """Where the panel of bars stands in a picture (left, top, right, bottom), and whether people are numbered."""

    panel: tuple[int, int, int, int]
    is_numbered: bool

    @staticmethod
    def of(timeline: Timeline, shape: tuple[int, ...]) -> Layout:
        """Return the layout for pictures of `shape`: the panel in the corner that the faces cover least."""
        height, width = shape[:2]
        unit = min(_unit(shape), LARGEST_SHARE * width / WIDTH, LARGEST_SHARE * height / HEIGHT)
        across, down = max(1, round(WIDTH * unit)), max(1, round(HEIGHT * unit))
        panels = [(x, y, x + across, y + down) for y in (0, height - down) for x in (0, width - across)]
        boxes = [reading.box for reading in timeline.readings if reading.box]
        best = min(panels, key=lambda panel: sum(shared_area(panel, box) for box in boxes))
        return Layout(best, len(timeline.people) > 1)


def draw(picture: Pixels, faces: Sequence[Reading], moment: Moment | None, layout: Layout) -> None:
    """Draw the bars of a moment, and boxes with the emotions of faces, onto an RGB picture, in place."""
    unit = _unit(picture.shape)
    if moment is not None:
        left, top, right, bottom = layout.panel
        _bars(picture[top:bottom, left:right], moment)
    for reading in faces:
        if reading.box is None:
            continue
        colour = COLOURS[reading.emotion]
        left, top, right, bottom = (round(value) for value in reading.box)
        cv2.rectangle(picture, (left, top), (right, bottom), colour, max(2, round(2 * unit)))
        label = f"{reading.emotion} {reading.probability:.0%}" if reading.reason is None else f"{reading.raw}?"
        if layout.is_numbered and reading.person is not None:
            label = f"{reading.person}: {label}"
        _text(picture, label, (left, top - round(4 * unit)), unit, colour)


def _unit(shape: tuple[int, ...]) -> float:
    return max(0.6, max(shape[:2]) / 640)


def _bars(panel: Pixels, moment: Moment) -> None:
    unit = panel.shape[1] / WIDTH
    step, width = 15 * unit, 90 * unit
    panel[:] = panel // 3
    for row, (name, share) in enumerate(zip(EMOTIONS, moment.probabilities, strict=True)):
        y = round(step * (row + 1.1))
        _text(panel, name, (round(5 * unit), y), unit * 0.9, (255, 255, 255), edge=False)
        start = (round(78 * unit), y - round(8 * unit))
        cv2.rectangle(panel, start, (start[0] + round(width * share), y), COLOURS[name], -1)


def _text(
    picture: Pixels, text: str, place: tuple[int, int], unit: float, colour: tuple[int, int, int], *, edge: bool = True
) -> None:
    place = (place[0], max(place[1], round(12 * unit)))
    if edge:
        cv2.putText(picture, text, place, _FONT, 0.45 * unit, (0, 0, 0), round(3 * unit), cv2.LINE_AA)
    cv2.putText(picture, text, place, _FONT, 0.45 * unit, colour, max(1, round(unit)), cv2.LINE_AA)


class Shown:
    """What holds at a time: the faces that were last read, and the moment."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self._faces = [reading for reading in timeline.readings if reading.modality == "face"]
        self._starts = [reading.start_s for reading in self._faces]
        self._longest_s = max((reading.duration_s for reading in self._faces), default=0.0)
        self._moments, self._moment_starts = timeline.moments, [moment.start_s for moment in timeline.moments]

    def faces(self, time_s: float) -> list[Reading]:
        """Return the readings that last until after `time_s`."""
        first = bisect.bisect_left(self._starts, time_s - self._longest_s)
        last = bisect.bisect_right(self._starts, time_s)
        return [reading for reading in self._faces[first:last] if time_s < reading.end_s]

    def moment(self, time_s: float) -> Moment | None:
        """Return the moment that `time_s` lies in, if something was found then."""
        place = bisect.bisect_right(self._moment_starts, time_s) - 1
        return self._moments[place] if place >= 0 and time_s < self._moments[place].end_s else None


def _write_film(
    timeline: Timeline, source: str | os.PathLike[str], path: Path, audio_track: AudioTrack | None
) -> list[str]:
    import av

    try:
        with (
            closing(open_with_pyav(timeline.source, os.fspath(source))) as film,
            closing(av.open(f"file:{path}", "w")) as out,
        ):
            tracks = tracks_of(film)
            track = chosen_track(timeline.source, tracks, audio_track) if tracks else None
            sound = film.streams.audio[track.number - 1] if track else None
            return _copy_with_drawings(film, sound, out, Shown(timeline))
    except av.error.FFmpegError as error:
        if isinstance(error, OSError):
            raise
        raise ValueError(error.strerror) from error  # not all of them are errors that Python knows


def _copy_with_drawings(film: Any, sound: Any | None, out: Any, shown: Shown) -> list[str]:
    import av

    picture = picture_stream(film)
    if picture is None:
        raise NoPictureError(f"{shown.timeline.source}: has no picture to draw on")
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
    frames, layout = FrameDecoder(picture), None
    for packet in PacketClock(film).packets():
        if sound is not None and packet.stream.index == sound.index:
            if sound_out is not None and packet.dts is not None:
                waiting.append(packet)
        elif packet.stream.index == picture.index:
            for time_s, frame in _decoded(frames, packet):
                pixels = upright(frame)
                height, width = (side // 2 * 2 for side in pixels.shape[:2])  # H.264 wants even sides
                pixels = pixels[:height, :width].copy()
                layout = layout or Layout.of(shown.timeline, pixels.shape)
                draw(pixels, shown.faces(time_s), shown.moment(time_s), layout)
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
