"""What one processor makes of files and network inputs, and how the answers of two differ.

python -m benchmarks.arm_answers PLAN FOLDER     answers a plan; the same program runs on every processor
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from edge_emo.audio.mfcc import Float32
from edge_emo.bench.machine import cpu_flags
from edge_emo.face.detector import decode, prepare
from edge_emo.media.pictures import read_picture
from edge_emo.models.calibration import calibrated
from edge_emo.models.card_json import read_card
from edge_emo.models.schema import Card, DetectorPreprocessing, FacePreprocessing, VoicePreprocessing
from edge_emo.models.session import Model
from export.measure.samples import face_picture, voice_windows

Networks = Mapping[str, tuple[str, str]]
"""By name the paths of a card, and of an .npz file of inputs."""


class Plan(TypedDict):
    """What is asked: the outputs of networks, and of front ends (a card and files to read) what they hand over."""

    networks: Networks
    front_ends: Mapping[str, tuple[str, Sequence[str]]]


def network_inputs(card: Card, path: Path) -> list[Float32]:
    """Return what a network is given for a recording, the picture of a face or a photo, through the package's path."""
    stated, shape = card.preprocessing, card.input.shape[1:]
    if isinstance(stated, VoicePreprocessing):
        return voice_windows(path, stated, shape)
    if isinstance(stated, FacePreprocessing):
        return face_picture(path, stated, shape)
    assert stated is not None
    return [prepare(read_picture(path), stated, stated.size)[0]]


def answer(plan: Plan, folder: Path) -> dict[str, Any]:
    """Write `NAME.npz` of every network and `NAME.inputs.npz` of every front end into `folder`; return who answered."""
    folder.mkdir()
    for name, (card, inputs) in plan["networks"].items():
        print(f"{platform.machine()}: {name}", file=sys.stderr, flush=True)
        model = Model(Path(card))
        np.savez(folder / f"{name}.npz", *(model(row[None])[0] for row in arrays(Path(inputs))))
    for name, (card, paths) in plan["front_ends"].items():
        known = read_card(Path(card))
        np.savez(folder / f"{name}.inputs.npz", *(row for path in paths for row in network_inputs(known, Path(path))))
    return {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "cpu_flags": cpu_flags(),
        "versions": {name: version(name) for name in ("onnxruntime", "numpy", "opencv-python-headless", "soundfile")},
    }


def arrays(path: Path) -> list[Float32]:
    """Return the arrays of an .npz file in their order."""
    with np.load(path) as file:
        return [file[name] for name in file.files]


@dataclass(frozen=True)
class Difference:
    """How two answers to the same inputs differ: inputs of another label, and the probabilities of all labels."""

    inputs: int
    other_labels: int
    largest: float
    mean: float
    bit_identical: bool


def difference(card: Card, inputs: Sequence[Float32], ours: Sequence[Float32], theirs: Sequence[Float32]) -> Difference:
    """Compare two lists of outputs for `inputs`, of the network that `card` describes."""
    labels, probabilities = labels_and_probabilities(card, inputs, ours)
    other_labels, other_probabilities = labels_and_probabilities(card, inputs, theirs)
    gaps = np.abs(probabilities - other_probabilities)
    return Difference(
        len(inputs),
        int((labels != other_labels).sum()),
        float(gaps.max()),
        float(gaps.mean()),
        all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True)),
    )


def labels_and_probabilities(
    card: Card, inputs: Sequence[Float32], outputs: Sequence[Float32]
) -> tuple[NDArray[np.int_], Float32]:
    """Return the label of each input and all probabilities; of a detector the number of faces, and all scores."""
    if not isinstance(card.preprocessing, DetectorPreprocessing):
        probabilities = calibrated(np.stack(outputs), card)
        return probabilities.argmax(axis=1), probabilities
    faces = [
        len(decode(cells, given.shape[:2], card.preprocessing, card.threshold, 1.0))
        for given, cells in zip(inputs, outputs, strict=True)
    ]
    return np.array(faces), 1 / (1 + np.exp(-np.concatenate([cells[:, 0] for cells in outputs])))


def compared(networks: Networks, here: Path, there: Path) -> dict[str, Difference]:
    """Return how the answers of each network in two folders differ."""
    return {
        name: difference(
            read_card(Path(card)), arrays(Path(inputs)), *(arrays(place / f"{name}.npz") for place in (here, there))
        )
        for name, (card, inputs) in networks.items()
    }


def front_end_gaps(names: Sequence[str], here: Path, there: Path) -> dict[str, dict[str, float]]:
    """Return how far the network inputs that two processors made of the same files are apart."""
    found = {}
    for name in names:
        pairs = zip(*(arrays(place / f"{name}.inputs.npz") for place in (here, there)), strict=True)
        gaps = [np.abs(a - b) for a, b in pairs]
        largest, mean = max(gap.max() for gap in gaps), np.mean([gap.mean() for gap in gaps])
        found[name] = {"inputs": len(gaps), "largest": float(largest), "mean": float(mean)}
    return found


if __name__ == "__main__":
    print(json.dumps(answer(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))))
