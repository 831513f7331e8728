"""How accurate the face models are, from the files that ship."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks import drawing
from benchmarks.intervals import accuracy, interval, mean_recall, with_interval
from edge_emo.core.emotions import EMOTIONS, emotion_of
from edge_emo.core.errors import MediaError
from edge_emo.core.files import atomic_write
from edge_emo.face.detector import Box, Detector, Face, FaceDetector, Pixels
from edge_emo.face.recognizer import FaceRecognizer
from edge_emo.face.tracking import overlap
from edge_emo.media.pictures import read_picture
from edge_emo.models.manifest import models_folder, read_manifest
from export.measure.detector_score import (
    ALLOWED_FALSE,
    MATCH,
    SMALLEST,
    Found,
    backlit,
    blurred,
    darker,
    false_per_photo,
    look,
    look_at,
    recall,
    threshold_for,
    tilted,
)
from export.measure.face_score import FaceScores, color, score
from export.train.detector_data import Photo, parts, photos, without_color
from export.train.face_data import Faces

LABELLED = Path(__file__).parent / "labelled_photos.csv"
SHOWN = ("neutral", "happy", "sad", "angry", "fearful", "disgust", "surprised")
"""What faces show: all emotions but calm."""

Change = Callable[[Pixels], Pixels]
CHANGES: dict[str, Change | None] = {
    "as they are": None,
    "grey": without_color,
    "a fifth of the light": darker,
    "lit from one side, 10 to 1": backlit,
    "blurred, 1 % of the side": blurred,
}
TILTS = (15, 30, 45)
CASCADE = Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_default.xml"


class HaarDetector:
    """OpenCV's frontal cascade (Viola and Jones 2001, CVPR), on frames of 640 pixels; upright boxes without points."""

    name = "OpenCV Haar"

    def __init__(self) -> None:
        self._cascade = cv2.CascadeClassifier(str(CASCADE))

    def detect(self, picture: Pixels) -> list[Face]:
        """Return the faces of an RGB picture; a cascade gives no scores, so all have 1."""
        scale = 640 / max(picture.shape[:2])
        small = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), None, fx=scale, fy=scale)
        boxes = self._cascade.detectMultiScale(small, 1.1, 5, minSize=(24, 24))
        return [Face((x / scale, y / scale, (x + w) / scale, (y + h) / scale), 1.0) for x, y, w, h in boxes]


def detectors() -> dict[str, Detector]:
    """Return the detectors that ship."""
    cards = read_manifest().models["face-detector"].cards
    return {f"face-detector {precision}": FaceDetector(models_folder() / card) for precision, card in cards.items()}


def detector_table(detector: Detector, known: Sequence[Photo]) -> dict[str, Any]:
    """Return recalls by size and condition, and false boxes per photo of at least `SMALLEST` pixels and of any size."""
    rows = {name: _row([look(detector, photo, change) for photo in known]) for name, change in CHANGES.items()}
    for degrees in TILTS:
        both = [look_at(detector, *tilted(photo, sign * degrees)) for photo in known for sign in (-1, 1)]
        rows[f"tilted by {degrees} degrees"] = _row(both)
    return rows


def _row(found: Sequence[Found]) -> dict[str, Any]:
    low, high = interval(range(len(found)), lambda drawn: recall([found[i] for i in drawn], SMALLEST))
    stricter = threshold_for(found, SMALLEST, ALLOWED_FALSE)  # of these photos' own; 0 where fewer are false
    return {
        "recall": {"value": recall(found, SMALLEST), "low": low, "high": high},
        "recall_24_to_32": recall(found, 24, SMALLEST),
        "recall_16_to_32": recall(found, 16, SMALLEST),
        "false_per_photo": false_per_photo(found, SMALLEST),
        "recall_at_allowed_false": recall(found, SMALLEST, threshold=stricter),
        "false_per_photo_any_size": false_per_photo(found, 0),
        "faces": sum(size >= SMALLEST for photo in found for size in photo.sizes),
    }


def judged_photos(data: Path) -> Sequence[Photo]:
    """Return the photos that neither training nor any choice saw."""
    return parts(photos(data / "detector"))["judge"]


def recognizers() -> dict[str, FaceRecognizer]:
    """Return the expression networks that ship."""
    return {
        f"{name} {precision}": FaceRecognizer(models_folder() / card)
        for name in ("face", "face-classic")
        for precision, card in read_manifest().models[name].cards.items()
    }


def through_detector(recognizer: FaceRecognizer, detector: Detector, faces: Faces) -> dict[str, float]:
    """Return what becomes of faces of FER+ that stand in a grey frame, four times enlarged, and must be found first."""
    places, pictures = [], []
    for place, picture in enumerate(color(faces.pictures)):
        frame = np.full((4 * 48 * 2, 4 * 48 * 2, 3), int(picture.mean()), np.uint8)
        frame[96:288, 96:288] = cv2.resize(picture, (192, 192), interpolation=cv2.INTER_CUBIC)
        found = detector.detect(frame)
        if found:
            places.append(place)
            pictures.append(recognizer.probabilities(frame, found[:1])[0])
    truth = FaceScores(recognizer.card, np.zeros((len(faces.labels), 1), np.float32), faces.labels).emotions[places]
    right = np.array(pictures).argmax(axis=1) == truth
    return {"found": len(places) / len(faces.labels), "accuracy_emotions": float(right.mean())}


