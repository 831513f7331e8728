"""Dynamic quantisation: 8-bit weights, and activations whose range is found anew in every run."""

from __future__ import annotations

import tempfile
from pathlib import Path

import onnx
from onnx import ModelProto
from onnxruntime.quantization import QuantType, quantize_dynamic

from export.quantise.producer import of_ours

_LAYERS = ["MatMul", "LSTM", "Gather"]  # a Gemm becomes a MatMul


def dynamic(model: ModelProto, weights: QuantType, reduce_range: bool) -> ModelProto:
    """Return the model with 8-bit weights, and activations whose range is found anew in every run."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "model.onnx", Path(folder) / "dynamic.onnx"
        onnx.save(model, source)
        quantize_dynamic(source, target, _LAYERS, weight_type=weights, reduce_range=reduce_range)
        return of_ours(onnx.load(target))
