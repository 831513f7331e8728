"""Train the face networks on FER+.

    python -m export.train.face --model face --out runs/face

Needs PyTorch (pip install torch), and Keras on it. Leaves `model.weights.h5` and `card.json` (provenance) in the
folder; a run that was interrupted continues at its last epoch. The weights are the running mean of the last ones.
Nothing is chosen here: PublicTest is scored at the end only.

    python -m export.train.face --model face --out runs/refined --refine runs/face

goes on from a trained network, which teaches itself: half of the target is the mean of its own answers for a face and
for the mirrored one (born-again networks, Furlanello et al. 2018).
"""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "torch"

import json
import platform
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import click
import keras
import numpy as np
import torch
from torch.nn import functional

from edge_emo.audio.mfcc import Float32
from edge_emo.core.files import atomic_write
from export import families
from export.train.corpora import DATA
from export.train.face_data import FaceDataset, Faces, Pictures, ferplus, standardized
from export.train.recipes import FaceRecipe
from export.train.torch_training import fit

_OWN_SHARE = 0.5
"""How far the target of a network that is refined is its own answer."""


def train(
    name: str, faces: Faces, folder: Path, recipe: FaceRecipe, seed: int, weights: Path | None = None
) -> keras.Model:
    """Train one network, resuming from `folder` where a run stopped; the weights are their running mean.

    With the `weights` of a trained one, that one is refined.
    """
    keras.utils.clear_session()  # layers are named anew, as checkpoints know them
    keras.utils.set_random_seed(seed)
    model = families.load(name).network()
    if weights is not None:
        model.load_weights(weights)
        own = answers(model, faces.pictures)
        faces = Faces(faces.pictures, (1 - _OWN_SHARE) * faces.probabilities + _OWN_SHARE * own)
    dataset = FaceDataset(
        faces,
        size=model.input_shape[1],
        batch_size=recipe.batch_size,
        seed=seed,
    )
    fit(
        model,
        dataset,
        lambda logits, probabilities: functional.cross_entropy(logits[0], probabilities.to(logits[0].device)),
        folder,
        epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        ema=recipe.ema,
    )
    return model


def answers(model: keras.Model, pictures: Pictures) -> Float32:
    """Return the mean of a network's probabilities for grey pictures and for the mirrored ones, (n, classes)."""
    total = np.float32(0)
    for view in (pictures, pictures[:, :, ::-1]):
        logits = model.predict(standardized(view, model.input_shape[1]), batch_size=256, verbose=0)
        total = total + keras.ops.convert_to_numpy(keras.ops.softmax(logits))
    return total / 2


@click.command()
@click.option("--model", "name", type=click.Choice(families.of_task("face")), default="face", show_default=True)
@click.option("--data", type=click.Path(path_type=Path), default=DATA)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the network and checkpoints.")
@click.option("--refine", type=click.Path(exists=True, path_type=Path), help="Folder of a network to go on from.")
@click.option("--epochs", type=int, help="Instead of the recipe's.")
@click.option("--seed", type=int, default=0, show_default=True)
def main(name: str, data: Path, out: Path, refine: Path | None, epochs: int | None, seed: int) -> None:
    """Train one network on the Training rows of FER+, and score it on PublicTest."""
    family = families.load(name)
    recipe = family.recipe if refine is None else family.refined
    assert isinstance(recipe, FaceRecipe)
    recipe = recipe if epochs is None else replace(recipe, epochs=epochs)
    folder = Path(data) / "ferplus"
    faces = ferplus(folder, 0, judged=False)
    model = train(name, faces, out, recipe, seed, refine and refine / "model.weights.h5")
    with atomic_write(out / "model.weights.h5") as draft:
        model.save_weights(draft)
    test = ferplus(folder, 1, judged=True)
    logits = model.predict(standardized(test.pictures, model.input_shape[1]), batch_size=256, verbose=0)
    accuracy = float((np.asarray(logits).argmax(axis=1) == test.labels).mean())
    provenance = {
        "command": f"python -m export.train.face --model {name} --epochs {recipe.epochs} --seed {seed}",
        "data": f"FER+ Training, {len(faces.pictures)} faces",
        "recipe": asdict(recipe),
        "parameters": model.count_params(),
        "accuracy_public_test": accuracy,
        "date": date.today().isoformat(),
        "versions": {"python": platform.python_version(), "keras": keras.version(), "torch": torch.__version__},
    }
    if refine is not None:
        provenance["command"] += f" --refine runs/{name}"
        provenance["refined"] = json.loads((refine / "card.json").read_text())["training"]
    with atomic_write(out / "card.json") as draft:
        draft.write_text(json.dumps({"name": name, "training": provenance}, indent=1))
    click.echo(f"{out}: accuracy {accuracy:.4f} on {len(test.pictures)} faces of PublicTest", err=True)


if __name__ == "__main__":
    main()
