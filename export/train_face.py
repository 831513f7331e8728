"""Train the face networks on FER+.

    python -m export.train_face --model face --out runs/face

Needs PyTorch (pip install torch), and Keras on it. Leaves `model.weights.h5` and `card.json` (provenance) in the
folder; a run that was interrupted continues at its last epoch. The weights are the running mean of the last ones.
Nothing is chosen here: PublicTest is scored at the end only.
"""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "torch"

import json
import platform
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import click
import keras
import numpy as np
import torch
from torch.nn import functional

from export.corpora import DATA
from export.face_data import FaceDataset, Faces, ferplus, standardised
from export.face_networks import NETWORKS
from export.torch_training import fit


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; AdamW on one cycle, targets are the shares of the votes."""

    epochs: int
    batch_size: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    mixup: float = 0.0
    ema: float = 0.999


RECIPES = {"face": Recipe(epochs=40), "face-classic": Recipe(epochs=30)}


def train(name: str, faces: Faces, folder: Path, recipe: Recipe, seed: int) -> keras.Model:
    """Train one network, resuming from `folder` where a run stopped; the weights are their running mean."""
    keras.utils.clear_session()  # layers are named anew, as checkpoints know them
    keras.utils.set_random_seed(seed)
    model = NETWORKS[name]()
    dataset = FaceDataset(
        faces,
        size=model.input_shape[1],
        batch_size=recipe.batch_size,
        seed=seed,
        mixup=recipe.mixup,
        epoch_size=len(faces.pictures),
    )
    fit(
        model,
        dataset,
        lambda logits, shares: functional.cross_entropy(logits[0], shares.to(logits[0].device)),
        folder,
        epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        ema=recipe.ema,
    )
    return model


@click.command()
@click.option("--model", "name", type=click.Choice(sorted(NETWORKS)), default="face", show_default=True)
@click.option("--data", type=click.Path(path_type=Path), default=DATA)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the network and checkpoints.")
@click.option("--epochs", type=int, help="Instead of the recipe's.")
@click.option("--seed", type=int, default=0, show_default=True)
def main(name: str, data: Path, out: Path, epochs: int | None, seed: int) -> None:
    """Train one network on the Training rows of FER+, and score it on PublicTest."""
    recipe = RECIPES[name] if epochs is None else replace(RECIPES[name], epochs=epochs)
    folder = Path(data) / "ferplus"
    faces = ferplus(folder, 0, judged=False)
    model = train(name, faces, out, recipe, seed)
    model.save_weights(out / "model.weights.h5")
    test = ferplus(folder, 1, judged=True)
    logits = model.predict(standardised(test.pictures, model.input_shape[1]), batch_size=256, verbose=0)
    accuracy = float((np.asarray(logits).argmax(axis=1) == test.labels).mean())
    provenance = {
        "command": f"python -m export.train_face --model {name} --epochs {recipe.epochs} --seed {seed}",
        "data": f"FER+ Training, {len(faces.pictures)} faces",
        "recipe": asdict(recipe),
        "parameters": model.count_params(),
        "accuracy_public_test": accuracy,
        "date": date.today().isoformat(),
        "versions": {"python": platform.python_version(), "keras": keras.version(), "torch": torch.__version__},
    }
    (out / "card.json").write_text(json.dumps({"name": name, "training": provenance}, indent=1))
    click.echo(f"{out}: accuracy {accuracy:.4f} on {len(test.pictures)} faces of PublicTest", err=True)


if __name__ == "__main__":
    main()
