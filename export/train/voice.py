"""Train the voice networks: four folds with actors held out, then the file that ships, on all actors.

    python -m export.train.voice --model voice --out runs/voice
    python -m export.train.voice --voices voices --corpus nemo --heard heard --out runs/voice

Each fold leaves `model.weights.h5` and `card.json` (front end and provenance) in its own folder; a run that was
interrupted continues at its last epoch. Nothing here looks at a held-out actor: statistics, weights, the teacher's
labels and the length of training come from the training folds alone. Scores come from `python -m benchmarks.accuracy`.
"""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "torch"

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any

import click
import keras
import numpy as np
import torch
from torch.nn import functional

from edge_emo.audio.mfcc import Float32
from edge_emo.audio.specification import InputSpec
from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.files import atomic_write
from edge_emo.models.schema import VoicePreprocessing
from export import families
from export.train.augment import Augmenter
from export.train.corpora import (
    DATA,
    EMODB_TRAINING,
    FURTHER,
    RAVDESS_FOLDS,
    background_music,
    corpus_folder,
    emodb,
    further,
    ravdess,
)
from export.train.recipes import VoiceRecipe
from export.train.runs import input_spec, load_network
from export.train.teacher import read_features, soft_labels, standardized
from export.train.torch_training import fit
from export.train.voice_data import Spectrum, Targets, VoiceDataset, babble, fitted, load, music, targets


def train(
    name: str,
    spectra: Sequence[Spectrum],
    wanted: Targets,
    backgrounds: Sequence[Float32],
    folder: Path,
    recipe: VoiceRecipe,
    seed: int,
    refined: Path | None = None,
) -> tuple[keras.Model, InputSpec]:
    """Train one network on `spectra` to say what is `wanted`, resuming from `folder` where a run stopped.

    Behind the voices may be heard `backgrounds`, and crowds of `spectra`. With the folder of a trained network, that
    one is refined, and its front end kept.
    """
    keras.utils.clear_session()  # layers are named anew, as checkpoints know them
    keras.utils.set_random_seed(seed)
    spec = input_spec(refined) if refined else fitted(_front_end(name), spectra)
    dataset = VoiceDataset(
        spectra,
        wanted,
        spec,
        batch_size=recipe.batch_size,
        seed=seed,
        mixup=recipe.mixup,
        augmenter=Augmenter(spec.features, backgrounds=[*backgrounds, *babble(spectra)]) if recipe.augment else None,
    )
    model = load_network(refined) if refined else families.load(name).network()
    fit(
        model,
        dataset,
        partial_loss,
        folder,
        epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
    )
    if refined:
        model.set_weights(blended(load_network(refined), model, recipe.blend))
    return model, spec


def _front_end(name: str) -> InputSpec:
    front_end = families.load(name).front_end
    assert isinstance(front_end, VoicePreprocessing)
    return front_end.input


def blended(old: keras.Model, new: keras.Model, share: float) -> list[Any]:
    """Return the weights that lie `share` of the way from one network's to those of another that began there."""
    return [a + share * (b - a) for a, b in zip(old.get_weights(), new.get_weights(), strict=True)]


