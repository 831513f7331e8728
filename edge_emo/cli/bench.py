"""`edge-emo bench`: milliseconds and memory of every stage on this machine."""

from __future__ import annotations

from contextlib import closing
from dataclasses import astuple
from typing import TYPE_CHECKING

import click

from edge_emo.cli.help import Command

if TYPE_CHECKING:
    from edge_emo.bench.document import BenchDocument

_LIMIT_S = 90.0
_LEAST_SHARE = 0.9
"""Of the processor, below which other work spoils the figures."""


@click.command(cls=Command, examples=("edge-emo bench", "edge-emo bench --json > bench.json"))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--threads", type=click.IntRange(1, 64), default=1, show_default=True, help="Threads for the models.")
@click.option(
    "--calls",
    type=click.IntRange(20, 10_000),
    default=200,
    show_default=True,
    help=f"Calls of each stage at most; none starts after {_LIMIT_S:.0f} s.",
)
def bench(as_json: bool, threads: int, calls: int) -> None:
    """Measure time and memory of each stage on this machine.

    Takes under two minutes. With one thread, the process stays on one core. "first" is the first call, before the warm-
    up. Only bundled and generated files are used: nothing of yours is read.
    """
    from edge_emo.bench.document import Load
    from edge_emo.bench.machine import loading, pin

    if threads == 1:
        pin()
    loads: list[Load] = []
    with loading("libraries", loads):
        from edge_emo.bench.stages import Bench
        from edge_emo.models.session import onnxruntime_module

        onnxruntime_module()
    from edge_emo.cli.batch import Bar

    with closing(Bar(1, "Measuring")) as bar:
        found = Bench(threads, loads)(calls, _LIMIT_S, bar.show)
    if threads == 1 and found.processor_share < _LEAST_SHARE:
        click.echo(
            f"The process got only {found.processor_share:.0%} of its core, so these times are too long. "
            "Measure again on an idle machine.",
            err=True,
        )
    if as_json:
        from edge_emo.cli.printing import put
        from edge_emo.report import machine

        put(machine.json_document(found))
    else:
        _print(found)


def _print(found: BenchDocument) -> None:
    machine = found.machine
    click.echo(f"edge-emo {machine.versions['edge-emo']}, Python {machine.python}, {machine.system}")
    click.echo(
        f"{machine.cpu}, {machine.cores} cores, {' '.join(machine.cpu_flags)}; "
        f"{machine.threads} thread{'s' * (machine.threads > 1)}"
    )
    click.echo(f"\n{'getting ready':<48} {'ms':>9} {'MB after':>9}")
    for load in found.loads:
        click.echo(f"{load.name:<48} {load.ms:9.1f} {_number(load.resident_mb):>9}")
    click.echo(f"\n{'ms, warm':<36} {'p50':>8} {'p90':>8} {'p95':>8} {'p99':>8} {'first':>8} {'calls':>6}")
    for name, times in found.stages.items():
        first, *percentiles, calls = astuple(times)
        click.echo(f"{name:<36} " + " ".join(f"{ms:8.3f}" for ms in (*percentiles, first)) + f" {calls:6}")
    click.echo(f"\npeak memory {_number(found.peak_mb)} MB; {found.processor_share:.0%} of the time on the processor")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
