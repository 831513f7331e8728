"""The search over the ways to make a model smaller: each is compared with fp32 on real inputs, and timed.

Refused is what could saturate the 16-bit sums of another processor; see `saturation`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from numpy.typing import NDArray
from onnx import ModelProto
from onnxruntime.quantization import QuantType

from export.measure.gates import Judge, judge_of
from export.measure.inference import Outputs, latencies_ms
from export.measure.samples import Samples
from export.measure.saturation import saturation_error
from export.quantise.candidate import Candidate
from export.quantise.dynamic import dynamic
from export.quantise.equalize import equalize
from export.quantise.rule import mean_change
from export.quantise.schemes import DYNAMIC, METHODS, NARROW, SCHEMES, Scheme
from export.quantise.static import Calibrated
from export.quantise.storage import fp16_storage

N_SATURATION = 8


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
    trials = Trials(model, judge, tell)
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
            trials.add(f"dynamic, {name}", partial(dynamic, network.model, weights, reduce_range))
    if network.layers and network.has("LSTM"):
        scheme, method = trials.best()
        trials.add(
            f"{scheme.name}, {method}, LSTM dynamic, 7-bit S8 weights",
            lambda: dynamic(network.static(scheme, method), QuantType.QInt8, reduce_range=True),
        )
    trials.add("fp16 storage", lambda: fp16_storage(model), "fp16")
    tell("latency")
    return trials.timed()


def _try_static(trials: Trials, network: Calibrated, schemes: Sequence[Scheme], prefix: str = "") -> None:
    for scheme in schemes:
        for method in METHODS:
            trials.add(f"{prefix}{scheme.name}, {method}", partial(network.static, scheme, method))
    ends = [network.layers[0], *network.last_layers]
    for scheme in NARROW:
        _, method = trials.best([scheme], prefix)
        name = f"{prefix}{scheme.name}, {method}, ends in fp32"
        trials.add(name, partial(network.static, scheme, method, ends))


class Trials:
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
