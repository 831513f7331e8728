"""What songs are asked for: the parts of a distribution, or of several over a film's time, and whose turn it is.

A list is to hold the moods in the proportion in which they were found (calibrated recommendations, Steck 2018), and not
songs for their average, which may fit none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.errors import MoodError, NoVoiceError
from edge_emo.core.timeline import Summary, Timeline, expected_valence_arousal

PART = 0.15
"""Probability from which on an emotion is a part of a distribution; what is less is doubt."""

Mixture = Sequence[tuple[float, Sequence[float]]]
"""Distributions over `EMOTIONS`, each with its weight, such as the seconds for which it holds."""


@dataclass(frozen=True)
class Part:
    """A distribution to rank songs for, its share of the list, and the mean distribution it is a part of."""

    share: float
    wanted: NDArray[np.float64]
    whole: NDArray[np.float64]

    @cached_property
    def emotion(self) -> str:
        """The most likely emotion."""
        return EMOTIONS[int(self.wanted.argmax())]

    @cached_property
    def place(self) -> tuple[float, float]:
        """The valence and the arousal to be expected."""
        return expected_valence_arousal(self.wanted.tolist())


def mean(mixture: Mixture) -> NDArray[np.float64]:
    """Return the mean distribution, shape (8,). Raises ValueError for what is no mixture of distributions."""
    total = 0.0
    found = np.zeros(len(EMOTIONS))
    for weight, probabilities in mixture:
        given = np.asarray(probabilities, np.float64)
        if given.shape != found.shape or not abs(given.sum() - 1) < 1e-3 or given.min() < 0:
            raise ValueError(f"probabilities must be {len(EMOTIONS)} numbers that sum to 1, not {probabilities}")
        if not 0 < weight < np.inf:
            raise ValueError(f"a weight is {weight}; give one above 0")
        total += weight
        found += weight * given
    if not total:
        raise ValueError("the mixture is empty; give one distribution at least")
    return found / total


def parts(mixture: Mixture) -> list[Part]:
    """Return the parts by falling share: the emotions that stand out, each of them alone."""
    whole = mean(mixture)
    weights = np.zeros(len(EMOTIONS))
    for weight, probabilities in mixture:
        given = np.asarray(probabilities, np.float64)
        standing_out = np.where(given >= PART, given, 0) if given.max() >= PART else given
        weights += weight * standing_out / standing_out.sum()
    weights /= weights.sum()
    order = [int(i) for i in np.argsort(-weights, kind="stable") if weights[i] > 0]
    return [Part(float(weights[i]), np.array(one_hot(EMOTIONS[i])), whole) for i in order]


def only(wanted: NDArray[np.float64]) -> Part:
    """Return a distribution as the only part of a list."""
    return Part(1.0, wanted, wanted)


def turns(weights: Sequence[float], n: int) -> list[int]:
    """Return for each of `n` songs the part it is for, so that every beginning of the list is in proportion.

    The method of Webster and Sainte-Laguë, by which seats are given to parties.
    """
    taken = [0] * len(weights)
    found: list[int] = []
    for _ in range(n):
        part = max(range(len(weights)), key=lambda i: weights[i] / (2 * taken[i] + 1))
        taken[part] += 1
        found.append(part)
    return found


def mixture_of(timeline: Timeline) -> Mixture:
    """Return what was found over the time of a source. Raises NoVoiceError where no emotion was."""
    whole = distribution(timeline.summary)
    over_time = [(s.end_s - s.start_s, s.probabilities) for s in timeline.segments if s.end_s > s.start_s]
    return over_time if len(over_time) > 1 else [(1.0, whole)]


def distribution(summary: Summary) -> list[float]:
    """Return the distribution to rank songs for. Raises NoVoiceError where no emotion was found."""
    if not summary.probabilities:
        raise NoVoiceError(
            "no voice and no face was found, so no song can be chosen; name a mood instead, such as calm"
        )
    return [summary.probabilities[name] for name in EMOTIONS]


def one_hot(emotion: str) -> list[float]:
    """Return the distribution of a mood chosen by hand. Raises MoodError for an unknown one."""
    if emotion not in EMOTIONS:
        raise MoodError(f"{emotion}: unknown mood; known are {', '.join(EMOTIONS)}")
    return [float(name == emotion) for name in EMOTIONS]


def path(wanted: NDArray[np.float64], n: int) -> list[NDArray[np.float64]]:
    """Return `n` distributions that lead from `wanted` by way of neutral to calm or to happy; who is happy stays so."""
    _, arousal = expected_valence_arousal([float(p) for p in wanted])
    is_happy = EMOTIONS[int(wanted.argmax())] == "happy"
    goal = "calm" if arousal > 0 and not is_happy else "happy"
    neutral, end = np.array(one_hot("neutral")), np.array(one_hot(goal))
    times = np.linspace(0, 1, n) if n > 1 else np.zeros(1)
    if is_happy:
        return [(1 - t) * wanted + t * end for t in times]
    return [(1 - t) ** 2 * wanted + 2 * t * (1 - t) * neutral + t**2 * end for t in times]
