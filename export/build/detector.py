"""The face detector: its threshold is chosen on the photos kept for that, and figures are of those kept to judge by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from edge_emo.face.detector import FaceDetector, prepare
from edge_emo.models.schema import DetectorPreprocessing, TensorInfo
from export.build.files import PRECISIONS, Built, Sources, Tell, draft, metrics, training_of
from export.families import Family
from export.keras.open_sizes import convert
from export.measure.detector_judge import DetectorJudge
from export.measure.detector_score import (
    ALLOWED_FALSE,
    LEAST_SCORE,
    SMALLEST,
    Found,
    false_per_photo,
    look,
    recall,
    threshold_for,
)
from export.train.detector_data import Photo, parts, photos


def build(family: Family, sources: Sources, folder: Path, tell: Tell) -> Built:
    """Build the files of a detector. Raises BuildError."""
    run, spec = sources.runs / family.name, family.front_end
    assert isinstance(spec, DetectorPreprocessing)
    known = parts(photos(sources.data / "detector"))
    samples = np.stack([squared(photo, spec) for photo in known["choose"][: family.calibration.inputs]])

    def network(height: int, width: int) -> keras.Model:
        model = family.network(height, width)
        model.load_weights(run / "model.weights.h5")
        return in_one_array(model)

    conversion, difference = convert(network, spec.size, samples)
    n_values = conversion.expected.shape[-1]
    drafts = draft(
        family,
        family.name,
        folder,
        conversion,
        DetectorJudge(conversion.model, spec, known["choose"][: family.calibration.judged], samples),
        samples,
        training_of(run),
        tell,
        difference=difference,
        input=TensorInfo(name="features", shape=[None, None, None, 3]),
        output=TensorInfo(name="logits", shape=[None, None, n_values]),
        labels=["face"],
        preprocessing=spec,
        threshold=LEAST_SCORE,
    )
    for precision in PRECISIONS:
        detector = FaceDetector(drafts.card_path(precision))
        threshold = threshold_for([look(detector, photo) for photo in known["choose"]], SMALLEST, ALLOWED_FALSE)
        threshold = round(threshold + 0.0005, 3)
        found = [look(detector, photo) for photo in known["judge"]]
        split = f"the last {len(found)} by name, none of them in training"
        figures = metrics(family, _figures(found, threshold), "photos of ExpW", split, len(found))
        drafts.update(precision, threshold=threshold, metrics=figures)
        tell(f"{family.name} {precision}: {[(m.name, m.value) for m in figures]}")
    return Built(drafts, drafts.entry(samples[0][: spec.size * 4 // 5]))


def in_one_array(model: keras.Model) -> keras.Model:
    """Return a detector with its maps in one array (batch, cells, values)."""
    cells = [layers.Reshape((-1, level.shape[-1]))(level) for level in model.outputs]
    return keras.Model(model.inputs, layers.Concatenate(axis=1)(cells), name="detector")


def squared(photo: Photo, spec: DetectorPreprocessing) -> NDArray[Any]:
    """Return the detector's input for a photo, filled up to a square."""
    own, _ = prepare(photo.read(), spec, spec.size)
    out = np.zeros((spec.size, spec.size, 3), np.float32)
    out[: own.shape[0], : own.shape[1]] = own
    return out


def _figures(found: Sequence[Found], threshold: float) -> dict[str, float]:
    return {
        "recall": recall(found, SMALLEST, threshold=threshold),
        "recall_16_to_32": recall(found, SMALLEST / 2, SMALLEST, threshold),
        "false_per_photo": false_per_photo(found, SMALLEST, threshold),
    }
