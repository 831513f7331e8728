"""`edge-emo models`: the models that ship, and whether their files are sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edge_emo.cli import exit_codes, options
from edge_emo.cli.terminal import tell
from edge_emo.sources import plain

if TYPE_CHECKING:
    from edge_emo.report.documents import ModelRow


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
    _finish(ctx, _rows(models_dir, load=False), output)


@models.command()
@_folder
@options.output_format
@click.pass_context
def verify(ctx: click.Context, models_dir: str | None, output: str) -> None:
    """Compare each file with its card's SHA-256 and load it. Exit code 3 when one is not sound."""
    _finish(ctx, _rows(models_dir, load=True), output)


def _finish(ctx: click.Context, rows: list[ModelRow], output: str) -> None:
    _print(rows, output)
    damaged = [row for row in rows if row.status != "ok"]
    for row in damaged:
        tell(row.status)
    ctx.exit(exit_codes.DAMAGED if damaged else exit_codes.DONE)


def _rows(models_dir: str | None, load: bool) -> list[ModelRow]:
    from pathlib import Path

    from edge_emo.card import models_folder, read_card, read_manifest
    from edge_emo.errors import ModelError
    from edge_emo.report.documents import ModelRow
    from edge_emo.runtime import Model, verified

    folder = Path(models_dir) if models_dir else models_folder()
    manifest = read_manifest(folder)
    rows = []
    for name, entry in manifest.models.items():
        for precision, card_name in entry.cards.items():
            is_default = name in manifest.tasks.values() and precision == entry.default
            try:
                card = read_card(folder / card_name)
            except ModelError as error:
                card_path = str(folder / card_name)
                rows.append(ModelRow(name, "", "", precision, is_default, card_path, "", 0.0, "", "", [], str(error)))
                continue
            path, status = folder / card.file, "ok"
            try:
                if load:
                    Model(folder / card_name).load()
                else:
                    verified(path, card)
            except ModelError as error:
                status = str(error)
            size = path.stat().st_size / 1000 if path.is_file() else 0.0
            rows.append(
                ModelRow(
                    card.name,
                    card.version,
                    card.task,
                    card.precision,
                    is_default,
                    str(folder / card_name),
                    str(path),
                    round(size, 1),
                    card.sha256,
                    card.license,
                    card.metrics,
                    status,
                )
            )
    return rows


def _print(rows: list[ModelRow], output: str) -> None:
    from edge_emo.report import machine
    from edge_emo.report.documents import ModelsDocument

    if output != "text":
        machine.print_rows(output, rows, ModelsDocument(rows))
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
