"""Milliseconds of each stage, warm, on one core.

python -m benchmarks.latency voice
python -m benchmarks.latency face
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import soundfile
from threadpoolctl import threadpool_limits

from benchmarks import environment, faces
from edge_emo.analyzer import Analyzer
from edge_emo.card import models_folder, read_manifest
from edge_emo.errors import EdgeEmoError
from edge_emo.face.backends import MediaPipeDetector, named
from edge_emo.face.detector import Detector, FaceDetector, Pixels
from edge_emo.media import SAMPLE_RATE, read_sound
from edge_emo.sources import sample_path
from edge_emo.voice import mfcc
from edge_emo.voice.activity import find_voice
from edge_emo.voice.recognizer import VoiceRecognizer, network_input

RUNS, FRAME_RUNS = 400, 200
TURN, UNCOUNTED = 20, 5
FILM_S = 60
CLIP_S = 3.0


def interleaved(stages: dict[str, Callable[[], Any]], runs: int = RUNS) -> dict[str, dict[str, float]]:
    """Time every stage `runs` times after a warm-up, in turns of `TURN` calls; return percentiles in milliseconds.

    The first calls of a turn are not counted, so that no stage pays for the caches that another one emptied.
    """
    first: dict[str, float] = {}
    times: dict[str, list[float]] = {name: [] for name in stages}
    for name, stage in stages.items():
        start = time.perf_counter()
        stage()
        first[name] = (time.perf_counter() - start) * 1000
    for stage in stages.values():
        for _ in range(20):
            stage()
    for _ in range(-(-runs // TURN)):
        for name, stage in stages.items():
            for call in range(-UNCOUNTED, TURN):
                start = time.perf_counter()
                stage()
                if call >= 0:
                    times[name].append((time.perf_counter() - start) * 1000)
    return {
        name: {"first": first[name], **{f"p{q}": float(np.percentile(values, q)) for q in (50, 90, 95, 99)}}
        for name, values in times.items()
    }


def show(found: dict[str, dict[str, float]]) -> None:
    """Print a table."""
    click.echo(f"{'ms':<44} {'p50':>8} {'p90':>8} {'p95':>8} {'p99':>8} {'first':>8}")
    for name, row in found.items():
        click.echo(f"{name:<44} " + " ".join(f"{row[k]:8.3f}" for k in ("p50", "p90", "p95", "p99", "first")))


@click.group()
def main() -> None:
    """Measure latency."""


@main.command()
@click.option("--json", "json_path", type=click.Path(path_type=Path))
def voice(json_path: Path | None) -> None:
    """A 3 s clip from file to emotion, and each stage; the front end against python_speech_features."""
    import python_speech_features

    environment.pin()
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.wav"
        samples = read_sound(sample_path())[: int(CLIP_S * SAMPLE_RATE)]
        soundfile.write(clip, samples, SAMPLE_RATE, subtype="PCM_16")
        stages: dict[str, Callable[[], Any]] = {
            "decode (16 kHz WAV)": lambda: read_sound(clip),
            "decode and resample (22.05 kHz FLAC, 5.3 s)": lambda: read_sound(sample_path()),
            "voice activity": lambda: find_voice(samples),
            "python_speech_features.mfcc": lambda: python_speech_features.mfcc(samples, SAMPLE_RATE),
        }
        for name in ("voice", "voice-classic"):
            for precision in read_manifest().models[name].cards:
                recognizer = VoiceRecognizer(models_folder() / f"{name}.{precision}.json")
                spec, shape = recognizer.preprocessing.input, recognizer.card.input.shape[1:]
                if precision == "fp32":
                    stages[f"{name}: input from features"] = lambda s=spec, t=shape: network_input(samples, s, t)
                    features = spec.features
                    sound = samples if features.sample_rate == SAMPLE_RATE else np.zeros(66150, np.float32) + 0.01
                    stages[f"{name}: features alone"] = lambda x=sound, f=features: mfcc.compute(x, f)
                batch = network_input(samples, spec, shape)[None]
                stages[f"{name} {precision}: network"] = lambda m=recognizer.model, b=batch: m.run(b)
                analyzer = Analyzer(voice_model=models_folder() / f"{name}.{precision}.json")
                stages[f"{name} {precision}: file to emotion"] = lambda a=analyzer: a(clip)
        with threadpool_limits(1):  # for the reference; ours does not use BLAS
            found = interleaved(stages)
    show(found)
    per_second = found["voice: features alone"]["p50"] / CLIP_S
    ratio = found["python_speech_features.mfcc"]["p50"] / found["voice: features alone"]["p50"]
    click.echo(
        f"\nfeatures {per_second:.3f} ms per second of sound, {ratio:.2f} times as fast as python_speech_features"
    )
    summary = {"features_ms_per_s": per_second, "times_as_fast_as_psf": ratio}
    environment.write(json_path, "latency voice", {"stages_ms": found, **summary})


@main.command()
@click.option("--yunet", type=click.Path(path_type=Path), help="A YuNet file to compare with.")
@click.option("--json", "json_path", type=click.Path(path_type=Path))
def face(yunet: Path | None, json_path: Path | None) -> None:
    """A camera frame of 640 x 480 with one face, each stage and other detectors; then a film of 60 s on all cores."""
    frame = camera_frame(640, 480)
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    environment.pin()
    cv2.setNumThreads(1)
    stages: dict[str, Callable[[], Any]] = {}
    for name, detector in (faces.detectors() | peers(yunet)).items():
        stages[f"{name}: detect"] = lambda d=detector: d.detect(frame)
    found = FaceDetector().detect(frame)[:1]
    for name, recognizer in faces.recognizers().items():
        stages[f"{name}: align and recognise"] = lambda r=recognizer: r.probabilities(frame, found)
    measured = interleaved(stages, FRAME_RUNS)
    show(measured)
    if cores:
        os.sched_setaffinity(0, cores)
    cv2.setNumThreads(-1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        write_film(path)
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            timeline = Analyzer()(path)
            seconds.append(time.perf_counter() - start)
    n_faces = sum(reading.modality == "face" for reading in timeline.readings)
    click.echo(
        f"\n{FILM_S} s of 1280 x 720 at 25 frames a second, 5 of them looked at, voice and face, {len(cores)} cores: "
        f"{np.median(seconds):.2f} s ({n_faces} faces read)"
    )
    environment.write(json_path, "latency face", {"stages_ms": measured, "film_s": seconds, "faces_read": n_faces})


def peers(yunet: Path | None) -> dict[str, Detector]:
    """Return other detectors; what is not here is told."""
    found: dict[str, Detector] = {}
    ways: dict[str, Callable[[], Detector]] = {"OpenCV Haar": faces.HaarDetector, "MediaPipe": MediaPipeDetector}
    if yunet:
        ways["YuNet, 640 x 480"] = lambda: named(str(yunet))
    else:
        click.echo("YuNet is left out: give its file with --yunet")
    for name, way in ways.items():
        try:
            found[name] = way()
        except EdgeEmoError as error:
            click.echo(f"{name} is left out: {error}")
    return found


def camera_frame(width: int, height: int, shift: int = 0) -> Pixels:
    """Return a frame with a public-domain portrait in the middle of noise, RGB."""
    from skimage.data import astronaut

    frame = np.random.default_rng(0).integers(90, 130, (height, width, 3), np.uint8)
    left = (width - height) // 2 + shift
    frame[:, left : left + height] = cv2.resize(astronaut(), (height, height), interpolation=cv2.INTER_CUBIC)
    return frame


def write_film(path: Path) -> None:
    """Write a film in which the portrait moves, with the sample's voice over and over."""
    import av

    sound = np.resize(read_sound(sample_path()), FILM_S * SAMPLE_RATE)
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=25, options={"preset": "veryfast"})
        picture.width, picture.height, picture.pix_fmt = 1280, 720, "yuv420p"
        track = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        shown = [camera_frame(1280, 720, round(40 * np.sin(k / 8))) for k in range(50)]
        for number in range(FILM_S * 25):
            container.mux(picture.encode(av.VideoFrame.from_ndarray(shown[number % 50], "rgb24")))
        frame = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        container.mux(track.encode(frame))
        for stream in (picture, track):
            container.mux(stream.encode(None))


if __name__ == "__main__":
    main()
