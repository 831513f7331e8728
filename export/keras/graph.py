"""Cleaning of an ONNX graph for inference; what it computes stays the same."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from edge_emo.models.session import onnxruntime_module

_POOLS = ("MaxPool", "AveragePool")
_RESHAPES = ("Squeeze", "Unsqueeze", "Reshape")


def clean(model: ModelProto) -> ModelProto:
    """Return the graph after every pass; `PASSES` tells them one by one."""
    for change in PASSES.values():
        model = change(model)
    return model


def fold(model: ModelProto) -> ModelProto:
    """Return the graph after ONNX Runtime's "basic" passes, which hold for every processor."""
    ort = onnxruntime_module()
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "folded.onnx")
        ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        folded = onnx.load(options.optimized_model_filepath)
    domains = {node.domain for node in folded.graph.node} | {""}
    kept = [opset for opset in folded.opset_import if opset.domain in domains]
    del folded.opset_import[:]
    folded.opset_import.extend(kept)
    return folded


def flatten_convolutions(model: ModelProto) -> ModelProto:
    """Return the graph with convolutions and poolings over pictures one pixel wide or high in one dimension, folded.

    TensorFlow computes a Conv1D as Unsqueeze, Conv2D, Squeeze, which keeps BatchNorm from being folded and
    int8 from being fast. Each such node gets a Squeeze before and an Unsqueeze after it; pairs that meet vanish.
    Done for the axes, of none, the height, or both, that leave the fewest nodes.
    """
    ways = [fold(model), _flattened(model, (2,)), _flattened(model, (2, 3))]
    return min(ways, key=lambda way: len(merge_reshapes(way).graph.node))


def _flattened(model: ModelProto, axes_of_one: tuple[int, ...]) -> ModelProto:
    model = copied(model)
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    shapes = _shapes(model)
    nodes: list[NodeProto] = []
    for node in graph.node:
        axis = _flat_axis(node, shapes.get(node.input[0] if node.input else "", []), constants, axes_of_one)
        if axis is None:
            nodes.append(node)
            continue
        if node.op_type == "Conv":
            weights = constants[node.input[1]]
            weights.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weights).squeeze(axis), weights.name))
        flat_in, flat_out = f"{node.output[0]}/flat_in", f"{node.output[0]}/flat_out"
        axes = f"{node.output[0]}/axes"
        graph.initializer.append(numpy_helper.from_array(np.array([axis], np.int64), axes))
        nodes.append(helper.make_node("Squeeze", [node.input[0], axes], [flat_in]))
        flat = NodeProto()
        flat.CopyFrom(node)
        flat.input[0], flat.output[0] = flat_in, flat_out
        for attribute in flat.attribute:
            if attribute.name in ("kernel_shape", "strides", "dilations", "pads"):
                attribute.ints[:] = attribute.ints[3 - axis :: 2]
        nodes.append(flat)
        nodes.append(helper.make_node("Unsqueeze", [flat_out, axes], [node.output[0]]))
    del graph.node[:]
    graph.node.extend(_without_pairs(nodes, model))
    remove_dead(model)
    del graph.value_info[:]
    return fold(model)


def _flat_axis(
    node: NodeProto, shape: list[int], constants: dict[str, onnx.TensorProto], axes: tuple[int, ...]
) -> int | None:
    """Return the first of the axes along which a node's input and kernel are of size 1; None if there is none."""
    if node.op_type not in ("Conv", *_POOLS) or len(shape) != 4:
        return None
    kernel = _kernel(node, constants)
    return next((axis for axis in axes if shape[axis] == 1 and kernel[axis - 2 :][:1] == [1]), None)


