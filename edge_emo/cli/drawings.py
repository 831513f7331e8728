"""What --annotate and --plot write: the picture or film that was analyzed, and a picture of its timeline."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2

from edge_emo.analysis.modalities import took
from edge_emo.app.excerpts import Excerpts
from edge_emo.core.errors import DecoderMissingError, MediaError
from edge_emo.core.files import atomic_write, check_folder
from edge_emo.core.text import printable, to_install
from edge_emo.core.timeline import Timeline
from edge_emo.media.pictures import read_picture, write_picture
from edge_emo.media.redraw import SUFFIXES, redraw
from edge_emo.media.sources import Kind, kind, opened
from edge_emo.media.tracks import AudioTrack
from edge_emo.report import plot as plotting
from edge_emo.report.annotate import Annotation

_ENDINGS = {
    "film": "end its name in .mp4, .mkv or .webm",
    "picture": "end its name in .jpg, .png or .webp",
    "plot": "end the name in .png, .svg or .pdf",
}


def annotate(
    timeline: Timeline, source: str | os.PathLike[str], path: Path, *, audio_track: AudioTrack | None = None
) -> list[str]:
    """Write the picture or film `source` with what `timeline` says of it, and its sound; return warnings.

    It is read a second time: every frame is drawn on, with what was only known at the end, and all of them together do
    not fit into memory. Raises MediaError where there is no picture to draw on, or it cannot be written at `path`.
    """
    found = check_annotation(source, path)
    if not took(timeline, "picture"):
        raise MediaError(f"{timeline.source}: no picture was analyzed; drop --annotate, or drop --no-face")
    annotation = Annotation(timeline)
    with _drafted(path, _ENDINGS[found]) as draft:
        if found == "film":
            return redraw(source, draft, annotation, audio_track=audio_track)
        picture = read_picture(source)
        annotation(0.0, picture)
        write_picture(draft, picture)
        return []


def check_annotation(source: str | os.PathLike[str], path: Path) -> Kind:
    """Return what `source` is, so far as it and `path` can be judged before it is analyzed.

    Raises MediaError where there is no picture in it or nothing can be written at `path`, DecoderMissingError without
    PyAV for a film.
    """
    found = kind(source, opened(source))
    if found == "sound":
        raise MediaError(f"{printable(os.fspath(source))}: has no picture to draw on; drop --annotate")
    if path.exists() and path.samefile(source):
        raise MediaError(f"{path}: is the source itself; choose another name for --annotate")
    if found == "film" and importlib.util.find_spec("av") is None:
        raise DecoderMissingError(f"{path}: writing films needs PyAV; {to_install('video')}")
    _check_folder(path)
    if found == "picture" and not (path.suffix and cv2.haveImageWriter(path.name)):
        raise MediaError(f"{path}: cannot be written (unknown picture format); {_ENDINGS[found]}")
    if found == "film" and path.suffix.lower() not in SUFFIXES:
        raise MediaError(f"{path}: cannot be written (unknown film format); {_ENDINGS[found]}")
    return found


def plot(timeline: Timeline, excerpts: Excerpts, path: Path) -> None:
    """Write a picture of `timeline`, with `excerpts` of its source, in the format that the name of `path` ends in.

    Raises DecoderMissingError without Matplotlib, and MediaError where it cannot be written.
    """
    check_plot(path)
    with _drafted(path, _ENDINGS["plot"]) as draft, draft.open("wb") as file:
        plotting.draw(timeline, excerpts, file, path.suffix[1:].lower())


def check_plot(path: Path) -> None:
    """Raise DecoderMissingError without Matplotlib, and MediaError where nothing can be written at `path`."""
    if path.suffix[1:].lower() not in plotting.formats():
        raise MediaError(f"{path}: cannot be written (unknown plot format); {_ENDINGS['plot']}")
    _check_folder(path)


def _check_folder(path: Path) -> None:
    try:
        check_folder(path)
    except OSError as error:
        raise MediaError(f"{path}: cannot be written ({error.strerror})") from error


@contextmanager
def _drafted(path: Path, ending: str) -> Iterator[Path]:
    """Give a file to write to that becomes `path` once it is whole. Raises MediaError where it cannot be written."""
    try:
        with atomic_write(path) as draft:
            yield draft
    except (OSError, ValueError) as error:
        if isinstance(error, MediaError):
            raise
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        hint = "make room, or write elsewhere" if isinstance(error, OSError) else ending
        raise MediaError(f"{path}: cannot be written ({reason}); {hint}") from error
