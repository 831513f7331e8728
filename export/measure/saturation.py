"""Whether 8-bit products can leave the 16-bit sums of x86 processors without VNNI, and what that does to the answer.

These processors multiply unsigned activations with signed weights in pairs (the instruction pmaddubsw): two products of
at most 255 x 128 go into one sum of 16 bits, which saturates at 32,767. Nobody sees it on a processor with VNNI, nor
on Arm. Unsigned weights are widened first and never saturate; nor do depthwise convolutions, which have kernels of
their own. From 1.21 on ONNX Runtime quantises by itself, to the full range of 8 bits, the float weights of a Conv or
Gemm that stands among quantised layers (its pass WeightBiasQuantization); these count as if they were stored so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper

from edge_emo.audio.mfcc import Float32
from edge_emo.models.session import onnxruntime_module

Ints = NDArray[np.int32]
LIMIT = np.iinfo(np.int16).max
_LAYERS = ("Conv", "Gemm", "MatMul")
_DYNAMIC_WEIGHTS = {"MatMulInteger": (1,), "DynamicQuantizeMatMul": (1,), "DynamicQuantizeLSTM": (1, 2)}


def n_saturable_layers(model: ModelProto) -> int:
    """Return how many layers some input could saturate: two weights of one output and sign pass the limit."""
    return sum(_bound(weights) > LIMIT for weights in _signed_weights(model))


def _bound(weights: Ints) -> int:
    """Return the largest sum of two products for weights of shape (any, outputs)."""
    if len(weights) < 2:
        return int(np.abs(weights).max()) * 255
    ordered = np.sort(weights, axis=0)
    return int(max((ordered[-1] + ordered[-2]).max(), -(ordered[0] + ordered[1]).min())) * 255


def _signed_weights(model: ModelProto) -> Iterator[Ints]:
    """Yield the 8-bit signed weights that meet 8-bit activations, as (inputs of an output, outputs)."""
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    sources = {node.output[0]: node for node in model.graph.node if node.op_type == "DequantizeLinear"}
    for node in model.graph.node:
        if node.op_type in _LAYERS and node.input[0] in sources and node.input[1] in sources:
            names = [sources[node.input[1]].input[0]]
        elif node.op_type in ("Conv", "Gemm") and node.input[0] in sources:
            names = [node.input[1]]
        else:
            names = [node.input[position] for position in _DYNAMIC_WEIGHTS.get(node.op_type, ())]
        if node.input[0] in sources and constants[sources[node.input[0]].input[2]].dtype != np.uint8:
            continue  # 16-bit activations are computed in float
        for name in names:
            weights = constants.get(name)
            if weights is not None and weights.dtype == np.float32:
                weights = np.round(weights * (127 / np.abs(weights).max())).astype(np.int8)
            if weights is not None and weights.dtype == np.int8 and not _is_depthwise(node, weights):
                yield _columns(node, weights)


def _is_depthwise(node: NodeProto, weights: NDArray[Any]) -> bool:
    return node.op_type == "Conv" and weights.shape[1] == 1 and _attribute(node, "group", 1) > 1


def _columns(node: NodeProto, weights: NDArray[np.int8]) -> Ints:
    """Return weights as (inputs, outputs), the inputs in the order in which they are summed: channels innermost."""
    wide = weights.astype(np.int32)
    if node.op_type == "Conv":
        return np.moveaxis(wide, 1, -1).reshape(len(wide), -1).T
    if node.op_type == "Gemm" and _attribute(node, "transB", 0):
        return wide.T
    return wide.reshape(-1, wide.shape[-1])


def _attribute(node: NodeProto, name: str, default: Any) -> Any:
    found = next((attribute for attribute in node.attribute if attribute.name == name), None)
    return default if found is None else helper.get_attribute_value(found)


def saturation_error(model: ModelProto, samples: Float32) -> float:
    """Return how much the outputs of a QDQ model differ with and without sums that saturate, at most, over `samples`.

    Without them, the arithmetic is that of float32 on the quantised values.
    """
    exact, saturated = (_evaluate(model, samples, saturate) for saturate in (False, True))
    return float(np.abs(exact - saturated).max())


def _evaluate(model: ModelProto, value: NDArray[Any], saturate: bool) -> Float32:
    """Return a model's output node by node, in float arithmetic but for the layers that saturate."""
    graph = model.graph
    values: dict[str, NDArray[Any]] = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    values[graph.input[0].name] = value
    sources = {node.output[0]: node for node in graph.node if node.op_type == "DequantizeLinear"}
    run_node = _node_runner(model)
    for node in graph.node:
        inputs = [values[name] if name else None for name in node.input]
        outputs = run_node(node, inputs)
        if saturate and node.op_type in _LAYERS and node.input[0] in sources and node.input[1] in sources:
            source, weight_source = sources[node.input[0]], sources[node.input[1]]
            activations, weights = values[source.input[0]], values[weight_source.input[0]]
            if activations.dtype == np.uint8 and weights.dtype == np.int8 and not _is_depthwise(node, weights):
                lost = _lost(node, activations, weights, int(values[source.input[2]]))
                scale = values[source.input[1]] * values[weight_source.input[1]]
                if node.op_type == "Conv" and scale.size > 1:
                    scale = scale.reshape(-1, *[1] * (weights.ndim - 2))
                outputs = [np.asarray(outputs[0] - lost * scale, np.float32)]
        values.update(zip(node.output, outputs, strict=True))
    return values[graph.output[0].name]


