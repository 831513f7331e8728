"""Cross-layer equalisation: weights of neighbouring convolutions brought to like ranges, channel by channel.

Nagel et al. (2019), Data-free quantization through weight equalization and bias correction, eq. 9. What a channel is
divided by in one layer the next multiplies by, so that the network computes the same; it helps where one scale for a
whole tensor would leave small channels with few of the 256 steps, above all in chains of depthwise convolutions.
"""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, NodeProto, numpy_helper

from edge_emo.audio.mfcc import Float32

_HOMOGENEOUS = ("Relu", "LeakyRelu", "MaxPool", "AveragePool", "GlobalAveragePool", "Identity")
"""Operators that a positive factor of a channel passes through."""

ROUNDS = 20


def equalize(model: ModelProto) -> ModelProto | None:
    """Return `model` with every pair of neighbouring convolutions equalised, None where there is no pair."""
    copy = ModelProto()
    copy.CopyFrom(model)
    constants = {tensor.name: tensor for tensor in copy.graph.initializer}
    pairs = list(_pairs(copy, set(constants)))
    if not pairs:
        return None
    arrays = {name: numpy_helper.to_array(tensor).copy() for name, tensor in constants.items()}
    for _ in range(ROUNDS):
        for first, second in pairs:
            _equalize(first, second, arrays)
    for name in {name for pair in pairs for node in pair for name in node.input[1:]}:
        constants[name].CopyFrom(numpy_helper.from_array(arrays[name], name))
    return copy


def _pairs(model: ModelProto, constants: set[str]) -> list[tuple[NodeProto, NodeProto]]:
    """Return pairs of convolutions with nothing between them but what a factor passes through."""
    readers: dict[str, list[NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    outputs = {output.name for output in model.graph.output}
    pairs = []
    for first in model.graph.node:
        if not _is_alone(first, readers, constants):
            continue
        name = first.output[0]
        while name not in outputs and len(readers.get(name, [])) == 1:
            node = readers[name][0]
            if _is_alone(node, readers, constants):
                pairs.append((first, node))
                break
            if node.op_type not in _HOMOGENEOUS:
                break
            name = node.output[0]
    return pairs


def _is_alone(node: NodeProto, readers: dict[str, list[NodeProto]], constants: set[str]) -> bool:
    """Tell whether a node is a convolution with constants that no other node reads."""
    return node.op_type == "Conv" and all(name in constants and len(readers[name]) == 1 for name in node.input[1:])


def _equalize(first: NodeProto, second: NodeProto, arrays: dict[str, Float32]) -> None:
    before, after = arrays[first.input[1]], arrays[second.input[1]]
    groups = next((attribute.i for attribute in second.attribute if attribute.name == "group"), 1)
    per_group = after.reshape(groups, after.shape[0] // groups, after.shape[1], -1)
    before_range = np.abs(before).reshape(len(before), -1).max(axis=1)
    after_range = np.abs(per_group).max(axis=(1, 3)).ravel()
    if before_range.shape != after_range.shape:
        return
    alive = (before_range > 0) & (after_range > 0)
    factor = np.ones(len(before), np.float32)
    factor[alive] = np.sqrt(before_range[alive] / after_range[alive])
    before /= factor.reshape(-1, *[1] * (before.ndim - 1))
    if len(first.input) > 2:
        arrays[first.input[2]] /= factor
    per_group *= factor.reshape(groups, 1, -1, 1)
