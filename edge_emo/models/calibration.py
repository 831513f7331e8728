"""From a network's output to probabilities that can be believed."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from edge_emo.core.emotions import EMOTIONS, emotion_of
from edge_emo.models.schema import Card


def calibrated(output: NDArray[np.float32], card: Card) -> NDArray[np.float32]:
    """Return probabilities (inputs, 8) in the order of `EMOTIONS` for an output (inputs, labels).

    The logits are divided by the card's temperature (Guo et al. 2017, On calibration of modern neural networks).
    """
    scores = output if card.activation == "logits" else np.log(np.maximum(output, 1e-9))
    scores = scores.astype(np.float64) / card.temperature
    scores -= scores.max(axis=1, keepdims=True)
    probabilities = np.exp(scores)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return (probabilities @ _emotions_of(tuple(card.labels))).astype(np.float32)


@lru_cache(maxsize=16)
def _emotions_of(labels: tuple[str, ...]) -> NDArray[np.float64]:
    """Return a matrix (labels, 8): 1 where a label is read as an emotion."""
    return np.array([[emotion_of(label) == emotion for emotion in EMOTIONS] for label in labels], np.float64)
