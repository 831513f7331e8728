"""The whole way from a loaded network to files: models, cards, evidence and report, all of them or none."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from edge_emo.core.files import atomic_writes
from edge_emo.core.text import plain
from edge_emo.models.schema import FacePreprocessing, Metric, VoicePreprocessing
from export.cards import conversion_record, encoded, model_card, outputs_of, quantization_record
from export.keras.convert import Conversion, to_onnx
from export.keras.graph_ends import with_output_named
from export.keras.network import Network
from export.keras.outputs import meaning
from export.keras.source import Description, SourceError
from export.measure.front_end import Comparison, compare
from export.measure.gates import Gate, parity_gate
from export.measure.inference import Meaning
from export.measure.samples import N_CALIBRATION, N_SAMPLES, Samples
from export.quantise.candidate import Candidate
from export.quantise.rule import choose, mean_change
from export.quantise.search import search
from export.report import Search, page, picture_name, scatter

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Export:
    """What was made of a network: the content of each file by its name, and what was measured."""

    files: dict[str, bytes]
    fp32: str
    gate: Gate
    search: Search | None
    small: str | None
    front_ends: Comparison | None = None
    source: dict[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether every gate holds, that of an int8 file that was asked for too."""
        return self.gate.holds and (self.search is None or (self.small is not None and not self.search.is_forced))


def export(
    description: Description,
    network: Network,
    *,
    opset: int,
    preprocessing: VoicePreprocessing | FacePreprocessing | None,
    labels: Sequence[str],
    license_name: str,
    real: Samples | None,
    force: bool,
    tell: Tell,
    stated: Meaning | None = None,
    recordings: Sequence[tuple[Path, str]] = (),
) -> Export:
    """Convert, compare, quantise, and return what is to be written.

    `stated` is what the outputs are, where somebody said it; else it is found out by running the network.
    `recordings` are files and their labels, on which the front end of a voice model is compared with others.
    `real` are inputs from `read_samples`; without them there is no int8, but with `force` one from random numbers.
    With `force` the least changed candidate is taken where all are refused, though none that can saturate.
    Raises SourceError, ParityError or CardError.
    """
    inputs = network.telling_inputs(N_SAMPLES)
    if real:
        _check_whole(network, real.inputs)
        real = replace(real, inputs=real.inputs.astype(np.float32))
    data = f"{N_SAMPLES} random inputs, as no real ones were given"
    if real:
        inputs = np.concatenate([real.inputs.astype(inputs.dtype), inputs[: max(0, N_SAMPLES - len(real))]])
        data = f"{len(real)} real inputs" + f" and {len(inputs) - len(real)} random ones" * (len(inputs) > len(real))
    tell("converting")
    conversion = to_onnx(network, inputs, opset)
    gate = parity_gate(conversion.largest_difference, len(inputs), conversion.reference.limit)
    is_searched = real is not None or force
    known = labels or (real.labels if real else ())
    is_asked = (bool(labels) or is_searched) and conversion.expected.ndim == 2
    means = meaning(network, conversion.expected, stated, known, is_asked=is_asked)
    if means == "values" and labels:
        raise SourceError(f"{network.name}: values have no labels; leave away --outputs values, or --labels")
    conversion = replace(conversion, model=with_output_named(conversion.model, means))
    first = model_card(network, conversion.model, "fp32", preprocessing, labels, license_name, {}, means)
    front_ends = None
    if recordings and isinstance(preprocessing, VoicePreprocessing) and means != "values":
        tell("comparing front ends")
        outputs = outputs_of(means, labels, network.n_outputs)
        front_ends = compare(conversion.model, outputs, recordings, preprocessing, first.input.shape[1:])
    found = _search(network, conversion, means, labels, real, force, tell) if is_searched else None
    evidence = _evidence(inputs, conversion, found)
    evidence_name = f"{network.name}.parity.npz"
    source = _source(description)
    witness: dict[str, Any] = {
        "source_file": source,
        "evidence": {"file": evidence_name, "sha256": hashlib.sha256(evidence).hexdigest(), "data": data},
    }
    if front_ends:
        witness["front_ends"] = front_ends.record()
    measured = _accuracy(found.accuracy_fp32, found) if found else []
    card = replace(first, parity=first.parity | conversion_record(conversion, gate) | witness, metrics=measured)
    files = {
        card.file: conversion.model.SerializeToString(),
        _beside(card.file): encoded(card),
        evidence_name: evidence,
        f"{network.name}.report.md": page(description, network, conversion, gate, data, found, front_ends).encode(),
    }
    small = None
    if found and found.chosen and found.chosen.model:
        chosen = found.chosen
        record = quantization_record(chosen, found.candidates, found.fp32_ms, found.n_calibration, found.is_forced)
        card = model_card(
            network, found.chosen.model, chosen.precision, preprocessing, labels, license_name, record | witness, means
        )
        compared = chosen.comparison
        card = replace(card, metrics=_accuracy(compared.accuracy if compared else None, found))
        small = card.file
        files |= {
            small: found.chosen.model.SerializeToString(),
            _beside(small): encoded(card),
            picture_name(network): scatter(conversion.model, found),
        }
    return Export(files, first.file, gate, found, small, front_ends, source)


