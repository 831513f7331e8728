"""How often a network is right about the faces of FER+, and how much it can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, recall_score

from edge_emo.core.emotions import EMOTIONS, emotion_of
from edge_emo.face.network_input import prepare
from edge_emo.face.recognizer import FaceRecognizer
from edge_emo.models.calibration import calibrated
from edge_emo.models.schema import Card
from export.measure.voice_score import Floats, expected_calibration_error, fit_temperature, fit_threshold, reliability
from export.train.face_data import Faces, Pictures

Labels = NDArray[np.int_]


@dataclass(frozen=True)
class FaceScores:
    """The logits that a network gives for faces, (faces, outputs), and the output that most people voted for."""

    card: Card
    logits: NDArray[np.float32]
    labels: Labels

    @property
    def predictions(self) -> Labels:
        """The outputs that are largest."""
        return self.logits.argmax(axis=1)

    @cached_property
    def emotions(self) -> Labels:
        """The places in `EMOTIONS` of the labels; contempt is read as disgust."""
        return np.array([EMOTIONS.index(str(emotion_of(label))) for label in self.card.labels])[self.labels]

    def probabilities(self, temperature: float | None = None) -> Floats:
        """Return the probabilities of `EMOTIONS`, at the card's temperature or another one."""
        card = self.card if temperature is None else replace(self.card, temperature=temperature)
        return calibrated(self.logits, card).astype(np.float64)

    def part(self, places: NDArray[Any]) -> FaceScores:
        """Return the scores of some of the faces."""
        return FaceScores(self.card, self.logits[places], self.labels[places])

    def calibration(self) -> tuple[float, float]:
        """Return the temperature and threshold that fit these faces."""
        temperature = fit_temperature(self.probabilities, self.emotions)
        return temperature, fit_threshold(self.probabilities(temperature), self.emotions)

    def calibrated_elsewhere(self) -> Floats:
        """Return probabilities of `EMOTIONS` that each half of the faces owes to a temperature fitted on the other."""
        first = np.random.default_rng(0).permutation(len(self.labels)) % 2 == 0
        out = np.empty((len(self.labels), len(EMOTIONS)))
        for half in (first, ~first):
            out[half] = self.part(half).probabilities(self.part(~half).calibration()[0])
        return out

    def report(self) -> dict[str, Any]:
        """Return accuracy, macro recall, recalls and confusion over the outputs, and calibration over the emotions."""
        outputs = range(len(self.card.labels))
        recalls = recall_score(self.labels, self.predictions, labels=outputs, average=None, zero_division=0)
        probabilities = self.calibrated_elsewhere()
        return {
            "n": len(self.labels),
            "accuracy": float((self.predictions == self.labels).mean()),
            "macro_recall": float(np.mean(recalls)),
            "recall": dict(zip(self.card.labels, map(float, recalls), strict=True)),
            "accuracy_emotions": float((probabilities.argmax(axis=1) == self.emotions).mean()),
            "ece": expected_calibration_error(probabilities, self.emotions),
            "reliability": reliability(probabilities, self.emotions),
            "confusion": confusion_matrix(self.labels, self.predictions, labels=outputs).tolist(),
        }


def score(recognizer: FaceRecognizer, faces: Faces) -> FaceScores:
    """Return the scores of faces through the runtime's own path from the picture of a face on."""
    shape = [size or -1 for size in recognizer.card.input.shape[1:]]
    rows = [prepare(picture, recognizer.preprocessing).reshape(shape) for picture in color(faces.pictures)]
    logits = [recognizer.model(row[None]) for row in rows]
    return FaceScores(recognizer.card, np.concatenate(logits), faces.labels)


def color(pictures: Pictures) -> Sequence[Pictures]:
    """Return grey pictures as RGB."""
    return [np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB), np.uint8) for picture in pictures]


def compare(fp32: FaceScores, other: FaceScores) -> dict[str, float]:
    """Return how another file's answers differ from fp32's on the same faces."""
    right = [float((scores.predictions == scores.labels).mean()) for scores in (fp32, other)]
    return {
        "faces": len(fp32.labels),
        "label_agreement": round(float((fp32.predictions == other.predictions).mean()), 4),
        "accuracy_change": round(right[1] - right[0], 4),
        "largest_probability_change": round(float(np.abs(fp32.probabilities() - other.probabilities()).max()), 4),
    }
