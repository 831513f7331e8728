"""Whether a stretch of sound is somebody's voice, or music, or noise: a rule on how the sound moves.

Speech and shouts alternate between loud and faint, voiced and unvoiced, and glide in pitch; notes stand still or leap,
and noise has no pitch. The rule is a logistic regression on fourteen statistics and their squares, fitted by
`python -m export.train.voice_gate`; docs/training.md says on what, and how often it is wrong on what it was not fitted
on. Whoever sings alone has a voice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_emo.voice.frames import Frames

Floats = NDArray[np.float64]

FEATURES: Final = (
    "voiced",
    "level_spread",
    "tilt",
    "tilt_spread",
    "tilt_change",
    "flux",
    "flux_spread",
    "pitch_still",
    "pitch_jump",
    "run",
    "longest_run",
    "shape_spread",
    "band_change",
    "period",
)

_PART = 75  # frames; longer stretches are judged by the mean of their parts
_VOICED = 0.55  # correlation at the pitch
_RANGE_DB = 60.0  # what lies further below the loudest is silence, so that gain changes nothing
_STILL, _JUMP = 0.02, 0.2  # octaves from one frame to the next
_LOW_BANDS, _HIGH_BANDS = slice(0, 7), slice(9, 12)  # below 840 Hz, above 1.6 kHz
_FURTHEST = 4.0  # standard deviations; what lies further out says no more


class Term(NamedTuple):
    """What one statistic adds to the log-odds: of its distance from the mean in standard deviations, and the square."""

    mean: float
    std: float
    weight: float
    curvature: float


@dataclass(frozen=True)
class Rule:
    """Log-odds of a voice from statistics of shape (..., 14), in the order of `FEATURES`."""

    terms: Mapping[str, Term]
    intercept: float

    def __call__(self, statistics: Floats) -> Floats:
        """Return the log-odds, shape (...)."""
        mean, std, weights, curvature = np.array([self.terms[name] for name in FEATURES]).T
        z = standardized(statistics, mean, std)
        return np.asarray(z @ weights + np.square(z) @ curvature + self.intercept)


def standardized(statistics: Floats, mean: Floats, std: Floats) -> Floats:
    """Return the distance of statistics from their mean in standard deviations, at most 4."""
    return np.asarray(np.clip((statistics - mean) / std, -_FURTHEST, _FURTHEST))


RULE: Final = Rule(
    {
        "voiced": Term(0.6956, 0.2912, 1.0323, -0.2012),
        "level_spread": Term(6.6518, 5.2902, 2.6242, -0.6611),
        "tilt": Term(-11.3243, 13.2424, -0.3379, -0.6015),
        "tilt_spread": Term(6.8112, 4.3739, -0.2714, -0.1413),
        "tilt_change": Term(3.6503, 1.7443, 1.2902, -0.188),
        "flux": Term(3.8403, 0.9745, 0.6368, 0.1343),
        "flux_spread": Term(1.6626, 0.7396, -0.5427, -0.0063),
        "pitch_still": Term(0.3603, 0.2601, -1.0834, -0.2819),
        "pitch_jump": Term(0.2527, 0.2027, -1.3213, 0.4401),
        "run": Term(12.5722, 15.768, 0.3929, -0.1218),
        "longest_run": Term(21.2674, 17.8632, -1.2245, 0.1847),
        "shape_spread": Term(5.1184, 2.17, 1.5608, -0.3913),
        "band_change": Term(3.9456, 2.0125, -2.7311, 0.0617),
        "period": Term(5.7362, 0.5895, -0.9346, -0.3473),
    },
    intercept=1.0741,
)
LEAST_EVIDENCE: Final = -0.68
"""Log-odds from which on a stretch counts as a voice: a quarter of the time of music that the rule never met passes."""


def voice_evidence(frames: Frames) -> float:
    """Return the log-odds that a stretch of sound is a voice."""
    return float(RULE(statistics(frames)))


def statistics(frames: Frames) -> Floats:
    """Return the values of `FEATURES` for a stretch of at least one frame: the mean of those of its parts of 1.5 s."""
    edges = np.linspace(0, len(frames), max(1, round(len(frames) / _PART)) + 1).astype(int)
    bands = np.maximum(frames.bands, frames.bands.max() - _RANGE_DB)
    parts = (slice(start, stop) for start, stop in pairwise(edges))
    return np.asarray(np.mean([_of_part(frames[part], bands[part]) for part in parts], axis=0))


def _of_part(frames: Frames, bands: Floats) -> Floats:
    voiced = frames.correlation >= _VOICED
    glide = np.abs(np.diff(np.log2(frames.lag)))[voiced[1:] & voiced[:-1]]
    tilt = bands[:, _HIGH_BANDS].max(axis=1) - bands[:, _LOW_BANDS].max(axis=1)
    shape = bands - bands.mean(axis=1, keepdims=True)
    flux = np.sqrt(np.square(np.diff(shape, axis=0)).mean(axis=1))
    runs = _runs(voiced)
    level = np.maximum(frames.level, frames.level.max() - _RANGE_DB)
    values = {
        "voiced": voiced.mean(),
        "level_spread": level.std(),
        "tilt": tilt.mean(),
        "tilt_spread": tilt.std(),
        "tilt_change": _mean(np.abs(np.diff(tilt))),
        "flux": _mean(flux),
        "flux_spread": flux.std() if len(flux) else 0.0,
        "pitch_still": _mean(glide < _STILL),
        "pitch_jump": _mean(glide > _JUMP),
        "run": _mean(runs),
        "longest_run": runs.max(initial=0),
        "shape_spread": shape.std(axis=0).mean(),
        "band_change": _mean(np.abs(np.diff(bands, axis=0))),
        "period": np.log2(np.median(frames.lag[voiced])) if voiced.any() else 5.0,
    }
    return np.array([values[name] for name in FEATURES])


def _mean(values: NDArray[np.generic]) -> float:
    return float(values.mean()) if values.size else 0.0


def _runs(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the lengths of the runs of true flags."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return edges[1::2] - edges[::2]
