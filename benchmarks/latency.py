"""Milliseconds of each stage, warm, on one core.

python -m benchmarks.latency voice
python -m benchmarks.latency songs
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import soundfile
from threadpoolctl import threadpool_limits

from benchmarks import environment
from edge_emo.analyzer import Analyzer
from edge_emo.card import models_folder, read_manifest
from edge_emo.emotions import EMOTIONS
from edge_emo.media import SAMPLE_RATE, read_sound
from edge_emo.music.recommend import Recommender
from edge_emo.sources import sample_path
from edge_emo.voice import mfcc
from edge_emo.voice.activity import find_voice
from edge_emo.voice.recognizer import VoiceRecognizer, network_input

RUNS = 400
CLIP_S = 3.0


def interleaved(stages: dict[str, Callable[[], Any]], runs: int = RUNS) -> dict[str, dict[str, float]]:
    """Time every stage in turn, `runs` times after a warm-up; return percentiles in milliseconds."""
    first, times = {}, {name: np.empty(runs) for name in stages}
    for name, stage in stages.items():
        start = time.perf_counter()
        stage()
        first[name] = (time.perf_counter() - start) * 1000
    for stage in stages.values():
        for _ in range(20):
            stage()
    for run in range(runs):
        for name, stage in stages.items():
            start = time.perf_counter()
            stage()
            times[name][run] = (time.perf_counter() - start) * 1000
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
@click.option("--json", "json_path", type=click.Path(path_type=Path))
def songs(json_path: Path | None) -> None:
    """Ten songs for a distribution over emotions, from the whole catalogue."""
    environment.pin()
    recommender = Recommender()
    rng = np.random.default_rng(0)
    wanted = iter(rng.dirichlet(np.full(len(EMOTIONS), 0.5), RUNS + 21).tolist())
    found = interleaved({"recommend, 6,047 songs": lambda: recommender(next(wanted))})
    show(found)
    environment.write(json_path, "latency songs", found)


if __name__ == "__main__":
    main()
