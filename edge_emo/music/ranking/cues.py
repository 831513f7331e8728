"""Songs over the time of a film: what is heard over each region of it, and over cues that were edited by hand."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from shlex import quote

import msgspec

from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.errors import CueSheetError, SongNotFoundError
from edge_emo.core.timeline import Timeline
from edge_emo.music.ranking.recommend import USUAL, Recommendation, Recommender
from edge_emo.music.ranking.regions import MIN_REGION_S, SAME_S, CueRegion, Gaps, regions
from edge_emo.music.store.catalogue import Catalogue
from edge_emo.music.store.filters import Filters
from edge_emo.music.store.song import Song

CROSSFADE_S = 2.0
"""From one song to the next, where nothing else is asked."""

TOUCHING_S = 0.05
"""Cues between which less time lies, about a frame, follow each other."""

_BEYOND_S = 1.0  # so much later than a film ends a cue may end, as a header rounds, or counts its sound alone
_ROUNDED_S = 0.05  # so much longer than its song a cue may be
_LEAST_PART_S = 5.0  # of a song among several that fill one region


@dataclass(frozen=True)
class Cue:
    """A song from `start_s` to `end_s` of a film, which is `source_in_s` to `source_out_s` of the song.

    `emotion` is the most likely one of that time, of the mean `probability`; `is_sure` tells that one is sure for half
    of it at least, `disagree` that voice and face are sure of different ones for more than half, and `by_hand` that it
    was chosen by hand, not found.
    `fade_in_s` and `fade_out_s` are the lengths of its crossfades. Their middle is `start_s` and `end_s`, so that
    it is heard for half of each beyond its ends; before silence and at the end of the film it fades out within.
    """

    start_s: float
    end_s: float
    emotion: str
    probability: float
    is_sure: bool
    disagree: bool
    by_hand: bool
    song: Song
    source_in_s: float
    source_out_s: float
    fade_in_s: float
    fade_out_s: float
    reason: str

    @property
    def found(self) -> str:
        """What was found, in words."""
        if self.by_hand:
            return f"{self.emotion}, chosen by hand"
        emotion = self.emotion if self.is_sure else f"uncertain ({self.emotion} {self.probability:.0%})"
        return f"{emotion}, voice and face disagree" if self.disagree else emotion

    def leads_into(self, other: Cue) -> bool:
        """Whether another cue follows at once, so that the two fade into each other."""
        return other.start_s - self.end_s < TOUCHING_S


class EditedCue(msgspec.Struct, frozen=True):
    """A cue as somebody edited it: `uid` names its song, and without one another song comes, for its `emotion`.

    That other song is not the one of `title` and `artist`, under `license`, which the cue had. What else is None
    follows from the rest.
    """

    start_s: float
    end_s: float
    emotion: str | None = None
    uid: str | None = None
    title: str | None = None
    artist: str | None = None
    license: str | None = None
    probability: float = 1.0
    is_sure: bool = True
    disagree: bool = False
    by_hand: bool = True
    source_in_s: float | None = None
    fade_in_s: float | None = None
    fade_out_s: float | None = None
    reason: str = "chosen by hand"


@dataclass(frozen=True)
class _Part:
    """A song from `start_s` to `end_s` before its fades are known, but for those that are asked for."""

    start_s: float
    end_s: float
    song: Song
    reason: str
    emotion: str
    probability: float
    is_sure: bool
    disagree: bool
    by_hand: bool
    source_in_s: float | None = None
    fade_in_s: float | None = None
    fade_out_s: float | None = None


def plan(
    timeline: Timeline,
    recommender: Recommender,
    *,
    min_region_s: float = MIN_REGION_S,
    crossfade_s: float = CROSSFADE_S,
    gaps: Gaps = "join",
    filters: Filters = USUAL,
    seed: int | None = None,
) -> list[Cue]:
    """Return cues that cover a film from 0 to its end, each region of one emotion with a song, none of them twice.

    Where no song is as long as its region, several follow each other. A crossfade takes up to half of a cue next to
    it. Songs whose length is not known come only where there are no others, and are taken to be long enough. `gaps`
    says what is heard where nothing was found for long, see `regions`.

    Raises NoVoiceError where nothing was found, MediaError for a still, SongNotFoundError where the songs that pass
    the filters do not suffice, and ValueError for a region that is not above 0 or a crossfade below.
    """
    found = regions(timeline, min_region_s, gaps)
    return over(found, recommender, min_region_s=min_region_s, crossfade_s=crossfade_s, filters=filters, seed=seed)


def over(
    found: Sequence[CueRegion],
    recommender: Recommender,
    *,
    min_region_s: float = MIN_REGION_S,
    crossfade_s: float = CROSSFADE_S,
    filters: Filters = USUAL,
    seed: int | None = None,
) -> list[Cue]:
    """Return cues for regions in order of time, silence where there is time between them; see `plan`."""
    _check_crossfade(crossfade_s)
    choice = _Choice(recommender, filters, seed)
    starts, ends = [s.start_s for s in found], [s.end_s for s in found]
    parts: list[_Part] = []
    for region in found:
        joins = _joins(region.start_s, ends), _joins(region.end_s, starts)
        parts += _fill(region, joins, choice, min_region_s, crossfade_s)
    return _with_fades(parts, crossfade_s)


def revised(
    edited: Sequence[EditedCue],
    recommender: Recommender,
    *,
    duration_s: float,
    another: Collection[int] = (),
    crossfade_s: float = CROSSFADE_S,
    filters: Filters = USUAL,
    seed: int | None = None,
) -> list[Cue]:
    """Return the cues of a film of `duration_s` as they were edited: songs that are named are kept.

    A cue without a song, and those of which the number (from 1) is in `another`, get one that is in no other cue and
    was not the one they had. Fades that are not given are `crossfade_s` long. Time between cues is silence.

    Raises CueSheetError for cues that overlap, lie beyond the film, ask for more than their song holds or name another
    song than their `uid`, SongNotFoundError for an unknown song or where none is left, and ValueError for a crossfade
    below 0.
    """
    _check_crossfade(crossfade_s)
    edited = list(_checked(edited, duration_s))
    if unknown := [number for number in another if not 1 <= number <= len(edited)]:
        there_are = f"there are only {len(edited)} cues" if len(edited) > 1 else "there is only 1 cue"
        raise CueSheetError(f"no cue {unknown[0]}; {there_are}")
    taken = [uid for cue in edited for uid in ([cue.uid] if cue.uid else _uids_it_had(cue, recommender.catalogue))]
    choice = _Choice(recommender, filters, seed, taken)
    starts, ends = [cue.start_s for cue in edited], [cue.end_s for cue in edited]
    parts: list[_Part] = []
    for number, cue in enumerate(edited, start=1):
        facts = {name: getattr(cue, name) for name in ("probability", "is_sure", "disagree", "by_hand")}
        fades = {name: getattr(cue, name) for name in ("source_in_s", "fade_in_s", "fade_out_s")}
        if cue.uid and number not in another:
            song = recommender.catalogue.song(cue.uid)
            _check_name(number, cue, song)
            parts.append(_Part(cue.start_s, cue.end_s, song, cue.reason, cue.emotion or "", **facts, **fades))
        elif cue.emotion:
            region = CueRegion.of_mood(cue.emotion, cue.start_s, cue.end_s)
            joins = _joins(cue.start_s, ends), _joins(cue.end_s, starts)
            first, *more = (replace(p, **facts) for p in _fill(region, joins, choice, MIN_REGION_S, crossfade_s))
            chosen = [replace(first, fade_in_s=cue.fade_in_s), *more]
            parts += [*chosen[:-1], replace(chosen[-1], fade_out_s=cue.fade_out_s)]
        else:
            raise CueSheetError(f"cue {number}: no song and no emotion to choose one for; name one of them")
    cues = _with_fades(parts, crossfade_s)
    for here, after in zip(cues, [*cues[1:], None], strict=True):
        until_s = here.source_out_s + (here.fade_out_s / 2 if after and here.leads_into(after) else 0.0)
        if here.song.duration_s is not None and until_s > here.song.duration_s + _ROUNDED_S:
            raise CueSheetError(
                f"the cue at {here.start_s:g} s asks for {here.song.title} up to {until_s:.1f} s, and it lasts "
                f"{here.song.duration_s:.1f} s; end the cue earlier, or leave its uid empty for another song"
            )
    return cues


def _check_name(number: int, cue: EditedCue, song: Song) -> None:
    """Raise CueSheetError where title or artist were edited, and not the uid, which alone names the song."""
    for given, own in ((cue.title, song.title), (cue.artist, song.artist)):
        if given and given.split() != own.split():
            asked = " by ".join(filter(None, [cue.title, cue.artist]))
            raise CueSheetError(
                f"cue {number}: its row says {asked}, but its uid {song.uid} is {song.title} by {song.artist}. The uid "
                f"chooses the song: enter that of the song you want (edge-emo songs search {quote(given)} --details), "
                "or restore the title and artist"
            )


def _uids_it_had(cue: EditedCue, catalogue: Catalogue) -> Iterator[str]:
    """Yield the songs of the title and artist of a cue whose uid was emptied."""
    if cue.title and cue.artist:
        for song in catalogue.search(f"{cue.title} {cue.artist}"):
            if (song.title, song.artist) == (cue.title, cue.artist):
                yield song.uid


def _checked(edited: Sequence[EditedCue], duration_s: float) -> Iterator[EditedCue]:
    """Yield cues that follow each other within a film, the last up to its end. Raises CueSheetError for others."""
    if not edited:
        raise CueSheetError("no cue is left; keep one at least")
    reached_s = 0.0
    for number, cue in enumerate(edited, start=1):
        end_s = min(cue.end_s, duration_s)
        if not cue.start_s < end_s or cue.end_s > duration_s + _BEYOND_S:
            raise CueSheetError(
                f"cue {number}: from {cue.start_s:g} to {cue.end_s:g} s of a film of {duration_s:g} s; "
                "correct its times"
            )
        if cue.start_s < reached_s - TOUCHING_S:
            raise CueSheetError(
                f"cue {number}: begins at {cue.start_s:g} s, before {reached_s:g} s, where the one before it ends; "
                "correct their times or their order"
            )
        start_s = reached_s if number > 1 and abs(cue.start_s - reached_s) < TOUCHING_S else max(0.0, cue.start_s)
        yield msgspec.structs.replace(cue, start_s=start_s, end_s=end_s)
        reached_s = end_s


def _check_crossfade(crossfade_s: float) -> None:
    if not 0 <= crossfade_s < math.inf:
        raise ValueError(f"crossfade_s is {crossfade_s}; a crossfade takes 0 s or more")


def _joins(time_s: float, edges: Sequence[float]) -> bool:
    return any(abs(edge - time_s) < TOUCHING_S for edge in edges)


def _with_fades(parts: Sequence[_Part], crossfade_s: float) -> list[Cue]:
    cues: list[Cue] = []
    fade_in_s = 0.0
    for part, after in zip(parts, [*parts[1:], None], strict=True):
        half_s = (part.end_s - part.start_s) / 2
        crosses = after is not None and after.start_s - part.end_s < TOUCHING_S
        asked = [part.fade_out_s, crossfade_s]
        if after is not None and crosses:
            half_s = min(half_s, (after.end_s - after.start_s) / 2)
            asked.insert(0, after.fade_in_s)
        fade_out_s = min(half_s, next(fade_s for fade_s in asked if fade_s is not None))
        source_in_s = fade_in_s / 2 if part.source_in_s is None else max(part.source_in_s, fade_in_s / 2)
        cues.append(
            Cue(
                start_s=part.start_s,
                end_s=part.end_s,
                emotion=part.emotion,
                probability=part.probability,
                is_sure=part.is_sure,
                disagree=part.disagree,
                by_hand=part.by_hand,
                song=part.song,
                source_in_s=source_in_s,
                source_out_s=source_in_s + part.end_s - part.start_s,
                fade_in_s=fade_in_s,
                fade_out_s=fade_out_s,
                reason=part.reason,
            )
        )
        fade_in_s = fade_out_s if crosses else 0.0
    return cues


class _Choice:
    """Songs for one film, none of them twice, and none of those that are `taken`."""

    def __init__(self, recommender: Recommender, filters: Filters, seed: int | None, taken: Sequence[str] = ()) -> None:
        self._recommender, self._filters, self._seed = recommender, filters, seed
        self._taken, self._n_before = list(taken), len(taken)

    def song(self, region: CueRegion, least_s: float, *, is_length_known: bool = True) -> Recommendation | None:
        """Return the best song that is left and lasts for `least_s`, None where there is none."""
        shortest = max(least_s, self._filters.min_duration_s or 0.0)
        # a bound from above leaves out songs whose length is not known
        longest = self._filters.max_duration_s or (math.inf if is_length_known else None)
        if longest is not None and shortest > longest:
            return None
        filters = replace(self._filters, min_duration_s=shortest, max_duration_s=longest)
        seed = None if self._seed is None else self._seed + len(self._taken) - self._n_before
        found = self._recommender(region.probabilities, 1, seed=seed, filters=filters, exclude=self._taken)
        self._taken += [item.song.uid for item in found]
        return found[0] if found else None

    def longest_s(self, least_s: float) -> float:
        """Return the length of the longest song that is left, 0 where all of them together do not last for `least_s`.

        Songs whose length is not known do not count, and together last for as long as is asked for.
        """
        left = [length_s for uid, length_s in self._lengths.items() if uid not in self._taken]
        known = [length_s for length_s in left if length_s is not None]
        return max(known, default=0.0) if len(known) < len(left) or sum(known) >= least_s else 0.0

    @cached_property
    def _lengths(self) -> dict[str, float | None]:
        songs = self._recommender.catalogue.search(limit=sys.maxsize, filters=self._filters)
        return {song.uid: song.duration_s for song in songs}


def _fill(
    region: CueRegion, joins: tuple[bool, bool], choice: _Choice, min_region_s: float, crossfade_s: float
) -> Iterator[_Part]:
    """Yield songs for a region, as few as there can be; `joins` tells whether music is before it, and after it."""
    start_s, joins_before = region.start_s, joins[0]
    while (rest_s := region.end_s - start_s) > SAME_S:
        end_s = region.end_s
        item = choice.song(region, _needed(rest_s, joins_before + joins[1], crossfade_s))
        part_s = rest_s / 2 if item else min(rest_s / 2, choice.longest_s(rest_s))
        while item is None and part_s >= _LEAST_PART_S:
            item = choice.song(region, _needed(part_s, joins_before + 1, crossfade_s))
            if item is not None and item.song.duration_s is not None:
                longest_s = max(rest_s - min_region_s, rest_s / 2)  # leaves more than a snippet to the next song
                end_s = start_s + min(_filled(item.song.duration_s, joins_before + 1, crossfade_s), longest_s)
            part_s /= 2
        item = item or choice.song(region, rest_s, is_length_known=False)
        if item is None:
            raise SongNotFoundError(
                f"no song is left for {start_s:.0f} to {region.end_s:.0f} s of the film; loosen the filters, or ask "
                "for longer regions"
            )
        yield _Part(
            start_s=start_s,
            end_s=end_s,
            song=item.song,
            reason=item.reason if item.song.duration_s else f"{item.reason}; check its length, which is not known",
            emotion=region.emotion,
            probability=region.probabilities[EMOTIONS.index(region.emotion)],
            is_sure=region.sure_s >= region.duration_s / 2,
            disagree=region.disagree_s > region.duration_s / 2,
            by_hand=region.by_hand_s > region.duration_s / 2,
        )
        start_s, joins_before = end_s, True


def _needed(cue_s: float, n_crossfades: int, crossfade_s: float) -> float:
    """Return how much of a song a cue takes: a crossfade, up to half of the cue, reaches beyond it by its half."""
    return cue_s + n_crossfades * min(crossfade_s, cue_s / 2) / 2


def _filled(song_s: float, n_crossfades: int, crossfade_s: float) -> float:
    """Return the length of the cue that takes a whole song, the inverse of `_needed`."""
    return max(song_s - n_crossfades * crossfade_s / 2, song_s / (1 + n_crossfades / 4))
