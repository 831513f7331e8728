"""`edge-emo doctor`: what this machine has, and what may be wrong with it or with a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edge_emo.cli import exit_codes, options
from edge_emo.cli.help import Command
from edge_emo.core.text import plain

if TYPE_CHECKING:
    from edge_emo.app.documents import Finding

_WIDEST = 48  # columns for what a finding is about, such as the sound tracks of a file


@click.command(cls=Command, examples=("edge-emo doctor", "edge-emo doctor clip.wav movie.mp4"))
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@options.output_format
@click.pass_context
def doctor(ctx: click.Context, sources: tuple[str, ...], output: str) -> None:
    """Check the installation, and each SOURCE you name.

    A SOURCE is checked for sound level, tracks, light and faces. The exit code is 3 if the
    installation has a fault, and 1 if only a SOURCE cannot be read.
    """
    from edge_emo.app.doctor import LEVEL, VIEW, diagnose
    from edge_emo.app.documents import DoctorDocument
    from edge_emo.cli.printing import put_rows

    findings = diagnose(sources)
    if output != "text":
        put_rows(output, findings, DoctorDocument(findings))
    else:
        wide = min(_WIDEST, max(len(plain(finding.topic)) for finding in findings))
        for finding in findings:
            click.echo(_line(finding, wide))
    bad = [finding for finding in findings if finding.state == "bad"]
    only_sources = all(finding.topic.startswith((LEVEL, VIEW)) for finding in bad)
    ctx.exit((exit_codes.BAD_INPUT if only_sources else exit_codes.DAMAGED) if bad else exit_codes.DONE)


def _line(finding: Finding, wide: int) -> str:
    """Return a finding with its text in a column of its own; a longer topic pushes only its own text on."""
    color = {"ok": "green", "note": "yellow", "bad": "red"}[finding.state]
    return f"{click.style(f'{finding.state:<4}', fg=color)}  {plain(finding.topic):<{wide}}  {plain(finding.text)}"
