"""The files of one network on their way: drafts where nobody looks for models, until all of them are judged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto

from edge_emo.core.files import atomic_writes
from edge_emo.models.manifest import ModelEntry
from edge_emo.models.schema import Card, Metric
from export.cards import conversion_record, encoded, quantization_record, save_card, with_entry
from export.families import Family
from export.keras.convert import OPSET, Conversion
from export.measure.gates import Judge, parity_gate
from export.measure.inference import latencies_ms, run
from export.quantise.rule import choose
from export.quantise.search import search_by
from export.quantise.storage import fp16_storage

Tell = Callable[[str], None]
Precision = Literal["fp32", "int8"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "int8")


class BuildError(ValueError):
    """A model that is not let out, or cannot be made; the text says which and why."""


@dataclass(frozen=True)
class Sources:
    """Where trained networks (`runs`) and corpora (`data`, `voices`) lie, and where files are written to in the end.

    `voices` holds the further corpora, None to do without. Files of folds go to `folds`, the models to `models`.
    """

    runs: Path
    data: Path
    voices: Path | None
    models: Path
    folds: Path


@dataclass
class Drafts:
    """The fp32 and the int8 file of one network, with their cards, in a folder of drafts."""

    folder: Path
    models: dict[Precision, ModelProto]
    cards: dict[Precision, Card]

    def card_path(self, precision: Precision) -> Path:
        """Return where a card lies."""
        return (self.folder / self.cards[precision].file).with_suffix(".json")

    def update(self, precision: Precision, **changes: Any) -> None:
        """Change fields of a card, and write it anew."""
        self.cards[precision] = replace(self.cards[precision], **changes)
        save_card(self.cards[precision], self.folder)

    def drop(self, precision: Precision) -> None:
        """Leave a file out of what ships."""
        del self.models[precision], self.cards[precision]

    def files(self) -> list[Path]:
        """Return the models and their cards."""
        return [path for p in self.cards for path in (self.folder / self.cards[p].file, self.card_path(p))]

    def entry(self, sample: NDArray[Any]) -> ModelEntry:
        """Return what the manifest says: the default is the precision that is fastest with `sample` on this processor.

        Of equally fast ones it is the smaller.
        """
        times = dict(zip(self.models, latencies_ms(list(self.models.values()), sample), strict=True))
        return ModelEntry(
            default=min(reversed(self.models), key=lambda precision: times[precision]),
            cards={precision: self.card_path(precision).name for precision in self.models},
        )


@dataclass(frozen=True)
class Built:
    """What a build made: the files that ship, what the manifest says of them, and files for other folders."""

    shipped: Drafts
    entry: ModelEntry
    others: Mapping[Path, Sequence[Path]] = field(default_factory=dict)


def training_of(run: Path) -> dict[str, Any]:
    """Return what the card of a trained network says of its training."""
    training: dict[str, Any] = json.loads((run / "card.json").read_text())["training"]
    return training


def draft(
    family: Family,
    stem: str,
    folder: Path,
    conversion: Conversion,
    judge: Judge,
    calibration: NDArray[Any],
    training: Mapping[str, Any],
    tell: Tell,
    *,
    difference: float | None = None,
    **fields: Any,
) -> Drafts:
    """Quantise a converted network, and write both files and their cards into `folder`.

    `calibration` are inputs; `difference` is how far fp32 is from its source, where not as the conversion says;
    `fields` are those of the card that the task knows. Raises BuildError where no int8 candidate is let out.
    """
    found, fp32_ms = search_by(judge, conversion.model, calibration, lambda what: tell(f"{stem}: {what}"))
    chosen = choose([candidate for candidate in found if candidate.precision == "int8"])
    if chosen is None or chosen.model is None:
        raise BuildError(f"{stem}: every int8 candidate was refused: {[c.summary() for c in found]}")
    inputs = conversion.reference.inputs
    gate = parity_gate(conversion.largest_difference if difference is None else difference, len(inputs))
    parity: dict[Precision, dict[str, Any]] = {
        "fp32": conversion_record(conversion, gate),
        "int8": quantization_record(chosen, found, fp32_ms, len(calibration)),
    }
    models: dict[Precision, ModelProto] = {"fp32": conversion.model, "int8": chosen.model}
    if family.stores_halves:
        models["fp32"] = fp16_storage(conversion.model)
        lost = float(np.abs(run(models["fp32"], inputs) - run(conversion.model, inputs)).max())
        stored = {"weights": "16 bits, widened when loaded", "largest_difference": round(lost, 5)}
        parity["fp32"] |= {"storage": stored}
    folder.mkdir(parents=True, exist_ok=True)
    drafts = Drafts(folder, models, {})
    for precision, model in models.items():
        path = folder / f"{stem}.{precision}.onnx"
        onnx.save(model, path)
        drafts.cards[precision] = Card(
            format=1,
            name=family.name,
            version=family.version,
            file=path.name,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            precision=precision,
            opset=OPSET,
            activation="logits",
            license=family.license,
            license_note=family.license_note,
            description=family.description,
            training=dict(training),
            parity=parity[precision],
            **fields,
        )
        drafts.update(precision)
    return drafts


def metrics(family: Family, values: Mapping[str, float], data: str, split: str, n: int) -> list[Metric]:
    """Return the metrics of a family's cards, without those that nothing was measured for (NaN)."""
    today = date.today().isoformat()
    return [
        Metric(name=name, value=round(values[name], 4), data=data, split=split, n=n, date=today)
        for name in family.metrics
        if np.isfinite(values[name])
    ]


def publish(family: Family, built: Built, models: Path) -> None:
    """Put what was built into its folders and into the manifest of `models`, whose other entries stay.

    Every file is complete before the first of them takes its place. Raises OSError, with all as it was before.
    """
    targets = {models / path.name: path.read_bytes() for path in built.shipped.files()}
    targets |= {folder / path.name: path.read_bytes() for folder, paths in built.others.items() for path in paths}
    manifest = with_entry(models, family.name, built.entry, family.task if family.is_default else None)
    targets[models / "manifest.json"] = encoded(manifest)  # the last, as it names the others
    for folder in {path.parent for path in targets}:
        folder.mkdir(parents=True, exist_ok=True)
    with atomic_writes(targets) as drafts:
        for path, content in zip(drafts, targets.values(), strict=True):
            path.write_bytes(content)
    for precision in set(PRECISIONS) - set(built.entry.cards):
        for path in models.glob(f"{family.name}.{precision}.*"):  # of an earlier build
            path.unlink()
