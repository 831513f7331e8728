"""`edge-emo doctor`: what this machine has, and what may be wrong with it or with a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edge_emo.cli import options

if TYPE_CHECKING:
    from edge_emo.report.documents import Finding


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@options.output_format
@click.pass_context
def doctor(ctx: click.Context, sources: tuple[str, ...], output: str) -> None:
    """Check versions, processor, models and catalogue, and the level of each SOURCE. Exit code 3 when one is bad."""
    from edge_emo.diagnosis import diagnose
    from edge_emo.report import machine
    from edge_emo.report.documents import DoctorDocument

    findings = diagnose(sources)
    if output != "text":
        machine.print_rows(output, findings, DoctorDocument(findings))
    else:
        for finding in findings:
            click.echo(_line(finding))
    ctx.exit(3 if any(finding.state == "bad" for finding in findings) else 0)


def _line(finding: Finding) -> str:
    color = {"ok": "green", "note": "yellow", "bad": "red"}[finding.state]
    return f"{click.style(f'{finding.state:<4}', fg=color)}  {finding.topic:<22} {finding.text}"