def _without_pairs(nodes: list[NodeProto], model: ModelProto) -> list[NodeProto]:
    """Drop each Squeeze that undoes an Unsqueeze of the same axes, and the other way round."""
    constants = {tensor.name: numpy_helper.to_array(tensor).tolist() for tensor in model.graph.initializer}
    producers = {output: node for node in nodes for output in node.output}
    outputs = {output.name for output in model.graph.output}
    renamed: dict[str, str] = {}
    kept: list[NodeProto] = []
    for node in nodes:
        for position, name in enumerate(node.input):
            node.input[position] = renamed.get(name, name)
        inverse = {"Squeeze": "Unsqueeze", "Unsqueeze": "Squeeze"}.get(node.op_type)
        before = producers.get(node.input[0]) if inverse else None
        same_axes = before and before.op_type == inverse and constants[before.input[1]] == constants[node.input[1]]
        if before is None or not same_axes:
            kept.append(node)
        elif node.output[0] in outputs:
            rename(kept, before.input[0], node.output[0])
            renamed[before.input[0]] = node.output[0]
        else:
            renamed[node.output[0]] = before.input[0]
    return kept


def rename(nodes: list[NodeProto], old: str, new: str) -> None:
    """Give a tensor another name wherever a node reads or makes it, in place."""
    for node in nodes:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]


def remove_dead(model: ModelProto) -> None:
    """Remove nodes and constants that no output needs, in place."""
    used = {output.name for output in model.graph.output}
    alive = []
    for node in reversed(model.graph.node):
        if used & set(node.output):
            alive.append(node)
            used |= set(_needed(node))
    constants = [tensor for tensor in model.graph.initializer if tensor.name in used]
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.node.extend(reversed(alive))
    model.graph.initializer.extend(constants)


def _bodies(node: NodeProto) -> Iterator[onnx.GraphProto]:
    """Yield the graphs inside a Loop, Scan or If."""
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield attribute.g


def _needed(node: NodeProto) -> Iterator[str]:
    """Yield the names a node reads, also from within its bodies."""
    yield from node.input
    for body in _bodies(node):
        for inner in body.node:
            yield from _needed(inner)
        yield from (output.name for output in body.output)


def rename_inputs(node: NodeProto, names: dict[str, str]) -> None:
    """Give other names to what a node reads, also within its bodies, in place."""
    node.input[:] = [names.get(name, name) for name in node.input]
    for body in _bodies(node):
        for inner in body.node:
            rename_inputs(inner, names)
        for output in body.output:
            output.name = names.get(output.name, output.name)


def drop_zero_states(model: ModelProto) -> ModelProto:
    """Return the graph with recurrent layers that start from nothing, where they started from zeros made for them.

    Keras makes its first state of the input's batch, in seven nodes a layer; zeros are ONNX's default.
    """
    model = copied(model)
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    producers = {output: node for node in model.graph.node for output in node.output}

    def is_zero(name: str) -> bool:
        if name in constants:
            return not numpy_helper.to_array(constants[name]).any()
        node = producers.get(name)
        if node is None:
            return False
        if node.op_type == "ConstantOfShape":
            return not any(numpy_helper.to_array(attribute.t).any() for attribute in node.attribute)
        return node.op_type in ("Expand", "Tile", *_RESHAPES) and is_zero(node.input[0])

    for node in model.graph.node:
        if node.op_type in ("LSTM", "GRU", "RNN"):
            for position in range(5, min(len(node.input), 7)):
                if is_zero(node.input[position]):
                    node.input[position] = ""
    remove_dead(model)
    return model


def merge_reshapes(model: ModelProto) -> ModelProto:
    """Return the graph with one Reshape for each run of Squeeze, Unsqueeze and Reshape, none where nothing changes."""
    model = copied(model)
    shapes = _shapes(model)
    producers = {output: node for node in model.graph.node for output in node.output}
    for node in model.graph.node:
        before = producers.get(node.input[0])
        shape = shapes.get(node.output[0], [])
        if node.op_type not in _RESHAPES or not before or before.op_type not in _RESHAPES or 0 in shape[1:]:
            continue
        if shapes.get(before.input[0]) == shape:
            node.CopyFrom(helper.make_node("Identity", [before.input[0]], list(node.output)))
            continue
        name = f"{node.output[0]}/shape"
        model.graph.initializer.append(numpy_helper.from_array(np.array([-1, *shape[1:]], np.int64), name))
        merged = helper.make_node("Reshape", [before.input[0], name], list(node.output))
        node.CopyFrom(merged)
    remove_dead(model)
    return fold(model)


