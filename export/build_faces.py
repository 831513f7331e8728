"""From the trained detector and expression networks to the files that ship, with their cards.

    python -m export.build_faces --runs runs

The detector comes first: where it sees eyes, nose and mouth in the crops of FER+ is where the expression networks are
shown them. Its threshold is chosen on the photos kept for that, and figures are of those kept to judge by. The
expression networks are calibrated and scored on PublicTest, each half at the temperature of the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import click
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto

from edge_emo.core.files import atomic_write
from edge_emo.face.detector import FaceDetector, prepare
from edge_emo.face.recognizer import FaceRecognizer
from edge_emo.models.manifest import ModelEntry, models_folder
from edge_emo.models.schema import Card, DetectorPreprocessing, FacePreprocessing, Metric, TensorInfo
from export.cards import conversion_record, enter_model, quantization_record, save_card
from export.face_networks import NETWORKS
from export.keras.convert import OPSET, to_onnx
from export.keras.loading import from_keras
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
from export.measure.face_score import FaceScores, color, compare, score
from export.measure.gates import MAX_ACCURACY_LOSS, MIN_AGREEMENT, parity_gate
from export.measure.inference import Outputs, latencies_ms, run
from export.measure.samples import Samples
from export.quantise.rule import choose
from export.quantise.search import search, search_by
from export.quantise.storage import fp16_storage
from export.train.corpora import DATA
from export.train.detector_data import MIRRORED, Photo, parts, photos
from export.train.face_data import LABELS, MEAN, STD, Faces, Pictures, ferplus, standardized

VERSIONS = {"face": "1.3.0", "face-classic": "1.0.0", "face-detector": "1.2.0"}
LICENSE = "CC-BY-NC-SA-4.0"
LICENSE_NOTES = {
    "face": (
        "Trained on the pictures of FER2013 (Goodfellow et al. 2013, Challenges in Representation Learning), given for "
        "research, with the labels of FER+ (Barsoum et al. 2016, MIT licence): for non-commercial use. "
        "The code of edge-emo is Apache-2.0."
    ),
    "detector": (
        "Trained on photos of ExpW (Zhang et al. 2018, Int. J. Comput. Vis. 126), given for research, with boxes and "
        "points that the detector YuNet drew: for non-commercial use. The code of edge-emo is Apache-2.0."
    ),
}
DESCRIPTIONS = {
    "face": "Plain residual network of 3x3 convolutions, from 48 x 48 grey pixels of an aligned face.",
    "face-classic": "The original system's network, mini-Xception on 64 x 64 grey pixels; the reference.",
    "face-detector": "Single-shot detector of separable convolutions on three scales; boxes, scores and five points.",
}
TASKS = {"face-detector": "detector", "face": "face"}
N_CALIBRATION, N_JUDGED = 256, 600
N_CROPS = 2000
"""Of FER+, in which the points are looked for."""
CANVAS = 2.0
"""Sides of the grey square around a crop, in sides of the crop."""


class Files:
    """The two files of a model on their way into the folder of models."""

    def __init__(self, name: str, runs: Path, parity: dict[str, dict[str, Any]], **fields: Any) -> None:
        self.folder, self.name = models_folder(), name
        training = json.loads((runs / name / "card.json").read_text())["training"]
        self.cards = {
            precision: Card(
                format=1,
                name=name,
                version=VERSIONS[name],
                file=f"{name}.{precision}.onnx",
                sha256="0" * 64,
                precision=precision,
                opset=OPSET,
                activation="logits",
                license=LICENSE,
                description=DESCRIPTIONS[name],
                training=training,
                parity=parity[precision],
                **fields,
            )
            for precision in ("fp32", "int8")
        }

    def write(self, precision: str, model: ModelProto) -> Path:
        """Write a model and its card; return the path of the card."""
        path = self.folder / self.cards[precision].file
        with atomic_write(path) as draft:
            onnx.save(model, draft)
        self.update(precision, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
        return path.with_suffix(".json")

    def update(self, precision: str, **changes: Any) -> None:
        """Write the card anew."""
        self.cards[precision] = replace(self.cards[precision], **changes)
        save_card(self.cards[precision], self.folder)

    def entry(self, models: dict[str, ModelProto], inputs: NDArray[Any]) -> ModelEntry:
        """Return what the manifest says: the precision that is faster on this processor is the default."""
        latency = dict(zip(models, latencies_ms(list(models.values()), inputs), strict=True))
        return ModelEntry(
            default="int8" if latency["int8"] <= latency["fp32"] else "fp32",
            cards={precision: Path(card.file).with_suffix(".json").name for precision, card in self.cards.items()},
        )


def stored(model: ModelProto, samples: NDArray[Any]) -> tuple[ModelProto, dict[str, Any]]:
    """Return the fp32 model with its weights stored in 16 bits, and how far that is from the model, for its card."""
    small = fp16_storage(model)
    difference = float(np.abs(run(small, samples) - run(model, samples)).max())
    return small, {"storage": {"weights": "16 bits, widened when loaded", "largest_difference": round(difference, 5)}}


def build_detector(runs: Path, data: Path) -> ModelEntry:
    """Build the detector's files: those of its scores that are given are of the photos kept to judge by."""
    known = parts(photos(data / "detector"))
    spec = DetectorPreprocessing()
    samples = np.stack([squared(photo, spec) for photo in known["choose"][:64]])
    conversion, difference = convert(str(runs / "face-detector" / "model.weights.h5"), spec.size, samples)
    fp32, storage = stored(conversion.model, samples)
    judge = DetectorJudge(conversion.model, spec, known["choose"], samples)
    found, fp32_ms = search_by(judge, conversion.model, samples, _tell)
    chosen = choose([candidate for candidate in found if candidate.precision == "int8"])
    if chosen is None or chosen.model is None:
        raise ValueError(f"every int8 candidate of the detector was refused: {[c.summary() for c in found]}")
    files = Files(
        "face-detector",
        runs,
        {
            "fp32": conversion_record(conversion, parity_gate(difference, len(samples))) | storage,
            "int8": quantization_record(chosen, found, fp32_ms, len(samples)),
        },
        task="detector",
        input=TensorInfo(name="features", shape=[None, None, None, 3]),
        output=TensorInfo(name="logits", shape=[None, None, 15]),
        labels=["face"],
        detector=spec,
        threshold=LEAST_SCORE,
        license_note=LICENSE_NOTES["detector"],
    )
    models = {"fp32": fp32, "int8": chosen.model}
    judged: dict[str, list[Found]] = {}
    for precision, model in models.items():
        detector = FaceDetector(files.write(precision, model))
        threshold = threshold_for([look(detector, photo) for photo in known["choose"]], SMALLEST, ALLOWED_FALSE)
        threshold = round(threshold + 0.0005, 3)
        judged[precision] = [look(detector, photo) for photo in known["judge"]]
        files.update(precision, threshold=threshold, metrics=_detector_metrics(judged[precision], threshold))
        _tell(f"face-detector {precision}: {[(m.name, m.value) for m in files.cards[precision].metrics]}")
    return files.entry(models, samples[0][:256])


