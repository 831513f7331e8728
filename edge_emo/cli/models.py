"""`edge-emo models`: the models that ship, and whether their files are sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edge_emo.cli import exit_codes, options
from edge_emo.cli.help import Group
from edge_emo.cli.terminal import tell
from edge_emo.core.text import plain

if TYPE_CHECKING:
    from edge_emo.app.documents import ModelRow


@click.group(cls=Group)
def models() -> None:
    """List the bundled models, and check their files."""


_folder = click.option(
    "--models-dir",
    type=click.Path(exists=True, file_okay=False),
    help="Use the models in this folder instead of the bundled ones.",
)


@models.command("list", examples=("edge-emo models list", "edge-emo models list --models-dir out --json"))
@_folder
@options.output_format
@click.pass_context
def list_models(ctx: click.Context, models_dir: str | None, output: str) -> None:
    """List the models with their cards and measured accuracy."""
    _finish(ctx, models_dir, output, load=False)


@models.command(examples=("edge-emo models verify", "edge-emo models verify --models-dir out"))
@_folder
@options.output_format
@click.pass_context
def verify(ctx: click.Context, models_dir: str | None, output: str) -> None:
    """Compare each file with the SHA-256 in its card, and load it. The exit code is 3 if one is damaged."""
    _finish(ctx, models_dir, output, load=True)


def _finish(ctx: click.Context, models_dir: str | None, output: str, *, load: bool) -> None:
    from edge_emo.app.documents import ModelsDocument
    from edge_emo.app.models import model_rows
    from edge_emo.cli.printing import put_rows

    rows = model_rows(models_dir, load=load)
    damaged = [row for row in rows if row.status != "ok"]
    if output != "text":
        put_rows(output, rows, ModelsDocument(rows))
    elif load:
        click.echo(f"{len(rows) - len(damaged)} of {len(rows)} model files are sound")
    else:
        _list(rows)
    for row in damaged:
        tell(row.status)
    ctx.exit(exit_codes.DAMAGED if damaged else exit_codes.DONE)


def _list(rows: list[ModelRow]) -> None:
    for row in rows:
        mark = "*" if row.default else " "
        state = "" if row.status == "ok" else "  DAMAGED"
        click.echo(
            f"{mark} {plain(row.name):<14} {plain(row.version):<8} {row.precision:<5} {row.kilobytes:7.1f} kB  "
            f"{plain(row.license)}{state}"
        )
        click.echo(f"    {plain(row.card)}")
        figures = [plain(f"{metric.name} {metric.value:.3f} ({metric.data}, {metric.split})") for metric in row.metrics]
        click.echo("".join(f"    {figure}\n" for figure in figures), nl=False)
    click.echo("* used by default", err=True)
