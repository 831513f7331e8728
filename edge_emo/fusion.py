"""Voice and face on one clock: a log-linear pool, smoothed, and the stretches over which an emotion holds.

The pool (Genest and Zidek 1986, Statistical Science 1(1)) with class priors is

    p(e) ~ prior(e) * product over modalities m of (p_m(e) / prior(e)) ** weight_m

so that a modality that is missing, or knows no more than the prior, changes nothing; one alone with weight 1 is
returned as it is; and two that agree are surer together than each. A modality that cannot tell two emotions apart
gives both the ratio of their sum, and leaves it to the rest which of them it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_emo.emotions import EMOTIONS, UNCERTAIN
from edge_emo.timeline import Modality, Moment, Reading, Reason, Segment, decide, expected_valence_arousal

Float64 = NDArray[np.float64]

PRIOR: Final[dict[str, float]] = {name: {"neutral": 0.2, "calm": 0.05}.get(name, 0.125) for name in EMOTIONS}
"""How often each emotion is expected before anything is heard or seen; calm is a fifth of what looks neutral."""

INDISTINGUISHABLE: Final[Mapping[Modality, tuple[tuple[str, ...], ...]]] = {"voice": (), "face": (("neutral", "calm"),)}
"""Emotions that a modality cannot tell apart."""

STEP_S: Final = 0.5
TIME_CONSTANT_S: Final = 1.5
"""After so many seconds a moment counts 1/e in the smoothed distribution."""
MIN_DWELL_S: Final = 1.0
"""An emotion that does not last so long is smoothed away, unless nothing is found before and after it."""
MARGIN: Final = 0.05
"""By how much another emotion has to exceed the one that holds."""

_A_STILL_S = 1e-6  # it has no length, and counts
_LEAST = 1e-3  # no modality alone can rule an emotion out


@dataclass(frozen=True)
class Pool:
    """The pool: the prior in the order of `EMOTIONS`, and how much each modality counts; 1 takes it at its word."""

    prior: tuple[float, ...] = tuple(PRIOR.values())
    weights: Mapping[Modality, float] | None = None

    def __call__(self, found: Mapping[Modality, Sequence[float]]) -> Float64:
        """Return the distribution for that of each modality that found something, both in the order of `EMOTIONS`."""
        scores = np.log(np.array(self.prior))
        for modality in sorted(found):
            p, prior = np.array(found[modality], np.float64), np.array(self.prior)
            for names in INDISTINGUISHABLE[modality]:
                group = [EMOTIONS.index(name) for name in names]
                p[group], prior[group] = p[group].sum(), prior[group].sum()
            weight = 1.0 if self.weights is None else self.weights.get(modality, 1.0)
            scores += weight * np.log(np.maximum(p, _LEAST) / prior)
        shares = np.exp(scores - scores.max())
        return np.asarray(shares / shares.sum())


class Fusion:
    """Collects readings of any modality in any order; their moments depend on what was collected alone.

    `thresholds` holds for each modality the probability from which on it is sure.
    """

    def __init__(self, thresholds: Mapping[Modality, float], pool: Pool | None = None) -> None:
        self._thresholds, self._pool = dict(thresholds), pool or Pool()
        self._found: dict[int, dict[Modality, list[tuple[float, Reading]]]] = {}
        self._end_s = 0.0

    @property
    def threshold(self) -> float:
        """Probability from which on the fused distribution is sure: the least of the modalities'."""
        return min(self._thresholds.values(), default=0.0)

    def push(self, readings: Iterable[Reading]) -> None:
        """Take readings; those of a face that is not the main one do not count."""
        for reading in readings:
            if not reading.is_main:
                continue
            self._end_s = max(self._end_s, reading.end_s)
            first, last = int(reading.start_s / STEP_S), int(np.ceil(reading.end_s / STEP_S))
            for step in range(first, max(last, first + 1)):
                low, high = max(reading.start_s, step * STEP_S), min(reading.end_s, (step + 1) * STEP_S)
                weight = max(high - low, _A_STILL_S)
                self._found.setdefault(step, {}).setdefault(reading.modality, []).append((weight, reading))

    def moments(self) -> Iterator[Moment]:
        """Yield every step in which something was found, in order of time."""
        smoothed, total, before = np.zeros(len(EMOTIONS)), 0.0, 0.0
        for step in sorted(self._found):
            means = {modality: _mean(found) for modality, found in self._found[step].items()}
            momentary = self._pool(means)
            start_s, end_s = step * STEP_S, min((step + 1) * STEP_S, self._end_s)
            weight, kept = max(end_s - start_s, _A_STILL_S), float(np.exp((before - end_s) / TIME_CONSTANT_S))
            smoothed, total, before = smoothed * kept + weight * momentary, total * kept + weight, end_s
            probabilities = (smoothed / total).tolist()
            labels = {modality: decide(mean, self._thresholds[modality]) for modality, mean in means.items()}
            sure = {raw for raw, _, reason in labels.values() if reason is None}
            valence, arousal = expected_valence_arousal(probabilities)
            yield Moment(
                start_s=start_s,
                end_s=end_s,
                probabilities=tuple(probabilities),
                momentary=tuple(momentary.tolist()),
                valence=valence,
                arousal=arousal,
                voice=labels["voice"][0] if "voice" in labels else None,
                face=labels["face"][0] if "face" in labels else None,
                disagree=len(sure) > 1,
            )


