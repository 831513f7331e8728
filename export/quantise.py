"""int8: candidates of static quantisation, and the written rule that chooses among them.

Every candidate keeps its 8-bit products from saturating in the 16-bit sums of processors without VNNI: signed
weights are reduced to 7 bits, or both sides are unsigned, which those processors compute differently.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from edge_emo.runtime import onnxruntime_module
from edge_emo.voice.mfcc import Float32
from export.convert import run

MIN_AGREEMENT = 0.98


@dataclass(frozen=True)
class Variant:
    """One way to quantise."""

    name: str
    weights: QuantType
    per_channel: bool
    reduce_range: bool
    method: CalibrationMethod
    float_ends: bool = False  # the first and the last layer stay in fp32


_SIGNED, _UNSIGNED, _METHOD = QuantType.QInt8, QuantType.QUInt8, CalibrationMethod
VARIANTS = (
    Variant("U8S8 per channel, 7-bit weights, MinMax", _SIGNED, True, True, _METHOD.MinMax),
    Variant("U8S8 per channel, 7-bit weights, Percentile", _SIGNED, True, True, _METHOD.Percentile),
    Variant("U8S8 per channel, 7-bit weights, Entropy", _SIGNED, True, True, _METHOD.Entropy),
    Variant("U8U8 per tensor, MinMax", _UNSIGNED, False, False, _METHOD.MinMax),
    Variant("U8S8 per channel, 7-bit weights, MinMax, ends in fp32", _SIGNED, True, True, _METHOD.MinMax, True),
    Variant("U8S8 per channel, 7-bit weights, Percentile, ends in fp32", _SIGNED, True, True, _METHOD.Percentile, True),
    Variant("U8U8 per tensor, MinMax, ends in fp32", _UNSIGNED, False, False, _METHOD.MinMax, True),
)


@dataclass(frozen=True)
class Candidate:
    """A quantised model and how it compares with fp32."""

    variant: str
    model: ModelProto
    kilobytes: float
    agreement: float
    mean_change: float
    largest_change: float
    latency_ms: float

    def summary(self) -> dict[str, float | str]:
        """Return the figures for the parity record."""
        return {
            "variant": self.variant,
            "kilobytes": round(self.kilobytes, 1),
            "label_agreement": round(self.agreement, 4),
            "mean_probability_change": round(self.mean_change, 5),
            "largest_probability_change": round(self.largest_change, 4),
            "latency_ms": round(self.latency_ms, 3),
        }


def candidates(model: ModelProto, calibration: Float32, samples: Float32) -> list[Candidate]:
    """Return every variant of `model`, compared with it on `samples`; both are real inputs from the front end."""
    expected = softmax(run(model, samples))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, source)
        quant_pre_process(str(source), str(source), skip_symbolic_shape=True)
        nodes = onnx.load(source).graph.node
        layers = [i for i, node in enumerate(nodes) if node.op_type in ("Conv", "Gemm")]
        front = [node.name for node in nodes[: layers[0]]]  # arithmetic on the input, whose range no calibration knows
        ends = [nodes[layers[0]].name, nodes[layers[-1]].name]
        for variant in VARIANTS:
            quantize_static(
                str(source),
                str(target),
                _Samples(calibration),
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QUInt8,
                weight_type=variant.weights,
                per_channel=variant.per_channel,
                reduce_range=variant.reduce_range,
                calibrate_method=variant.method,
                op_types_to_quantize=["Conv", "Relu", "Gemm", "Add", "MaxPool"],
                nodes_to_exclude=front + ends if variant.float_ends else front,
            )
            quantised = onnx.load(target)
            quantised.producer_name, quantised.producer_version = "edge-emo", ""
            shares = softmax(run(quantised, samples))
            found.append(
                Candidate(
                    variant.name,
                    quantised,
                    target.stat().st_size / 1000,
                    float((shares.argmax(1) == expected.argmax(1)).mean()),
                    float(np.abs(shares - expected).mean()),
                    float(np.abs(shares - expected).max()),
                    latency_ms(quantised),
                )
            )
    return found


def choose(found: list[Candidate]) -> Candidate:
    """Return the candidate whose probabilities differ least from those of fp32 in the mean.

    Latency and size differ little among these variants, accuracy does. Raises ValueError where it agrees with
    fp32 on fewer labels than `MIN_AGREEMENT`.
    """
    best = min(found, key=lambda candidate: candidate.mean_change)
    if best.agreement < MIN_AGREEMENT:
        raise ValueError(f"the best int8 variant, {best.variant}, agrees on {best.agreement:.1%} of labels only")
    return best


def latency_ms(model: ModelProto, runs: int = 100) -> float:
    """Return the median time of one window on one thread."""
    ort = onnxruntime_module()
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    shape = [size if isinstance(size, int) else 1 for size in session.get_inputs()[0].shape]
    feed = {session.get_inputs()[0].name: np.random.default_rng(0).standard_normal(shape).astype(np.float32)}
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        session.run(None, feed)
        times.append(time.perf_counter() - start)
    return float(np.median(times[runs // 4 :]) * 1000)


def softmax(logits: Float32) -> Float32:
    """Return the softmax over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True), np.float32)


class _Samples(CalibrationDataReader):
    def __init__(self, samples: Float32) -> None:
        self._rows: Iterator[Float32] = iter(samples)

    def get_next(self) -> dict[str, Float32] | None:
        """Return the next batch of one, or None at the end."""
        row = next(self._rows, None)
        return None if row is None else {"features": row[None]}
