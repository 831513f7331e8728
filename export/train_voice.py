"""Train the voice networks: four folds with actors held out, then the file that ships, on all actors.

    python -m export.train_voice --model voice --out runs/voice

Each fold leaves `model.keras` and `card.json` (front end and provenance) in its own folder; a run that was
interrupted continues at its last epoch. Nothing here looks at a held-out actor: statistics, weights and the
length of training come from the training folds alone. Scores come from `python -m benchmarks.accuracy`.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import click
import keras
import numpy as np

from edge_emo.card import FeatureSpec, InputSpec
from edge_emo.files import atomic_write
from export.corpora import DATA, EMODB_TRAINING, RAVDESS_FOLDS, corpus_folder, emodb, ravdess
from export.training import fit
from export.voice_data import Spectrum, VoiceDataset, fitted, load
from export.voice_networks import NETWORKS

FRONT_ENDS = {
    "voice": InputSpec(FeatureSpec(floor=1e-20), level="mean_power"),  # so low that no gain meets it
    "voice-classic": InputSpec(
        FeatureSpec(
            sample_rate=22050,
            frame_length=2048,
            hop_length=512,
            n_fft=2048,
            padding="center",
            n_mels=128,
            f_max=11025.0,
            top_db=80.0,
            n_mfcc=100,
        ),
        reduce="mean",
    ),
}


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; AdamW on one cycle (Smith 2018), mixup, smoothed labels."""

    epochs: int
    batch_size: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 2e-2
    smoothing: float = 0.1
    mixup: float = 0.3
    augment: bool = True


RECIPES = {
    "voice": Recipe(epochs=120),
    "voice-classic": Recipe(epochs=120, learning_rate=1e-3),
}


def train(
    name: str, spectra: Sequence[Spectrum], folder: Path, recipe: Recipe, seed: int
) -> tuple[keras.Model, InputSpec]:
    """Train one network on `spectra`, resuming from `folder` where a run stopped."""
    keras.utils.set_random_seed(seed)
    spec = fitted(FRONT_ENDS[name], spectra)
    dataset = VoiceDataset(
        spectra,
        spec,
        batch_size=recipe.batch_size,
        seed=seed,
        smoothing=recipe.smoothing,
        mixup=recipe.mixup,
        augment=recipe.augment,
    )
    model = NETWORKS[name]()
    fit(
        model,
        dataset,
        folder,
        epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
    )
    return model, spec


def load_trained(folder: Path) -> keras.Model:
    """Return a trained network in float32, whatever precision it was trained in."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    model = NETWORKS[json.loads((folder / "card.json").read_text())["name"]]()
    model.load_weights(folder / "model.weights.h5")
    keras.config.set_dtype_policy(policy)
    return model


def input_spec(folder: Path) -> InputSpec:
    """Return the front end that a trained network was fitted with."""
    stated = json.loads((folder / "card.json").read_text())["input"]
    tuples = {name: tuple(stated[name]) for name in ("range_db", "mean", "std")}
    return InputSpec(**{**stated, **tuples, "features": FeatureSpec(**stated["features"])})


def training_spectra(spectra: Sequence[Spectrum], fold: str) -> list[Spectrum]:
    """Return the spectra to train on: those of no actor held out in `fold`, which may be "all"."""
    held_out = () if fold == "all" else RAVDESS_FOLDS[int(fold)]
    return [s for s in spectra if s.clip.corpus != "ravdess" or s.clip.speaker not in held_out]


@click.command()
@click.option("--model", "name", type=click.Choice(sorted(NETWORKS)), default="voice", show_default=True)
@click.option("--data", type=click.Path(path_type=Path), default=DATA)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for networks and checkpoints.")
@click.option("--fold", "folds", multiple=True, default=("1", "2", "3", "4", "all"), show_default=True)
@click.option("--epochs", type=int, help="Instead of the recipe's.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--dtype", type=click.Choice(["mixed_bfloat16", "float32"]), default="mixed_bfloat16", show_default=True)
def main(
    name: str,
    data: Path,
    out: Path,
    folds: Sequence[str],
    epochs: int | None,
    seed: int,
    dtype: str,
) -> None:
    """Train one network for each fold."""
    keras.config.set_dtype_policy(dtype)
    recipe = RECIPES[name] if epochs is None else replace(RECIPES[name], epochs=epochs)
    clips = ravdess(corpus_folder(data, "ravdess"))
    clips += [clip for clip in emodb(corpus_folder(data, "emodb")) if clip.speaker in EMODB_TRAINING]
    spectra = load(clips, FRONT_ENDS[name].features)
    for fold in folds:
        folder = out / (fold if fold == "all" else f"fold{fold}")
        if (folder / "card.json").exists():
            click.echo(f"{folder}: already trained", err=True)
            continue
        used = training_spectra(spectra, fold)
        network, spec = train(name, used, folder, recipe, seed)
        with atomic_write(folder / "model.weights.h5") as draft:
            network.save_weights(draft)
        provenance = {
            "command": f"python -m export.train_voice --model {name} --fold {fold} --epochs {recipe.epochs} "
            f"--seed {seed} --dtype {dtype}",
            "data": f"RAVDESS speech and song and half of EMO-DB, {len(used)} clips, "
            f"{len({(s.clip.corpus, s.clip.speaker) for s in used})} speakers",
            "held_out_actors": [] if fold == "all" else list(RAVDESS_FOLDS[int(fold)]),
            "recipe": asdict(recipe),
            "parameters": network.count_params(),
            "date": date.today().isoformat(),
            "versions": {"python": platform.python_version(), "keras": keras.version(), "numpy": np.__version__},
        }
        with atomic_write(folder / "card.json") as draft:
            draft.write_text(json.dumps({"name": name, "input": asdict(spec), "training": provenance}, indent=1))
        click.echo(f"{folder}: trained on {len(used)} clips", err=True)


if __name__ == "__main__":
    main()
