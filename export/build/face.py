"""Expression models: shown where the detector that ships sees eyes, nose and mouth in the crops of FER+.

They are calibrated and scored on PublicTest, each half at the temperature of the other. Where int8 differs too much
from fp32 there, nothing ships.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from msgspec import structs

from edge_emo.face.detector import FaceDetector
from edge_emo.face.recognizer import FaceRecognizer
from edge_emo.models.manifest import card_path
from edge_emo.models.schema import FacePreprocessing, TensorInfo
from export.build.files import PRECISIONS, BuildError, Built, Precision, Sources, Tell, draft, metrics, training_of
from export.families import Family
from export.keras.convert import to_onnx
from export.keras.loading import from_keras
from export.measure.face_score import FaceScores, color, compare, score
from export.measure.gates import MAX_ACCURACY_LOSS, MIN_AGREEMENT, judge_of
from export.measure.inference import Outputs
from export.measure.samples import Samples
from export.train.detector_data import MIRRORED
from export.train.face_data import LABELS, Faces, Pictures, ferplus, standardized

N_CROPS = 2000
"""Of FER+, in which the points are looked for."""
CANVAS = 2.0
"""Sides of the grey square around a crop, in sides of the crop."""


def build(family: Family, sources: Sources, folder: Path, tell: Tell) -> Built:
    """Build the files of an expression network. Raises BuildError."""
    run = sources.runs / family.name
    assert isinstance(family.front_end, FacePreprocessing)
    train = ferplus(sources.data / "ferplus", 0, judged=False)
    test = ferplus(sources.data / "ferplus", 1, judged=True)
    network = family.network()
    network.load_weights(run / "model.weights.h5")
    n = family.calibration
    some = balanced(train, n.inputs + n.judged)
    samples = standardized(some.pictures, family.front_end.width)
    conversion = to_onnx(from_keras(network, family.name), samples)
    judged = Samples(samples[n.inputs :], tuple(LABELS[k] for k in some.labels[n.inputs :]))
    detector = FaceDetector(card_path("detector", folder=sources.models), size=128)
    points, margin = places(detector, train.pictures[:N_CROPS], tell)
    drafts = draft(
        family,
        family.name,
        folder,
        conversion,
        judge_of(conversion.model, Outputs("logits", LABELS), judged),
        samples[: n.inputs],
        training_of(run),
        tell,
        input=TensorInfo(name="features", shape=[None, *samples.shape[1:]]),
        output=TensorInfo(name="logits", shape=[None, len(LABELS)]),
        labels=list(LABELS),
        preprocessing=structs.replace(family.front_end, points=points, margin=margin),
    )
    scores: dict[Precision, FaceScores] = {}
    for precision in PRECISIONS:
        scores[precision] = score(FaceRecognizer(drafts.card_path(precision)), test)
        temperature, threshold = scores[precision].calibration()
        report = scores[precision].report()
        split = "PublicTest, majority labels, no copy of a training row"
        figures = metrics(family, report, "FER+", split, report["n"])
        drafts.update(precision, temperature=temperature, threshold=threshold, metrics=figures)
        tell(f"{family.name} {precision}: {[(m.name, m.value) for m in figures]}")
    unseen = compare(scores["fp32"], scores["int8"])
    tell(f"{family.name} int8 on PublicTest: {unseen}")
    if unseen["label_agreement"] < MIN_AGREEMENT or unseen["accuracy_change"] < -MAX_ACCURACY_LOSS:
        raise BuildError(f"{family.name}: int8 differs too much from fp32 on PublicTest: {unseen}")
    drafts.update("int8", parity={**drafts.cards["int8"].parity, "unseen": unseen})
    return Built(drafts, drafts.entry(samples[0]))


def places(detector: FaceDetector, pictures: Pictures, tell: Tell) -> tuple[tuple[tuple[float, float], ...], float]:
    """Return where a detector sees the five points in crops of FER+, and the margin of the crop.

    Both are medians: of shares of the crop's sides, and of what the crop is wider than the box on each side, as a
    share of the box's longer side. Raises BuildError where it sees no face.
    """
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
    if not points:
        raise BuildError(f"{detector.name}: finds no face in {len(pictures)} crops of FER+; build the detector first")
    middle = np.median(points, axis=0)
    mirrored = middle[MIRRORED] * (-1, 1) + (1, 0)
    middle = (middle + mirrored) / 2  # people have no better side
    tell(f"points found in {len(points)} of {len(pictures)} crops: {middle.round(3).tolist()}")
    return tuple((round(float(x), 3), round(float(y), 3)) for x, y in middle), round(float(np.median(margins)), 3)


def balanced(faces: Faces, count: int) -> Faces:
    """Return `count` faces, as many of each label as there are to be had, in random order."""
    rng = np.random.default_rng(0)
    queues = [list(rng.permutation(np.flatnonzero(faces.labels == k))) for k in range(len(LABELS))]
    taken: list[int] = []
    while len(taken) < min(count, len(faces.labels)):
        taken += [queue.pop() for queue in queues if queue]
    order = rng.permutation(taken[:count])
    return Faces(faces.pictures[order], faces.probabilities[order])
