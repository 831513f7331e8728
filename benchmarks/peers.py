"""Other libraries beside this one, each in its own environment, on the same inputs, in turns on the same core.

    python -m benchmarks.peers --data ../shared/data

What is not installed yet is fetched from the package index that pip is configured for; what does not install or run is
left out, with the reason. Networks are built anew with weights of a seed, on which no time depends; peers start from a
ready input, ours for `voice` from the features on, and go on to calibrated probabilities. Ratios are medians
over rounds, each round being a turn of every task of a comparison, with a 95 % interval (bootstrap over rounds).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import platformdirs
from rich.console import Console
from rich.progress import track
from scipy import stats

from benchmarks import environment, peer_accuracy
from benchmarks.peer_environments import PEERS, EnvironmentMissingError, make
from benchmarks.peer_ours import write_inputs
from benchmarks.peer_tasks import NETWORKS, WAYS
from benchmarks.peer_worker import Worker, WorkerError
from edge_emo.bench.machine import pin
from export.train.corpora import DATA

ROUNDS = 30
TURN, UNCOUNTED, TURN_S = 20, 5, 0.4
OURS, OPENCV = "edge-emo", "opencv"
"""Workers that need no environment but the present one."""

Task = tuple[str, str]
"""An environment and what is done in it."""


@dataclass(frozen=True)
class Comparison:
    """Tasks of ours, and for each peer what it does instead, in one environment or one after the other in several."""

    name: str
    ours: tuple[str, ...]
    peers: Mapping[str, tuple[Task, ...]]


def comparisons() -> list[Comparison]:
    """Return all comparisons; int8 is also compared with our own fp32."""
    found = [
        Comparison(
            "13 MFCCs of 3 s at 16 kHz", ("mfcc",), {"python_speech_features": (("python_speech_features", "mfcc"),)}
        ),
        Comparison("100 MFCCs of 3 s at 22,050 Hz", ("librosa mfcc",), {"librosa": (("librosa", "librosa mfcc"),)}),
        Comparison("their mean over time", ("librosa mfcc, mean",), {"librosa": (("librosa", "librosa mfcc, mean"),)}),
    ]
    for name in NETWORKS:
        peers = {way: (("tensorflow", f"{name}, {way}"),) for way in WAYS}
        found.append(_both(f"network {name}", name, peers))
    mediapipe = {way: ("mediapipe", way) for way in ("MediaPipe short range", "MediaPipe full range")}
    opencv = {way: ((OPENCV, way),) for way in ("OpenCV Haar", "YuNet")}
    found.append(_both("faces of 640 x 480", "detect", {way: (task,) for way, task in mediapipe.items()} | opencv))
    chains = {
        f"{way} + {lite}": (task, ("tensorflow", f"face, {lite}"))
        for way, task in mediapipe.items()
        for lite in ("TFLite fp32", "TFLite int8")
    }
    found.append(_both("faces and expression", "detect and recognise", chains))
    functionals = {f"openSMILE {name}, features": (("opensmile", name),) for name in peer_accuracy.FEATURE_SETS}
    found.append(Comparison("file of 3 s to emotion", ("file to emotion",), functionals))
    return found


def _both(title: str, task: str, peers: Mapping[str, tuple[Task, ...]]) -> Comparison:
    return Comparison(title, (f"{task} fp32", f"{task} int8"), {**peers, f"{OURS} fp32": ((OURS, f"{task} fp32"),)})


def ratio(peer: Sequence[float], ours: Sequence[float]) -> tuple[float, float, float]:
    """Return the median over rounds of how many times as long a peer takes, and its 95 % interval (bootstrap)."""
    ratios = np.asarray(peer) / np.asarray(ours)
    found = stats.bootstrap((ratios,), np.median, vectorized=True, method="percentile", rng=0).confidence_interval
    return float(np.median(ratios)), float(found.low), float(found.high)


def measure(
    comparison: Comparison, workers: dict[str, Worker], rounds: int, skip: Callable[[str, str], None]
) -> list[dict[str, Any]]:
    """Return a row for every task of ours and every peer that can be had; `skip` is told of those that fail."""
    peers = {title: chain for title, chain in comparison.peers.items() if all(name in workers for name, _ in chain)}
    if all(name == OURS for chain in peers.values() for name, _ in chain):
        return []
    own = {title: ((OURS, title),) for title in comparison.ours}
    ready = {task: _prepared(workers, task) for (task,) in own.values()}
    for title, chain in list(peers.items()):
        try:
            ready |= {task: _prepared(workers, task) for task in chain if task not in ready}
        except WorkerError as error:
            skip(f"{comparison.name}: {title}", str(error))
            del peers[title]
    medians: dict[Task, list[float]] = {task: [] for chain in [*own.values(), *peers.values()] for task in chain}
    for _ in track(range(rounds), comparison.name, console=Console(stderr=True), transient=True):
        for (worker, job), turns in medians.items():
            calls = ready[worker, job].calls
            seconds = workers[worker].run(job, calls, min(UNCOUNTED, calls // 4 or 1))
            turns.append(float(np.median(seconds)) * 1000)
    rows = []
    for ours, (task,) in own.items():
        for peer, chain in peers.items():
            if chain == (task,):
                continue
            peer_ms = np.sum([medians[part] for part in chain], axis=0)
            times, low, high = ratio(peer_ms, medians[task])
            rows.append(
                {
                    "comparison": comparison.name,
                    "ours": ours,
                    "ours_ms": float(np.median(medians[task])),
                    "peer": peer,
                    "peer_ms": float(np.median(peer_ms)),
                    "ratio": times,
                    "interval_95": [low, high],
                    "answers": [ready[task].answers, ready[chain[0]].answers],
                }
            )
    return rows


@dataclass(frozen=True)
class Ready:
    """A task that was called before: how many things it answered, and how many calls make a turn."""

    answers: int
    calls: int


def _prepared(workers: dict[str, Worker], task: Task) -> Ready:
    name, stage = task
    answers = workers[name].prepare(stage)
    return Ready(answers, int(np.clip(TURN_S / np.median(workers[name].run(stage, 3, 0)), 3, TURN)))


def show(rows: Sequence[dict[str, Any]]) -> None:
    """Print the rows of a comparison, and where a peer finds more or fewer things than ours."""
    for row in rows:
        (low, high), (own, others) = row["interval_95"], row["answers"]
        click.echo(
            f"{row['comparison']:<30} {row['ours']:<24} {row['ours_ms']:>8.3f} {row['peer']:<36} {row['peer_ms']:>8.3f}"
            f" {row['ratio']:>7.2f} ({low:.2f} to {high:.2f})"
            + ("" if own == others else f"  {others} found for {own}")
        )


def show_accuracy(found: dict[str, Any]) -> None:
    """Print accuracy on actors never heard."""
    click.echo("\nRAVDESS speech, four folds, actors held out; mean ± standard deviation over the folds")
    for name, row in found.items():
        cells = [f"{key} {row[key]['mean']:.3f} ± {row[key]['sd']:.3f}" for key in ("uar", "accuracy")]
        click.echo(f"{name:<30} " + "   ".join(cells))


@click.command()
@click.option("--environments", type=click.Path(path_type=Path), help="Their folder; the user's cache by default.")
@click.option("--only", multiple=True, type=click.Choice([*PEERS, OPENCV]), help="These peers alone.")
@click.option("--yunet", type=click.Path(path_type=Path, exists=True), help="A YuNet file to compare with.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True, help="The speech corpora.")
@click.option("--rounds", type=click.IntRange(2), default=ROUNDS, show_default=True)
@environment.json_option()
def main(
    environments: Path | None, only: Sequence[str], yunet: Path | None, data: Path, rounds: int, json_path: Path | None
) -> None:
    """Time the peers beside ours, and score openSMILE's features."""
    skipped: dict[str, str] = {}

    def skip(name: str, reason: str) -> None:
        skipped[name] = reason
        click.echo(f"{name} is left out: {reason}")

    pythons: dict[str, Path] = {}
    releases: list[str] = []
    folder = environments or platformdirs.user_cache_path("edge-emo") / "peers"
    for name in [name for name in PEERS if name in only or not only]:
        try:
            pythons[name], installed = make(name, PEERS[name], folder.resolve())
            releases += installed
        except EnvironmentMissingError as error:
            skip(name, str(error))
    accuracy = {}
    if "opensmile" in pythons:
        try:
            accuracy = peer_accuracy.compare(pythons["opensmile"], data)
        except (OSError, subprocess.SubprocessError) as error:
            skip("openSMILE's accuracy", str(error))
    modules = {name: (python, "benchmarks.peer_tasks") for name, python in pythons.items()}
    for name in [OURS, OPENCV] if OPENCV in only or not only else [OURS]:
        modules[name] = (Path(sys.executable), "benchmarks.peer_ours")
    pin()
    rows: list[dict[str, Any]] = []
    click.echo(f"{'':<30} {'ours':<24} {'ms':>8} {'peer':<36} {'ms':>8}   ratio (95 % interval)")
    with tempfile.TemporaryDirectory() as inputs, ExitStack() as stack:
        write_inputs(Path(inputs), yunet)
        workers = {
            name: stack.enter_context(Worker(python, module, Path(inputs)))
            for name, (python, module) in modules.items()
        }
        for comparison in comparisons():
            found = measure(comparison, workers, rounds, skip)
            show(found)
            rows += found
    show_accuracy(accuracy)
    results = {"rounds": rounds, "times": rows, "accuracy": accuracy, "skipped": skipped, "releases": releases}
    environment.write(json_path, "peers", results)


if __name__ == "__main__":
    main()
