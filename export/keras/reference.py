"""What a source gave for inputs, which its conversion has to give too. Needs no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from onnx import ModelProto

from export.keras.graph_ends import with_activation_exposed
from export.measure.gates import TOLERANCE, relative_difference
from export.measure.inference import run_all


@dataclass(frozen=True)
class Reference:
    """What the source gives for `inputs`, in `outputs`, and without its last activation, None where that is not known.

    `limit` is how far a graph may be from it.
    """

    inputs: NDArray[Any]
    outputs: NDArray[Any]
    before_activation: NDArray[Any] | None = None
    limit: float = TOLERANCE

    def difference(self, model: ModelProto) -> float:
        """Return the largest relative difference of a model, also before its last activation."""
        wanted = [self.outputs]
        if self.before_activation is not None and (exposed := with_activation_exposed(model)):
            model, wanted = exposed, [*wanted, self.before_activation]
        found = run_all(model, self.inputs)
        return max(relative_difference(one, other) for one, other in zip(found, wanted, strict=True))
