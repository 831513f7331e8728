"""95 % intervals of what was measured on people, by drawing people (Efron 1979, Ann. Statist. 7(1))."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Indices = NDArray[np.intp]
N_RESAMPLES = 1000


def interval(groups: Sequence[Any] | NDArray[Any], statistic: Callable[[Indices], float]) -> tuple[float, float]:
    """Return the 95 % percentile interval of `statistic`, which takes the places of the samples that are drawn.

    `groups` says for each sample whose it is: whole groups are drawn, as samples of one person are alike. NaN where
    there are fewer than two groups.
    """
    _, owners = np.unique(np.asarray(groups), return_inverse=True)
    members = [np.flatnonzero(owners == owner) for owner in range(owners.max() + 1)]
    if len(members) < 2:
        return float("nan"), float("nan")

    def of_drawn(drawn: Indices) -> float:
        return statistic(np.concatenate([members[owner] for owner in drawn]))

    found = stats.bootstrap(
        (np.arange(len(members)),), of_drawn, vectorized=False, method="percentile", n_resamples=N_RESAMPLES, rng=0
    ).confidence_interval
    return float(found.low), float(found.high)


def mean_recall(labels: NDArray[Any], predictions: NDArray[Any]) -> float:
    """Return the mean over the labels that occur of the share of each that is recognised."""
    counts = np.bincount(labels)
    right = np.bincount(labels[labels == predictions], minlength=len(counts))
    return float((right[counts > 0] / counts[counts > 0]).mean())


def accuracy(labels: NDArray[Any], predictions: NDArray[Any]) -> float:
    """Return the share of labels that are recognised."""
    return float((labels == predictions).mean())


def with_interval(
    measure: Callable[[NDArray[Any], NDArray[Any]], float],
    labels: NDArray[Any],
    predictions: NDArray[Any],
    groups: Sequence[Any] | NDArray[Any],
) -> dict[str, float]:
    """Return a measure of guesses as "value", and the ends "low" and "high" of its interval."""
    low, high = interval(groups, lambda drawn: measure(labels[drawn], predictions[drawn]))
    return {"value": measure(labels, predictions), "low": low, "high": high}
