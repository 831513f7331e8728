"""A network that was loaded, of whatever format: how it is called, and inputs that it can be compared on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.keras.source import SourceError

InputShape = tuple[int | None, ...]
Predict = Callable[[NDArray[Any]], NDArray[Any]]

GAINS = (1.0, 10.0, 100.0, 1000.0, 0.1, 0.01)
N_TRIED = 100
SMALLEST = np.float32(1e-30)
"""What the outputs that are kept add up to at least."""
RESOLUTION = 1e-3
"""Outputs that differ by less, as a share of the largest, count as one."""


@dataclass(frozen=True)
class Network:
    """A network that was loaded: one input, one output.

    `call` computes TensorFlow tensors; `predict` numpy arrays of shape (samples, *input_shape), in float32; `to_onnx`
    returns a graph, serialised, for an opset where the format has a converter of its own. `before_activation` is
    `predict` without the last activation, None where there is none or it is not known; `exact` returns the two in
    float64, where these can be had. `vocabulary` bounds the whole numbers that an embedding takes as input, None where
    the input is not whole. `is_open` says that sizes which the file leaves open were asked to stay so. `kept`
    are the places of the outputs that a converted file keeps, None for all of them; with `is_shared_out` what the
    others had of a sum of 1 is shared out among these.
    """

    name: str
    input_shape: InputShape
    n_outputs: int
    n_parameters: int
    call: Any = field(repr=False)
    predict: Predict = field(repr=False)
    model: Any = field(default=None, repr=False)
    input_dtype: str = "float32"
    vocabulary: int | None = None
    is_open: bool = False
    to_onnx: Callable[[int], bytes] | None = field(default=None, repr=False)
    before_activation: Predict | None = field(default=None, repr=False)
    exact: Callable[[], tuple[Predict, Predict | None]] | None = field(default=None, repr=False)
    kept: tuple[int, ...] | None = None
    is_shared_out: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether the input is of whole numbers: bytes, or the places of an embedding."""
        return np.dtype(self.input_dtype).kind in "iub"

    def outputs(self, samples: NDArray[Any]) -> NDArray[np.float32]:
        """Return what a converted file is to give for `samples`, the outputs that are kept alone."""
        found = np.asarray(self.predict(samples), np.float32)
        if self.kept is None:
            return found
        found = found[..., self.kept]
        return found / np.maximum(found.sum(axis=-1, keepdims=True), SMALLEST) if self.is_shared_out else found

    def keeping(self, places: tuple[int, ...]) -> Network:
        """Return the network with these of its outputs alone."""
        found = self.predict(self.telling_inputs(N_TRIED))
        sums_to_one = found.min() >= 0 and float(np.abs(found.sum(axis=-1) - 1).max()) < RESOLUTION
        return replace(self, kept=places, n_outputs=len(places), is_shared_out=sums_to_one)

    def random_inputs(self, count: int, seed: int = 0, length: int = 64, gain: float = 1.0) -> NDArray[Any]:
        """Return inputs that mean nothing but have the right shape, type and range. Raises SourceError.

        Sizes that stay open become `length`. Numbers that are not whole are `gain` times normal ones; bytes take all
        values there are, other whole numbers those of the vocabulary, or 0 and 1 where it is not known.
        """
        if None in self.input_shape and not self.is_open:
            raise SourceError(
                f"{self.name}: its input has the shape {self.input_shape}; fix it with --input-shape, "
                "or keep it open with ? for None"
            )
        rng = np.random.default_rng(seed)
        shape = (count, *(size or length for size in self.input_shape))
        dtype = np.dtype(self.input_dtype)
        if self.vocabulary:
            return rng.integers(0, self.vocabulary, shape).astype(dtype)
        if self.is_whole:
            is_bytes = dtype in (np.uint8, np.int8)
            low, high = (np.iinfo(dtype).min, np.iinfo(dtype).max) if is_bytes else (0, 1)
            return rng.integers(low, high, shape, endpoint=True).astype(dtype)
        return (gain * rng.standard_normal(shape)).astype(dtype)

    def telling_inputs(self, count: int) -> NDArray[Any]:
        """Return random inputs that the network tells apart as well as it does any: of several gains the best.

        A network for pixels from 0 to 255 gives one and the same for numbers near 0, and one for such numbers the same
        row of 0 and 1 for all large ones. Raises SourceError.
        """
        inputs = self.random_inputs(count)
        if self.is_whole or self.vocabulary:
            return inputs
        most = 0
        for gain in GAINS:
            tried = self.random_inputs(min(count, N_TRIED), gain=gain)
            found = n_distinct(self.predict(tried))
            if found > most:
                most, inputs = found, inputs if gain == 1 else self.random_inputs(count, gain=gain)
            if found > 0.9 * len(tried):
                break
        return inputs


def n_distinct(outputs: NDArray[Any]) -> int:
    """Return how many different answers there are among `outputs`, of shape (samples, …)."""
    rows = np.asarray(outputs, np.float64).reshape(len(outputs), -1)
    rows = rows[:, np.unique(np.linspace(0, rows.shape[1] - 1, 64).astype(int))]
    size = np.abs(rows[np.isfinite(rows)]).max(initial=0.0)
    return len(np.unique(np.round(rows / (RESOLUTION * (size or 1.0))), axis=0))


def fixed(name: str, stated: InputShape, wanted: InputShape | None) -> InputShape:
    """Return the shape that was asked for where it fits the one that is stated. Raises SourceError."""
    if wanted is None:
        return stated
    if len(wanted) != len(stated) or any(s is not None and s != w for s, w in zip(stated, wanted, strict=False)):
        raise SourceError(f"{name}: takes inputs of shape {stated}, which {wanted} is not")
    return wanted


def one_of_each(name: str, inputs: int, outputs: int) -> None:
    """Raise SourceError where there is more than one input or output."""
    if inputs != 1 or outputs != 1:
        raise SourceError(f"{name}: has {inputs} inputs and {outputs} outputs; networks of one each are converted")
