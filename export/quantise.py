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


VARIANTS = (
    Variant("U8S8 per channel, 7-bit weights, MinMax", QuantType.QInt8, True, True, CalibrationMethod.MinMax),
    Variant("U8S8 per channel, 7-bit weights, Percentile", QuantType.QInt8, True, True, CalibrationMethod.Percentile),
    Variant("U8S8 per channel, 7-bit weights, Entropy", QuantType.QInt8, True, True, CalibrationMethod.Entropy),
    Variant("U8U8 per tensor, MinMax", QuantType.QUInt8, False, False, CalibrationMethod.MinMax),
)


@dataclass(frozen=True)
class Candidate:
    """A quantised model and how it compares with fp32 on the calibration samples."""

    variant: str
    model: ModelProto
    kilobytes: float
    agreement: float
    largest_change: float
    latency_ms: float

    def summary(self) -> dict[str, float | str]:
        """Return the figures for the parity record."""
        return {
            "variant": self.variant,
            "kilobytes": round(self.kilobytes, 1),
            "label_agreement": round(self.agreement, 4),
            "largest_probability_change": round(self.largest_change, 4),
            "latency_ms": round(self.latency_ms, 3),
        }


def candidates(model: ModelProto, samples: Float32, keep_float: tuple[str, ...] = ()) -> list[Candidate]:
    """Return every variant of `model`, calibrated on `samples`, real inputs from the runtime's front end."""
    expected = softmax(run(model, samples))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, source)
        quant_pre_process(str(source), str(source), skip_symbolic_shape=True)
        for variant in VARIANTS:
            quantize_static(
                str(source),
                str(target),
                _Samples(samples),
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QUInt8,
                weight_type=variant.weights,
                per_channel=variant.per_channel,
                reduce_range=variant.reduce_range,
                calibrate_method=variant.method,
                op_types_to_quantize=["Conv", "Gemm", "MatMul", "Add", "MaxPool"],
                nodes_to_exclude=list(keep_float),
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
                    float(np.abs(shares - expected).max()),
                    latency_ms(quantised),
                )
            )
    return found


def choose(found: list[Candidate]) -> Candidate:
    """Return the candidate that agrees with fp32 on most labels; the smallest change of a probability breaks a tie.

    Latency and size differ little among these variants, accuracy does. Raises ValueError below `MIN_AGREEMENT`.
    """
    best = max(found, key=lambda c: (round(c.agreement, 3), -c.largest_change))
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
