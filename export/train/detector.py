"""Train the face detector.

    python -m export.train.detector --out runs/detector

Needs PyTorch (pip install torch), and Keras on it. Leaves `model.weights.h5` and `card.json` (provenance) in the
folder; a run that was interrupted continues at its last epoch. The weights are the running mean of the last ones.
`--refine` goes on from the network in another such folder.
"""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "torch"

import json
import platform
import sys
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import click
import keras
import torch
import torch.distributed.run

from edge_emo.core.files import atomic_write
from export.families.face_detector import FAMILY
from export.train.corpora import DATA
from export.train.detector_data import PhotoDataset, parts, photos
from export.train.detector_loss import detector_loss
from export.train.recipes import DetectorRecipe
from export.train.torch_training import fit, processes


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=DATA)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the network and checkpoints.")
@click.option("--refine", type=click.Path(exists=True, path_type=Path), help="Folder of a network to go on from.")
@click.option("--epochs", type=int, help="Instead of the recipe's.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--processes", "n_processes", type=click.IntRange(1), default=1, help="To share the batches; one a core.")
def main(data: Path, out: Path, refine: Path | None, epochs: int | None, seed: int, n_processes: int) -> None:
    """Train the network on all photos but those to choose and judge by."""
    if processes() < n_processes:
        torch.distributed.run.main([f"--nproc-per-node={n_processes}", "-m", "export.train.detector", *sys.argv[1:]])
        return
    recipe = FAMILY.recipe if refine is None else FAMILY.refined
    assert isinstance(recipe, DetectorRecipe)
    recipe = recipe if epochs is None else replace(recipe, epochs=epochs)
    known = parts(photos(Path(data) / "detector"))["train"]
    keras.utils.set_random_seed(seed)
    model = FAMILY.network(recipe.size, recipe.size)
    if refine is not None:
        model.load_weights(refine / "model.weights.h5")
    last_mosaic = round(recipe.epochs * (1 - recipe.without_mosaic))
    batch_size = recipe.batch_size // processes()
    dataset = PhotoDataset(known, size=recipe.size, batch_size=batch_size, last_mosaic=last_mosaic, seed=seed)
    fit(
        model,
        dataset,
        detector_loss,
        out,
        epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        ema=recipe.ema,
    )
    with atomic_write(out / "model.weights.h5") as draft:
        model.save_weights(draft)
    provenance = {
        "command": f"python -m export.train.detector --epochs {recipe.epochs} --seed {seed} --processes {n_processes}",
        "data": f"{len(known)} photos",
        "recipe": asdict(recipe),
        "parameters": model.count_params(),
        "date": date.today().isoformat(),
        "versions": {"python": platform.python_version(), "keras": keras.version(), "torch": torch.__version__},
    }
    if refine is not None:
        provenance["command"] += " --refine runs/face-detector"
        provenance["refined"] = json.loads((refine / "card.json").read_text())["training"]
    with atomic_write(out / "card.json") as draft:
        draft.write_text(json.dumps({"name": "face-detector", "training": provenance}, indent=1))
    click.echo(f"{out}: {model.count_params()} parameters, {recipe.epochs} epochs", err=True)


if __name__ == "__main__":
    main()
