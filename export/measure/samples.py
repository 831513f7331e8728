"""Inputs to compare and calibrate a network with: real ones through the runtime's own front end, or random numbers."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge_emo.audio.mfcc import Float32
from edge_emo.core.emotions import SYNONYMS
from edge_emo.core.errors import MediaError
from edge_emo.face.network_input import prepare
from edge_emo.media.pictures import read_picture
from edge_emo.media.sound import read_sound
from edge_emo.media.sources import FILM_SUFFIXES, PICTURE_SUFFIXES, SOUND_SUFFIXES
from edge_emo.models.schema import FacePreprocessing, VoicePreprocessing
from edge_emo.voice.recognizer import network_input
from edge_emo.voice.windows import windows
from export.keras.source import SourceError
from export.measure.label_names import DROPPED, Labels

Kind = Literal["recording", "picture"]

N_SAMPLES = 500
N_CALIBRATION = 200
MIN_REAL = 100
"""Fewer than these say nothing about 98 % of labels."""
N_NAMED = 5
"""Recordings without a voice that are named; of the others only the number is."""


@dataclass(frozen=True)
class Samples:
    """Inputs of a network, shape (samples, *input), and the label of each where it is known."""

    inputs: NDArray[Any]
    labels: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, part: slice) -> Samples:
        return Samples(self.inputs[part], self.labels[part])


def voice_windows(path: Path, voice: VoicePreprocessing, shape: Sequence[int | None]) -> list[Float32]:
    """Return the network's input for every window of a recording, through the runtime's own path."""
    samples = read_sound(path, voice.sample_rate)
    return [network_input(samples[window.start : window.stop], voice, shape) for window in windows(samples, voice)]


def face_picture(path: Path, face: FacePreprocessing, shape: Sequence[int | None]) -> list[Float32]:
    """Return the network's input for the picture of a face, as a list of one. Raises MediaError."""
    return [prepare(read_picture(path), face).reshape([size or -1 for size in shape])]


def read_samples(
    path: Path,
    shape: Sequence[int | None],
    labels: Labels,
    preprocessing: VoicePreprocessing | FacePreprocessing | None,
) -> tuple[Samples, list[str]]:
    """Return up to `N_SAMPLES` real inputs, as many of each label as there are, in turn, and what was left out.

    `path` is a folder of recordings or pictures, in one folder for each label where these are known, or an .npz with
    `inputs` and, where known, `labels`. Raises SourceError.
    """
    left_out: list[str] = []
    if path.suffix == ".npz":
        found = _read_arrays(path, shape, labels, left_out.append)
    elif path.is_dir():
        if preprocessing is None:
            raise SourceError(f"{path}: how its files become inputs is not said; pass --task and --labels")
        found = _read_folder(path, shape, labels, preprocessing, left_out.append)
    else:
        raise SourceError(f"{path}: is neither a folder nor an .npz file; give one of them to --calibrate")
    if len(found) < MIN_REAL:
        raise SourceError(
            f"{path}: gives {len(found)} inputs; at least {MIN_REAL} are needed to judge a model by"
            + (f". Left out: {'; '.join(left_out[:3])}" if left_out else "")
        )
    return found, sorted(left_out)


def _read_arrays(path: Path, shape: Sequence[int | None], labels: Labels, skipped: Callable[[str], None]) -> Samples:
    try:
        with np.load(path, allow_pickle=False) as file:
            inputs, stated = file["inputs"], file["labels"] if "labels" in file else np.array([])
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise SourceError(f"{path}: holds no array `inputs` of numbers ({error}); write it with np.savez") from error
    if inputs.ndim != len(shape) + 1 or any(b not in (None, a) for a, b in zip(inputs.shape[1:], shape, strict=True)):
        raise SourceError(f"{path}: inputs has the shape {inputs.shape}, the network takes (any, {shape})")
    if not np.isfinite(inputs).all():
        raise SourceError(f"{path}: inputs hold NaN or infinity; remove them")
    if len(stated) not in (0, len(inputs)):
        raise SourceError(f"{path}: has {len(inputs)} inputs, but {len(stated)} labels")
    names = [str(name) for name in stated]
    if np.issubdtype(stated.dtype, np.integer):
        names = [labels.names[k] if 0 <= k < len(labels.names) else str(k) for k in stated]
    emotions = [_known(path, name, labels) for name in names] or [""] * len(inputs)
    order = [place for place in _in_turn(emotions) if emotions[place] != DROPPED][:N_SAMPLES]
    if DROPPED in emotions:
        skipped(f"{path}: {emotions.count(DROPPED)} inputs of outputs that are left out")
    return Samples(inputs[order], tuple(emotions[place] for place in order) if names else ())


