"""All modalities on one clock: a log-linear pool, smoothed, and the segments over which an emotion holds.

The pool (Genest and Zidek 1986, Statistical Science 1(1)) with class priors is

    p(e) ~ prior(e) * product over modalities m of (p_m(e) / prior(e)) ** weight_m

so that a modality that is missing, or knows no more than the prior, changes nothing; one alone with weight 1 is
returned as it is; and two that agree are surer together than each. A modality that cannot tell two emotions apart
gives both the ratio of their sum, and leaves it to the rest which of them it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_emo.analysis.modalities import MODALITIES, cut_by_picture
from edge_emo.core.emotions import EMOTIONS, UNCERTAIN
from edge_emo.core.timeline import FusionStep, Reading, Reason, Segment, decide, expected_valence_arousal

Float64 = NDArray[np.float64]

PRIOR: Final[dict[str, float]] = {name: {"neutral": 0.2, "calm": 0.05}.get(name, 0.125) for name in EMOTIONS}
"""How often each emotion is expected before anything is heard or seen; calm is a fifth of what looks neutral."""

STEP_S: Final = 0.5
TIME_CONSTANT_S: Final = 0.75
"""So many seconds before and after, a step counts 1/e in the smoothed distribution."""
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
    """The pool: the prior in the order of `EMOTIONS`, and how much each modality counts; 1 takes it at its word.

    What `weights` does not say is the modality's own.
    """

    prior: tuple[float, ...] = tuple(PRIOR.values())
    weights: Mapping[str, float] = field(default_factory=dict)

    def __call__(self, found: Mapping[str, Sequence[float]]) -> Float64:
        """Return the distribution for that of each modality that found something, both in the order of `EMOTIONS`."""
        scores = np.log(np.array(self.prior))
        for name in sorted(found):
            modality = MODALITIES[name]
            p, prior = np.array(found[name], np.float64), np.array(self.prior)
            for names in modality.indistinguishable:
                group = [EMOTIONS.index(emotion) for emotion in names]
                p[group], prior[group] = p[group].sum(), prior[group].sum()
            scores += self.weights.get(name, modality.weight) * np.log(np.maximum(p, _LEAST) / prior)
        probabilities = np.exp(scores - scores.max())
        return np.asarray(probabilities / probabilities.sum())


@dataclass(frozen=True)
class _Pooled:
    """What was found from `start_s` to `end_s`, and the pool of it; a cut lies where it starts if `is_first`."""

    start_s: float
    end_s: float
    is_first: bool
    means: Mapping[str, Sequence[float]]
    alone: Float64

    @property
    def weighted(self) -> Float64:
        """The weight, and the distribution times it: shape (9,)."""
        weight = max(self.end_s - self.start_s, _A_STILL_S)
        return np.concatenate([[weight], weight * self.alone])

    def is_apart(self, before: _Pooled) -> bool:
        """Whether what is before says nothing of it: a cut lies between them, and something cut is beside it."""
        return self.is_first and cut_by_picture([*self.means, *before.means])


@dataclass
class _Side:
    """The sum of the weighted distributions of the steps on one side, those further away counting less."""

    time_constant_s: float
    total: Float64 = field(default_factory=lambda: np.zeros(1 + len(EMOTIONS)))
    nearest: _Pooled | None = None

    def add(self, step: _Pooled) -> Float64:
        """Take the next step, in order or against it, and return the sum at it: shape (9,), the weight first."""
        kept, other = 0.0, self.nearest
        if other is not None:
            before, after = (other, step) if other.start_s < step.start_s else (step, other)
            apart_s = (after.start_s + after.end_s - before.start_s - before.end_s) / 2
            kept = 0.0 if after.is_apart(before) else float(np.exp(-apart_s / self.time_constant_s))
        self.total, self.nearest = step.weighted + kept * self.total, step
        return self.total


class Fusion:
    """Joins readings of any modality that come in any order; the steps depend on what came alone.

    `thresholds` holds for each modality the probability from which on it is sure. Steps are smoothed by what is
    before and after them, so that nothing comes late, and all is kept until the end; with `causal` by what is before
    them alone, for live sources: then nothing is kept of what is final. No face is smoothed across a cut.
    """

    def __init__(self, thresholds: Mapping[str, float], pool: Pool | None = None, *, causal: bool = False) -> None:
        self.thresholds, self._pool, self._causal = dict(thresholds), pool or Pool(), causal
        self._past = _Side(CAUSAL_TIME_CONSTANT_S)
        self._found: dict[int, list[Reading]] = {}  # of each step that is not final
        self._cuts: dict[int, set[float]] = {}
        self._next = 0  # steps before it are final
        self._reached_s: dict[str, float] = {}

    @property
    def threshold(self) -> float:
        """Probability from which on the fused distribution is sure: the least of the modalities'."""
        return min(self.thresholds.values(), default=0.0)

    def push(self, readings: Iterable[Reading], cuts: Iterable[float] = ()) -> None:
        """Take readings, and when the picture was cut; readings of a face that is not the main one do not count.

        Nor does what lies in steps that are final.
        """
        for reading in readings:
            if reading.is_main:
                _sort_in(reading, self._found, self._next)
                self._reached_s[reading.modality] = max(self._reached_s.get(reading.modality, 0.0), reading.end_s)
        for cut in cuts:
            edge = round(cut / STEP_S) * STEP_S
            at_s = edge if abs(cut - edge) < _SAME_S else cut
            if int(at_s / STEP_S) >= self._next:
                self._cuts.setdefault(int(at_s / STEP_S), set()).add(at_s)

    def withdraw(self, modality: str) -> None:
        """Forget a modality and what it found; only before steps were handed out."""
        del self.thresholds[modality]
        self._reached_s.pop(modality, None)
        for number, readings in self._found.items():
            self._found[number] = [reading for reading in readings if reading.modality != modality]

    def steps(self, until_s: float = math.inf, *, is_over: bool = True) -> list[FusionStep]:
        """Return, once each and in order of time, the steps that are final if all before `until_s` was pushed.

        They are those in which something was found; a cut of the picture divides a step. What is smoothed both ways is
        final at the end alone, where the last step ends with what was found, unless the source is not over.
        """
        if not self._causal and until_s < math.inf:
            return []
        limit = until_s if until_s == math.inf else int(until_s / STEP_S)
        if limit <= self._next:
            return []
        reached_s = max(self._reached_s.values(), default=0.0) if limit == math.inf and is_over else math.inf
        steps = list(self._pooled(self._found, limit, reached_s))
        self._found = {number: found for number, found in self._found.items() if number >= limit}
        self._cuts = {number: cuts for number, cuts in self._cuts.items() if number >= limit}
        if limit < math.inf:
            self._next = int(limit)
        return self._smoothed(steps, self._past)

    def steps_ahead(self, provisional: Iterable[Reading] = ()) -> list[FusionStep]:
        """Return the steps that are not final, as they look by now and with `provisional` readings; nothing changes."""
        found, reached_s = (
            {number: [*readings] for number, readings in self._found.items()},
            [*self._reached_s.values()],
        )
        for reading in provisional:
            _sort_in(reading, found, self._next)
            reached_s.append(reading.end_s)
        steps = list(self._pooled(found, math.inf, max(reached_s, default=0.0)))
        return self._smoothed(steps, replace(self._past))

    def _pooled(self, found: Mapping[int, Sequence[Reading]], limit: float, reached_s: float) -> Iterator[_Pooled]:
        """Yield the steps before the `limit`-th in which something was found, none longer than to `reached_s`."""
        for number in sorted(number for number in found if number < limit):
            cuts = self._cuts.get(number, set())
            for start_s, end_s in pairwise([number * STEP_S, *sorted(cuts), (number + 1) * STEP_S]):
                of_step: dict[str, list[tuple[float, Reading]]] = {}
                for reading in found[number]:
                    shared_s = min(reading.end_s, end_s) - max(reading.start_s, start_s)
                    if shared_s > 0 or start_s <= reading.start_s == reading.end_s < end_s:
                        of_step.setdefault(reading.modality, []).append((max(shared_s, _A_STILL_S), reading))
                if of_step:
                    means = {modality: _mean(readings) for modality, readings in of_step.items()}
                    yield _Pooled(start_s, min(end_s, reached_s), start_s in cuts, means, self._pool(means))

    def _smoothed(self, steps: Sequence[_Pooled], past: _Side) -> list[FusionStep]:
        """Return the fusion steps, each by the mean of the distributions around it by lengths and nearness."""
        if self._causal:
            totals = [past.add(step) for step in steps]
        else:
            before, after = _Side(TIME_CONSTANT_S), _Side(TIME_CONSTANT_S)
            later = [after.add(step) - step.weighted for step in reversed(steps)]
            totals = [before.add(step) + other for step, other in zip(steps, reversed(later), strict=True)]
        return [self._fusion_step(step, total[1:] / total[:1]) for step, total in zip(steps, totals, strict=True)]

    def _fusion_step(self, step: _Pooled, smoothed: Float64) -> FusionStep:
        found = {name: decide(step.means[name], limit) for name, limit in self.thresholds.items() if name in step.means}
        sure = {raw for raw, _, reason in found.values() if reason is None}
        probabilities = smoothed.tolist()
        valence, arousal = expected_valence_arousal(probabilities)
        return FusionStep(
            start_s=step.start_s,
            end_s=step.end_s,
            probabilities=tuple(probabilities),
            fused=tuple(step.alone.tolist()),
            valence=valence,
            arousal=arousal,
            labels={name: raw for name, (raw, _, _) in found.items()},
            disagree=len(sure) > 1,
        )


