"""The gates that a file passes before it is let out: limits on how far it may be from what it was made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from edge_emo.voice.mfcc import Float32
from export.inference import Outputs, run
from export.samples import Samples
from export.saturation import n_saturable_layers

TOLERANCE = 1e-4
"""Largest absolute difference of the output that Keras and fp32 ONNX may show."""
MIN_AGREEMENT = 0.98
MAX_ACCURACY_LOSS = 0.01


@dataclass(frozen=True)
class Gate:
    """A figure and the limit it has to keep, from above or below; `samples` is 0 where it is a fact of the weights."""

    name: str
    value: float
    limit: float
    is_maximum: bool
    samples: int = 0

    @property
    def holds(self) -> bool:
        """Whether the figure keeps the limit; NaN does not."""
        return self.value <= self.limit if self.is_maximum else self.value >= self.limit

    def __str__(self) -> str:
        bound = f"{'at most' if self.is_maximum else 'at least'} {self.limit:g}"
        return f"{self.name} {self.value:.4g} ({bound}{f', {self.samples} inputs' * bool(self.samples)})"

    def record(self) -> dict[str, Any]:
        """Return the gate for a card."""
        bound = "maximum" if self.is_maximum else "minimum"
        return {
            "name": self.name,
            "value": float(f"{self.value:.4g}"),
            bound: self.limit,
            "samples": self.samples,
            "holds": self.holds,
        }


def parity_gate(difference: float, samples: int) -> Gate:
    """Return the gate of an fp32 model, of its largest absolute difference from what its source gives."""
    return Gate("largest difference from the source", difference, TOLERANCE, True, samples)


@dataclass(frozen=True)
class Comparison:
    """How the probabilities of a smaller model differ from those of fp32.

    The accuracies, of the smaller model and of fp32, are None without labels.
    """

    samples: int
    agreement: float
    mean_change: float
    largest_change: float
    accuracy: float | None
    accuracy_fp32: float | None
    saturable_layers: int

    @property
    def accuracy_change(self) -> float | None:
        """How much more often the smaller model is right."""
        return None if self.accuracy is None or self.accuracy_fp32 is None else self.accuracy - self.accuracy_fp32

    @property
    def gates(self) -> list[Gate]:
        """The gates of a smaller model."""
        gates = [
            Gate("layers that can saturate", self.saturable_layers, 0, True),
            Gate("agreement of labels with fp32", self.agreement, MIN_AGREEMENT, False, self.samples),
        ]
        if self.accuracy_change is not None:
            gates.append(Gate("change of accuracy", self.accuracy_change, -MAX_ACCURACY_LOSS, False, self.samples))
        return gates


class Judge(Protocol):
    """What smaller models are compared with fp32 by: on real `inputs`, of which `timed` is one to time them with."""

    inputs: NDArray[Any]
    timed: NDArray[Any]

    def probabilities(self, output: Float32) -> Float32:
        """Return what the output of a network says, in numbers from 0 to 1."""

    def compare(self, model: ModelProto) -> Comparison:
        """Return how a model's answers differ from those of fp32. Raises ValueError for NaN."""


class Classified:
    """Judges networks that give one of several labels, by `judged` inputs."""

    def __init__(self, fp32: ModelProto, outputs: Outputs, judged: Samples) -> None:
        self._outputs, self._labels = outputs, judged.labels
        self.inputs, self.timed = judged.inputs, judged.inputs[0]
        self.probabilities = outputs.probabilities
        self._before = self.probabilities(run(fp32, judged.inputs))

    def compare(self, model: ModelProto) -> Comparison:
        """Return how a model's answers differ from those of fp32. Raises ValueError for NaN."""
        before, after = self._before, self.probabilities(run(model, self.inputs))
        if not np.isfinite(after).all():
            raise ValueError("gives NaN or infinity")
        accuracies = [_accuracy(shares, self._outputs, self._labels) for shares in (after, before)]
        return Comparison(
            samples=len(self.inputs),
            agreement=float((after.argmax(1) == before.argmax(1)).mean()),
            mean_change=float(np.abs(after - before).mean()),
            largest_change=float(np.abs(after - before).max()),
            accuracy=accuracies[0],
            accuracy_fp32=accuracies[1],
            saturable_layers=n_saturable_layers(model),
        )


def _accuracy(shares: Float32, outputs: Outputs, labels: tuple[str, ...]) -> float | None:
    unknown = set(labels) - set(outputs.classes)
    if unknown:
        raise ValueError(f"the labels {', '.join(sorted(unknown))} are no outputs of the model")
    truth = [outputs.classes.index(label) for label in labels]
    return float((shares.argmax(1) == np.array(truth)).mean()) if truth else None
