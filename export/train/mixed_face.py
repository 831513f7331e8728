"""Train one face network on several corpora, whose annotators see the same face differently.

    python -m export.train.mixed_face --crops faces --fold 1 --out runs/face-mixed/fold1
    python -m export.train.mixed_face --crops faces --out runs/face-mixed/all

The trunk is shared, and every corpus has a last layer of its own: the crowd of FER+ leans to neutral, the annotators of
RAF-DB do not. Each learns under the prior of its corpus (logit adjustment, Menon et al. 2021), so that what it says is
free of it, and the file that ships says the mean of the three. `--crops` is the folder of `export.train.face_corpora`.
A fold holds back a fifth of RAF-DB and of ExpW, in stretches of their files, as neighbours may show one person; FER+
PublicTest is held back always. Training resumes where it was interrupted.
"""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "torch"

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import click
import keras
import numpy as np
import torch
from keras import layers
from numpy.typing import NDArray
from torch.nn import functional

from export.families import face
from export.train.corpora import DATA
from export.train.face_corpora import Crops, read_crops
from export.train.face_data import LABELS, FaceDataset, Faces, ferplus, standardized
from export.train.recipes import FaceRecipe
from export.train.torch_training import fit

CROWDS = ("ferplus", "rafdb", "expw")
"""The corpora, in the order of the last layers."""

N_FOLDS = 5
RECIPE = FaceRecipe(epochs=24, batch_size=64, learning_rate=3e-3, weight_decay=1e-2, ema=0.999)

_MET = {"ferplus": 0.5, "rafdb": 1.0, "expw": 1.0}  # of the faces of a corpus, each epoch
_EVENNESS = 0.5  # how far rare labels are met more often: 0 as often as they are, 1 as often as others
_SMOOTHING = {"ferplus": 0.0, "rafdb": 0.1, "expw": 0.3}  # the labels of ExpW are noisy on sight


@dataclass(frozen=True)
class MixedFaces:
    """Faces of several corpora, and the place in `CROWDS` of each one's, (n,)."""

    faces: Faces
    crowds: NDArray[np.int_]


def labelled(crops: Crops, smoothing: float) -> Faces:
    """Return cut-outs with one label each, of which `smoothing` is spread over all but contempt, which nobody named."""
    labels = np.array([LABELS.index(emotion) for emotion in crops.emotions])
    even = np.array([label != "contempt" for label in LABELS], np.float32)
    probabilities = np.eye(len(LABELS), dtype=np.float32)[labels] * (1 - smoothing) + even / even.sum() * smoothing
    return Faces(crops.pictures, probabilities.astype(np.float32))


def mixed(parts: dict[str, Faces]) -> MixedFaces:
    """Return the faces of all corpora together."""
    pictures = np.concatenate([part.pictures for part in parts.values()])
    probabilities = np.concatenate([part.probabilities for part in parts.values()])
    crowds = np.concatenate([np.full(len(part.probabilities), CROWDS.index(name)) for name, part in parts.items()])
    return MixedFaces(Faces(pictures, probabilities), crowds)