def _lost(node: NodeProto, activations: NDArray[np.uint8], weights: NDArray[np.int8], zero: int) -> Ints:
    """Return what saturation takes from the integer sums of a layer, in the shape of its output."""
    columns = _columns(node, weights)
    if node.op_type != "Conv":
        rows = activations.astype(np.int32).reshape(-1, activations.shape[-1])
        return _lost_of_pairs(rows, columns).reshape(*activations.shape[:-1], -1)
    patches = _patches(node, activations, weights.shape[2:], zero)
    groups = _attribute(node, "group", 1)
    width = columns.shape[1] // groups
    n_channels = weights.shape[1]
    lost = []
    for group in range(groups):
        own = patches[..., group * n_channels : (group + 1) * n_channels]
        rows = own.reshape(*own.shape[: weights.ndim - 1], -1)
        flat = _lost_of_pairs(rows.reshape(-1, rows.shape[-1]), columns[:, group * width : (group + 1) * width])
        lost.append(flat.reshape(*rows.shape[:-1], width))
    return np.moveaxis(np.concatenate(lost, axis=-1), -1, 1)


def _lost_of_pairs(rows: Ints, columns: Ints) -> Ints:
    if rows.shape[1] % 2:
        rows, columns = np.pad(rows, ((0, 0), (0, 1))), np.pad(columns, ((0, 1), (0, 0)))
    lost = np.zeros((len(rows), columns.shape[1]), np.int32)
    for k in range(0, rows.shape[1], 2):
        if np.abs(columns[k]).max() + np.abs(columns[k + 1]).max() <= LIMIT // 255:
            continue
        pair = np.outer(rows[:, k], columns[k]) + np.outer(rows[:, k + 1], columns[k + 1])
        lost += pair - np.clip(pair, -LIMIT - 1, LIMIT)
    return lost


def _patches(node: NodeProto, activations: NDArray[np.uint8], kernel: tuple[int, ...], zero: int) -> Ints:
    """Return what the kernel sees at every place: (batch, *places, *kernel, channels)."""
    n_axes = len(kernel)
    pads = _attribute(node, "pads", [0] * 2 * n_axes)
    strides, dilations = _attribute(node, "strides", [1] * n_axes), _attribute(node, "dilations", [1] * n_axes)
    widths = [(0, 0), (0, 0), *zip(pads[:n_axes], pads[n_axes:], strict=True)]
    padded = np.pad(activations.astype(np.int32), widths, constant_values=zero)
    spans = [(size - 1) * dilation + 1 for size, dilation in zip(kernel, dilations, strict=True)]
    axes = tuple(range(2, 2 + n_axes))
    windows = np.lib.stride_tricks.sliding_window_view(padded, spans, axes)
    every = [slice(None, None, stride) for stride in strides]
    within = [slice(None, None, dilation) for dilation in dilations]
    taken = (slice(None), slice(None), *every, *within)
    return np.moveaxis(windows[taken], 1, -1)


def _node_runner(model: ModelProto) -> Callable[[NodeProto, list[Any]], list[NDArray[Any]]]:
    """Return a function that computes one node by ONNX Runtime, for inputs of which a missing one is None."""
    ort = onnxruntime_module()
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    options.intra_op_num_threads = 1

    def run(node: NodeProto, inputs: list[Any]) -> list[NDArray[Any]]:
        given = {name: value for name, value in zip(node.input, inputs, strict=True) if value is not None}
        graph = helper.make_graph(
            [node],
            "node",
            [
                helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
                for name, value in given.items()
            ],
            [helper.make_empty_tensor_value_info(name) for name in node.output],
        )
        single = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
        session = ort.InferenceSession(single.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return session.run(None, given)

    return run
