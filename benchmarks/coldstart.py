"""Whole processes, from the shell's point of view: wall time and peak memory.

python -m benchmarks.coldstart
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import click

from benchmarks import environment

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "edge-emo --help": ["--help"],
    "edge-emo recommend sample --json": ["recommend", "sample", "--json"],
    "edge-emo recommend --mood happy --json": ["recommend", "--mood", "happy", "--json"],
    "edge-emo songs search piano": ["songs", "search", "piano"],
}


def run(command: list[str]) -> tuple[float, float]:
    """Return wall time in seconds and peak resident memory in MB of one process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with exit code {process.returncode}")
    return elapsed, usage.ru_maxrss / 1000


@click.command()
@click.option("--runs", default=21, show_default=True)
@click.option("--json", "json_path", type=click.Path(path_type=Path))
def main(runs: int, json_path: Path | None) -> None:
    """Time the commands, interleaved."""
    script = str(Path(sys.executable).with_name("edge-emo"))
    commands = {name: arguments if "-c" in arguments else [script, *arguments] for name, arguments in COMMANDS.items()}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for name, command in commands.items():
        run(command)  # files into the page cache
        found[name] = []
    for _ in range(runs):
        for name, command in commands.items():
            found[name].append(run(command))
    click.echo(f"{'':<44} {'median s':>9} {'max s':>9} {'peak MB':>9}")
    results = {}
    for name, rows in found.items():
        seconds, memory = [row[0] for row in rows], [row[1] for row in rows]
        results[name] = {"median_s": statistics.median(seconds), "max_s": max(seconds), "peak_mb": max(memory)}
        click.echo(f"{name:<44} {results[name]['median_s']:9.3f} {max(seconds):9.3f} {max(memory):9.1f}")
    environment.write(json_path, "coldstart", results)


if __name__ == "__main__":
    main()
