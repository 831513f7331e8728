"""Weights stored in 16 bits, at half the size and no other cost."""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from export.quantise.producer import of_ours


def fp16_storage(model: ModelProto) -> ModelProto:
    """Return the model with its constants stored in 16 bits; ONNX Runtime widens them once, when it loads the file."""
    stored = ModelProto()
    stored.CopyFrom(model)
    casts = []
    for tensor in stored.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < 2 or np.abs(values).max() > np.finfo(np.float16).max:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}/fp16"))
        casts.append(helper.make_node("Cast", [f"{name}/fp16"], [name], name=f"{name}/widen", to=TensorProto.FLOAT))
    nodes = [*casts, *stored.graph.node]
    del stored.graph.node[:]
    stored.graph.node.extend(nodes)
    return of_ours(stored)
