"""Whole processes, and what is there before the first answer: time, memory, imports and installed size.

python -m benchmarks.coldstart
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import click

from benchmarks import environment
from benchmarks.processes import together

COMMANDS = (
    "edge-emo --help",
    "edge-emo recommend sample --json",
    "edge-emo recommend --mood happy --json",
    "edge-emo songs search piano",
)
FIRST_RESULTS = {
    "voice": "from edge_emo import analyze\nfrom edge_emo.media.sources import sample_path\nanalyze(sample_path())",
    "face": "import numpy as np, edge_emo\npicture = np.full((480, 640, 3), 90, np.uint8)\n"
    "edge_emo.FaceDetector().detect(picture)\n"
    "edge_emo.FaceRecognizer().of_cut_outs([picture])",
    "songs": "from edge_emo import Recommender, Catalogue\nRecommender(Catalogue())([1 / 8] * 8, 10, seed=0)",
}
"""What is done until the first answer, each in a process of its own; it then holds so much memory while it waits."""
_IMPORT = re.compile(r"^import time:\s+(\d+) \|\s+\d+ \|\s*(\S+)")
_TELL = "\nfrom edge_emo.bench.machine import resident_mb\nprint(resident_mb())"


def processes(work: dict[str, tuple[list[str], str]], runs: int) -> dict[str, dict[str, float]]:
    """Return the time and memory of arguments of `edge-emo`, or of code, run in turns.

    Memory is told in a run that is not timed, which also fills the page cache.
    """
    peaks = {name: together([arguments], code)[1] for name, (arguments, code) in work.items()}
    seconds: dict[str, list[float]] = defaultdict(list)
    for _ in range(runs):
        for name, (arguments, code) in work.items():
            start = time.perf_counter()
            output(*(["-c", code] if code else ["-m", "edge_emo", *arguments]))
            seconds[name].append(time.perf_counter() - start)
    return {
        name: {"median_s": statistics.median(times), "max_s": max(times), "peak_mb": peaks[name]}
        for name, times in seconds.items()
    }


def output(*command: str) -> tuple[str, str]:
    """Return what a Python process prints, and what it prints on standard error."""
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True)
    return done.stdout, done.stderr


def import_times(log: str) -> dict[str, float]:
    """Return milliseconds by package, the longest first, from what `-X importtime` prints."""
    of_package: dict[str, float] = defaultdict(float)
    for line in log.splitlines():
        if found := _IMPORT.match(line):
            name = found.group(2).split(".")[0].removeprefix("_")
            of_package[name] += int(found.group(1)) / 1000
    return dict(sorted(of_package.items(), key=lambda item: -item[1]))


def installed_megabytes() -> dict[str, float]:
    """Return the megabytes on disk of the package and of everything it cannot do without, the largest first."""
    sizes: dict[str, float] = {}
    waiting = ["edge-emo"]
    while waiting:
        name = waiting.pop()
        if name in sizes:
            continue
        try:
            found = distribution(name)
        except PackageNotFoundError:  # needed on other systems only
            continue
        sizes[name] = _megabytes(found)
        needed = [requirement for requirement in found.requires or [] if "extra ==" not in requirement]
        waiting += [
            re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower().replace("_", "-") for requirement in needed
        ]
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def _megabytes(found: Distribution) -> float:
    if found.metadata["Name"] == "edge-emo":  # may be a checkout
        folders = (environment.ROOT / "edge_emo", environment.ROOT / "models_onnx")
        files = [path for folder in folders for path in folder.rglob("*") if "__pycache__" not in path.parts]
    else:
        files = [Path(str(found.locate_file(file))) for file in found.files or []]
    return sum(path.stat().st_size for path in files if path.is_file()) / 1e6


def _rounded(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


@click.command()
@click.option("--runs", type=click.IntRange(1), default=21, show_default=True)
@environment.json_option()
def main(runs: int, json_path: Path | None) -> None:
    """Time commands, interleaved; then first answers, imports and sizes."""
    commands = {"python -c pass": ([], "pass"), **{name: (name.split()[1:], "") for name in COMMANDS}}
    results: dict[str, Any] = {"processes": processes(commands, runs)}
    first = processes({name: ([], code) for name, code in FIRST_RESULTS.items()}, runs)
    results["first_result"] = {
        name: {**row, "idle_mb": float(output("-c", FIRST_RESULTS[name] + _TELL)[0])} for name, row in first.items()
    }
    whole = output("-X", "importtime", "-c", FIRST_RESULTS["voice"])[1]
    results["import_ms"] = import_times(whole)
    results["import_help_ms"] = import_times(output("-X", "importtime", "-m", "edge_emo", "--help")[1])
    results["installed_mb"] = installed_megabytes()
    click.echo(f"{'':<44} {'median s':>9} {'max s':>9} {'peak MB':>9} {'idle MB':>9}")
    for name, row in {**results["processes"], **results["first_result"]}.items():
        cells = [row[key] for key in ("median_s", "max_s", "peak_mb")]
        click.echo(f"{name:<44} {cells[0]:9.3f} {cells[1]:9.3f} {cells[2]:9.1f} {_rounded(row.get('idle_mb')):>9}")
    for title, key, unit in (
        ("Imports until the first voice is recognised", "import_ms", "ms"),
        ("Imports of --help", "import_help_ms", "ms"),
        ("Installed without extras", "installed_mb", "MB"),
    ):
        rows = results[key]
        click.echo(f"\n{title}: {sum(rows.values()):.1f} {unit}")
        click.echo("  ".join(f"{name} {value:.1f}" for name, value in list(rows.items())[:10]))
    environment.write(json_path, "coldstart", results)


if __name__ == "__main__":
    main()