def partial_loss(outputs: list[torch.Tensor], target: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Return the cross-entropy among the emotions that are asked about, (batch, 8); of the others nothing is said."""
    probabilities, asked, weights = target
    logits = outputs[0].masked_fill(~asked, -1e4)
    return (functional.cross_entropy(logits, probabilities, reduction="none") * weights).mean()


def wanted_of(spectra: Sequence[Spectrum], recipe: VoiceRecipe, heard: Path | None) -> Targets:
    """Return smoothed labels, and with `heard` what the teacher says of people other than those that taught it."""
    clips = [s.clip for s in spectra]
    wanted = targets(clips)
    smoothed = wanted.smoothed(recipe.smoothing)
    if heard is None:
        return smoothed
    labelled = np.array([clip.corpus != "librispeech" for clip in clips])
    asked = [clip for clip, is_labelled in zip(clips, labelled, strict=True) if is_labelled]
    logits = np.full((len(clips), len(EMOTIONS)), np.nan, np.float32)
    logits[labelled] = soft_labels(
        standardized(read_features(heard, asked), [clip.corpus for clip in asked]),
        np.array([clip.label for clip in asked]),
        wanted.asked[labelled],
        [f"{clip.corpus} {clip.speaker}" for clip in asked],
        decay=recipe.decay,
    )
    return smoothed.taught(logits, recipe.teacher, recipe.temperature)


def training_spectra(spectra: Sequence[Spectrum], fold: str) -> list[Spectrum]:
    """Return the spectra to train on: those of no actor held out in `fold`.

    The fold may also be "all", or "apart" from the further corpora, which calibrates by people who are heard elsewhere.
    """
    if fold == "apart":
        return [s for s in spectra if s.clip.corpus not in FURTHER]
    held_out = () if fold == "all" else RAVDESS_FOLDS[int(fold)]
    return [s for s in spectra if s.clip.corpus != "ravdess" or s.clip.speaker not in held_out]


@click.command()
@click.option("--model", "name", type=click.Choice(families.of_task("voice")), default="voice", show_default=True)
@click.option("--data", type=click.Path(path_type=Path), default=DATA)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for networks and checkpoints.")
@click.option("--fold", "folds", multiple=True, default=("1", "2", "3", "4", "all"), show_default=True)
@click.option("--voices", type=click.Path(path_type=Path), help="Folder of the further corpora.")
@click.option("--corpus", "corpora", type=click.Choice(list(FURTHER)), multiple=True, help="Of them, to train on, too.")
@click.option(
    "--heard", type=click.Path(path_type=Path), help="Folder of export.train.teacher, to learn from its labels."
)
@click.option("--refine", type=click.Path(exists=True, path_type=Path), help="Folder of such networks to go on from.")
@click.option("--epochs", type=int, help="Instead of the recipe's.")
@click.option("--seed", type=int, default=0, show_default=True)
def main(
    name: str,
    data: Path,
    out: Path,
    folds: Sequence[str],
    voices: Path | None,
    corpora: Sequence[str],
    heard: Path | None,
    refine: Path | None,
    epochs: int | None,
    seed: int,
) -> None:
    """Train one network for each fold."""
    family = families.load(name)
    recipe = family.refined if refine else family.recipe
    assert isinstance(recipe, VoiceRecipe)
    recipe = recipe if epochs is None else replace(recipe, epochs=epochs)
    clips = ravdess(corpus_folder(data, "ravdess"))
    clips += [clip for clip in emodb(corpus_folder(data, "emodb")) if clip.speaker in EMODB_TRAINING]
    if corpora:
        if voices is None:
            raise click.UsageError("pass --voices, the folder where the further corpora are laid out")
        clips += further(voices, corpora)
    spectra = load(clips, _front_end(name).features, elsewhere=recipe.elsewhere)
    backgrounds = music(background_music(corpus_folder(data, "music") / "clips")[0], _front_end(name).features)
    for fold in folds:
        part = f"fold{fold}" if fold.isdecimal() else fold
        folder, refined = out / part, refine and refine / ("all" if fold == "apart" else part)
        if (folder / "card.json").exists():
            click.echo(f"{folder}: already trained", err=True)
            continue
        used = training_spectra(spectra, fold)
        network, spec = train(name, used, wanted_of(used, recipe, heard), backgrounds, folder, recipe, seed, refined)
        with atomic_write(folder / "model.weights.h5") as draft:
            network.save_weights(draft)
        options = "".join(f" --corpus {corpus}" for corpus in corpora) + (" --heard heard" if heard else "")
        provenance = {
            "command": f"python -m export.train.voice --model {name} --fold {fold}{options} --epochs {recipe.epochs} "
            f"--seed {seed}",
            "data": "RAVDESS speech and song and half of EMO-DB"
            f"{'' if fold == 'apart' else ''.join(f', {corpus}' for corpus in corpora)}, "
            f"{len(used)} clips, {len({(s.clip.corpus, s.clip.speaker) for s in used})} speakers",
            "held_out_actors": list(RAVDESS_FOLDS[int(fold)]) if fold.isdecimal() else [],
            "recipe": asdict(recipe),
            "parameters": network.count_params(),
            "date": date.today().isoformat(),
            "versions": {
                "python": platform.python_version(),
                "keras": keras.version(),
                "torch": torch.__version__,
                "numpy": np.__version__,
            },
        }
        if refined:
            provenance["command"] += f" --refine runs/{name}"
            provenance["refined"] = json.loads((refined / "card.json").read_text())["training"]
        with atomic_write(folder / "card.json") as draft:
            draft.write_text(json.dumps({"name": name, "input": asdict(spec), "training": provenance}, indent=1))
        click.echo(f"{folder}: trained on {len(used)} clips", err=True)


if __name__ == "__main__":
    main()
