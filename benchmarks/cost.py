"""What work costs without a clock: operations and bytes of the models, Python calls and memory of the stages.

python -m benchmarks.cost --json benchmarks/results/cost.json

The same on every machine, but for small differences between releases of Python and of the libraries; the tests compare
with what is kept. The models' part needs `[export]`.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import click

from benchmarks import environment
from edge_emo.bench.stages import Bench
from edge_emo.models.card_json import read_card
from edge_emo.models.manifest import models_folder, read_manifest


def calls_of(stage: Callable[[], Any]) -> int:
    """Return how many functions a warm stage calls, in Python and in C."""
    stage()
    n_calls = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal n_calls
        n_calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        stage()
    finally:
        sys.setprofile(None)
    return n_calls


def peak_kilobytes(stage: Callable[[], Any]) -> float:
    """Return the most memory that a warm stage allocates at a time, arrays and Python objects, in kB."""
    stage()
    tracemalloc.start()
    try:
        stage()
        return tracemalloc.get_traced_memory()[1] / 1000
    finally:
        tracemalloc.stop()


def stage_costs() -> dict[str, dict[str, float]]:
    """Return calls and memory of every stage of `edge-emo bench`."""
    return {
        name: {"calls": calls_of(stage), "peak_kb": round(peak_kilobytes(stage), 1)}
        for name, stage in Bench().stages().items()
    }


def model_costs() -> dict[str, dict[str, Any]]:
    """Return bytes, parameters and operations of every model that ships."""
    cards = [card for entry in read_manifest().models.values() for card in entry.cards.values()]
    return {card: model_cost(models_folder() / read_card(models_folder() / card).file) for card in cards}


def model_cost(path: Path) -> dict[str, Any]:
    """Return the size of an ONNX file, how many weights it holds, and how often each operation occurs in it."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    return {
        "bytes": path.stat().st_size,
        "parameters": sum(numpy_helper.to_array(tensor).size for tensor in graph.initializer),
        "operations": dict(sorted(Counter(node.op_type for node in graph.node).items())),
    }


@click.command()
@environment.json_option()
def main(json_path: Path | None) -> None:
    """Count."""
    models, stages = model_costs(), stage_costs()
    for name, cost in models.items():
        operations = " ".join(f"{kind} {n}" for kind, n in cost["operations"].items())
        click.echo(f"{name:<28} {cost['bytes']:>9,} bytes {cost['parameters']:>9,} weights  {operations}")
    click.echo(f"\n{'':<36} {'calls':>9} {'peak kB':>10}")
    for name, row in stages.items():
        click.echo(f"{name:<36} {row['calls']:>9,} {row['peak_kb']:>10,.1f}")
    environment.write(json_path, "cost", {"models": models, "stages": stages})


if __name__ == "__main__":
    main()
