"""One song for each stretch of a film: which stretches there are, and what is heard over each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from edge_emo.emotions import EMOTIONS, UNCERTAIN
from edge_emo.errors import MediaError, NoVoiceError, SongNotFoundError
from edge_emo.music.catalogue import Song
from edge_emo.music.filters import Filters
from edge_emo.music.recommend import USUAL, Recommendation, Recommender
from edge_emo.timeline import Timeline, expected_valence_arousal

MIN_STRETCH_S, CROSSFADE_S = 20.0, 2.0
"""Of a stretch with a song of its own, and of the crossfade from one song to the next, where nothing else is asked."""

_LEAST_PART_S = 5.0  # of a song among several that fill one stretch
_SAME_S = 1e-6


@dataclass(frozen=True)
class Stretch:
    """A part of a film for one song. `probabilities` is its mean distribution in the order of `EMOTIONS`.

    `seconds` tells for how long each emotion is the one that is found, most likely where none is sure; `sure_s` for how
    long one is sure, and `disagree_s` for how long voice and face are sure of different ones.
    """

    start_s: float
    end_s: float
    probabilities: tuple[float, ...]
    seconds: tuple[float, ...]
    sure_s: float
    disagree_s: float

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s

    @property
    def emotion(self) -> str:
        """The emotion that lasts longest in it."""
        return EMOTIONS[max(range(len(EMOTIONS)), key=lambda i: self.seconds[i])]

    def joined(self, other: Stretch) -> Stretch:
        """Return this stretch and the one that follows it as one."""
        lengths = self.duration_s, other.duration_s
        total = sum(lengths)
        probabilities = [
            (lengths[0] * a + lengths[1] * b) / total
            for a, b in zip(self.probabilities, other.probabilities, strict=True)
        ]
        seconds = [a + b for a, b in zip(self.seconds, other.seconds, strict=True)]
        return Stretch(
            self.start_s,
            other.end_s,
            tuple(probabilities),
            tuple(seconds),
            self.sure_s + other.sure_s,
            self.disagree_s + other.disagree_s,
        )


@dataclass(frozen=True)
class Cue:
    """A song from `start_s` to `end_s` of a film, which is `source_in_s` to `source_out_s` of the song.

    `emotion` is the most likely one of that time, of the mean `probability`; `is_sure` tells that one is sure for half
    of it at least, `disagree` that voice and face are sure of different ones for more than half.
    `fade_in_s` and `fade_out_s` are the lengths of its crossfades. Their middle is `start_s` and `end_s`, so that
    it is heard for half of each beyond its ends; at the end of the film it fades out within.
    """

    start_s: float
    end_s: float
    emotion: str
    probability: float
    is_sure: bool
    disagree: bool
    song: Song
    source_in_s: float
    source_out_s: float
    fade_in_s: float
    fade_out_s: float
    reason: str

    @property
    def found(self) -> str:
        """What was found, in words."""
        emotion = self.emotion if self.is_sure else f"uncertain ({self.emotion} {self.probability:.0%})"
        return f"{emotion}, voice and face disagree" if self.disagree else emotion


def plan(
    timeline: Timeline,
    recommender: Recommender,
    *,
    min_stretch_s: float = MIN_STRETCH_S,
    crossfade_s: float = CROSSFADE_S,
    filters: Filters = USUAL,
    seed: int | None = None,
) -> list[Cue]:
    """Return cues that cover a film from 0 to its end, each stretch of one emotion with a song, none of them twice.

    Where no song is as long as its stretch, several follow each other. A crossfade takes up to half of a cue next to
    it. Songs whose length is not known come only where there are no others, and are taken to be long enough.

    Raises NoVoiceError where nothing was found, MediaError for a still, SongNotFoundError where the songs that pass
    the filters do not suffice, and ValueError for a stretch that is not above 0 or a crossfade below.
    """
    if not 0 < min_stretch_s < math.inf:
        raise ValueError(f"min_stretch_s is {min_stretch_s}; a stretch takes more than 0 s")
    if not 0 <= crossfade_s < math.inf:
        raise ValueError(f"crossfade_s is {crossfade_s}; a crossfade takes 0 s or more")
    choice = _Choice(recommender, filters, seed)
    chosen: list[tuple[float, float, Stretch, Recommendation]] = []
    for stretch in stretches(timeline, min_stretch_s):
        for start_s, end_s, item in _fill(stretch, timeline.duration_s, choice, min_stretch_s, crossfade_s):
            chosen.append((start_s, end_s, stretch, item))
    fades = [min([crossfade_s, *((end - start) / 2 for start, end, *_ in pair)]) for pair in pairwise(chosen)]
    last_start_s, last_end_s, *_ = chosen[-1]
    fades = [0.0, *fades, min(crossfade_s, (last_end_s - last_start_s) / 2)]
    return [
        Cue(
            start_s=start_s,
            end_s=end_s,
            emotion=stretch.emotion,
            probability=stretch.probabilities[EMOTIONS.index(stretch.emotion)],
            is_sure=stretch.sure_s >= stretch.duration_s / 2,
            disagree=stretch.disagree_s > stretch.duration_s / 2,
            song=item.song,
            source_in_s=fade_in_s / 2,
            source_out_s=fade_in_s / 2 + end_s - start_s,
            fade_in_s=fade_in_s,
            fade_out_s=fade_out_s,
            reason=item.reason if item.song.duration_s else f"{item.reason}; check its length, which is not known",
        )
        for (start_s, end_s, stretch, item), (fade_in_s, fade_out_s) in zip(chosen, pairwise(fades), strict=True)
    ]


def stretches(timeline: Timeline, min_stretch_s: float = MIN_STRETCH_S) -> list[Stretch]:
    """Return the stretches that cover a film, neighbours of different emotions, none shorter than `min_stretch_s`.

    One that is shorter joins the neighbour that is nearest on the circumplex; a film that is shorter is one stretch.
    Where nothing was found, what is before holds for the first half of the time and what follows for the second.

    Raises NoVoiceError where nothing was found at all, and MediaError for a still.
    """
    if timeline.duration_s <= 0:
        raise MediaError(f"{timeline.source}: a still has no time to score; name a film or a recording")
    found = _joined_alike(_gapless(timeline))
    if not found:
        raise NoVoiceError(
            f"{timeline.source}: no voice and no face was found, so no song can be chosen; "
            "choose a mood by hand with `edge-emo recommend --mood`"
        )
    while len(found) > 1:
        at = min(range(len(found)), key=lambda i: found[i].duration_s)
        if found[at].duration_s >= min_stretch_s - _SAME_S:
            break
        near = [i for i in (at - 1, at + 1) if 0 <= i < len(found)]
        to = min(near, key=lambda i: (_distance(found[at], found[i]), -found[i].duration_s))
        first = min(at, to)
        found[first : first + 2] = [found[first].joined(found[first + 1])]
        around = slice(max(0, first - 1), first + 2)  # the joined one may now be of the emotion of a neighbour
        found[around] = _joined_alike(found[around])
    return found


def _gapless(timeline: Timeline) -> Iterator[Stretch]:
    segments = [s for s in timeline.segments if s.start_s < min(s.end_s, timeline.duration_s)]
    edges = [(before.end_s + after.start_s) / 2 for before, after in pairwise(segments)]
    for segment, (start_s, end_s) in zip(segments, pairwise([0.0, *edges, timeline.duration_s]), strict=False):
        emotion = segment.raw if segment.emotion == UNCERTAIN else segment.emotion
        total = sum(segment.probabilities)
        yield Stretch(
            start_s,
            end_s,
            tuple(p / total for p in segment.probabilities),
            tuple((end_s - start_s) * (name == emotion) for name in EMOTIONS),
            (end_s - start_s) * (segment.emotion != UNCERTAIN),
            (end_s - start_s) * (segment.reason == "modalities_disagree"),
        )


def _joined_alike(found: Iterator[Stretch] | list[Stretch]) -> list[Stretch]:
    joined: list[Stretch] = []
    for stretch in found:
        if joined and joined[-1].emotion == stretch.emotion:
            stretch = joined.pop().joined(stretch)
        joined.append(stretch)
    return joined


def _distance(a: Stretch, b: Stretch) -> float:
    return math.dist(expected_valence_arousal(a.probabilities), expected_valence_arousal(b.probabilities))


class _Choice:
    """Songs for one film, none of them twice."""

    def __init__(self, recommender: Recommender, filters: Filters, seed: int | None) -> None:
        self._recommender, self._filters, self._seed = recommender, filters, seed
        self._taken: list[str] = []

    def song(self, stretch: Stretch, least_s: float, *, is_length_known: bool = True) -> Recommendation | None:
        """Return the best song that is left and lasts for `least_s`, None where there is none."""
        shortest = max(least_s, self._filters.min_duration_s or 0.0)
        # a bound from above leaves out songs whose length is not known
        longest = self._filters.max_duration_s or (math.inf if is_length_known else None)
        if longest is not None and shortest > longest:
            return None
        filters = replace(self._filters, min_duration_s=shortest, max_duration_s=longest)
        seed = None if self._seed is None else self._seed + len(self._taken)
        found = self._recommender(stretch.probabilities, 1, seed=seed, filters=filters, exclude=self._taken)
        self._taken += [item.song.uid for item in found]
        return found[0] if found else None


def _fill(
    stretch: Stretch, film_s: float, choice: _Choice, min_stretch_s: float, crossfade_s: float
) -> Iterator[tuple[float, float, Recommendation]]:
    """Yield songs for a stretch, as few as there can be, each with when it starts and ends."""
    start_s = stretch.start_s
    while (rest_s := stretch.end_s - start_s) > _SAME_S:
        is_first, is_last = start_s <= 0, stretch.end_s >= film_s - _SAME_S
        end_s = stretch.end_s
        item = choice.song(stretch, _needed(rest_s, 2 - is_first - is_last, crossfade_s))
        part_s = rest_s / 2
        while item is None and part_s >= _LEAST_PART_S:
            item = choice.song(stretch, _needed(part_s, 2 - is_first, crossfade_s))
            if item is not None and item.song.duration_s is not None:
                longest_s = max(rest_s - min_stretch_s, rest_s / 2)  # leaves more than a snippet to the next song
                end_s = start_s + min(_filled(item.song.duration_s, 2 - is_first, crossfade_s), longest_s)
            part_s /= 2
        item = item or choice.song(stretch, rest_s, is_length_known=False)
        if item is None:
            raise SongNotFoundError(
                f"no song is left for {start_s:.0f} to {stretch.end_s:.0f} s of the film; loosen the filters, or ask "
                "for longer stretches"
            )
        yield start_s, end_s, item
        start_s = end_s


def _needed(cue_s: float, n_crossfades: int, crossfade_s: float) -> float:
    """Return how much of a song a cue takes: a crossfade, up to half of the cue, reaches beyond it by its half."""
    return cue_s + n_crossfades * min(crossfade_s, cue_s / 2) / 2


def _filled(song_s: float, n_crossfades: int, crossfade_s: float) -> float:
    """Return the length of the cue that takes a whole song, the inverse of `_needed`."""
    return max(song_s - n_crossfades * crossfade_s / 2, song_s / (1 + n_crossfades / 4))
