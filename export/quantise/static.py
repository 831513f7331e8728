"""Static quantisation: the ranges of all tensors are found beforehand, on real inputs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QDQQuantizer, QuantType, create_calibrator
from onnxruntime.quantization.shape_inference import quant_pre_process

from export.measure.gates import Judge
from export.measure.inference import run
from export.quantise.producer import of_ours
from export.quantise.schemes import METHODS, Scheme

N_SENSITIVITY = 64

_LAYERS = ("Conv", "Gemm", "MatMul")
_QUANTIZED = (
    *_LAYERS, "Relu", "Clip", "LeakyRelu", "Add", "Concat", "MaxPool", "AveragePool", "GlobalAveragePool",
    "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze",
)  # fmt: skip


class Calibrated:
    """A model ready for static quantisation, with the ranges of its tensors by calibration method."""

    def __init__(self, model: ModelProto, samples: NDArray[Any]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "model.onnx")
            onnx.save(model, path)
            quant_pre_process(path, path, skip_symbolic_shape=True)
            self.model = onnx.load(path)
        nodes = self.model.graph.node
        constants = {tensor.name for tensor in self.model.graph.initializer}
        places = [i for i, node in enumerate(nodes) if node.op_type in _LAYERS and node.input[1] in constants]
        self.layers = [nodes[place].name for place in places]
        self.last_layers = list(_last_layers(self.model, set(self.layers)))
        # arithmetic on the input, whose range no calibration knows
        self._front = [node.name for node in nodes[: places[0]]] if places else []
        self._samples = samples
        self._ranges: dict[str, Any] = {}

    def has(self, *kinds: str) -> bool:
        """Tell whether any node is of one of these kinds."""
        return any(node.op_type in kinds for node in self.model.graph.node)

    def static(
        self, scheme: Scheme, method: str, in_fp32: list[str] | None = None, only: list[str] | None = None
    ) -> ModelProto:
        """Return the model quantised, but for the nodes `in_fp32`, or of the layers `only` these."""
        model = ModelProto()
        model.CopyFrom(self.model)
        quantizer = QDQQuantizer(
            model,
            scheme.per_channel,
            scheme.reduce_range,
            scheme.weights,
            scheme.activations,
            self._range(method),
            only or [],
            self._front + (in_fp32 or []),
            list(_QUANTIZED),
            {"MatMulConstBOnly": True, "UseQDQContribOps": scheme.activations == QuantType.QUInt16},
        )
        quantizer.quantize_model()
        _keep_in_float(quantizer.model.model, in_fp32 or [])
        quantizer.model.topological_sort()
        return of_ours(quantizer.model.model)

    def most_sensitive(self, scheme: Scheme, method: str, judge: Judge) -> list[str]:
        """Return the quarter of the layers that change the probabilities most when they alone are quantised."""
        samples = judge.inputs[:N_SENSITIVITY]
        expected = judge.probabilities(run(self.model, samples))
        changes = {}
        for layer in self.layers:
            alone = judge.probabilities(run(self.static(scheme, method, only=[layer]), samples))
            changes[layer] = float(np.abs(alone - expected).mean())
        return sorted(self.layers, key=lambda layer: -changes[layer])[: -(-len(self.layers) // 4)]

    def _range(self, method: str) -> Any:
        if method not in self._ranges:
            with tempfile.TemporaryDirectory() as folder:
                path, augmented = Path(folder) / "model.onnx", Path(folder) / "augmented.onnx"
                onnx.save(self.model, path)
                calibrator = create_calibrator(
                    path, list(_QUANTIZED), augmented_model_path=str(augmented), calibrate_method=METHODS[method]
                )
                calibrator.collect_data(_Reader(self.model.graph.input[0].name, self._samples))
                self._ranges[method] = calibrator.compute_data()
        return self._ranges[method]


def _keep_in_float(model: ModelProto, layers: list[str]) -> None:
    """Store the weights of these layers in 16 bits, which ONNX Runtime computes in float, in place.

    Weights in fp32 it would quantise to 8 bits itself where the layer's neighbours are quantised; see `saturation`.
    """
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    dequantized = {node.output[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    for node in [node for node in model.graph.node if node.name in layers and node.input[0] in dequantized]:
        name = node.input[1]
        weights = numpy_helper.to_array(constants[name])
        scale = np.float32(np.abs(weights).max() / np.iinfo(np.int16).max)
        parts = {"quantised": np.round(weights / scale).astype(np.int16), "scale": scale, "zero_point": np.int16(0)}
        model.graph.initializer.remove(constants[name])
        model.graph.initializer.extend(numpy_helper.from_array(np.asarray(v), f"{name}/{k}") for k, v in parts.items())
        inputs = [f"{name}/{part}" for part in parts]
        model.graph.node.append(helper.make_node("DequantizeLinear", inputs, [name], domain="com.microsoft"))
    if "com.microsoft" not in {opset.domain for opset in model.opset_import}:
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))


def _last_layers(model: ModelProto, layers: set[str]) -> Iterator[str]:
    """Yield those of the layers that no other of them comes after on the way to the output."""
    made_by = {name: node for node in model.graph.node for name in node.output}
    left, seen = [output.name for output in model.graph.output], set()
    while left:
        node = made_by.get(left.pop())
        if node is not None and node.name not in seen:
            seen.add(node.name)
            if node.name in layers:
                yield node.name
            else:
                left += node.input


class _Reader(CalibrationDataReader):
    def __init__(self, name: str, samples: NDArray[Any]) -> None:
        self._name = name
        self._rows: Iterator[NDArray[Any]] = iter(samples)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        """Return the next batch of one, or None at the end."""
        row = next(self._rows, None)
        return None if row is None else {self._name: row[None]}
