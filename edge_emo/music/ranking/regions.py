"""Which parts of a film get a song of their own: regions of one emotion, and what is done where nothing was found."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from edge_emo.core.emotions import EMOTIONS, UNCERTAIN
from edge_emo.core.errors import MediaError, NoVoiceError
from edge_emo.core.timeline import Segment, Timeline, expected_valence_arousal
from edge_emo.music.ranking.recommend import one_hot

MIN_REGION_S: Final = 20.0
"""Of a region with a song of its own, where nothing else is asked."""

Gaps = Literal["join", "silence", "neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"]
"""What is heard where nothing was found for as long as a region: as around it, nothing, or a mood of its own."""

SAME_S: Final = 1e-6
"""Times that differ by less are the same."""


@dataclass(frozen=True)
class CueRegion:
    """A part of a film for one song. `probabilities` is its mean distribution in the order of `EMOTIONS`.

    `seconds` tells for how long each emotion is the one that is found, most likely where none is sure; `sure_s` for how
    long one is sure, `disagree_s` for how long voice and face are sure of different ones, and `by_hand_s` for how long
    it was chosen by hand. Over one that is `silent` no song is heard.
    """

    start_s: float
    end_s: float
    probabilities: tuple[float, ...]
    seconds: tuple[float, ...]
    sure_s: float
    disagree_s: float
    by_hand_s: float = 0.0
    silent: bool = False

    @staticmethod
    def of_mood(mood: str, start_s: float, end_s: float) -> CueRegion:
        """Return a region of a mood that is chosen by hand. Raises MoodError."""
        length_s, p = end_s - start_s, tuple(one_hot(mood))
        return CueRegion(start_s, end_s, p, tuple(length_s * share for share in p), length_s, 0.0, length_s)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s

    @property
    def emotion(self) -> str:
        """The emotion that lasts longest in it."""
        return EMOTIONS[max(range(len(EMOTIONS)), key=lambda i: self.seconds[i])]

    def joined(self, other: CueRegion) -> CueRegion:
        """Return this stretch and the one that follows it as one."""
        lengths = self.duration_s, other.duration_s
        total = sum(lengths)
        probabilities = [
            (lengths[0] * a + lengths[1] * b) / total
            for a, b in zip(self.probabilities, other.probabilities, strict=True)
        ]
        seconds = [a + b for a, b in zip(self.seconds, other.seconds, strict=True)]
        return CueRegion(
            self.start_s,
            other.end_s,
            tuple(probabilities),
            tuple(seconds),
            self.sure_s + other.sure_s,
            self.disagree_s + other.disagree_s,
            self.by_hand_s + other.by_hand_s,
            self.silent and other.silent,
        )


def regions(timeline: Timeline, min_region_s: float = MIN_REGION_S, gaps: Gaps = "join") -> list[CueRegion]:
    """Return the regions of a film, neighbours of different emotions, none shorter than `min_region_s`.

    One that is shorter joins the neighbour that is nearest on the circumplex; a film that is shorter is one region.
    Where nothing was found, what is before holds for the first half of the time and what follows for the second; with
    other `gaps`, time of at least `min_region_s` in which nothing was found is silence, or a region of that mood.
    What is found for less than `min_region_s` between two silences belongs to them.

    Raises NoVoiceError where nothing was found at all and no mood is given for that, MediaError for a still, and
    ValueError for unknown `gaps` or a `min_region_s` that is not above 0.
    """
    if not 0 < min_region_s < math.inf:
        raise ValueError(f"min_region_s is {min_region_s}; a region takes more than 0 s")
    if gaps not in get_args(Gaps):
        raise ValueError(f"gaps is {gaps!r}; known are {', '.join(get_args(Gaps))}")
    if timeline.duration_s <= 0:
        raise MediaError(f"{timeline.source}: a still has no time to score; name a film or a recording")
    found = _joined_alike(_covering(timeline, min_region_s, gaps))
    if all(region.silent for region in found):
        raise NoVoiceError(
            f"{timeline.source}: no voice and no face was found, so no song can be chosen; choose a mood by hand with "
            "--mood"
        )
    while len(found) > 1:
        at = min(range(len(found)), key=lambda i: (found[i].silent, found[i].duration_s))
        if found[at].silent or found[at].duration_s >= min_region_s - SAME_S:
            break
        near = [i for i in (at - 1, at + 1) if 0 <= i < len(found) and not found[i].silent]
        first = at
        if near:
            to = min(near, key=lambda i: (_distance(found[at], found[i]), -found[i].duration_s))
            first = min(at, to)
            found[first : first + 2] = [found[first].joined(found[first + 1])]
        else:
            found[at] = replace(found[at], silent=True)
        around = slice(max(0, first - 1), first + 2)  # what was changed may now be like a neighbour
        found[around] = _joined_alike(found[around])
    heard = [region for region in found if not region.silent]
    if not heard:
        raise NoVoiceError(
            f"{timeline.source}: nothing was found for {min_region_s:g} s at a time, so all of it is silent; ask for "
            "a shorter --min-stretch or for other --gaps, or choose a mood by hand with --mood"
        )
    return heard


def _covering(timeline: Timeline, min_region_s: float, gaps: Gaps) -> Iterator[CueRegion]:
    """Yield regions that cover a film: one of each segment, and of each gap that is one of its own."""
    segments = [s for s in timeline.segments if s.start_s < min(s.end_s, timeline.duration_s)]
    ends = [0.0, *(min(segment.end_s, timeline.duration_s) for segment in segments)]
    starts = [*(segment.start_s for segment in segments), timeline.duration_s]
    edges = []  # where what is before a gap ends, and what is after it begins
    for number, (end_s, start_s) in enumerate(zip(ends, starts, strict=True)):
        is_own = gaps != "join" and start_s - end_s >= min_region_s - SAME_S
        if is_own or not segments:
            edges.append((end_s, start_s))
        else:
            middle_s = 0.0 if number == 0 else timeline.duration_s if number == len(segments) else (end_s + start_s) / 2
            edges.append((middle_s, middle_s))
    for number, (end_s, start_s) in enumerate(edges):
        if start_s - end_s > SAME_S:
            if gaps in EMOTIONS:
                yield CueRegion.of_mood(gaps, end_s, start_s)
            else:
                nothing = (0.0,) * len(EMOTIONS)
                yield CueRegion(end_s, start_s, nothing, nothing, 0.0, 0.0, silent=True)
        if number < len(segments):
            yield _of_segment(segments[number], start_s, edges[number + 1][0])


def _of_segment(segment: Segment, start_s: float, end_s: float) -> CueRegion:
    emotion = segment.raw if segment.emotion == UNCERTAIN else segment.emotion
    total = sum(segment.probabilities)
    return CueRegion(
        start_s,
        end_s,
        tuple(p / total for p in segment.probabilities),
        tuple((end_s - start_s) * (name == emotion) for name in EMOTIONS),
        (end_s - start_s) * (segment.emotion != UNCERTAIN),
        (end_s - start_s) * (segment.reason == "modalities_disagree"),
    )


def _joined_alike(found: Iterable[CueRegion]) -> list[CueRegion]:
    joined: list[CueRegion] = []
    for region in found:
        if joined and joined[-1].silent == region.silent and (region.silent or joined[-1].emotion == region.emotion):
            region = joined.pop().joined(region)
        joined.append(region)
    return joined


def _distance(a: CueRegion, b: CueRegion) -> float:
    return math.dist(expected_valence_arousal(a.probabilities), expected_valence_arousal(b.probabilities))
