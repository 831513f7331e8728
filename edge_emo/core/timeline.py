"""Readings on a clock, and what they amount to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from edge_emo.core.emotions import EMOTIONS, UNCERTAIN, VALENCE_AROUSAL

Reason = Literal["low_confidence", "no_voice", "no_face", "nothing_found", "mixed", "smoothed", "modalities_disagree"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model found between `start_s` and `end_s` (seconds from the start, half-open; both 0 for a still).

    `modality` tells in what, such as "voice" or "face". `raw` is the model's own label and `probabilities` its
    calibrated distribution in the order of `EMOTIONS`; `emotion` is the decision, "uncertain" when `reason` says why. A
    face has a `box` (left, top, right, bottom in pixels of the upright picture) and a `person`, a number from 1 on that
    stays while it is followed, and `is_main` tells whether it is the face that counts.
    """

    modality: str
    start_s: float
    end_s: float
    raw: str
    probabilities: tuple[float, ...]
    emotion: str
    reason: Reason | None = None
    box: tuple[float, float, float, float] | None = None
    person: int | None = None
    is_main: bool = True

    @property
    def probability(self) -> float:
        """The probability of the model's own label."""
        return max(self.probabilities)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class ProvisionalReading(Reading):
    """What a model found in a part of an utterance that goes on; the readings of the whole utterance replace it."""

    provisional: Literal[True] = True


@dataclass(frozen=True)
class Summary:
    """The whole source in one line, or what one modality or one person adds to it.

    `probabilities` is the mean distribution over the time in which something was found, by emotion; `emotion` its most
    likely one, or "uncertain", or None where nothing was found; "mixed" is the reason where most of that time is sure,
    but not of the same emotion. `valence` and `arousal` (-1 to 1) are its expectation; `found_s` is that time, in
    seconds.
    """

    emotion: str | None
    raw: str | None
    probability: float
    probabilities: dict[str, float]
    valence: float
    arousal: float
    found_s: float
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class FusionStep:
    """All modalities together, from `start_s` on for the length of a step or up to a cut, before and after smoothing.

    `fused` is the distribution of that time alone, `probabilities` the smoothed one, both in the order of `EMOTIONS`;
    `labels` is the most likely emotion of each modality that was found, by its name; `disagree` tells that they were
    sure of different emotions.
    """

    start_s: float
    end_s: float
    probabilities: tuple[float, ...]
    fused: tuple[float, ...]
    valence: float
    arousal: float
    labels: dict[str, str]
    disagree: bool


@dataclass(frozen=True)
class Segment:
    """The time over which one emotion holds, or none is sure enough.

    `probabilities` is the mean distribution; `raw` its most likely emotion. The reason is "modalities_disagree" where
    the modalities are sure of different emotions for most of it.
    """

    start_s: float
    end_s: float
    emotion: str
    raw: str
    probabilities: tuple[float, ...]
    valence: float
    arousal: float
    reason: Reason | None = None


@dataclass(frozen=True)
class Person:
    """Everything found in one face that was followed, from when to when, and whether it was the main one for a time."""

    person: int
    start_s: float
    end_s: float
    is_main: bool
    summary: Summary


@dataclass(frozen=True)
class Timeline:
    """All readings of a source in order of time, what they amount to together, and the summaries.

    `by_modality` has that of each modality by its name, such as "voice" or "face"; one that was not asked for, or takes
    sound or a picture that the source has not, is left out. `cuts` are the times at which the picture was cut, in
    seconds, as near as frames were looked at.
    """

    source: str
    duration_s: float
    readings: tuple[Reading, ...]
    steps: tuple[FusionStep, ...]
    segments: tuple[Segment, ...]
    summary: Summary
    by_modality: dict[str, Summary]
    people: tuple[Person, ...]
    models: dict[str, str]
    warnings: tuple[str, ...] = ()
    cuts: tuple[float, ...] = ()


def decide(probabilities: Sequence[float], threshold: float) -> tuple[str, str, Reason | None]:
    """Return the most likely label, the decision, and the reason where the two differ."""
    best = max(range(len(EMOTIONS)), key=lambda i: probabilities[i])
    raw = EMOTIONS[best]
    if probabilities[best] < threshold:
        return raw, UNCERTAIN, "low_confidence"
    return raw, raw, None


def summarize(readings: Sequence[Reading], threshold: float, nothing: Reason) -> Summary:
    """Return the summary of readings, which count by their length; those of a still count alike.

    `nothing` is the reason given where there are none.
    """
    # Windows of one utterance overlap, so lengths are weights, and the time is their union.
    weights = [reading.duration_s for reading in readings]
    if not any(weights):
        weights = [1.0] * len(readings)
    named = [reading.reason is None for reading in readings]
    return summary_of([r.probabilities for r in readings], weights, named, threshold, _covered(readings), nothing)


def summary_of(
    distributions: Sequence[Sequence[float]],
    weights: Sequence[float],
    named: Sequence[bool],
    threshold: float,
    found_s: float,
    nothing: Reason,
) -> Summary:
    """Return the summary of distributions by their weights; `named` tells which are sure enough of an emotion."""
    total = sum(weights)
    if total <= 0:
        return Summary(None, None, 0.0, {}, 0.0, 0.0, 0.0, nothing)
    probabilities = [
        sum(weight * p[i] for weight, p in zip(weights, distributions, strict=True)) / total
        for i in range(len(EMOTIONS))
    ]
    raw, emotion, reason = decide(probabilities, threshold)
    if reason and sum(w for w, is_named in zip(weights, named, strict=True) if is_named) > total / 2:
        reason = "mixed"
    valence, arousal = expected_valence_arousal(probabilities)
    return Summary(
        emotion=emotion,
        raw=raw,
        probability=max(probabilities),
        probabilities=dict(zip(EMOTIONS, probabilities, strict=True)),
        valence=valence,
        arousal=arousal,
        found_s=found_s,
        reason=reason,
    )


def expected_valence_arousal(probabilities: Sequence[float]) -> tuple[float, float]:
    """Return the expectation of valence and arousal under `probabilities` in the order of `EMOTIONS`."""
    places = [VALENCE_AROUSAL[name] for name in EMOTIONS]
    valence = sum(p * place[0] for p, place in zip(probabilities, places, strict=True))
    arousal = sum(p * place[1] for p, place in zip(probabilities, places, strict=True))
    return valence, arousal


def _covered(readings: Sequence[Reading]) -> float:
    covered, reached = 0.0, 0.0
    for reading in sorted(readings, key=lambda r: r.start_s):
        covered += max(0.0, reading.end_s - max(reached, reading.start_s))
        reached = max(reached, reading.end_s)
    return covered