def _sort_in(reading: Reading, found: dict[int, list[Reading]], first: int) -> None:
    """Add a reading to those of each step from the `first` on that it shares time with."""
    start, stop = int(reading.start_s / STEP_S), math.ceil(reading.end_s / STEP_S)
    for number in range(max(start, first), max(stop, start + 1)):
        found.setdefault(number, []).append(reading)


def _mean(found: Sequence[tuple[float, Reading]]) -> list[float]:
    weights = np.array([weight for weight, _ in found])
    distributions = np.array([reading.probabilities for _, reading in found])
    return list((weights @ distributions / weights.sum()).tolist())


def segments(steps: Iterable[FusionStep], threshold: float, cuts: Sequence[float] = ()) -> Iterator[Segment]:
    """Yield the segments over which the decision holds, split where nothing was found.

    The decision changes when another one exceeds it by `MARGIN` and lasts for `MIN_DWELL_S` (hysteresis). What is too
    short belongs to what is before it, or from one of the `cuts` of the picture on to what comes after it.
    """
    run: list[FusionStep] = []  # of the decision that holds
    pending: list[FusionStep] = []  # of others that have not lasted yet
    holds = next_one = ""
    since_s = 0.0  # when the last of the others began
    for step in steps:
        decision = decide(step.probabilities, threshold)[1]
        if run and step.start_s > (pending or run)[-1].end_s + 1e-6:
            yield _segment(run + pending, holds, threshold)
            run, pending = [], []
        if not run:
            run, holds = [step], decision
        elif _stays(step, holds, decision):
            run, pending = [*run, *pending, step], []
        else:
            if not pending or decision != next_one:
                next_one, since_s = decision, step.start_s
                if pending and not _is_cut(run[-1], pending[0], cuts):
                    run, pending = run + pending, []
            pending = [*pending, step]
            if step.end_s - since_s >= MIN_DWELL_S - _SAME_S:
                yield _segment(run, holds, threshold)
                run, pending, holds = pending, [], next_one
    if run:
        yield _segment(run + pending, holds, threshold)


