"""Scores of recognisers on labelled clips, through the runtime's own path from sound to decision."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, recall_score

from edge_emo.audio.mfcc import Float32
from edge_emo.core.emotions import EMOTIONS
from edge_emo.media.sound import read_sound
from edge_emo.voice.recognizer import VoiceRecognizer
from export.train.corpora import Clip

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """What was recognised: for each clip the probabilities of its windows, (windows, 8), and their lengths in seconds.

    A clip without voice has no windows and counts as wrong.
    """

    clips: tuple[Clip, ...]
    windows: tuple[Floats, ...]
    lengths: tuple[Floats, ...]

    def temperature_scaled(self, temperature: float) -> Scores:
        """Return the scores with every window's log-probabilities divided by `temperature`."""
        return Scores(self.clips, tuple(_scale_temperature(w, temperature) for w in self.windows), self.lengths)

    @cached_property
    def probabilities(self) -> Floats:
        """Probabilities of each clip, shape (clips, 8): the mean over its windows by length, as the summary has it."""
        rows = [
            np.average(window, axis=0, weights=length) if len(window) else np.zeros(len(EMOTIONS))
            for window, length in zip(self.windows, self.lengths, strict=True)
        ]
        return np.array(rows).reshape(len(self.clips), len(EMOTIONS))

    @property
    def labels(self) -> NDArray[np.int_]:
        """True labels."""
        return np.array([clip.label for clip in self.clips])

    @property
    def predictions(self) -> NDArray[np.int_]:
        """Recognised labels, -1 without voice."""
        return np.where(self.probabilities.sum(axis=1) > 0, self.probabilities.argmax(axis=1), -1)

    def report(self, threshold: float = 0.0) -> dict[str, Any]:
        """Return UAR, accuracy, recall by emotion, accuracy by speaker and sex, confusion and calibration.

        "named" is the share of clips that are not `uncertain` at `threshold`, "accuracy_named" the accuracy on these.
        """
        labels, predictions = self.labels, self.predictions
        present = sorted(set(labels.tolist()))
        right = labels == predictions
        named = self.probabilities.max(axis=1) >= threshold
        speakers = np.array([clip.speaker for clip in self.clips])
        women = np.array([clip.woman is True for clip in self.clips])
        men = np.array([clip.woman is False for clip in self.clips])
        recalls = recall_score(labels, predictions, labels=present, average=None, zero_division=0)
        matrix = confusion_matrix(labels, predictions, labels=range(len(EMOTIONS)))
        return {
            "n": len(labels),
            "uar": uar(labels, predictions),
            "accuracy": float(right.mean()),
            "named": float(named.mean()),
            "accuracy_named": float(right[named].mean()) if named.any() else None,
            "ece": expected_calibration_error(self.probabilities, labels),
            "without_voice": int((predictions < 0).sum()),
            "recall": {EMOTIONS[k]: float(r) for k, r in zip(present, recalls, strict=True)},
            "accuracy_by_speaker": {str(s): float(right[speakers == s].mean()) for s in np.unique(speakers)},
            "uar_women": uar(labels[women], predictions[women]) if women.any() else None,
            "uar_men": uar(labels[men], predictions[men]) if men.any() else None,
            "confusion": matrix.tolist(),
            "reliability": reliability(self.probabilities, labels),
        }


def uar(labels: NDArray[np.int_], predictions: NDArray[np.int_]) -> float:
    """Return the unweighted average recall over the emotions that occur."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of guesses that are no label of this corpus, which count as wrong
        return float(balanced_accuracy_score(labels, predictions))


def score(
    recognizer: VoiceRecognizer, clips: Sequence[Clip], change: Callable[[Float32], Float32] | None = None
) -> Scores:
    """Recognise every clip, after `change` of its samples where one is given."""
    windows, lengths = [], []
    for clip in clips:
        samples = read_sound(clip.path, recognizer.sample_rate)
        readings = recognizer.readings(change(samples) if change else samples)
        windows.append(np.array([r.probabilities for r in readings], float).reshape(-1, len(EMOTIONS)))
        lengths.append(np.array([r.duration_s for r in readings]))
    return Scores(tuple(clips), tuple(windows), tuple(lengths))


def together(parts: Sequence[Scores]) -> Scores:
    """Return the scores of several folds as one."""
    return Scores(
        tuple(clip for part in parts for clip in part.clips),
        tuple(window for part in parts for window in part.windows),
        tuple(length for part in parts for length in part.lengths),
    )


def reliability(probabilities: Floats, labels: NDArray[np.int_], bins: int = 10) -> list[tuple[float, float, int]]:
    """Return mean confidence, accuracy and number of clips of each of `bins` equal intervals that holds any."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        (float(confidence[which == b].mean()), float(right[which == b].mean()), int((which == b).sum()))
        for b in np.unique(which)
    ]


def expected_calibration_error(probabilities: Floats, labels: NDArray[np.int_]) -> float:
    """Return the gap between confidence and accuracy, averaged over ten bins by their clips (Guo et al. 2017)."""
    rows = reliability(probabilities, labels)
    return sum(abs(confidence - right) * count for confidence, right, count in rows) / len(labels)


def fit_temperature(
    temperature_scaled: Callable[[float], Floats], labels: NDArray[np.int_], weights: Floats | None = None
) -> float:
    """Return the temperature of the least negative log-likelihood of the true labels, to 0.01 (Guo et al. 2017).

    `sharpened` gives the probabilities (inputs, classes) at a temperature.
    """
    grid = np.arange(0.3, 3.0, 0.01)
    rows = np.arange(len(labels))
    losses = [-np.average(np.log(temperature_scaled(t)[rows, labels] + 1e-9), weights=weights) for t in grid]
    return round(float(grid[int(np.argmin(losses))]), 2)


def fit_threshold(
    probabilities: Floats, labels: NDArray[np.int_], weights: Floats | None = None, share: float = 0.5
) -> float:
    """Return the confidence from which on a guess is right at least as often as wrong; 1 if it never is.

    How often it is right at a confidence comes from isotonic regression (Zadrozny and Elkan 2002, KDD). Of all guesses
    from the threshold on, `share` or more are right.
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    weights = np.ones(len(labels)) if weights is None else weights
    likely = IsotonicRegression().fit_transform(confidence, right, sample_weight=weights) >= 0.5
    order = np.argsort(-confidence, kind="stable")
    enough = np.cumsum((weights * right)[order]) >= share * np.cumsum(weights[order]) - 1e-9
    if not likely.any() or not enough.any():
        return 1.0
    sure_enough = math.ceil(100 * float(confidence[order][enough].min()) - 1e-6) / 100
    return max(round(float(confidence[likely].min()), 2), sure_enough)


def _scale_temperature(probabilities: Floats, temperature: float) -> Floats:
    scores = np.log(np.maximum(probabilities, 1e-12)) / temperature
    scores = np.exp(scores - scores.max(axis=1, keepdims=True)) if len(scores) else scores
    return np.asarray(scores / scores.sum(axis=1, keepdims=True))
