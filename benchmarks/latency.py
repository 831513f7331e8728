"""Milliseconds of every stage, warm, on one core; then a film of 60 s on all cores.

python -m benchmarks.latency
"""

from __future__ import annotations

import os
import tempfile
import time
from functools import partial
from pathlib import Path

import click
import cv2
import soundfile
from rich.progress import Progress

from benchmarks import environment, faces
from benchmarks.media import SPEECH, camera_frame, write_film
from edge_emo.analysis.analyzer import Analyzer
from edge_emo.bench.document import Times
from edge_emo.bench.machine import pin
from edge_emo.bench.stages import Bench
from edge_emo.bench.timing import Stage, interleaved
from edge_emo.face.detector import FaceDetector
from edge_emo.media.sound import SAMPLE_RATE, read_sound
from edge_emo.models.manifest import models_folder, read_manifest

CLIP_S, FILM_S = 3, 60


def show(found: dict[str, Times]) -> None:
    """Print a table."""
    click.echo(f"{'ms':<44} {'p50':>8} {'p90':>8} {'p95':>8} {'p99':>8} {'first':>8}")
    for name, t in found.items():
        cells = (t.p50_ms, t.p90_ms, t.p95_ms, t.p99_ms, t.first_ms)
        click.echo(f"{name:<44} " + " ".join(f"{ms:8.3f}" for ms in cells))


def clip_stages(folder: Path) -> dict[str, Stage]:
    """Return a clip of 3 s from file to emotion with every voice model; its two utterances make two windows."""
    clip = folder / "clip.wav"
    soundfile.write(clip, read_sound(SPEECH)[: CLIP_S * SAMPLE_RATE], SAMPLE_RATE, subtype="PCM_16")
    return {
        f"clip of 3 s, file to emotion, {name} {precision}": partial(
            Analyzer(voice_model=models_folder() / card), str(clip)
        )
        for name in ("voice", "voice-classic")
        for precision, card in read_manifest().models[name].cards.items()
    }


def face_stages() -> dict[str, Stage]:
    """Return a frame of 640 x 480 with one face through every detector and expression model."""
    frame = camera_frame(640, 480)
    found = FaceDetector().detect(frame)[:1]
    stages: dict[str, Stage] = {
        f"frame with a face, {name}": partial(detector.detect, frame) for name, detector in faces.detectors().items()
    }
    for name, recognizer in faces.recognizers().items():
        stages[f"align and recognise, {name}"] = partial(recognizer.probabilities, frame, found)
    return stages


def film_seconds(folder: Path, runs: int = 3) -> tuple[list[float], int]:
    """Return the seconds that a film takes, voice and face, and how many faces were read in it."""
    path = folder / "film.mp4"
    write_film(path, FILM_S, 1280, 720)
    seconds, n_faces = [], 0
    for _ in range(runs):
        start = time.perf_counter()
        timeline = Analyzer()(path)
        seconds.append(time.perf_counter() - start)
        n_faces = sum(reading.modality == "face" for reading in timeline.readings)
    return seconds, n_faces


@click.command()
@click.option("--calls", type=click.IntRange(1), default=400, show_default=True, help="Of each stage.")
@environment.json_option()
def main(calls: int, json_path: Path | None) -> None:
    """Time every stage of the package, the models beside the default ones, and a film."""
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    pin()
    with tempfile.TemporaryDirectory() as folder, Progress(transient=True) as progress:
        task = progress.add_task("Measuring", total=1)
        bench = Bench()
        stages = {**bench.stages(), **clip_stages(Path(folder)), **face_stages()}
        found = interleaved(stages, calls, on_progress=lambda share: progress.update(task, completed=share))
        if cores:
            os.sched_setaffinity(0, cores)
        cv2.setNumThreads(-1)
        seconds, n_faces = film_seconds(Path(folder))
    show(found)
    click.echo(
        f"\n{FILM_S} s of 1280 x 720 at 25 frames a second, 5 of them looked at, voice and face, {len(cores)} cores: "
        f"{sorted(seconds)[len(seconds) // 2]:.2f} s ({n_faces} faces read)"
    )
    results = {"loads": bench.loads, "stages_ms": found, "film_s": seconds, "faces_read": n_faces}
    environment.write(json_path, "latency", results)


if __name__ == "__main__":
    main()
