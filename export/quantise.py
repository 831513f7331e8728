"""int8: a search over the ways to quantise, and the written rule that chooses among them.

Every candidate is compared with fp32 on real inputs, timed on this processor, and refused where it could saturate
the 16-bit sums of another.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QDQQuantizer,
    QuantType,
    create_calibrator,
    quantize_dynamic,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from export.equalise import equalize
from export.gates import Comparison, Judge, judge_of
from export.inference import Outputs, latencies_ms, run
from export.samples import Samples
from export.saturation import saturation_error

SLOWER, LARGER = 1.2, 1.5
"""How much slower than the fastest and larger than the smallest a candidate may be to be chosen for its accuracy."""

CHOSEN = "chosen"
N_SENSITIVITY = 64
N_SATURATION = 8

_LAYERS = ("Conv", "Gemm", "MatMul")
_QUANTIZED = (
    *_LAYERS, "Relu", "Clip", "LeakyRelu", "Add", "Concat", "MaxPool", "AveragePool", "GlobalAveragePool",
    "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze",
)  # fmt: skip


@dataclass(frozen=True)
class Scheme:
    """Types of a static quantisation: activations, weights, one scale for a tensor or one for each channel."""

    name: str
    activations: QuantType
    weights: QuantType
    reduce_range: bool
    per_channel: bool


_U8, _S8, _U16 = QuantType.QUInt8, QuantType.QInt8, QuantType.QUInt16
SCHEMES = tuple(
    Scheme(f"{name} per {'channel' if per_channel else 'tensor'}", activations, weights, reduce_range, per_channel)
    for name, activations, weights, reduce_range in (
        ("U8S8, 7-bit weights", _U8, _S8, True),
        ("U8S8", _U8, _S8, False),
        ("U8U8", _U8, _U8, False),
        ("U16S8", _U16, _S8, False),
    )
    for per_channel in (True, False)
)
METHODS = {
    "MinMax": CalibrationMethod.MinMax,
    "Percentile": CalibrationMethod.Percentile,
    "Entropy": CalibrationMethod.Entropy,
}

NARROW = SCHEMES[:2] + SCHEMES[4:6]
"""The schemes that never saturate, with 8-bit activations."""

DYNAMIC = {"U8 weights": (_U8, False), "7-bit S8 weights": (_S8, True)}
_DYNAMIC_LAYERS = ["MatMul", "LSTM", "Gather"]  # a Gemm becomes a MatMul


@dataclass(frozen=True)
class Candidate:
    """One way to make the model smaller, and how it compares with fp32; `failure` where it could not be made.

    `saturation_error` is None where saturation is excluded or cannot be computed.
    """

    variant: str
    precision: Literal["int8", "fp16"] = "int8"
    model: ModelProto | None = None
    failure: str = ""
    latency_ms: float = float("inf")
    comparison: Comparison | None = None
    saturation_error: float | None = None

    @property
    def kilobytes(self) -> float:
        """Size of the file."""
        return self.model.ByteSize() / 1000 if self.model else float("inf")

    @property
    def refusal(self) -> str:
        """Why the candidate is not let out; empty where it may be."""
        if self.comparison is None:
            return self.failure
        return "; ".join(str(gate) for gate in self.comparison.gates if not gate.holds)

    @staticmethod
    def _likeness(compared: Comparison) -> dict[str, float]:
        if compared.value_error is not None:
            return {"value_error": round(compared.value_error, 5)}
        return {"label_agreement": round(compared.agreement, 4)}

    def summary(self) -> dict[str, Any]:
        """Return the figures for the parity record."""
        if self.comparison is None:
            return {"variant": self.variant, "refused": self.failure}
        figures: dict[str, Any] = {
            "variant": self.variant,
            "kilobytes": round(self.kilobytes, 1),
            "latency_ms": round(self.latency_ms, 3),
            **self._likeness(self.comparison),
            "mean_probability_change": round(self.comparison.mean_change, 5),
            "largest_probability_change": round(self.comparison.largest_change, 4),
        }
        if self.comparison.accuracy is not None:
            figures["accuracy"] = round(self.comparison.accuracy, 4)
        if self.saturation_error is not None:
            figures["output_change_by_saturation"] = round(self.saturation_error, 4)
        return figures | ({"refused": self.refusal} if self.refusal else {})


RULE = (
    "Refused are candidates that can saturate, agree with fp32 on fewer than 98 % of labels (of values: err by more "
    "than 5 % of their spread), or lose more than one point of accuracy. Of the others those of at most 1.2 times the "
    "time of the fastest stay, of these those of at most 1.5 times the size of the smallest; of these the one is "
    "chosen whose probabilities differ least from fp32 in the mean."
)


def verdicts(found: list[Candidate]) -> list[str]:
    """Return for each candidate what `RULE` says of it: "chosen" for one of them, unless all are refused."""
    told = [candidate.refusal for candidate in found]
    fit = [place for place, refusal in enumerate(told) if not refusal]
    fastest = min((found[place].latency_ms for place in fit), default=0.0)
    for place in fit:
        told[place] = "slower" if found[place].latency_ms > SLOWER * fastest else ""
    fit = [place for place in fit if not told[place]]
    smallest = min((found[place].kilobytes for place in fit), default=0.0)
    for place in fit:
        told[place] = "larger" if found[place].kilobytes > LARGER * smallest else "changes more"
    fit = [place for place in fit if told[place] == "changes more"]
    if fit:
        told[min(fit, key=lambda place: mean_change(found[place]))] = CHOSEN
    return told


def choose(found: list[Candidate]) -> Candidate | None:
    """Return the candidate that `RULE` chooses, None where all are refused."""
    return next((candidate for candidate, told in zip(found, verdicts(found), strict=True) if told == CHOSEN), None)


def mean_change(candidate: Candidate) -> float:
    """Return how much the candidate changes probabilities in the mean; infinity where it could not be made."""
    return candidate.comparison.mean_change if candidate.comparison else float("inf")


def search(
    model: ModelProto,
    outputs: Outputs,
    calibration: NDArray[Any],
    judged: Samples,
    tell: Callable[[str], None] = lambda what: None,
) -> tuple[list[Candidate], float]:
    """Return every candidate for `model`, and the latency of the model itself in ms.

    `calibration` are real inputs from the front end, shape (samples, *input), `judged` others. What is tried is told.
    """
    return search_by(judge_of(model, outputs, judged), model, calibration, tell)


def search_by(
    judge: Judge, model: ModelProto, calibration: NDArray[Any], tell: Callable[[str], None] = lambda what: None
) -> tuple[list[Candidate], float]:
    """Return what `search` does for a model that `judge` compares the candidates with."""
    trials = _Trials(model, judge, tell)
    network = Calibrated(model, calibration)
    if network.layers:
        _try_static(trials, network, SCHEMES)
        scheme, method = trials.best()
        trials.add(
            f"{scheme.name}, {method}, most sensitive quarter in fp32",
            lambda: network.static(scheme, method, network.most_sensitive(scheme, method, judge)),
        )
        equalized = equalize(network.model)
        if equalized:
            _try_static(trials, Calibrated(equalized, calibration), NARROW, "equalised, ")
    if network.has("LSTM", "Gemm", "MatMul", "Gather"):
        for name, (weights, reduce_range) in DYNAMIC.items():
            trials.add(f"dynamic, {name}", lambda w=weights, r=reduce_range: _dynamic(network.model, w, r))
    if network.layers and network.has("LSTM"):
        scheme, method = trials.best()
        trials.add(
            f"{scheme.name}, {method}, LSTM dynamic, 7-bit S8 weights",
            lambda: _dynamic(network.static(scheme, method), _S8, reduce_range=True),
        )
    trials.add("fp16 storage", lambda: fp16_storage(model), "fp16")
    tell("latency")
    return trials.timed()


def _try_static(trials: _Trials, network: Calibrated, schemes: Sequence[Scheme], prefix: str = "") -> None:
    for scheme in schemes:
        for method in METHODS:
            trials.add(f"{prefix}{scheme.name}, {method}", lambda s=scheme, m=method: network.static(s, m))
    ends = [network.layers[0], *network.last_layers]
    for scheme in NARROW:
        _, method = trials.best([scheme], prefix)
        name = f"{prefix}{scheme.name}, {method}, ends in fp32"
        trials.add(name, lambda s=scheme, m=method: network.static(s, m, ends))


class _Trials:
    """Candidates of a model, each compared with it as it is made."""

    def __init__(self, model: ModelProto, judge: Judge, tell: Callable[[str], None]) -> None:
        self._model, self._judge, self._tell = model, judge, tell
        self._found: list[Candidate] = []

    def add(self, name: str, make: Callable[[], ModelProto], precision: Literal["int8", "fp16"] = "int8") -> None:
        """Make and compare a candidate; what fails is kept as a failure."""
        self._tell(name)
        try:
            model = make()
            if model.ByteSize() < self._model.ByteSize():
                self._found.append(self._compared(Candidate(name, precision, model)))
            else:
                self._found.append(Candidate(name, precision, failure="is no smaller than fp32"))
        except Exception as error:  # the quantisers and ONNX Runtime raise many kinds
            self._found.append(Candidate(name, precision, failure=f"{type(error).__name__}: {error}"))

    def _compared(self, candidate: Candidate) -> Candidate:
        model = candidate.model
        assert model is not None
        comparison = self._judge.compare(model)
        lost = None
        if comparison.saturable_layers and any(node.op_type == "QuantizeLinear" for node in model.graph.node):
            lost = saturation_error(model, self._judge.inputs[:N_SATURATION])
        return replace(candidate, comparison=comparison, saturation_error=lost)

    def best(self, schemes: Sequence[Scheme] = NARROW, prefix: str = "") -> tuple[Scheme, str]:
        """Return scheme and method of the static candidate that changes least."""
        changes = {candidate.variant: mean_change(candidate) for candidate in self._found}
        ways = [(scheme, method) for scheme in schemes for method in METHODS]
        return min(ways, key=lambda way: changes[f"{prefix}{way[0].name}, {way[1]}"])

    def timed(self) -> tuple[list[Candidate], float]:
        """Return the candidates with their latencies, and that of the model itself, in ms."""
        made = [candidate.model for candidate in self._found if candidate.model]
        fp32_ms, *times = latencies_ms([self._model, *made], self._judge.timed)
        left = iter(times)
        return [replace(c, latency_ms=next(left)) if c.model else c for c in self._found], fp32_ms


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
            {"MatMulConstBOnly": True, "UseQDQContribOps": scheme.activations == _U16},
        )
        quantizer.quantize_model()
        _keep_in_float(quantizer.model.model, in_fp32 or [])
        quantizer.model.topological_sort()
        return _of_ours(quantizer.model.model)

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


def _dynamic(model: ModelProto, weights: QuantType, reduce_range: bool) -> ModelProto:
    """Return the model with 8-bit weights, and activations whose range is found anew in every run."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "model.onnx", Path(folder) / "dynamic.onnx"
        onnx.save(model, source)
        quantize_dynamic(source, target, _DYNAMIC_LAYERS, weight_type=weights, reduce_range=reduce_range)
        return _of_ours(onnx.load(target))


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
    return _of_ours(stored)


def _of_ours(model: ModelProto) -> ModelProto:
    model.producer_name, model.producer_version = "edge-emo", ""
    return model
