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
from itertools import pairwise
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
TIME_CONSTANT_S: Final = 0.75
"""So many seconds before and after, a moment counts 1/e in the smoothed distribution."""
CAUSAL_TIME_CONSTANT_S: Final = 1.5
"""The same where only what came before counts: twice as long averages over as much, and comes late."""
MIN_DWELL_S: Final = 1.0
"""An emotion that does not last so long is smoothed away, unless nothing is found before and after it."""
MARGIN: Final = 0.05
"""By how much another emotion has to exceed the one that holds."""

_A_STILL_S = 1e-6  # it has no length, and counts
_SAME_S = 1e-3  # a cut so near to the edge of a step is there
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


@dataclass(frozen=True)
class _Step:
    """What was found from `start_s` to `end_s`; `is_first` tells that a cut of the picture is where it starts."""

    start_s: float
    end_s: float
    is_first: bool
    means: Mapping[Modality, Sequence[float]]

    @property
    def weight(self) -> float:
        return max(self.end_s - self.start_s, _A_STILL_S)

    def is_apart(self, before: _Step) -> bool:
        """Whether what is before says nothing of it: a cut lies between them, and a face was seen beside it."""
        return self.is_first and ("face" in self.means or "face" in before.means)


class Fusion:
    """Collects readings of any modality in any order; their moments depend on what was collected alone.

    `thresholds` holds for each modality the probability from which on it is sure. Moments are smoothed by what is
    before and after them, so that nothing comes late; with `causal` by what is before them alone, for live sources:
    then a moment does not change any more once the readings of its time are there. No face is smoothed across a cut.
    """

    def __init__(self, thresholds: Mapping[Modality, float], pool: Pool | None = None, *, causal: bool = False) -> None:
        self._thresholds, self._pool, self._causal = dict(thresholds), pool or Pool(), causal
        self._readings: list[Reading] = []
        self._cuts: list[float] = []
        self._end_s = 0.0

    @property
    def threshold(self) -> float:
        """Probability from which on the fused distribution is sure: the least of the modalities'."""
        return min(self._thresholds.values(), default=0.0)

    def push(self, readings: Iterable[Reading], cuts: Iterable[float] = ()) -> None:
        """Take readings, and when the picture was cut; readings of a face that is not the main one do not count."""
        for reading in readings:
            if reading.is_main:
                self._readings.append(reading)
                self._end_s = max(self._end_s, reading.end_s)
        self._cuts += cuts

    def moments(self) -> Iterator[Moment]:
        """Yield every step in which something was found, in order of time; a cut of the picture divides a step."""
        steps = list(self._steps())
        momentary = np.array([self._pool(step.means) for step in steps]).reshape(-1, len(EMOTIONS))
        for step, alone, smoothed in zip(steps, momentary, self._smoothed(steps, momentary), strict=True):
            labels = {modality: decide(mean, self._thresholds[modality]) for modality, mean in step.means.items()}
            sure = {raw for raw, _, reason in labels.values() if reason is None}
            probabilities = smoothed.tolist()
            valence, arousal = expected_valence_arousal(probabilities)
            yield Moment(
                start_s=step.start_s,
                end_s=step.end_s,
                probabilities=tuple(probabilities),
                momentary=tuple(alone.tolist()),
                valence=valence,
                arousal=arousal,
                voice=labels["voice"][0] if "voice" in labels else None,
                face=labels["face"][0] if "face" in labels else None,
                disagree=len(sure) > 1,
            )

    def _steps(self) -> Iterator[_Step]:
        """Yield the steps in which something was found, with the mean of each modality's readings."""
        nearest = ((cut, round(cut / STEP_S) * STEP_S) for cut in self._cuts)
        cuts = {edge if abs(cut - edge) < _SAME_S else cut for cut, edge in nearest}
        inside: dict[int, list[float]] = {}
        for cut in sorted(cuts):
            inside.setdefault(int(cut / STEP_S), []).append(cut)
        found: dict[tuple[float, float], dict[Modality, list[tuple[float, Reading]]]] = {}
        for reading in self._readings:
            first, last = int(reading.start_s / STEP_S), int(np.ceil(reading.end_s / STEP_S))
            for step in range(first, max(last, first + 1)):
                edges = [step * STEP_S, *inside.get(step, ()), (step + 1) * STEP_S]
                for start_s, end_s in pairwise(edges):
                    shared_s = min(reading.end_s, end_s) - max(reading.start_s, start_s)
                    if shared_s > 0 or start_s <= reading.start_s == reading.end_s < end_s:
                        of_step = found.setdefault((start_s, end_s), {})
                        of_step.setdefault(reading.modality, []).append((max(shared_s, _A_STILL_S), reading))
        for start_s, end_s in sorted(found):
            means = {modality: _mean(readings) for modality, readings in found[start_s, end_s].items()}
            yield _Step(start_s, min(end_s, self._end_s), start_s in cuts, means)

    def _smoothed(self, steps: Sequence[_Step], momentary: Float64) -> Float64:
        """Return for each step the mean of the distributions around it, by lengths and nearness: shape (steps, 8)."""
        time_constant_s = CAUSAL_TIME_CONSTANT_S if self._causal else TIME_CONSTANT_S
        weights = np.array([step.weight for step in steps])
        weighted = np.column_stack([weights, weights[:, None] * momentary])
        kept = [0.0]  # of what is before a step, at that step
        for before, step in pairwise(steps):
            apart_s = (step.start_s + step.end_s - before.start_s - before.end_s) / 2
            kept.append(0.0 if step.is_apart(before) else float(np.exp(-apart_s / time_constant_s)))
        total = _accumulated(weighted, kept)
        if not self._causal:
            total += _accumulated(weighted[::-1], [0.0, *kept[:0:-1]])[::-1] - weighted
        return np.asarray(total[:, 1:] / total[:, :1])


def _accumulated(values: Float64, kept: Sequence[float]) -> Float64:
    """Return for each row its values, and what is `kept` at it of those before."""
    total: Float64 = values.copy()
    for i in range(1, len(total)):
        total[i] += kept[i] * total[i - 1]
    return total


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
            if moment.end_s - pending[0].start_s >= MIN_DWELL_S - _SAME_S:
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
