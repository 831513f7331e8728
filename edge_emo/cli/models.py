"""`edge-emo models`: the models that ship, and whether their files are sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edge_emo.cli import exit_codes, options
from edge_emo.cli.terminal import tell
from edge_emo.core.text import plain

if TYPE_CHECKING:
    from edge_emo.app.documents import ModelRow


@click.group()
def models() -> None:
    """List and verify the models."""


_folder = click.option(
    "--models-dir",
    type=click.Path(exists=True, file_okay=False),
    help="Another folder of models than the one that ships.",
)


@models.command("list")
@_folder
@options.output_format
@click.pass_context
def list_models(ctx: click.Context, models_dir: str | None, output: str) -> None:
    """List the models, where their cards are, and what was measured of each file."""
    _finish(ctx, models_dir, output, load=False)


@models.command()
@_folder
@options.output_format
@click.pass_context
def verify(ctx: click.Context, models_dir: str | None, output: str) -> None:
    """Compare each file with its card's SHA-256 and load it. Exit code 3 when one is not sound."""
    _finish(ctx, models_dir, output, load=True)


def _finish(ctx: click.Context, models_dir: str | None, output: str, *, load: bool) -> None:
    from edge_emo.app.models import model_rows

    rows = model_rows(models_dir, load=load)
    _print(rows, output)
    damaged = [row for row in rows if row.status != "ok"]
    for row in damaged:
        tell(row.status)
    ctx.exit(exit_codes.DAMAGED if damaged else exit_codes.DONE)


def _print(rows: list[ModelRow], output: str) -> None:
    from edge_emo.app.documents import ModelsDocument
    from edge_emo.cli.printing import put_rows

    if output != "text":
        put_rows(output, rows, ModelsDocument(rows))
        return
    for row in rows:
        mark = "*" if row.default else " "
        state = "ok" if row.status == "ok" else "DAMAGED"
        click.echo(
            f"{mark} {plain(row.name):<14} {plain(row.version):<8} {row.precision:<5} {row.kilobytes:7.1f} kB  "
            f"{row.sha256[:12]}  {plain(row.license):<16} {state}"
        )
        click.echo(f"    {plain(row.card)}")
        figures = [plain(f"{metric.name} {metric.value:.3f} ({metric.data}, {metric.split})") for metric in row.metrics]
        click.echo("".join(f"    {figure}\n" for figure in figures), nl=False)
    click.echo("* runs where no other model is named", err=True)