def squared(photo: Photo, spec: DetectorPreprocessing) -> NDArray[np.float32]:
    """Return the detector's input for a photo, filled up to a square."""
    own, _ = prepare(photo.read(), spec, spec.size)
    out = np.zeros((spec.size, spec.size, 3), np.float32)
    out[: own.shape[0], : own.shape[1]] = own
    return out


def _detector_metrics(found: Sequence[Found], threshold: float) -> list[Metric]:
    values = {
        "recall": recall(found, SMALLEST, threshold=threshold),
        "recall_16_to_32": recall(found, SMALLEST / 2, SMALLEST, threshold),
        "false_per_photo": false_per_photo(found, SMALLEST, threshold),
    }
    return [
        _metric(name, value, "photos of ExpW", "the last 400 by name, none of them in training", len(found))
        for name, value in values.items()
    ]


def _metric(name: str, value: float, data: str, split: str, n: int) -> Metric:
    return Metric(name=name, value=round(value, 4), data=data, split=split, n=n, date=date.today().isoformat())


def places(pictures: Pictures) -> tuple[tuple[tuple[float, float], ...], float]:
    """Return where the detector that ships sees the five points in crops of FER+, and the margin of the crop.

    Both are medians: of shares of the crop's sides, and of what the crop is wider than the box on each side, as a
    share of the box's longer side.
    """
    detector = FaceDetector(size=128)
    side = pictures.shape[1]
    whole = round(CANVAS * side)
    edge = (whole - side) // 2
    points, margins = [], []
    for picture in color(pictures):
        canvas = np.full((whole, whole, 3), int(picture.mean()), np.uint8)
        canvas[edge : edge + side, edge : edge + side] = picture
        for face in detector.detect(canvas)[:1]:
            points.append((np.array(face.landmarks) - edge + 0.5) / side)
            width, height = face.box[2] - face.box[0], face.box[3] - face.box[1]
            margins.append((side / max(width, height) - 1) / 2)
    middle = np.median(points, axis=0)
    mirrored = middle[MIRRORED] * (-1, 1) + (1, 0)
    middle = (middle + mirrored) / 2  # people have no better side
    _tell(f"points found in {len(points)} of {len(pictures)} crops: {middle.round(3).tolist()}")
    return tuple((round(float(x), 3), round(float(y), 3)) for x, y in middle), round(float(np.median(margins)), 3)