def _read_folder(
    folder: Path,
    shape: Sequence[int | None],
    labels: Labels,
    preprocessing: VoicePreprocessing | FacePreprocessing,
    skipped: Callable[[str], object],
) -> Samples:
    kind: Kind = "recording" if isinstance(preprocessing, VoicePreprocessing) else "picture"
    files = labelled_files(folder, labels, kind, skipped)
    inputs: list[Float32] = []
    found: list[str] = []
    silent: list[str] = []
    n_read = 0
    for path, label in files:
        if len(inputs) >= N_SAMPLES:
            break
        try:
            if isinstance(preprocessing, VoicePreprocessing):
                own = voice_windows(path, preprocessing, shape)
            else:
                own = face_picture(path, preprocessing, shape)
        except MediaError as error:
            skipped(str(error))
            continue
        n_read += 1
        if not own:
            silent.append(str(path.relative_to(folder)))
        inputs += own
        found += [label] * len(own)
    if silent:
        more = f" and {len(silent) - N_NAMED} more" * (len(silent) > N_NAMED)
        skipped(f"{len(silent)} of {n_read} recordings, no voice found: {', '.join(sorted(silent)[:N_NAMED])}{more}")
    stacked = np.stack(inputs) if inputs else np.zeros((0, *(size or 1 for size in shape)), np.float32)
    return Samples(stacked, tuple(found) if any(found) else ())[:N_SAMPLES]


def labelled_files(
    folder: Path, labels: Labels, kind: Kind, skipped: Callable[[str], object]
) -> list[tuple[Path, str]]:
    """Return the files of a folder with their labels, one of each label in turn; "" where these are not known.

    Raises SourceError.
    """
    suffixes = SOUND_SUFFIXES | FILM_SUFFIXES if kind == "recording" else PICTURE_SUFFIXES
    everything = [path for path in _files(folder) if not _is_hidden(path, folder)]
    files = [path for path in everything if path.suffix.lower() in suffixes]
    if len(files) < len(everything):
        skipped(f"{folder}: {len(everything) - len(files)} files that are no {kind}s by their names")
    names = [path.relative_to(folder).parts[0] if path.parent != folder else "" for path in files]
    if "" in names and len(set(names)) > 1:
        raise SourceError(f"{folder}: holds files beside folders of labels; put each file into the folder of its label")
    known = {name: _known(folder, name, labels) if name else "" for name in set(names)}
    kept = [place for place in _in_turn(names) if known[names[place]] != DROPPED]
    if len(kept) < len(names):
        skipped(f"{folder}: {len(names) - len(kept)} {kind}s of outputs that are left out")
    return [(files[place], known[names[place]]) for place in kept]


def _known(path: Path, name: str, labels: Labels) -> str:
    """Return what a label is read as: by its name in --labels, or by that of an emotion."""
    small = name.lower()
    label = labels.by_name.get(small) or SYNONYMS.get(small, small)
    if label not in labels.read_as:
        raise SourceError(
            f"{path}: {name!r} is no label of the model; known are {', '.join(dict.fromkeys(labels.names))}"
        )
    return label


def _in_turn(names: Sequence[str]) -> list[int]:
    """Return the places of all names, shuffled, one of each name in turn."""
    rng = np.random.default_rng(0)
    queues = [rng.permutation([i for i, other in enumerate(names) if other == name]) for name in sorted(set(names))]
    turns = itertools.zip_longest(*queues)
    return [int(place) for turn in turns for place in turn if place is not None]


def _files(folder: Path) -> list[Path]:
    found = os.walk(folder, followlinks=True)
    return sorted(Path(place) / name for place, _, names in found for name in names)


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)
