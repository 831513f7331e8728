"""The types and calibration methods that a static or dynamic quantisation chooses among."""

from __future__ import annotations

from dataclasses import dataclass

from onnxruntime.quantization import CalibrationMethod, QuantType


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
