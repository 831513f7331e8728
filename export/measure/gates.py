"""The gates that a file passes before it is let out: limits on how far it may be from what it was made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from edge_emo.audio.mfcc import Float32
from export.measure.inference import Outputs, run
from export.measure.samples import Samples
from export.measure.saturation import n_saturable_layers

TOLERANCE = 1e-4
"""Largest difference that Keras and fp32 ONNX may show, as a share of the size of the outputs."""
MAX_TOLERANCE = 1e-3
FLOAT32_LOSSES = 4
"""How many times what float32 itself loses against float64 the difference may be, where that is more."""
MIN_DISTINCT = 10
"""Fewer different outputs, or half the inputs where these are few, are no proof that two networks are the same."""
MAX_VALUE_ERROR = 0.05
"""Root mean square error that a smaller model's values may show, as a share of how far those of fp32 spread."""
MIN_AGREEMENT = 0.98
MAX_ACCURACY_LOSS = 0.01


@dataclass(frozen=True)
class Gate:
    """A figure and the limit it has to keep, from above or below; `samples` is 0 where it is a fact of the weights.

    `words` say it with {} for the figure, where its name and a colon do not; it is shown in `unit`.
    """

    name: str
    value: float
    limit: float
    is_maximum: bool
    samples: int = 0
    words: str = ""
    unit: Literal["", "%", " points"] = ""

    @property
    def holds(self) -> bool:
        """Whether the figure keeps the limit; NaN does not."""
        return self.value <= self.limit if self.is_maximum else self.value >= self.limit

    def __str__(self) -> str:
        told = (self.words or f"{self.name}: {{}}").format(self._shown(self.value))
        return f"{told} (limit {self._shown(self.limit)}{f', {self.samples} inputs' * bool(self.samples)})"

    def _shown(self, number: float) -> str:
        if self.unit:
            return f"{100 * number:.3g}{self.unit}"
        text = f"{number:.1e}" if 0 < abs(number) < 0.01 else f"{number:.4g}"
        return text.replace(".0e", "e").replace("e-0", "e-")

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


def parity_gate(difference: float, samples: int, limit: float = TOLERANCE) -> Gate:
    """Return the gate of an fp32 model, of its `relative_difference` from what its source gives."""
    return Gate("largest difference from the source, as a share of its outputs", difference, limit, True, samples)


def relative_difference(found: NDArray[Any], expected: NDArray[Any]) -> float:
    """Return the largest difference of a row of outputs from another, as a share of the largest number in that row.

    Both have the shape (samples, …). Rows smaller than the median one are held against the size of that.
    """
    rows, wanted = (np.asarray(array, np.float64).reshape(len(array), -1) for array in (found, expected))
    sizes = np.abs(wanted).max(axis=1)
    typical = np.median(sizes) or sizes.max() or 1.0
    return float((np.abs(rows - wanted).max(axis=1) / np.maximum(sizes, typical)).max())


def tolerance(float32_loss: float) -> float:
    """Return the limit of `relative_difference` for a source of which float32 loses that much against float64."""
    return min(MAX_TOLERANCE, max(TOLERANCE, FLOAT32_LOSSES * float32_loss))


@dataclass(frozen=True)
class Comparison:
    """How the probabilities of a smaller model differ from those of fp32.

    The accuracies, of the smaller model and of fp32, are None without labels. `value_error` is the error of values that
    are no probabilities, relative to their spread, None for labels, which alone agree.
    """

    samples: int
    agreement: float
    mean_change: float
    largest_change: float
    accuracy: float | None
    accuracy_fp32: float | None
    saturable_layers: int
    value_error: float | None = None

    @property
    def accuracy_change(self) -> float | None:
        """How much more often the smaller model is right."""
        return None if self.accuracy is None or self.accuracy_fp32 is None else self.accuracy - self.accuracy_fp32

    @property
    def gates(self) -> list[Gate]:
        """The gates of a smaller model."""
        gates = [Gate("layers that can saturate", self.saturable_layers, 0, True)]
        if self.value_error is not None:
            name = "error of values, as a share of their spread"
            return [*gates, Gate(name, self.value_error, MAX_VALUE_ERROR, True, self.samples, unit="%")]
        name, words = "agreement of labels with fp32", "{} of labels agree with fp32"
        gates.append(Gate(name, self.agreement, MIN_AGREEMENT, False, self.samples, words, "%"))
        if self.accuracy_change is not None:
            name, change = "change of accuracy", self.accuracy_change
            gates.append(Gate(name, change, -MAX_ACCURACY_LOSS, False, self.samples, unit=" points"))
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
        accuracies = [_accuracy(probabilities, self._outputs, self._labels) for probabilities in (after, before)]
        return Comparison(
            samples=len(self.inputs),
            agreement=float((after.argmax(1) == before.argmax(1)).mean()),
            mean_change=float(np.abs(after - before).mean()),
            largest_change=float(np.abs(after - before).max()),
            accuracy=accuracies[0],
            accuracy_fp32=accuracies[1],
            saturable_layers=n_saturable_layers(model),
        )


class Measured:
    """Judges networks that give values, such as valence and arousal, by `judged` inputs."""

    def __init__(self, fp32: ModelProto, judged: Samples) -> None:
        self.inputs, self.timed = judged.inputs, judged.inputs[0]
        self._before = run(fp32, judged.inputs)
        self._low, self._spread = self._before.min(axis=0), np.maximum(np.ptp(self._before, axis=0), 1e-12)

    def probabilities(self, output: Float32) -> Float32:
        """Return values as shares of the range that fp32 gives, which is what a change is measured in."""
        return np.asarray((output - self._low) / self._spread, np.float32)

    def compare(self, model: ModelProto) -> Comparison:
        """Return how far a model's values are from those of fp32. Raises ValueError for NaN."""
        after = run(model, self.inputs)
        if not np.isfinite(after).all():
            raise ValueError("gives NaN or infinity")
        changes = np.abs(self.probabilities(after) - self.probabilities(self._before))
        errors = np.sqrt(np.square(after - self._before).mean(axis=0)) / np.maximum(self._before.std(axis=0), 1e-12)
        return Comparison(
            samples=len(self.inputs),
            agreement=1.0,
            mean_change=float(changes.mean()),
            largest_change=float(changes.max()),
            accuracy=None,
            accuracy_fp32=None,
            saturable_layers=n_saturable_layers(model),
            value_error=float(errors.max()),
        )


def judge_of(fp32: ModelProto, outputs: Outputs, judged: Samples) -> Judge:
    """Return what judges networks with outputs of that meaning."""
    return Measured(fp32, judged) if outputs.activation == "values" else Classified(fp32, outputs, judged)


def _accuracy(probabilities: Float32, outputs: Outputs, labels: tuple[str, ...]) -> float | None:
    unknown = set(labels) - set(outputs.classes)
    if unknown:
        raise ValueError(f"the labels {', '.join(sorted(unknown))} are no outputs of the model")
    truth = [outputs.classes.index(label) for label in labels]
    return float((probabilities.argmax(1) == np.array(truth)).mean()) if truth else None