def _source(description: Description) -> dict[str, Any]:
    """Return what tells a source from others: its name, and the hash of its file and of its weights beside it."""
    if description.path.is_dir():
        return {"name": description.path.name}
    found = hashlib.sha256()
    for path in filter(None, (description.path, description.weights)):
        with path.open("rb") as file:
            while part := file.read(1 << 20):
                found.update(part)
    return {"name": description.path.name, "sha256": found.hexdigest()}


def _check_whole(network: Network, inputs: Any) -> None:
    """Raise SourceError where a network of whole numbers would be given others, or some that its type does not hold."""
    if network.is_whole and not np.array_equal(inputs.astype(network.input_dtype), inputs):
        raise SourceError(
            f"{network.name}: takes {network.input_dtype}, but its inputs are numbers from {inputs.min():.4g} to "
            f"{inputs.max():.4g}; pixels as they are come of mean 0 and std 1 in --front-end"
        )


def _search(
    network: Network,
    conversion: Conversion,
    means: Meaning,
    labels: Sequence[str],
    real: Samples | None,
    force: bool,
    tell: Tell,
) -> Search:
    if conversion.expected.ndim != 2 or (network.n_outputs < 2 and means != "values"):
        raise SourceError(
            f"{network.name}: gives {conversion.expected.shape[1:]} numbers for each input; int8 is judged by "
            "labels, one row of at least two, or by --outputs values"
        )
    samples = real or Samples(network.telling_inputs(N_SAMPLES).astype(np.float32))
    n_calibration = min(N_CALIBRATION, len(samples) // 3)
    outputs = outputs_of(means, labels, network.n_outputs)
    judged = samples[n_calibration:]
    candidates, fp32_ms = search(conversion.model, outputs, samples.inputs[:n_calibration], judged, tell)
    chosen = choose(candidates)
    is_forced = force and (chosen is None or real is None)
    if chosen is None and force:
        chosen = min(filter(_is_sound, candidates), key=mean_change, default=None)
    return Search(
        candidates, chosen, fp32_ms, outputs, judged, n_calibration, is_real=real is not None, is_forced=is_forced
    )


def _accuracy(value: float | None, found: Search) -> list[Metric]:
    if value is None:
        return []
    data, split, n = "inputs given to --calibrate", "those that calibrated nothing", len(found.judged)
    return [Metric(name="accuracy", value=round(value, 4), data=data, split=split, n=n, date=date.today().isoformat())]


def _is_sound(candidate: Candidate) -> bool:
    return candidate.comparison is not None and candidate.comparison.saturable_layers == 0


def _evidence(inputs: Any, conversion: Conversion, found: Search | None) -> bytes:
    """Return the inputs, what the source gave for them, and those that a smaller model was judged on, as .npz."""
    content = io.BytesIO()
    judged = found.judged if found else Samples(inputs[:0])
    reference = conversion.reference
    before: dict[str, Any] = (
        {} if reference.before_activation is None else {"before_activation": reference.before_activation}
    )
    np.savez_compressed(
        content, inputs=reference.inputs, expected=reference.outputs, limit=reference.limit, judged=judged.inputs,
        labels=np.array(judged.labels, "U"), **before,
    )  # fmt: skip
    return content.getvalue()


def _beside(file: str) -> str:
    return Path(file).with_suffix(".json").name


def replaced(made: Export, out: Path) -> str:
    """Return the name of the source whose conversion in `out` would be replaced, "" where it is this or not known."""
    try:
        known = json.loads((out / _beside(made.fp32)).read_bytes())["parity"]["source_file"]
        return "" if known == made.source else plain(known["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def write(made: Export, out: Path) -> list[str]:
    """Write every file into `out`, and return what was removed: files of an earlier export that no longer belong to it.

    The files are complete before the first of them takes its place. Raises OSError.
    """
    is_new = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    name = made.fp32.removesuffix(".fp32.onnx")
    try:
        with atomic_writes(out / file for file in made.files) as drafts:
            for draft, content in zip(drafts, made.files.values(), strict=True):
                draft.write_bytes(content)
    except BaseException:
        if is_new:
            shutil.rmtree(out, ignore_errors=True)
        raise
    left = [f"{name}.{kind}" for kind in ("fp16.onnx", "fp16.json", "int8.onnx", "int8.json", "report.png")]
    removed = [file for file in left if file not in made.files and (out / file).exists()]
    for file in removed:
        (out / file).unlink()
    return removed
