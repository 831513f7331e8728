"""From a network's output to probabilities that can be believed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_emo.card import Card
from edge_emo.emotions import EMOTIONS, emotion_of


def calibrated(output: NDArray[np.float32], card: Card) -> NDArray[np.float32]:
    """Return probabilities (inputs, 8) in the order of `EMOTIONS` for an output (inputs, labels).

    The logits are divided by the card's temperature (Guo et al. 2017, On calibration of modern neural networks).
    """
    scores = output if card.activation == "logits" else np.log(np.maximum(output, 1e-9))
    scores = scores.astype(np.float64) / card.temperature
    scores -= scores.max(axis=1, keepdims=True)
    shares = np.exp(scores)
    shares /= shares.sum(axis=1, keepdims=True)
    out = np.zeros((len(output), len(EMOTIONS)), np.float32)
    for column, label in enumerate(card.labels):
        out[:, EMOTIONS.index(str(emotion_of(label)))] += shares[:, column]
    return out