def _mean(found: Sequence[tuple[float, Reading]]) -> list[float]:
    weights = np.array([weight for weight, _ in found])
    distributions = np.array([reading.probabilities for _, reading in found])
    return list((weights @ distributions / weights.sum()).tolist())


def segments(moments: Iterable[Moment], threshold: float) -> Iterator[Segment]:
    """Yield the stretches over which the decision holds, split where nothing was found.

    The decision changes when another one exceeds it by `MARGIN` and lasts for `MIN_DWELL_S` (hysteresis).
    """
    run: list[Moment] = []  # of the decision that holds
    pending: list[Moment] = []  # of another one that has not lasted yet
    holds = next_one = ""
    for moment in moments:
        decision = decide(moment.probabilities, threshold)[1]
        if run and moment.start_s > (pending or run)[-1].end_s + 1e-6:
            yield _segment(run + pending, holds, threshold)
            run, pending = [], []
        if not run:
            run, holds = [moment], decision
        elif _stays(moment, holds, decision):
            run, pending = [*run, *pending, moment], []
        else:
            if pending and decision != next_one:
                run, pending = run + pending, []
            pending, next_one = [*pending, moment], decision
            if len(pending) * STEP_S >= MIN_DWELL_S:
                yield _segment(run, holds, threshold)
                run, pending, holds = pending, [], next_one
    if run:
        yield _segment(run + pending, holds, threshold)


def _stays(moment: Moment, holds: str, decision: str) -> bool:
    if decision == holds:
        return True
    if UNCERTAIN in (holds, decision):
        return False
    p = dict(zip(EMOTIONS, moment.probabilities, strict=True))
    return p[decision] - p[holds] < MARGIN


def _segment(run: Sequence[Moment], emotion: str, threshold: float) -> Segment:
    weights = [max(moment.end_s - moment.start_s, _A_STILL_S) for moment in run]
    mean = np.average([moment.probabilities for moment in run], axis=0, weights=weights).tolist()
    raw = decide(mean, threshold)[0]
    reason: Reason | None = None
    if sum(w for w, moment in zip(weights, run, strict=True) if moment.disagree) > sum(weights) / 2:
        reason = "modalities_disagree"
    elif emotion == UNCERTAIN:
        reason = "low_confidence"
    elif raw != emotion:
        reason = "smoothed"
    valence, arousal = expected_valence_arousal(mean)
    return Segment(run[0].start_s, run[-1].end_s, emotion, raw, tuple(mean), valence, arousal, reason)