def _is_cut(before: FusionStep, after: FusionStep, cuts: Sequence[float]) -> bool:
    """Whether the picture, and what was found on one side at least, was cut between two steps."""
    return cut_by_picture([*before.labels, *after.labels]) and any(abs(cut - after.start_s) < _SAME_S for cut in cuts)


def _stays(step: FusionStep, holds: str, decision: str) -> bool:
    if decision == holds:
        return True
    if UNCERTAIN in (holds, decision):
        return False
    p = dict(zip(EMOTIONS, step.probabilities, strict=True))
    return p[decision] - p[holds] < MARGIN


def _segment(run: Sequence[FusionStep], emotion: str, threshold: float) -> Segment:
    weights = [max(step.end_s - step.start_s, _A_STILL_S) for step in run]
    mean = np.average([step.probabilities for step in run], axis=0, weights=weights).tolist()
    raw = decide(mean, threshold)[0]
    reason: Reason | None = None
    if sum(w for w, step in zip(weights, run, strict=True) if step.disagree) > sum(weights) / 2:
        reason = "modalities_disagree"
    elif emotion == UNCERTAIN:
        reason = "low_confidence"
    elif raw != emotion:
        reason = "smoothed"
    valence, arousal = expected_valence_arousal(mean)
    return Segment(run[0].start_s, run[-1].end_s, emotion, raw, tuple(mean), valence, arousal, reason)
