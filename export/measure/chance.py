"""What luck alone does to an accuracy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

MIN_ABOVE = 0.1
"""Share of what guessing leaves that a model has to get right, or it is asked whether its input is."""
MAX_P = 0.05


def of_guessing(labels: Sequence[str]) -> float:
    """Return the accuracy of a model that always answers the commonest label, 0 without labels."""
    return max(Counter(labels).values(), default=0) / max(1, len(labels))


def is_near_guessing(accuracy: float, labels: Sequence[str]) -> bool:
    """Return whether a model is hardly better than one that always answers the commonest label."""
    guessing = of_guessing(labels)
    return accuracy < guessing + MIN_ABOVE * (1 - guessing)


def is_noise(before: Sequence[bool], after: Sequence[bool]) -> bool:
    """Return whether the same cases, right or wrong twice, may differ by luck (exact test of McNemar 1947)."""
    from scipy.stats import binomtest

    gained = sum(new and not old for old, new in zip(before, after, strict=True))
    lost = sum(old and not new for old, new in zip(before, after, strict=True))
    return gained + lost == 0 or float(binomtest(gained, gained + lost).pvalue) > MAX_P