def build_face(name: str, runs: Path, data: Path) -> ModelEntry:
    """Build the files of an expression network."""
    train, test = ferplus(data / "ferplus", 0, judged=False), ferplus(data / "ferplus", 1, judged=True)
    network = NETWORKS[name]()
    network.load_weights(runs / name / "model.weights.h5")
    size = network.input_shape[1]
    some = balanced(train, N_CALIBRATION + N_JUDGED)
    samples = standardized(some.pictures, size)
    conversion = to_onnx(from_keras(network, name), samples)
    fp32, storage = stored(conversion.model, samples)
    judged = Samples(samples[N_CALIBRATION:], tuple(LABELS[k] for k in some.labels[N_CALIBRATION:]))
    found, fp32_ms = search(conversion.model, Outputs("logits", LABELS), samples[:N_CALIBRATION], judged, _tell)
    chosen = choose([candidate for candidate in found if candidate.precision == "int8"])
    if chosen is None or chosen.model is None:
        raise ValueError(f"every int8 candidate of {name} was refused: {[c.summary() for c in found]}")
    points, margin = places(train.pictures[:N_CROPS])
    files = Files(
        name,
        runs,
        {
            "fp32": conversion_record(conversion, parity_gate(conversion.largest_difference, len(samples))) | storage,
            "int8": quantization_record(chosen, found, fp32_ms, N_CALIBRATION),
        },
        task="face",
        input=TensorInfo(name="features", shape=[None, size, size, 1]),
        output=TensorInfo(name="logits", shape=[None, len(LABELS)]),
        labels=list(LABELS),
        face=FacePreprocessing(width=size, height=size, mean=(MEAN,), std=(STD,), points=points, margin=margin),
        license_note=LICENSE_NOTES["face"],
    )
    models = {"fp32": fp32, "int8": chosen.model}
    scores: dict[str, FaceScores] = {}
    for precision, model in models.items():
        scores[precision] = score(FaceRecognizer(files.write(precision, model)), test)
        temperature, threshold = scores[precision].calibration()
        report = scores[precision].report()
        metrics = [
            _metric(key, report[key], "FER+", "PublicTest, majority labels, no copy of a training row", report["n"])
            for key in ("accuracy", "macro_recall", "ece")
        ]
        files.update(precision, temperature=temperature, threshold=threshold, metrics=metrics)
        _tell(f"{name} {precision}: {[(m.name, m.value) for m in metrics]}")
    unseen = compare(scores["fp32"], scores["int8"])
    _tell(f"{name} int8 on PublicTest: {unseen}")
    if unseen["label_agreement"] < MIN_AGREEMENT or unseen["accuracy_change"] < -MAX_ACCURACY_LOSS:
        raise ValueError(f"{name}: int8 differs too much from fp32 on PublicTest: {unseen}")
    files.update("int8", parity={**files.cards["int8"].parity, "unseen": unseen})
    return files.entry(models, samples[0])


def balanced(faces: Faces, count: int) -> Faces:
    """Return `count` faces, as many of each label as there are to be had, in random order."""
    rng = np.random.default_rng(0)
    queues = [list(rng.permutation(np.flatnonzero(faces.labels == k))) for k in range(len(LABELS))]
    taken: list[int] = []
    while len(taken) < min(count, len(faces.labels)):
        taken += [queue.pop() for queue in queues if queue]
    order = rng.permutation(taken[:count])
    return Faces(faces.pictures[order], faces.probabilities[order])


def _tell(what: str) -> None:
    click.echo(what, err=True)


@click.command()
@click.option(
    "--model", "names", type=click.Choice(sorted(DESCRIPTIONS)), multiple=True, default=("face-detector", *NETWORKS)
)
@click.option("--runs", type=click.Path(path_type=Path), required=True, help="A folder for each trained network.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True)
def main(names: Sequence[str], runs: Path, data: Path) -> None:
    """Build the face models, or only those named; the manifest keeps the others."""
    for name in sorted(names, key=["face-detector", *NETWORKS].index):
        entry = build_detector(runs, data) if name == "face-detector" else build_face(name, runs, data)
        enter_model(models_folder(), name, entry, TASKS.get(name))


if __name__ == "__main__":
    main()
