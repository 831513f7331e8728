"""A detector's network, converted at one size, made to take pictures of any: it computes the same at that size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import keras
import numpy as np
from onnx import ModelProto, helper, numpy_helper

from export.keras.convert import Conversion, ParityError, to_onnx
from export.keras.graph import remove_dead
from export.keras.loading import from_keras
from export.measure.gates import TOLERANCE
from export.measure.inference import run

OTHER_SIZES = ((256, 320), (320, 192), (64, 640), (32, 32))
"""Heights and widths at which the opened network is compared with Keras."""

_LAYOUT = ("Reshape", "Tile", "Transpose", "Unsqueeze")


def convert(network: Callable[[int, int], keras.Model], size: int, samples: np.ndarray) -> tuple[Conversion, float]:
    """Return a network in ONNX for pictures of any size whose sides are multiples of 32.

    `network` makes it for a height and a width, its output (batch, cells, values). Also returns the largest difference
    from Keras, on `samples` (n, size, size, 3) and on noise of `OTHER_SIZES`.
    Raises ParityError where it is more than the tolerance.
    """
    conversion = to_onnx(from_keras(network(size, size), "detector"), samples)
    model = opened(conversion.model, conversion.expected.shape[-1])
    rng = np.random.default_rng(0)
    largest = float(np.abs(run(model, samples) - conversion.expected).max())
    for height, width in OTHER_SIZES:
        noise = rng.normal(size=(2, height, width, 3)).astype(np.float32)
        expected = network(height, width).predict(noise, verbose=0)
        largest = max(largest, float(np.abs(run(model, noise) - expected).max()))
    if largest > TOLERANCE:
        raise ParityError(f"the opened network differs from Keras by {largest:.2g}; at most {TOLERANCE} is let out")
    return replace(conversion, model=model), largest


def opened(model: ModelProto, n_values: int) -> ModelProto:
    """Return the graph with its sizes open: enlarging as Resize, rows of cells, of `n_values`, by what is there."""
    out = ModelProto()
    out.CopyFrom(model)
    graph = out.graph
    made_by = {name: node for node in graph.node for name in node.output}
    graph.initializer.append(numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "twice"))
    graph.initializer.append(numpy_helper.from_array(np.array([0, -1, n_values], np.int64), "rows"))
    for node in list(graph.node):
        source, kinds = node.output[0], []
        while source in made_by and made_by[source].op_type in _LAYOUT:
            kinds.append(made_by[source].op_type)
            source = made_by[source].input[0]
        if node.op_type == "Transpose" and "Tile" in kinds and _leads_to_add(node.output[0], out):
            resize = helper.make_node(
                "Resize",
                [source, "", "twice"],
                [node.output[0]],
                name=f"Resize_{node.name}",
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            )
            graph.node.insert(list(graph.node).index(node), resize)
            graph.node.remove(node)
    last = next(node for node in graph.node if graph.output[0].name in node.output)
    for node in graph.node:
        if node.op_type == "Reshape" and node.output[0] in last.input:
            node.input[1] = "rows"
    _name_size(graph.input[0], 1, "height")
    _name_size(graph.input[0], 2, "width")
    _name_size(graph.output[0], 1, "cells")
    remove_dead(out)
    return out


def _leads_to_add(name: str, model: ModelProto) -> bool:
    return any(node.op_type == "Add" and name in node.input for node in model.graph.node)


def _name_size(value: object, axis: int, name: str) -> None:
    size = value.type.tensor_type.shape.dim[axis]  # type: ignore[attr-defined]
    size.Clear()
    size.dim_param = name
