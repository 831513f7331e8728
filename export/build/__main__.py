"""From trained networks to the files that ship, with their cards, for every family or those named.

    python -m export.build --runs runs
    python -m export.build face face-detector --runs runs

`--runs` holds a folder for each family: what its training left. A family is built in a folder of its own and moved at
the end, all files and the manifest at once; whatever ends a build before leaves the models as they were, and the
families that were done stay done.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from edge_emo.core.errors import EdgeEmoError
from edge_emo.models.manifest import models_folder
from export import families
from export.train.corpora import DATA

FOLDS = Path(__file__).parents[2] / "benchmarks" / "folds"


@click.command()
@click.argument("names", metavar="[FAMILY]…", nargs=-1)
@click.option("--runs", type=click.Path(path_type=Path), required=True, help="A folder for each trained family.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True)
@click.option("--voices", type=click.Path(path_type=Path), help="Folder of the further corpora, to calibrate by, too.")
@click.option("--models", type=click.Path(path_type=Path), help="Where they go.  [default: the models that ship]")
@click.option("--folds", type=click.Path(path_type=Path), default=FOLDS, help="Where the files of folds go.")
def main(names: Sequence[str], runs: Path, data: Path, voices: Path | None, models: Path | None, folds: Path) -> None:
    """Build every model that ships, or the families named; the manifest keeps the others.

    int8 that differs too much from fp32 on what neither was trained on does not ship.
    """
    from export.build import files

    try:
        wanted = families.in_order(names or families.names())
    except families.UnknownFamilyError as error:
        raise click.UsageError(str(error)) from error
    sources = files.Sources(runs, data, voices, models or models_folder(), folds)
    for family in wanted:
        way = importlib.import_module(f"export.build.{family.task}")
        with tempfile.TemporaryDirectory() as folder:
            try:
                built = way.build(family, sources, Path(folder), lambda what: click.echo(what, err=True))
                files.publish(family, built, sources.models)
            except (files.BuildError, EdgeEmoError, OSError) as error:
                raise click.ClickException(str(error)) from error
        click.echo(f"{family.name}: {', '.join(built.entry.cards)}; {built.entry.default} is the default")


if __name__ == "__main__":
    main(prog_name="python -m export.build")
