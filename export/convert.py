"""Keras to ONNX, with the comparison that lets a file out."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnx.version_converter
from numpy.typing import NDArray
from onnx import ModelProto

from edge_emo.voice.mfcc import Float32
from export.gates import TOLERANCE
from export.graph import PASSES
from export.inference import run
from export.network import Network

OPSET = 17
MAX_TF2ONNX_OPSET = 18
N_LONGER, LONGER = 16, 97
"""Inputs of another length that a model with an open length is compared on too."""


class ParityError(ValueError):
    """A converted model that does not compute what its source computes."""


@dataclass(frozen=True)
class Step:
    """A route or pass, and how far the graph after it is from its source; `failure` where it was not taken."""

    name: str
    nodes: int = 0
    largest_difference: float = float("inf")
    failure: str = ""


@dataclass(frozen=True)
class Conversion:
    """A converted and cleaned model, every step on the way, the refused ones too, and what the source gave."""

    model: ModelProto
    route: str
    before_cleaning: ModelProto
    steps: tuple[Step, ...]
    expected: Float32

    @property
    def largest_difference(self) -> float:
        """Largest absolute difference of the output from that of the source."""
        return next(step.largest_difference for step in reversed(self.steps) if not step.failure)


def to_onnx(network: Network, samples: NDArray[Any], opset: int = OPSET) -> Conversion:
    """Convert a network, clean the graph, and compare with the source on `samples` after every step.

    Takes the first route that computes what the source computes; leaves out a pass that does not. Input and output
    are named "features" and "logits", the first dimension of both "batch". Raises ParityError.
    """
    expected = network.predict(samples)
    compared = [(samples, expected)]
    if network.is_open:
        longer = network.random_inputs(N_LONGER, seed=1, length=LONGER)
        compared.append((longer, network.predict(longer)))
    steps: list[Step] = []

    def attempt(name: str, make: Callable[[], ModelProto]) -> ModelProto | None:
        try:
            made = make()
            difference = max(float(np.abs(run(made, inputs) - wanted).max()) for inputs, wanted in compared)
        except Exception as error:  # converters and ONNX Runtime raise many kinds
            steps.append(Step(name, failure=f"{type(error).__name__}: {error}"))
            return None
        failure = "" if difference <= TOLERANCE else f"differs by {difference:.2g}, at most {TOLERANCE} is let out"
        steps.append(Step(name, len(made.graph.node), difference, failure))
        return None if failure else made

    for route, convert in ROUTES.items():
        converted = attempt(route, lambda convert=convert: convert(network, min(opset, MAX_TF2ONNX_OPSET)))
        if converted is not None:
            break
    else:
        told = "; ".join(f"{step.name} {step.failure.splitlines()[0][:200]}" for step in steps)
        raise ParityError(f"{network.name}: no way to ONNX gives what Keras gives: {told}")
    model = converted
    if opset > MAX_TF2ONNX_OPSET:
        model = attempt(f"opset {opset}", lambda: onnx.version_converter.convert_version(converted, opset)) or model
    for name, change in PASSES.items():
        model = attempt(name, lambda change=change, model=model: change(model)) or model
    return Conversion(model, route, converted, tuple(steps), expected)


def _by_tf2onnx(network: Network, opset: int) -> ModelProto:
    import tensorflow as tf
    import tf2onnx

    if network.to_onnx is not None:
        return onnx.load_from_string(network.to_onnx(opset))
    # from_keras fails on Keras 3 models; a function with a signature does not
    signature = [tf.TensorSpec((None, *network.input_shape), network.input_dtype, name="features")]
    function = tf.function(lambda features: {"logits": network.call(features)}, input_signature=signature)
    handlers = {"Erfc": (_erfc, [])}  # in the exact GELU
    return tf2onnx.convert.from_function(function, input_signature=signature, opset=opset, custom_op_handlers=handlers)[
        0
    ]


def _erfc(graph: Any, node: Any, name: str, arguments: list[Any]) -> None:
    """Write 1 - erf(x) in place of TensorFlow's Erfc, which tf2onnx does not know."""
    one = graph.make_const(f"{name}/one", np.float32(1))
    erf = graph.make_node("Erf", node.input)
    graph.remove_node(name)
    graph.make_node("Sub", [one.output[0], erf.output[0]], outputs=node.output, name=name)


def _by_keras(network: Network, opset: int) -> ModelProto:
    import tf2onnx

    if isinstance(network.model, keras.Model):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            network.model.export(path, format="onnx", verbose=False, opset_version=opset)
            return onnx.load(path)
    return tf2onnx.convert.from_keras(network.model, opset=opset)[0]


ROUTES: dict[str, Callable[[Network, int], ModelProto]] = {
    "tf2onnx, from a function": _by_tf2onnx,
    "Keras' own export": _by_keras,
}
