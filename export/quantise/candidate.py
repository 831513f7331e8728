"""One way to make a model smaller, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from onnx import ModelProto

from export.measure.gates import Comparison


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
