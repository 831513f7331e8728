"""How results are written: with the machine they were measured on and the state of the code."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec
import numpy as np

from edge_emo.bench.machine import this_machine
from edge_emo.files import atomic_write

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"


def json_option(about: str = "Write the results here.") -> Callable[[Any], Any]:
    """Return the option `--json`, `json_path`; that it can be written is seen before anything is measured."""
    return click.option(
        "--json",
        "json_path",
        type=click.Path(dir_okay=False, writable=True, path_type=Path),
        callback=_with_folder,
        help=about,
    )


def _with_folder(ctx: click.Context, param: click.Parameter, path: Path | None) -> Path | None:
    if path:
        is_new = not path.exists()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.open("a").close()
            if is_new:
                path.unlink()
        except OSError as error:
            raise click.BadParameter(f"{path}: cannot be written ({error.strerror}); give another path") from None
    return path


def write(path: Path | None, benchmark: str, results: Any, *, models: str = "") -> None:
    """Write results with their environment, where a path is given; dataclasses are written as objects.

    Of the models, those are named whose cards begin with `models`: what the benchmark is about.
    """
    if path:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
        machine = {**msgspec.to_builtins(this_machine()), "commit": commit.stdout.strip()}
        machine["models"] = {card: sha for card, sha in machine["models"].items() if card.startswith(models)}
        document = {"benchmark": benchmark, "environment": machine, "results": results}
        with atomic_write(path) as draft:
            draft.write_bytes(msgspec.json.format(msgspec.json.encode(document, enc_hook=_plain), indent=1) + b"\n")


def _plain(value: Any) -> Any:
    """Return a number of numpy as one of Python."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def read(name: str) -> dict[str, Any]:
    """Return the kept document of a benchmark, such as "latency"."""
    found: dict[str, Any] = msgspec.json.decode((RESULTS / f"{name}.json").read_bytes())
    return found
