"""What the numbers that a network gives are, found out by running it: its last layer does not tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from export.keras.network import Network
from export.keras.source import SourceError
from export.measure.inference import Meaning

GAINS = (30.0, 1e4)
"""Inputs that much larger show whether outputs are bounded, also where the network makes pixels small first."""
N_PROBES = 200
SLACK = 1e-3

QUESTION = (
    "say with --outputs whether they are probabilities (they are divided by their sum), logits (they go through a "
    "softmax), or values, such as valence and arousal"
)


def meaning(
    network: Network,
    outputs: NDArray[np.float32],
    stated: Meaning | None,
    labels: Sequence[str],
    *,
    is_asked: bool,
) -> Meaning:
    """Return what the outputs of a network are, of which `outputs` are some, (samples, outputs).

    `stated` says it, unless the numbers contradict it; `labels` say that they are classes. What is neither
    probabilities nor logits for sure is asked for where `is_asked`, and logits otherwise. Raises SourceError.
    """
    probed = [network.outputs(network.random_inputs(N_PROBES, seed=2, gain=gain)) for gain in GAINS]
    wide = np.concatenate([rows.reshape(-1, rows.shape[-1]) for rows in (outputs, *probed)])
    wide = wide[np.isfinite(wide).all(axis=1)]
    found, told = _found(wide, bool(labels))
    if stated is not None:
        if stated == "probabilities" and wide.min() < -SLACK:
            raise SourceError(f"{network.name}: its outputs are no probabilities: {told}; {QUESTION}")
        if stated == "logits" and found == "probabilities":
            raise SourceError(
                f"{network.name}: its outputs are no logits: {told}; a second softmax would flatten them; leave "
                "--outputs away"
            )
        return stated
    if found is None and is_asked:
        raise SourceError(f"{network.name}: what its outputs are does not show: {told}; {QUESTION}")
    return found or "logits"


def _found(rows: NDArray[np.float32], are_classes: bool) -> tuple[Meaning | None, str]:
    """Return what the rows are, None where that does not show, and what they look like, in words."""
    low, high, n = float(rows.min()), float(rows.max()), rows.shape[-1]
    sums = rows.sum(axis=1)
    told = f"numbers from {low:.3g} to {high:.3g}, with sums from {sums.min():.3g} to {sums.max():.3g}"
    if n > 1 and low >= -SLACK and np.abs(sums - 1).max() < SLACK:
        return "probabilities", "rows of positive numbers with the sum 1"
    if n > 1 and high <= SLACK and np.abs(np.exp(rows.astype(np.float64)).sum(axis=1) - 1).max() < SLACK:
        return "logits", "logarithms of probabilities, whose softmax are the probabilities"
    if low >= 0 and high <= 1:
        return ("probabilities" if are_classes else None), told
    if low < 0 < high and max(-low, high) > 1 + SLACK and are_classes:
        return "logits", told
    return None, told