def labelled_by_eye(recognizer: FaceRecognizer, detector: Detector, data: Path) -> dict[str, Any]:
    """Return how often the whole path, from photo to emotion, agrees with labels given by eye."""
    of_photo: dict[str, list[tuple[Box, str]]] = defaultdict(list)
    with LABELLED.open(newline="") as file:
        for row in csv.DictReader(file):
            left, top, width, height = (float(row[key]) for key in ("x", "y", "w", "h"))
            of_photo[row["image"]].append(((left, top, left + width, top + height), row["label"]))
    counts = np.zeros((len(SHOWN), len(SHOWN)), int)
    missed = 0
    for name, labelled in of_photo.items():
        picture = Photo(data / "detector" / "images" / name, np.zeros((0, 15), np.float32)).read()
        faces = detector.detect(picture)
        probabilities = recognizer.probabilities(picture, faces)
        for box, label in labelled:
            near = [overlap(face.box, box) for face in faces]
            if max(near, default=0.0) < MATCH:
                missed += 1
                continue
            prediction = EMOTIONS[int(probabilities[int(np.argmax(near))].argmax())]
            counts[SHOWN.index(label), SHOWN.index(prediction)] += 1
    recalls = np.diag(counts) / np.maximum(counts.sum(axis=1), 1)
    return {
        "n": int(counts.sum()) + missed,
        "missed": missed,
        "accuracy": float(np.trace(counts) / counts.sum()),
        "macro_recall": float(recalls.mean()),
        "recall": dict(zip(SHOWN, recalls.tolist(), strict=True)),
        "labels": dict(zip(SHOWN, counts.sum(axis=1).tolist(), strict=True)),
        "confusion": counts.tolist(),
    }


def folder_table(folder: Path, on_left_out: Callable[[str], object]) -> dict[str, Any]:
    """Return how often each network is right about pictures in folders named by an emotion, detector and all.

    Left out, and told, are folders of other names and what is no picture; pictures without a face are counted. The
    largest face counts. Raises FileNotFoundError where no face is left.
    """
    paths = [(path, emotion_of(path.parent.name.lower())) for path in sorted(folder.glob("*/*"))]
    for name in sorted({path.parent.name for path, emotion in paths if not emotion}):
        on_left_out(f"{name}/: no emotion of that name")
    labelled = [(path, EMOTIONS.index(emotion)) for path, emotion in paths if emotion]
    if not labelled:
        raise FileNotFoundError(f"{folder}: no picture in a folder named by an emotion, such as happy/1.jpg")
    detector, seen, without_face = FaceDetector(), [], 0
    for path, label in labelled:
        try:
            picture = read_picture(path)
        except MediaError as error:
            on_left_out(str(error))
            continue
        found = sorted(detector.detect(picture), key=lambda face: -face.area)[:1]
        if found:
            seen.append((picture, found, label))
        else:
            without_face += 1
    if not seen:
        raise FileNotFoundError(f"{folder}: no face was found in any picture")
    labels = np.array([label for _, _, label in seen], int)
    table = {}
    for name, recognizer in recognizers().items():
        probabilities = [recognizer.probabilities(picture, found)[0] for picture, found, _ in seen]
        predictions = np.array([int(share.argmax()) for share in probabilities], int)
        table[name] = {
            "n": len(labels),
            "without_face": without_face,
            "accuracy": with_interval(accuracy, labels, predictions, range(len(labels))),
            "macro_recall": with_interval(mean_recall, labels, predictions, range(len(labels))),
            "recall": {EMOTIONS[k]: accuracy(labels[labels == k], predictions[labels == k]) for k in np.unique(labels)},
        }
    return table


def face_tables(data: Path, test: Faces) -> dict[str, Any]:
    """Return all figures of the expression networks; the whole path goes through the detector that ships."""
    found: dict[str, Any] = {}
    detector = FaceDetector()
    of_fp32 = np.empty(0, int)
    for name, recognizer in recognizers().items():
        scores = score(recognizer, test)
        if name.endswith("fp32"):
            of_fp32 = scores.predictions
        everyone = range(len(scores.labels))
        found[name] = {
            "public_test": {
                **scores.report(),
                "intervals": {
                    "accuracy": with_interval(accuracy, scores.labels, scores.predictions, everyone),
                    "macro_recall": with_interval(mean_recall, scores.labels, scores.predictions, everyone),
                },
            },
            "through_detector": through_detector(recognizer, detector, test),
            "labelled_by_eye": labelled_by_eye(recognizer, detector, data),
            "labels_as_fp32": accuracy(of_fp32, scores.predictions),
            "kilobytes": round(recognizer.model.path.stat().st_size / 1000),
        }
    return found


def picture(found: dict[str, Any], name: str, path: Path) -> None:
    """Draw confusion, recall and reliability of one network on PublicTest, and confusion on the labelled photos."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    test, eye = found[name]["public_test"], found[name]["labelled_by_eye"]
    figure, ((confusion, recalls), (photo, reliability)) = pyplot.subplots(2, 2, figsize=(12, 10))
    drawing.confusion(confusion, test["confusion"], list(test["recall"]), "recognised", "voted for")
    drawing.recall(recalls, test["recall"], 1 / len(test["recall"]))
    drawing.confusion(photo, eye["confusion"], SHOWN, "recognised", "labelled")
    photo.set_title(f"{eye['n']} faces of photos labelled by eye, whole path: accuracy {eye['accuracy']:.2f}")
    drawing.reliability(reliability, test["reliability"], test["ece"])
    figure.suptitle(f"{name}, FER+ PublicTest, {test['n']} faces: accuracy {test['accuracy']:.3f}")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as draft:
        figure.savefig(draft, dpi=90)