def held_back(crops: Crops, fold: int) -> NDArray[np.bool_]:
    """Return which faces a fold, 1 to 5, holds back: a stretch of the files in the order of their names."""
    names = sorted(set(crops.files))
    part = {name: place * N_FOLDS // len(names) + 1 for place, name in enumerate(names)}
    return np.array([part[name] == fold for name in crops.files])


class MixedDataset(FaceDataset):
    """Batches of varied faces, their labels and corpora; of each corpus a part, rare labels met more often."""

    def __init__(self, mixed: MixedFaces, *, size: int, batch_size: int, seed: int) -> None:
        self._mixed = mixed
        super().__init__(mixed.faces, size=size, batch_size=batch_size, seed=seed)

    def __len__(self) -> int:
        return len(self._order) // self._batch_size

    def start_epoch(self, epoch: int) -> None:
        """Draw the faces of an epoch and their order."""
        self._epoch = epoch
        rng, drawn = np.random.default_rng([self._seed, epoch]), []
        for crowd in np.unique(self._mixed.crowds):
            own = np.flatnonzero(self._mixed.crowds == crowd)
            labels = self._mixed.faces.labels[own]
            often = (1 / np.bincount(labels)[labels]) ** _EVENNESS
            count = round(_MET[CROWDS[crowd]] * len(own))
            drawn.append(rng.choice(own, count, p=often / often.sum()))
        self._order = rng.permutation(np.concatenate(drawn))

    def __getitem__(self, index: int) -> Any:
        inputs, probabilities = super().__getitem__(index)
        places = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        return inputs, (probabilities, self._mixed.crowds[places])


def network() -> keras.Model:
    """Return the network `face` with a last layer for each corpus."""
    single = face.network()
    features = single.get_layer("logits").input
    outputs = [layers.Dense(len(LABELS), name=f"logits_{name}", dtype="float32")(features) for name in CROWDS]
    return keras.Model(single.input, outputs, name="face_mixed")


def joined(model: keras.Model, weights: Sequence[float]) -> keras.Model:
    """Return the network `face` whose logits are the mean by `weights` of those of the corpora."""
    single = face.network()
    sources = [layer for layer in model.layers if not layer.name.startswith("logits_")]
    targets = [layer for layer in single.layers if layer.name != "logits"]
    for source, target in zip(sources, targets, strict=True):
        target.set_weights(source.get_weights())
    heads = [model.get_layer(f"logits_{name}").get_weights() for name in CROWDS]
    probabilities = np.asarray(weights) / np.sum(weights)
    means = [
        sum(share * part for share, part in zip(probabilities, parts, strict=True))
        for parts in zip(*heads, strict=True)
    ]
    single.get_layer("logits").set_weights(means)
    return single


def log_priors(data: MixedFaces) -> torch.Tensor:
    """Return the logarithms of how often each corpus is met with each label, (crowds, 8), low for what it lacks."""
    rows = []
    for crowd in range(len(CROWDS)):
        probabilities = data.faces.probabilities[data.crowds == crowd]
        prior = probabilities.mean(axis=0) ** (1 - _EVENNESS) if len(probabilities) else np.ones(len(LABELS))
        rows.append(np.log(np.maximum(prior / prior.sum(), 1e-4)))
    return torch.tensor(np.array(rows), dtype=torch.float32)


def mixed_loss(priors: torch.Tensor, outputs: list[torch.Tensor], target: tuple[torch.Tensor, torch.Tensor]) -> Any:
    """Return the cross-entropy of each face under the last layer and the prior of its corpus."""
    probabilities, crowds = target
    logits = torch.stack(outputs, 1)[torch.arange(len(crowds)), crowds] + priors[crowds]
    return functional.cross_entropy(logits, probabilities)


def train(data: MixedFaces, folder: Path, recipe: FaceRecipe, seed: int) -> keras.Model:
    """Train the network with its three last layers, resuming from `folder`."""
    keras.utils.clear_session()  # layers are named anew, as checkpoints know them
    keras.utils.set_random_seed(seed)
    model, priors = network(), log_priors(data)
    fit(
        model,
        MixedDataset(data, size=model.input_shape[1], batch_size=recipe.batch_size, seed=seed),
        lambda outputs, target: mixed_loss(priors, outputs, target),
        folder,
        epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        ema=recipe.ema,
    )
    return model


def recalls(model: keras.Model, faces: Faces) -> dict[str, float]:
    """Return accuracy and macro recall of a network with one last layer."""
    logits = model.predict(standardized(faces.pictures, model.input_shape[1]), batch_size=256, verbose=0)
    right = np.asarray(logits).argmax(axis=1) == faces.labels
    by_label = [right[faces.labels == label].mean() for label in np.unique(faces.labels)]
    return {"accuracy": float(right.mean()), "macro_recall": float(np.mean(by_label)), "n": len(right)}


@click.command()
@click.option(
    "--crops", type=click.Path(exists=True, path_type=Path), required=True, help="Of export.train.face_corpora."
)
@click.option("--data", type=click.Path(path_type=Path), default=DATA)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the network and checkpoints.")
@click.option("--fold", type=click.IntRange(1, N_FOLDS), help="Hold back this fifth of RAF-DB and ExpW.")
@click.option("--epochs", type=int, default=RECIPE.epochs, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
def main(crops: Path, data: Path, out: Path, fold: int | None, epochs: int, seed: int) -> None:
    """Train on FER+ Training, RAF-DB and ExpW, and score what is held back."""
    recipe = replace(RECIPE, epochs=epochs)
    parts = {"ferplus": ferplus(Path(data) / "ferplus", 0, judged=False)}
    judged = {"ferplus": ferplus(Path(data) / "ferplus", 1, judged=True)}
    for name in CROWDS[1:]:
        found = read_crops(crops / f"{name}.npz")
        faces = labelled(found, _SMOOTHING[name])
        away = held_back(found, fold) if fold else np.zeros(len(found.files), bool)
        parts[name] = Faces(faces.pictures[~away], faces.probabilities[~away])
        if fold:
            judged[name] = Faces(faces.pictures[away], faces.probabilities[away])
    model = train(mixed(parts), out, recipe, seed)
    model.save_weights(out / "mixed.weights.h5")
    one = joined(model, [1] * len(CROWDS))
    one.save_weights(out / "model.weights.h5")
    scores: dict[str, Any] = {}
    for name, faces in judged.items():
        own = [float(crowd == name) for crowd in CROWDS]
        scores[name] = {"mean of the layers": recalls(one, faces), "own layer": recalls(joined(model, own), faces)}
    provenance = {
        "command": f"python -m export.train.mixed_face --epochs {epochs} --seed {seed}"
        + (f" --fold {fold}" if fold else ""),
        "data": ", ".join(f"{name} {len(part.probabilities)} faces" for name, part in parts.items()),
        "recipe": asdict(recipe),
        "parameters": one.count_params(),
        "scores": scores,
        "date": date.today().isoformat(),
        "versions": {"python": platform.python_version(), "keras": keras.version(), "torch": torch.__version__},
    }
    (out / "card.json").write_text(json.dumps({"name": "face", "training": provenance}, indent=1))
    for name, row in scores.items():
        click.echo(f"{name}: {row}", err=True)


if __name__ == "__main__":
    main()
