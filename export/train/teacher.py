"""A teacher for the voice networks: Whisper's middle layers and a linear classifier, asked about people it never heard.

    python -m export.train.teacher --whisper model.bin --out heard

writes for each corpus what the layers heard of each clip: mean and spread over time, shape (clips, 3072), beside the
clips' names. `soft_labels` predicts every clip from other people's, as labels that a network learned by heart teach
nothing: inside a fold the people trained on are divided into groups, and each group is labelled by a classifier of the
other groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch.nn import functional

from edge_emo.core.emotions import EMOTIONS
from edge_emo.media.sound import SAMPLE_RATE, Float32, read_sound
from edge_emo.voice.activity import find_voice
from export.train.corpora import DATA, FURTHER, Clip, corpus_folder, emodb, further, ravdess
from export.train.whisper import Encoder

LAYERS = (2, 3, 4)
"""Of Whisper base's six layers, those that are listened to."""

N_GROUPS = 5
LOUDNESS = 0.05
"""Root mean square that the voiced part is brought to."""

_LONGEST_S = 20
_PAD_S = 1


def heard(encoder: Encoder, samples: Float32) -> Float32 | None:
    """Return mean and spread over time of each of `LAYERS`, of the voiced part of a recording; None without voice."""
    spans = find_voice(samples)
    if not spans:
        return None
    voice = samples[spans[0].start : spans[-1].stop][: _LONGEST_S * SAMPLE_RATE]
    voice = voice - voice.mean(dtype=np.float64).astype(np.float32)
    voice = voice * np.float32(LOUDNESS / max(float(np.sqrt(np.mean(np.square(voice, dtype=np.float64)))), 1e-9))
    layers = encoder(np.pad(voice, (0, _PAD_S * SAMPLE_RATE)), max(LAYERS))
    n_voiced = max(2, len(voice) * 50 // SAMPLE_RATE)
    parts = [layers[number - 1][:n_voiced] for number in LAYERS]
    return np.concatenate([pooled for x in parts for pooled in (x.mean(0).numpy(), x.std(0).numpy())])


def group(people: Sequence[str], n_groups: int, seed: int) -> NDArray[np.int_]:
    """Return for each of `people`, named once for each of their clips, the group that they belong to."""
    names = sorted(set(people))
    order = np.random.default_rng(seed).permutation(len(names))
    of = {names[place]: rank % n_groups for rank, place in enumerate(order)}
    return np.array([of[name] for name in people])


def standardized(features: Float32, corpora: Sequence[str]) -> Float32:
    """Return the features less the mean and by the standard deviation of their corpus: rooms and languages apart."""
    out, names = np.empty_like(features), np.asarray(corpora)
    for name in np.unique(names):
        rows = features[names == name]
        out[names == name] = (rows - rows.mean(axis=0)) / np.maximum(rows.std(axis=0), 1e-6)
    return out


def classifier(x: Float32, labels: NDArray[np.int_], asked: NDArray[np.bool_], decay: float) -> torch.nn.Linear:
    """Return a logistic regression that hears about the emotions alone that each row was labelled from, (rows, 8).

    Classes count alike; `decay` times half the squared weights is added to the mean loss.
    """
    rows, truth = torch.from_numpy(x), torch.from_numpy(labels)
    blocked = torch.from_numpy(~asked)
    weight = torch.from_numpy((1 / np.maximum(np.bincount(labels, minlength=len(EMOTIONS)), 1))[labels])
    weight = (weight / weight.sum()).float()
    linear = torch.nn.Linear(x.shape[1], len(EMOTIONS))
    torch.nn.init.zeros_(linear.weight)
    torch.nn.init.zeros_(linear.bias)
    optimizer = torch.optim.LBFGS(linear.parameters(), max_iter=200, history_size=10, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        logits = linear(rows).masked_fill(blocked, -torch.inf)
        loss = (functional.cross_entropy(logits, truth, reduction="none") * weight).sum()
        loss = loss + 0.5 * decay * linear.weight.square().sum()
        loss.backward()
        return loss.detach()

    optimizer.step(closure)
    return linear


def soft_labels(
    x: Float32,
    labels: NDArray[np.int_],
    asked: NDArray[np.bool_],
    people: Sequence[str],
    *,
    decay: float,
    seed: int = 0,
) -> Float32:
    """Return for each row the logits, (rows, 8), of a classifier that heard none of the same person's."""
    groups = group(people, N_GROUPS, seed)
    logits = np.zeros((len(x), len(EMOTIONS)), np.float32)
    for number in range(N_GROUPS):
        out = groups == number
        taught = classifier(x[~out], labels[~out], asked[~out], decay)
        with torch.inference_mode():
            logits[out] = taught(torch.from_numpy(x[out])).numpy()
    return logits


def read_features(folder: Path, clips: Sequence[Clip]) -> Float32:
    """Return what was heard of each clip, (clips, features). Raises FileNotFoundError, and KeyError for a clip."""
    known: dict[tuple[str, str], Float32] = {}
    for corpus in sorted({clip.corpus for clip in clips}):
        with np.load(folder / f"{corpus}.npz", allow_pickle=False) as file:
            known |= {(corpus, name): row for name, row in zip(file["names"].tolist(), file["heard"], strict=True)}
    return np.stack([known[clip.corpus, clip.path.stem] for clip in clips]).astype(np.float32)


@cache
def _encoder(path: Path) -> Encoder:
    torch.set_num_threads(1)
    return Encoder.load(path)


def _hear_one(path: Path, clip: Clip) -> Float32 | None:
    return heard(_encoder(path), read_sound(clip.path))


@click.command()
@click.option(
    "--whisper", type=click.Path(exists=True, path_type=Path), required=True, help="model.bin of CTranslate2."
)
@click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True)
@click.option("--voices", type=click.Path(path_type=Path), help="Folder of the further corpora.")
@click.option("--corpus", "corpora", multiple=True, type=click.Choice(["ravdess", "emodb", *FURTHER]), required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--workers", type=int, default=2, show_default=True)
def main(whisper: Path, data: Path, voices: Path | None, corpora: Sequence[str], out: Path, workers: int) -> None:
    """Listen to corpora, each to a file of its own; those that have one are left as they are."""
    out.mkdir(parents=True, exist_ok=True)
    for name in corpora:
        path = out / f"{name}.npz"
        if path.exists():
            click.echo(f"{path}: is there", err=True)
            continue
        own = {"ravdess": ravdess, "emodb": emodb}
        if name in own:
            clips = own[name](corpus_folder(data, name))
        elif voices:
            clips = further(voices, [name])
        else:
            raise click.UsageError(f"{name}: pass --voices, the folder where it is laid out")
        with ProcessPoolExecutor(workers) as pool:
            found = list(track(pool.map(_hear_one, [whisper] * len(clips), clips, chunksize=8), name, total=len(clips)))
        kept = [(clip.path.stem, row) for clip, row in zip(clips, found, strict=True) if row is not None]
        np.savez(path, names=[stem for stem, _ in kept], heard=np.stack([row for _, row in kept]).astype(np.float16))
        click.echo(f"{name}: {len(kept)} of {len(clips)} clips", err=True)


if __name__ == "__main__":
    main()
