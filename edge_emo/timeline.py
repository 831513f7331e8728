"""Readings on a clock, and what they amount to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from edge_emo.emotions import EMOTIONS, UNCERTAIN, VALENCE_AROUSAL

Reason = Literal["low_confidence", "no_voice", "mixed"]


@dataclass(frozen=True)
class Reading:
    """What a model found between `start_s` and `end_s` (seconds from the start, half-open).

    `raw` is the model's own label and `probabilities` its calibrated distribution in the order of
    `EMOTIONS`; `emotion` is the decision, "uncertain" when `reason` says why.
    """

    modality: Literal["voice"]
    start_s: float
    end_s: float
    raw: str
    probabilities: tuple[float, ...]
    emotion: str
    reason: Reason | None = None

    @property
    def probability(self) -> float:
        """The probability of the model's own label."""
        return max(self.probabilities)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True)
class Summary:
    """The whole source in one line.

    `shares` is the mean distribution over the voiced time, by emotion; `emotion` its most likely one, or
    "uncertain", or None where there was no voice; "mixed" is the reason where most windows are certain, but not
    of the same emotion. `valence` and `arousal` (-1 to 1) are its expectation.
    """

    emotion: str | None
    raw: str | None
    probability: float
    shares: dict[str, float]
    valence: float
    arousal: float
    voiced_s: float
    reason: Reason | None


@dataclass(frozen=True)
class Timeline:
    """All readings of a source, in order of time, and their summary."""

    source: str
    duration_s: float
    readings: tuple[Reading, ...]
    summary: Summary
    model: str
    warnings: tuple[str, ...] = ()


def decide(probabilities: Sequence[float], threshold: float) -> tuple[str, str, Reason | None]:
    """Return the most likely label, the decision, and the reason where the two differ."""
    best = max(range(len(EMOTIONS)), key=lambda i: probabilities[i])
    raw = EMOTIONS[best]
    if probabilities[best] < threshold:
        return raw, UNCERTAIN, "low_confidence"
    return raw, raw, None


def summarise(readings: Sequence[Reading], threshold: float) -> Summary:
    """Return the summary; readings count by their length."""
    # Windows of one utterance overlap, so lengths are weights, and the voiced time is their union.
    total = sum(reading.duration_s for reading in readings)
    if total <= 0:
        return Summary(None, None, 0.0, {}, 0.0, 0.0, 0.0, "no_voice")
    shares = [sum(r.probabilities[i] * r.duration_s for r in readings) / total for i in range(len(EMOTIONS))]
    raw, emotion, reason = decide(shares, threshold)
    named = sum(reading.duration_s for reading in readings if reading.reason is None)
    if reason and named > total / 2:
        reason = "mixed"
    valence, arousal = expected_valence_arousal(shares)
    return Summary(
        emotion=emotion,
        raw=raw,
        probability=max(shares),
        shares=dict(zip(EMOTIONS, shares, strict=True)),
        valence=valence,
        arousal=arousal,
        voiced_s=_covered(readings),
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
