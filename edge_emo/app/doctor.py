"""What `edge-emo doctor` looks at: machine, libraries, models, catalogue, and a source's sound and picture."""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import struct
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import BinaryIO

import cv2
import numpy as np

from edge_emo import __version__
from edge_emo.app.documents import Finding
from edge_emo.bench.machine import cpu_flags
from edge_emo.core.errors import EdgeEmoError, NoPictureError, NoSoundTrackError
from edge_emo.core.text import count, to_install
from edge_emo.face.detector import FaceDetector, Pixels
from edge_emo.media.film import Film
from edge_emo.media.pictures import read_picture
from edge_emo.media.sound import SAMPLE_RATE, Sound
from edge_emo.media.sources import Kind, expand, kind, opened, title
from edge_emo.media.tracks import sound_tracks
from edge_emo.models.manifest import models_folder, read_manifest
from edge_emo.models.session import Model
from edge_emo.music.store.catalogue import Catalogue
from edge_emo.music.store.database import FILE_NAME, data_folder
from edge_emo.voice.activity import ActivityDetector

KNOWN_BAD: dict[str, list[tuple[tuple[int, ...], tuple[int, ...], str]]] = {
    "onnxruntime": [
        ((1, 21, 0), (1, 21, 0), "crashes on a Raspberry Pi 4"),
        ((1, 29, 0), (99,), "opens network sockets and writes a device id on Linux"),
    ],
}
"""First and last bad release of each package, and what is wrong with them."""

LEVEL, VIEW, TRACKS = "level of ", "view of ", "sound tracks of "
"""How the topic of a finding about a source begins."""
DARK, SMALL = 0.1, 0.06
"""Share of full brightness, and of the longer side that a face has, below which expressions are hard to tell."""


def diagnose(sources: Sequence[str] = ()) -> list[Finding]:
    """Return findings about this installation, and about the sound and the picture of each source."""
    return [*_machine(), *_libraries(), *_decoders(), *_models(), *_catalogue(), _own_data(), *_sources(sources)]


def _machine() -> Iterator[Finding]:
    yield Finding("edge-emo", "ok", f"{__version__}, Python {platform.python_version()}, {platform.platform()}")
    bits = struct.calcsize("P") * 8
    if bits == 64:
        yield Finding("machine", "ok", f"{platform.machine()}, 64-bit Python")
    else:
        yield Finding("machine", "bad", f"{bits}-bit Python; ONNX Runtime needs a 64-bit operating system")
    flags = cpu_flags()
    if flags:
        int8 = any("vnni" in flag or flag in ("asimddp", "i8mm") for flag in flags)
        hint = "" if int8 else "; no int8 instructions, so int8 gains less here"
        yield Finding("processor", "ok", f"{' '.join(flags)}{hint}")


def _libraries() -> Iterator[Finding]:
    for package in ("onnxruntime", "numpy", "soundfile", "soxr", "opencv-python-headless"):
        try:
            installed = version(package)
        except PackageNotFoundError:
            continue
        reason = known_bad(package, installed)
        yield Finding(package, "bad" if reason else "ok", f"{installed}, which {reason}" if reason else installed)


def known_bad(package: str, installed: str) -> str | None:
    """Return what is wrong with a release, or None."""
    numbers = tuple(int(part) for part in re.findall(r"\d+", installed)[:3])
    for first, last, reason in KNOWN_BAD.get(package, ()):
        if first <= numbers <= last:
            return reason
    return None


def _decoders() -> Iterator[Finding]:
    import soundfile

    yield Finding("sound files", "ok", f"libsndfile {soundfile.__libsndfile_version__}")
    if importlib.util.find_spec("av"):
        yield Finding("films and M4A", "ok", f"PyAV {version('av')}")
    elif shutil.which("ffmpeg"):
        yield Finding("films and M4A", "ok", f"ffmpeg at {shutil.which('ffmpeg')}")
    else:
        yield Finding("films and M4A", "note", f"not readable; {to_install('video')}, or install ffmpeg")
    heic = "with HEIC" if importlib.util.find_spec("pillow_heif") else f"without HEIC; for that, {to_install('heic')}"
    yield Finding("pictures", "ok", f"OpenCV {cv2.__version__}, {heic}")


def _models() -> Iterator[Finding]:
    folder = models_folder()
    try:
        models = read_manifest(folder).models
    except EdgeEmoError as error:
        yield Finding("models", "bad", str(error))
        return
    for entry in models.values():
        for precision, card_name in entry.cards.items():
            try:
                model = Model(folder / card_name)
                model.load()
            except EdgeEmoError as error:
                yield Finding(f"model {card_name}", "bad", str(error))
                continue
            default = ", the default precision" if precision == entry.default else ""
            yield Finding(
                f"model {model.card.name}", "ok", f"{model.card.version} {precision}{default}, SHA-256 matches"
            )


