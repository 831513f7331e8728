"""Every gate again, on the files of an export as they lie there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import onnx

from edge_emo.core.errors import ModelError
from edge_emo.models.card_json import read_card
from edge_emo.models.schema import Card
from edge_emo.models.session import Model
from export.cards import outputs_of
from export.keras.reference import Reference
from export.measure.gates import TOLERANCE, judge_of, parity_gate
from export.measure.samples import Samples


@dataclass(frozen=True)
class Check:
    """What was found of one file."""

    file: str
    text: str
    holds: bool


def verify(folder: Path) -> Iterator[Check]:
    """Yield the checks of every card in `folder` and of its model: whole, loadable, and within the gates."""
    paths = [path for path in sorted(folder.glob("*.json")) if _is_card(path)]
    for path in sorted(folder.glob("*.onnx")):
        if path.with_suffix(".json") not in paths:
            yield Check(path.name, f"has no card {path.with_suffix('.json').name}", False)
    if not paths:
        yield Check(str(folder), "holds no model with a card", False)
    for path in paths:
        try:
            model = Model(path)
            model.load()
            onnx.checker.check_model(onnx.load(model.path), full_check=True)
            yield Check(model.card.file, f"SHA-256 and shapes as in {path.name}, opset {model.card.opset}", True)
            yield from _gates(model.card, folder)
        except (ModelError, onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
            yield Check(path.name, str(error).splitlines()[0], False)
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            yield Check(path.name, f"its gates cannot be measured ({error}); convert the model again", False)


def _is_card(path: Path) -> bool:
    try:
        return "sha256" in json.loads(path.read_bytes())
    except (ValueError, TypeError):
        return path.with_suffix(".onnx").exists()  # a damaged card, to be told as such


def _gates(card: Card, folder: Path) -> Iterator[Check]:
    evidence = _evidence(card, folder)
    if card.precision == "fp32":
        limit = float(evidence.get("limit", TOLERANCE))
        reference = Reference(evidence["inputs"], evidence["expected"], evidence.get("before_activation"), limit)
        gates = [parity_gate(reference.difference(onnx.load(folder / card.file)), len(reference.inputs), limit)]
    else:
        fp32 = read_card(folder / f"{card.name}.fp32.json")
        outputs = outputs_of(card.parity.get("outputs", card.activation), card.labels, card.output.shape[-1] or 0)
        judged = Samples(evidence["judged"], tuple(str(label) for label in evidence["labels"]))
        judge = judge_of(onnx.load(folder / fp32.file), outputs, judged)
        gates = judge.compare(onnx.load(folder / card.file)).gates
    for gate in gates:
        yield Check(card.file, str(gate), gate.holds)
    if card.parity.get("forced"):
        yield Check(card.file, "was written by force (--force)", False)


def _evidence(card: Card, folder: Path) -> dict[str, Any]:
    stated = card.parity["evidence"]
    if not (folder / stated["file"]).exists():
        raise ValueError(f"{stated['file']} is not here")
    content = (folder / stated["file"]).read_bytes()
    if hashlib.sha256(content).hexdigest() != stated["sha256"]:
        raise ValueError(f"{stated['file']} is not the file that the card was written for")
    with np.load(folder / stated["file"], allow_pickle=False) as arrays:
        return dict(arrays)
