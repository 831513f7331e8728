"""Cards of converted models, and what stands in them of the machine and the comparison."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from onnx import ModelProto

from edge_emo.bench.machine import cpu_flags
from edge_emo.core.files import atomic_write
from edge_emo.models.manifest import Manifest, ModelEntry, read_manifest
from edge_emo.models.schema import Card, FacePreprocessing, TensorInfo, VoicePreprocessing, check_card
from export.measure.gates import Gate
from export.measure.inference import Meaning, Outputs, session
from export.quantise.candidate import Candidate
from export.quantise.rule import RULE

if TYPE_CHECKING:
    from export.keras.convert import Conversion
    from export.keras.network import Network


def save_card(card: Card, folder: Path) -> None:
    """Write a card beside its model."""
    with atomic_write((folder / card.file).with_suffix(".json")) as draft:
        draft.write_bytes(encoded(card))


def with_entry(folder: Path, name: str, entry: ModelEntry, task: str | None = None) -> Manifest:
    """Return the manifest of a folder with a model put in, for `task` where one is given; all other entries stay."""
    is_there = (folder / "manifest.json").exists()
    known = read_manifest(folder) if is_there else Manifest(format=1, tasks={}, models={})
    tasks = known.tasks | ({task: name} if task else {})
    return replace(known, tasks=tasks, models={**known.models, name: entry})


def encoded(what: Card | Manifest) -> bytes:
    """Return a card or a manifest as JSON."""
    return msgspec.json.format(msgspec.json.encode(what), indent=1) + b"\n"


def outputs_of(meaning: Meaning, labels: Sequence[str], n_outputs: int) -> Outputs:
    """Return what the outputs of a model mean; without labels they are numbered."""
    return Outputs(meaning, tuple(labels) or tuple(map(str, range(n_outputs))))


def model_card(
    network: Network,
    model: ModelProto,
    precision: Literal["fp32", "fp16", "int8"],
    preprocessing: VoicePreprocessing | FacePreprocessing | None,
    labels: Sequence[str],
    license_name: str,
    parity: dict[str, Any],
    meaning: Meaning = "logits",
) -> Card:
    """Return the card of a converted model. Raises CardError where its parts do not fit each other.

    A card knows logits and probabilities; the record of values, `parity`, says that they are neither.
    """
    ready = session(model)
    card = Card(
        format=1,
        name=network.name,
        version="1.0.0",
        file=f"{network.name}.{precision}.onnx",
        sha256=hashlib.sha256(model.SerializeToString()).hexdigest(),
        precision=precision,
        opset=next(opset.version for opset in model.opset_import if opset.domain == ""),
        input=_tensor(ready.get_inputs()[0]),
        output=_tensor(ready.get_outputs()[0]),
        activation="probabilities" if meaning == "probabilities" else "logits",
        labels=list(labels),
        preprocessing=preprocessing,
        license=license_name,
        parity=parity | ({"outputs": "values"} if meaning == "values" else {}),
    )
    check_card(card, network.name)
    return card


def _tensor(stated: Any) -> TensorInfo:
    """Return what ONNX Runtime says of an input or output; a dimension that is open is None."""
    dtypes: dict[str, Literal["float32", "int32", "int64"]] = {"tensor(int32)": "int32", "tensor(int64)": "int64"}
    shape = [size if isinstance(size, int) else None for size in stated.shape]
    return TensorInfo(name=stated.name, shape=shape, dtype=dtypes.get(stated.type, "float32"))


def conversion_record(conversion: Conversion, gate: Gate) -> dict[str, Any]:
    """Return how a model was converted and how far it is from its source, for its card."""
    return {
        "source": "Keras",
        "route": conversion.route,
        "gates": [gate.record()],
        "steps": [asdict(step) for step in conversion.steps],
        **environment(),
    }


def quantization_record(
    chosen: Candidate, found: list[Candidate], fp32_ms: float, n_calibration: int, is_forced: bool = False
) -> dict[str, Any]:
    """Return how a model was quantised and how far it is from fp32, for its card."""
    assert chosen.comparison is not None
    record = {
        "source": "fp32",
        "calibration_inputs": n_calibration,
        "chosen": chosen.variant,
        "gates": [gate.record() for gate in chosen.comparison.gates],
        "latency_ms": {"fp32": round(fp32_ms, 3), chosen.precision: round(chosen.latency_ms, 3)},
        "rule": RULE,
        "candidates": [candidate.summary() for candidate in found],
        **environment(),
    }
    return record | ({"forced": True} if is_forced else {})


def environment() -> dict[str, Any]:
    """Return the processor's features and the versions that a figure depends on."""
    versions = {name: version(name) for name in ("onnx", "onnxruntime", "tf2onnx", "numpy")}
    return {"cpu_flags": cpu_flags(), "versions": versions | {"python": platform.python_version()}}
