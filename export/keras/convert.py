"""Keras to ONNX, with the comparison that lets a file out."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnx.version_converter
from numpy.typing import NDArray
from onnx import ModelProto

from export.keras.graph import PASSES
from export.keras.graph_ends import with_constants, with_float_input, with_outputs_kept
from export.keras.network import Network, n_distinct
from export.keras.reference import Reference
from export.keras.source import SourceError
from export.measure.gates import MIN_DISTINCT, TOLERANCE, relative_difference, tolerance

OPSET = 17
MAX_TF2ONNX_OPSET = 18
N_EXACT = 64
"""Inputs that what float32 loses is measured on."""
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
    reference: Reference

    @property
    def expected(self) -> NDArray[Any]:
        """The outputs of the source."""
        return self.reference.outputs

    @property
    def largest_difference(self) -> float:
        """Largest difference from the source, as a share of the size of its outputs."""
        return next(step.largest_difference for step in reversed(self.steps) if not step.failure)


def to_onnx(network: Network, samples: NDArray[Any], opset: int = OPSET) -> Conversion:
    """Convert a network, clean the graph, and compare with the source on `samples` after every step.

    Takes the first route that computes what the source computes; leaves out a pass that does not. Input and output
    are named "features" and "logits" or "probabilities", the first dimension of both "batch"; the input is float32.
    Raises ParityError; SourceError where the source tells too few of the samples apart for a comparison to prove
    anything.
    """
    compared = [_reference(network, samples)]
    if network.is_open:
        compared.append(_reference(network, network.random_inputs(N_LONGER, seed=1, length=LONGER)))
    _check_tells_apart(network, compared[0])
    steps: list[Step] = []

    def attempt(name: str, make: Callable[[], ModelProto]) -> ModelProto | None:
        try:
            made = make()
            differences = [reference.difference(made) for reference in compared]
            if not all(map(_holds, differences, compared)) and compared[0].limit == TOLERANCE:
                compared[:] = [_widened(network, reference) for reference in compared]
        except Exception as error:  # converters and ONNX Runtime raise many kinds
            steps.append(Step(name, failure=f"{type(error).__name__}: {error}"))
            return None
        failure = ""
        if not all(map(_holds, differences, compared)):
            failure = f"differs by {max(differences):.2g} of its outputs, at most {compared[0].limit:.2g} is let out"
        steps.append(Step(name, len(made.graph.node), max(differences), failure))
        return None if failure else made

    for route, convert in ROUTES.items():
        converted = attempt(route, partial(_ends, network, convert, min(opset, MAX_TF2ONNX_OPSET)))
        if converted is not None:
            break
    else:
        told = "; ".join(f"{step.name} {step.failure.splitlines()[0]}" for step in steps)
        raise ParityError(f"{network.name}: no way to ONNX gives what Keras gives: {told}")
    model = converted
    if opset > MAX_TF2ONNX_OPSET:
        model = attempt(f"opset {opset}", lambda: onnx.version_converter.convert_version(converted, opset)) or model
    for name, change in PASSES.items():
        model = attempt(name, partial(change, model)) or model
    return Conversion(model, route, converted, tuple(steps), compared[0])


def _reference(network: Network, samples: NDArray[Any]) -> Reference:
    before = network.before_activation(samples) if network.before_activation else None
    return Reference(samples.astype(np.float32), network.outputs(samples), before)


def _holds(difference: float, reference: Reference) -> bool:
    return difference <= reference.limit


def _widened(network: Network, reference: Reference) -> Reference:
    """Return the reference with a limit that allows for what float32 loses of the source's numbers, where it is known.

    Not every network can be built again in float64.
    """
    if network.exact is None:
        return reference
    samples = reference.inputs[:N_EXACT].astype(network.input_dtype)
    try:
        pairs = zip((network.predict, network.before_activation), network.exact(), strict=True)
        losses = [relative_difference(one(samples), exact(samples)) for one, exact in pairs if one and exact]
    except Exception:  # Keras raises many kinds
        return reference
    return replace(reference, limit=tolerance(max(losses, default=0.0)))


def _check_tells_apart(network: Network, reference: Reference) -> None:
    compared = reference.outputs if reference.before_activation is None else reference.before_activation
    found, least = n_distinct(compared), min(MIN_DISTINCT, -(-len(compared) // 2))
    if found < least:
        raise SourceError(
            f"{network.name}: gives {found} different outputs for {len(compared)} inputs, so that no comparison proves "
            "anything; give real recordings or pictures to --calibrate"
        )


def _ends(network: Network, convert: Callable[[Network, int], ModelProto], opset: int) -> ModelProto:
    model = with_float_input(convert(network, opset))
    return model if network.kept is None else with_outputs_kept(model, network.kept, network.is_shared_out)


def _by_tf2onnx(network: Network, opset: int) -> ModelProto:
    import tensorflow as tf
    import tf2onnx

    if network.to_onnx is not None:
        return onnx.load_from_string(network.to_onnx(opset))
    # from_keras fails on Keras 3 models; a function with a signature does not
    signature = [tf.TensorSpec((None, *network.input_shape), network.input_dtype, name="features")]
    function = tf.function(lambda features: {"logits": network.call(features)}, input_signature=signature)
    handlers: dict[str, Any] = {"Erfc": (_erfc, [])}  # in the exact GELU
    model = tf2onnx.convert.from_function(
        function, input_signature=signature, opset=opset, custom_op_handlers=handlers
    )[0]
    # tensors that the function holds without being variables, as those of Normalization, are left as inputs
    graph = function.get_concrete_function(*signature).graph
    captured = [(held, name.name) for held, name in graph.captures if held.dtype != tf.resource]
    return with_constants(model, {name: held.numpy() for held, name in captured})


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
