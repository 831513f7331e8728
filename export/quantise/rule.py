"""The written rule by which one of the candidates is let out."""

from __future__ import annotations

from export.quantise.candidate import Candidate

SLOWER, LARGER = 1.2, 1.5
"""How much slower than the fastest and larger than the smallest a candidate may be to be chosen for its accuracy."""
CHOSEN = "chosen"

RULE = (
    "Refused are candidates that can saturate, agree with fp32 on fewer than 98 % of labels (of values: err by more "
    "than 5 % of their spread), or lose more than one point of accuracy. Of the others those of at most 1.2 times the "
    "time of the fastest stay, of these those of at most 1.5 times the size of the smallest; of these the one is "
    "chosen whose probabilities differ least from fp32 in the mean."
)


def verdicts(found: list[Candidate]) -> list[str]:
    """Return for each candidate what `RULE` says of it: "chosen" for one of them, unless all are refused."""
    told = [candidate.refusal for candidate in found]
    fit = [place for place, refusal in enumerate(told) if not refusal]
    fastest = min((found[place].latency_ms for place in fit), default=0.0)
    for place in fit:
        told[place] = "slower" if found[place].latency_ms > SLOWER * fastest else ""
    fit = [place for place in fit if not told[place]]
    smallest = min((found[place].kilobytes for place in fit), default=0.0)
    for place in fit:
        told[place] = "larger" if found[place].kilobytes > LARGER * smallest else "changes more"
    fit = [place for place in fit if told[place] == "changes more"]
    if fit:
        told[min(fit, key=lambda place: mean_change(found[place]))] = CHOSEN
    return told


def choose(found: list[Candidate]) -> Candidate | None:
    """Return the candidate that `RULE` chooses, None where all are refused."""
    return next((candidate for candidate, told in zip(found, verdicts(found), strict=True) if told == CHOSEN), None)


def mean_change(candidate: Candidate) -> float:
    """Return how much the candidate changes probabilities in the mean; infinity where it could not be made."""
    return candidate.comparison.mean_change if candidate.comparison else float("inf")