def plain_transposes(model: ModelProto) -> ModelProto:
    """Return the graph with one Transpose for each Unsqueeze, Transpose and Squeeze of the same axis in a row."""
    model = copied(model)
    axes = {
        t.name: numpy_helper.to_array(t).tolist() for t in model.graph.initializer if t.data_type == TensorProto.INT64
    }
    producers = {output: node for node in model.graph.node for output in node.output}
    for node in model.graph.node:
        if node.op_type != "Squeeze" or len(node.input) < 2:
            continue
        turn = producers.get(node.input[0])
        wide = producers.get(turn.input[0]) if turn is not None and turn.op_type == "Transpose" else None
        if turn is None or wide is None or wide.op_type != "Unsqueeze":
            continue
        perm = next(list(attribute.ints) for attribute in turn.attribute if attribute.name == "perm")
        added, removed = axes.get(wide.input[1], []), axes.get(node.input[1], [])
        if len(added) != 1 or len(removed) != 1 or perm[removed[0]] != added[0] % len(perm):
            continue
        one = added[0] % len(perm)
        kept = [axis - (axis > one) for axis in perm if axis != one]
        node.CopyFrom(helper.make_node("Transpose", [wide.input[0]], list(node.output), perm=kept))
    remove_dead(model)
    return model


def _kernel(node: NodeProto, constants: dict[str, onnx.TensorProto]) -> list[int]:
    if node.op_type == "Conv":
        return list(constants[node.input[1]].dims[2:]) if node.input[1] in constants else [0]
    return next(list(a.ints) for a in node.attribute if a.name == "kernel_shape")


def _shapes(model: ModelProto) -> dict[str, list[int]]:
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    values = [*inferred.value_info, *inferred.input, *inferred.output]
    return {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}


def name_tensors(model: ModelProto) -> ModelProto:
    """Return the graph with short names of nodes and tensors, the batch dimension called `batch`; fully checked."""
    model = copied(model)
    graph = model.graph
    last = next((node.op_type for node in graph.node if graph.output[0].name in node.output), "")
    meaning = "probabilities" if last in ("Softmax", "Sigmoid") else "logits"
    names = {graph.input[0].name: "features", graph.output[0].name: meaning}
    for number, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{number}"
        for position, output in enumerate(node.output):
            names.setdefault(output, node.name if position == 0 else f"{node.name}:{position}")
    for number, tensor in enumerate(graph.initializer):
        names.setdefault(tensor.name, f"constant_{number}")
        tensor.name = names[tensor.name]
    for node in graph.node:
        rename_inputs(node, names)
        node.output[:] = [names[name] for name in node.output]
    del graph.value_info[:]
    for value in [*graph.input, *graph.output]:
        value.name = names[value.name]
        value.type.tensor_type.shape.dim[0].Clear()
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    graph.name = "edge-emo"
    model.producer_name = "edge-emo"
    model.producer_version = ""
    onnx.checker.check_model(model, full_check=True)
    return model


def copied(model: ModelProto) -> ModelProto:
    """Return a copy."""
    copy = ModelProto()
    copy.CopyFrom(model)
    return copy


PASSES: dict[str, Callable[[ModelProto], ModelProto]] = {
    "constants and BatchNorm folded": fold,
    "1-D convolutions in one dimension": flatten_convolutions,
    "zero states of recurrent layers dropped": drop_zero_states,
    "reshapes merged": merge_reshapes,
    "transposes without extra axes": plain_transposes,
    "names and shapes": name_tensors,
}
"""The passes in their order; each returns a new graph that computes the same."""