def _catalogue() -> Iterator[Finding]:
    try:
        with Catalogue() as catalogue:
            catalogue.check()
            songs = catalogue.info().songs
        yield Finding("catalogue", "ok", f"{songs} songs")
    except EdgeEmoError as error:
        yield Finding("catalogue", "bad", str(error))


def _own_data() -> Finding:
    file = data_folder() / FILE_NAME
    topic = "your songs and history"
    try:
        return Finding(topic, "ok", f"{file}, {file.stat().st_size / 1e6:.1f} MB")
    except (FileNotFoundError, NotADirectoryError):
        return Finding(topic, "ok", f"{file}, nothing yet")
    except OSError as error:
        return Finding(topic, "bad", f"{file}: {error.strerror}; make its folder readable, or set EDGE_EMO_HOME")


def _sources(sources: Sequence[str]) -> Iterator[Finding]:
    for source in expand(sources):
        try:
            content = opened(source)
            what = kind(source, content)
        except EdgeEmoError as error:
            yield Finding(f"{LEVEL}{title(source)}", "bad", str(error))
            continue
        if what != "picture":
            yield _level(source, content)
        if what == "film":
            yield from _tracks(source, content)
        if what != "sound":
            yield from _view(source, content, what)


def _level(source: str, content: str | BinaryIO) -> Finding:
    topic = f"{LEVEL}{title(source)}"
    try:
        sound = Sound(source, content)
        peak, squares, offset, voiced = _measure(sound)
    except NoSoundTrackError as error:
        return Finding(topic, "note", str(error))
    except EdgeEmoError as error:
        return Finding(topic, "bad", str(error))
    rms = 10 * np.log10(max(squares / max(sound.n_samples, 1), 1e-12))
    text = (
        f"{sound.sample_rate} Hz, {count(sound.channels, 'channel')}, {sound.n_samples / SAMPLE_RATE:.1f} s, "
        f"{voiced:.1f} s of voice, peak {20 * np.log10(max(peak, 1e-6)):.1f} dBFS, RMS {rms:.1f} dBFS"
    )
    advice = [*sound.warnings]
    if not voiced:
        advice.append("no voice found: is the right microphone chosen, and is it on?")
    of_source = sound.n_samples * sound.channels * sound.sample_rate / SAMPLE_RATE
    if sound.n_clipped > of_source * 1e-4:
        advice.append("clipped: turn the input down")
    if abs(offset) > 0.01:
        advice.append(f"constant offset of {offset:+.2f}: the sound card or its cable may be faulty")
    if peak < 0.003:
        advice.append("very quiet: turn the input up")
    return Finding(topic, "note" if advice else "ok", "; ".join([text, *advice]))


def _tracks(source: str, content: str | BinaryIO) -> Iterator[Finding]:
    """Yield which sound tracks a film has, for --audio-track; nothing where there is none, or it cannot be read."""
    try:
        tracks = sound_tracks(source, content)
    except EdgeEmoError:  # the level tells it
        return
    if tracks:
        yield Finding(f"{TRACKS}{title(source)}", "ok", "; ".join(map(str, tracks)))


def _view(source: str, content: str | BinaryIO, what: Kind) -> Iterator[Finding]:
    """Yield what the picture, or the first frame of a film, shows; nothing for a film without a picture."""
    topic = f"{VIEW}{title(source)}"
    try:
        picture = read_picture(source, content) if what == "picture" else _first_frame(source, content)
        sides = sorted((face.area**0.5 for face in FaceDetector().detect(picture)), reverse=True)
    except NoPictureError:
        return
    except EdgeEmoError as error:
        yield Finding(topic, "bad", str(error))
        return
    height, width = picture.shape[:2]
    light = float(picture.mean()) / 255
    text = f"{width} x {height} pixels, {light:.0%} of full brightness, {count(len(sides), 'face')}"
    text += f" of {', '.join(f'{side:.0f}' for side in sides[:5])} pixels" if sides else ""
    advice = []
    if light < DARK:
        advice.append("dark: turn on a light, or turn the camera away from the window")
    if not sides:
        advice.append("no face found: is there one in the picture, upright and near enough?")
    elif sides[0] < SMALL * max(width, height):
        advice.append("the face is small: move closer to the camera")
    yield Finding(topic, "note" if advice else "ok", "; ".join([text, *advice]))


def _first_frame(source: str, content: str | BinaryIO) -> Pixels:
    return next(iter(Film(source, source=content))).picture


def _measure(sound: Sound) -> tuple[float, float, float, float]:
    """Return peak, sum of squares, mean, and seconds of voice."""
    peak, squares, total, activity, spans = 0.0, 0.0, 0.0, ActivityDetector(), []
    for block in sound:
        peak = max(peak, float(np.abs(block).max()))
        squares += float(np.square(block, dtype=np.float64).sum())
        total += float(block.sum(dtype=np.float64))
        spans += activity.push(block)
    spans += activity.finish()
    mean = total / max(sound.n_samples, 1)
    return peak, squares, mean, sum(span.stop - span.start for span in spans) / SAMPLE_RATE
