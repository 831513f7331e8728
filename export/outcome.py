"""What a conversion says at its end: the files it wrote, what was measured of them, and what to do with them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from export.measure.chance import is_near_guessing, of_guessing
from export.measure.gates import Gate
from export.pipeline import Export
from export.report import Search

N_TOLD = 5


def tell_left_out(left_out: Sequence[str]) -> None:
    """Say which of the real inputs were not used."""
    for text in left_out[:N_TOLD]:
        click.echo(f"left out: {text}", err=True)
    if len(left_out) > N_TOLD:
        click.echo(f"left out: {len(left_out) - N_TOLD} files more", err=True)


def tell_made(made: Export, out: Path, task: str | None) -> None:
    """Say what was made, how good it is, and, where it has a task, how to run it."""
    click.echo(f"{out / made.fp32}: {len(made.files[made.fp32]) / 1000:,.0f} kB")
    _tell_gates([made.gate])
    if made.front_ends:
        for way in made.front_ends.ways:
            click.echo(f"fp32 is right on {way.accuracy:.1%} of {len(made.front_ends.labels)} recordings {way.name}")
        if made.front_ends.warning:
            click.secho(f"WARNING: {made.front_ends.warning}", err=True, bold=True)
    if made.search:
        _tell_small(made, made.search, out)
    else:
        click.echo(
            "WARNING: compared on random numbers only, and no int8: give real recordings or pictures to --calibrate",
            err=True,
        )
    if task:
        card = (out / (made.small or made.fp32)).with_suffix(".json")
        file, option = ("picture.jpg", "--face-model") if task == "face" else ("clip.wav", "--voice-model")
        click.echo(f"run it with: edge-emo analyze {file} {option} {shlex.quote(str(card))}")


def _tell_gates(gates: Iterable[Gate]) -> None:
    for gate in gates:
        click.echo(f"  {gate}")


def _tell_small(made: Export, found: Search, out: Path) -> None:
    report = out / next(name for name in made.files if name.endswith(".report.md"))
    if found.accuracy_fp32 is not None:
        click.echo(f"fp32 is right on {found.accuracy_fp32:.1%} of {len(found.judged)} inputs of known label")
        if is_near_guessing(found.accuracy_fp32, found.judged.labels):
            click.echo(
                f"WARNING: guessing the commonest label would be right on {of_guessing(found.judged.labels):.1%}, the "
                f"model is right on {found.accuracy_fp32:.1%}; are the front end and the labels right?",
                err=True,
            )
    chosen = found.chosen
    if chosen is None or chosen.comparison is None or made.small is None:
        best = found.nearest
        told = f"the best, {best.variant}: {best.refusal}" if best else "none could be made"
        click.echo(f"no int8: every candidate was refused; {told}; see {report}", err=True)
        return
    click.echo(f"{out / made.small}: {chosen.kilobytes:,.0f} kB")
    click.echo(f"  {chosen.variant}")
    click.echo(f"  {chosen.latency_ms:.2f} ms against {found.fp32_ms:.2f} in fp32")
    _tell_gates(chosen.comparison.gates)
    if found.is_forced:
        why = chosen.refusal or "calibrated and judged on random numbers, which say nothing of real ones"
        click.echo(f"WARNING: {made.small} was written by force: {why}", err=True)
    elif chosen.precision == "fp16":
        click.echo(f"by the rule no int8 file does as well as weights stored in 16 bits; see {report}", err=True)
    elif chosen.latency_ms > found.fp32_ms:
        click.echo(f"{made.small} is smaller, but slower here than {made.fp32}", err=True)
