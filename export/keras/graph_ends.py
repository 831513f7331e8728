"""The ends of an ONNX graph: what it takes and what it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

from export.keras.graph import copied, rename, rename_inputs
from export.keras.network import SMALLEST

_ACTIVATIONS = ("Softmax", "LogSoftmax", "Sigmoid", "Tanh", "HardSigmoid", "Relu", "Elu", "Softplus")


def with_float_input(model: ModelProto) -> ModelProto:
    """Return the graph with an input in float32, from which it makes the whole numbers or float64 that it takes.

    The runtime gives every network float32, which holds whole numbers up to 2**24 exactly.
    """
    (stated,) = model.graph.input
    taken = stated.type.tensor_type.elem_type
    if taken == TensorProto.FLOAT:
        return model
    model = copied(model)
    name = model.graph.input[0].name
    for node in model.graph.node:
        rename_inputs(node, {name: f"{name}/taken"})
    model.graph.node.insert(0, helper.make_node("Cast", [name], [f"{name}/taken"], to=taken))
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    return model


def with_constants(model: ModelProto, values: Mapping[str, NDArray[Any]]) -> ModelProto:
    """Return the graph with these arrays in place of inputs of that name."""
    model = copied(model)
    inputs = [value for value in model.graph.input if value.name not in values]
    held = [numpy_helper.from_array(values[v.name], v.name) for v in model.graph.input if v.name in values]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    model.graph.initializer.extend(held)
    return model


def with_outputs_kept(model: ModelProto, places: Sequence[int], is_shared_out: bool = False) -> ModelProto:
    """Return the graph with these numbers of its output's last axis alone; with `is_shared_out` they add up to 1."""
    model = copied(model)
    (output,) = model.graph.output
    name, axis = output.name, len(output.type.tensor_type.shape.dim) - 1
    rename(list(model.graph.node), name, f"{name}/all")
    constants = {"kept": np.array(places, np.int64), "axes": np.array([axis], np.int64), "least": SMALLEST}
    nodes = [helper.make_node("Gather", [f"{name}/all", f"{name}/kept"], [f"{name}/some"], axis=axis)]
    if is_shared_out:
        nodes += [
            helper.make_node("ReduceSum", [f"{name}/some", f"{name}/axes"], [f"{name}/sum"], keepdims=1),
            helper.make_node("Max", [f"{name}/sum", f"{name}/least"], [f"{name}/whole"]),
            helper.make_node("Div", [f"{name}/some", f"{name}/whole"], [name]),
        ]
    else:
        nodes[0].output[0] = name
    model.graph.initializer.extend(numpy_helper.from_array(np.asarray(v), f"{name}/{k}") for k, v in constants.items())
    model.graph.node.extend(nodes)
    output.type.tensor_type.shape.dim[axis].Clear()
    output.type.tensor_type.shape.dim[axis].dim_value = len(places)
    return model


def with_activation_exposed(model: ModelProto) -> ModelProto | None:
    """Return the graph with what its last activation is made of as a second output, None where it has none."""
    producers = {output: node for node in model.graph.node for output in node.output}
    node = producers.get(model.graph.output[0].name)
    while node is not None and node.op_type in ("Identity", "Gather", "Div"):
        node = producers.get(node.input[0])
    if node is None or node.op_type not in _ACTIVATIONS:
        return None
    model = copied(model)
    rank = len(model.graph.output[0].type.tensor_type.shape.dim)
    model.graph.output.append(helper.make_tensor_value_info(node.input[0], TensorProto.FLOAT, [None] * rank))
    return model


def with_output_named(model: ModelProto, name: str) -> ModelProto:
    """Return the graph with another name for its output."""
    model = copied(model)
    rename(list(model.graph.node), model.graph.output[0].name, name)
    model.graph.output[0].name = name
    return model
