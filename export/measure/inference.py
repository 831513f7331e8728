"""ONNX models run and timed as the runtime does it, and what their outputs mean."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from edge_emo.audio.mfcc import Float32
from edge_emo.models.session import onnxruntime_module

Meaning = Literal["logits", "probabilities", "values"]

ROUNDS = 3
MAX_RUNS, ROUND_S = 100, 0.3


def session(model: ModelProto) -> Any:
    """Return a session on one thread."""
    ort = onnxruntime_module()
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def run(model: ModelProto, samples: NDArray[Any]) -> Float32:
    """Return the output of a model for `samples`, in batches of one."""
    return run_all(model, samples)[0]


def run_all(model: ModelProto, samples: NDArray[Any]) -> list[Float32]:
    """Return every output of a model for `samples`, in batches of one."""
    ready = session(model)
    name = ready.get_inputs()[0].name
    rows = [ready.run(None, {name: sample[None]}) for sample in samples]
    return [np.concatenate(column) for column in zip(*rows, strict=True)]


def latencies_ms(models: Sequence[ModelProto], sample: NDArray[Any]) -> list[float]:
    """Return for each model the median time of one `sample` on one thread, the least of three rounds over all models.

    The rounds keep a change of the processor's clock from favouring one of them.
    """
    sessions = [session(model) for model in models]
    least = [float("inf")] * len(models)
    for _ in range(ROUNDS):
        for number, ready in enumerate(sessions):
            feed = {ready.get_inputs()[0].name: sample[None]}
            ready.run(None, feed)
            times: list[float] = []
            while len(times) < MAX_RUNS and sum(times) < ROUND_S:
                start = time.perf_counter()
                ready.run(None, feed)
                times.append(time.perf_counter() - start)
            least[number] = min(least[number], float(np.median(times)) * 1000)
    return least


@dataclass(frozen=True)
class Outputs:
    """What the outputs of a network mean: logits, probabilities or values, and the label of each, which may come twice.

    Values, such as valence and arousal, are no labels to choose among.
    Probabilities that do not sum to 1, as those of a sigmoid, are divided by their sum, as the runtime does.
    """

    activation: Meaning
    labels: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels, each once."""
        return tuple(dict.fromkeys(self.labels))

    def probabilities(self, output: Float32) -> Float32:
        """Return the probabilities of the classes, (samples, classes), for an output of shape (samples, labels)."""
        if self.activation == "values":
            return output
        probabilities = (
            softmax(output) if self.activation == "logits" else output / np.maximum(output.sum(-1, keepdims=True), 1e-9)
        )
        members = np.array([[label == name for name in self.classes] for label in self.labels], np.float32)
        return probabilities @ members


def softmax(logits: Float32) -> Float32:
    """Return the softmax over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True), np.float32)
