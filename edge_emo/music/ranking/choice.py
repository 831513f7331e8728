"""The songs chosen for one call: by their scores, their turn, what was shown before and what is liked; and why each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_emo.core.emotions import EMOTIONS
from edge_emo.music.ranking.mixture import Part, turns
from edge_emo.music.ranking.scores import Floats, Indices, Ranking, steady
from edge_emo.music.ranking.taste import Memory
from edge_emo.music.store.catalogue import Catalogue, Song

LEAST_FIT = 1 / 3
"""Score, without taste and freshness, below which a song does not fit what is asked for."""

_VARIETY = 0.06  # width of the random part of a score: songs with the same tags take turns
_LUCK = 1 << 16  # steps of that part
_STALE = 0.15  # what a song loses that was shown a moment ago,
_STALE_S = 3 * 86400.0  # and after this many seconds, 37 % of that
_TASTE = 0.25  # what a standard deviation of liking adds
_SUITS = 0.15  # share of an emotion from which on a song is said to suit it
_POOL, _TASTE_POOL = 500, 2000  # best songs of each part among which the choice is made


@dataclass(frozen=True)
class Recommendation:
    """A song, its score with the parts it is made of, and the reason in words.

    `score` is two parts of `mood_match` and one of `closeness` (both 0 to 1), less where the song contradicts the
    emotion or was shown lately (`freshness` is 1 for a song not shown, 0 for one shown just now), and more or less by
    the `taste` that a history tells of (0 without one; in standard deviations of liking). `fits` is false where the
    song comes only because the filters leave nothing better; the reason says so too. `asked_for` is the emotion for
    which it was chosen.
    """

    song: Song
    score: float
    mood_match: float
    closeness: float
    freshness: float
    taste: float
    fits: bool
    reason: str
    asked_for: str


class _Why(NamedTuple):
    """What a song was chosen for, how much it is liked, and how well it fits."""

    part: Part
    taste: float
    mood_match: float
    closeness: float
    fit: float


class Choice:
    """Chooses among the songs for which `is_free` is true; with `needs_file`, those whose file is there."""

    def __init__(
        self,
        catalogue: Catalogue,
        ranking: Ranking,
        memory: Memory | None,
        is_free: NDArray[np.bool_],
        rng: np.random.Generator,
        *,
        needs_file: bool,
    ) -> None:
        self._catalogue, self._ranking, self._memory, self._rng = catalogue, ranking, memory, rng
        self._is_free, self._needs_file = is_free.copy(), needs_file
        # of each song and name, whatever the pool, so that one song more does not change the luck of all others
        self._luck = rng.integers(_LUCK, size=ranking.n_songs, dtype=np.uint16)
        knows = memory is not None and memory.knows_something
        self._luck_of_names = rng.normal(size=len(ranking.songs.names)) if knows else None
        self._stale = np.zeros(0, np.float32)
        self._stale_at = np.zeros(0, np.intp)
        self._again = np.zeros(0, np.intp)
        self.found: list[int] = []
        self._why: list[_Why] = []

    def exclude(self, indices: Indices) -> None:
        """Leave songs out."""
        self._is_free[indices] = False

    def leave_for_last(self, indices: Indices) -> None:
        """Let songs come only once there are no others."""
        self._again = indices[self._is_free[indices]]
        self._is_free[self._again] = False

    def were_shown(self, indices: Indices, ages_s: NDArray[np.float64]) -> None:
        """Let songs come later that were shown that many seconds ago."""
        self._stale_at, self._stale = indices, steady(np.exp(-ages_s / _STALE_S))

    def add(self, parts: Sequence[Part], n: int) -> None:
        """Choose `n` more songs, of each part in proportion to its share, fewer where there are no more."""
        ranking = self._ranking
        scores = [self._fresh(ranking.scores(part.wanted)) for part in parts]
        order = turns([part.share for part in parts], n)
        for size in (max(_POOL, 8 * n), 8 * max(_POOL, 8 * n), ranking.n_songs):
            pool, tastes, values, is_whole = self._pool(parts, scores, size)
            rows, whose, is_varied = ranking.varied(pool, values, order, self.found, self._is_usable)
            if is_varied or is_whole:
                break
        liked = [tastes[number][row] for row, number in zip(rows, whose, strict=True)]
        self._explain(pool[rows], [parts[number] for number in whose], liked)
        if len(rows) < n and self._comes_again():
            self.add(parts, n - len(rows))

    def at_random(self, wanted: Part, n: int) -> None:
        """Choose songs whatever their mood."""
        free = np.flatnonzero(self._is_free)
        drawn = (int(i) for i in self._rng.permutation(free))
        chosen = np.fromiter(islice((i for i in drawn if self._is_usable(i)), n), np.intp)
        self._explain(chosen, [wanted] * len(chosen), [0.0] * len(chosen))
        if len(chosen) < n and self._comes_again():
            self.at_random(wanted, n - len(chosen))

    def recommendations(self) -> list[Recommendation]:
        """Return what was chosen."""
        stale = dict(zip(self._stale_at.tolist(), self._stale.tolist(), strict=True))
        songs = self._catalogue.of_keys([int(self._ranking.songs.keys[i]) for i in self.found])
        found = []
        for index, song, why in zip(self.found, songs, self._why, strict=True):
            staleness = stale.get(index, 0.0)
            liked = self._memory.liked(song, why.part.emotion) if self._memory else None
            found.append(
                Recommendation(
                    song=song,
                    score=why.fit - _STALE * staleness + _TASTE * why.taste,
                    mood_match=why.mood_match,
                    closeness=why.closeness,
                    freshness=1 - staleness,
                    taste=why.taste,
                    fits=why.fit >= LEAST_FIT,
                    reason=_reason(song, why, liked),
                    asked_for=why.part.emotion,
                )
            )
        return found

    @property
    def emotions(self) -> list[str]:
        """The emotion that each of the songs was chosen for."""
        return [why.part.emotion for why in self._why]

    def _fresh(self, scores: Floats) -> Floats:
        """Return the scores, less for what was shown lately."""
        if not len(self._stale_at):
            return scores
        scores = scores.copy()
        scores[self._stale_at] -= _STALE * self._stale
        return scores

    def _pool(
        self, parts: Sequence[Part], scores: Sequence[Floats], size: int
    ) -> tuple[Indices, list[Floats], list[Floats], bool]:
        """Return the best songs of all parts; for each part how much they are liked and their values, -inf for never.

        Also returned is whether these are all there are.
        """
        knows = self._memory is not None and self._luck_of_names is not None
        least = max(size, _TASTE_POOL) if knows else size
        pools = [self._ranking.best(of_part, least, self._is_free) for of_part in scores]
        pool = pools[0] if len(pools) == 1 else np.unique(np.concatenate(pools))
        tastes = [self._tastes(pool, part.emotion) for part in parts]
        luck = _VARIETY / _LUCK * self._luck[pool].astype(np.float32)
        values = [  # for a part come its own best alone, and what does not fit it only once nothing else is left
            np.where(np.isin(pool, own), of_part[pool] + _TASTE * taste + luck - (of_part[pool] < LEAST_FIT), -np.inf)
            for own, of_part, taste in zip(pools, scores, tastes, strict=True)
        ]
        is_whole = all(len(each) < size for each in pools)
        if least > size:
            kept = np.unique(np.concatenate([np.argsort(-each, kind="stable")[:size] for each in values]))
            pool, tastes, values = pool[kept], [each[kept] for each in tastes], [each[kept] for each in values]
        return pool, tastes, values, is_whole

    def _tastes(self, pool: Indices, emotion: str) -> Floats:
        if self._memory is None or self._luck_of_names is None:
            return np.zeros(len(pool), np.float32)
        return self._memory.tastes(pool, emotion, self._luck_of_names)

    def _explain(self, chosen: Indices, parts: Sequence[Part], tastes: Sequence[float]) -> None:
        """Add songs to what was found, each with its part and the parts of its score."""
        explained = self._ranking.explained(chosen, [part.wanted for part in parts])
        columns = [part.tolist() for part in explained]
        self._why += [_Why(*why) for why in zip(parts, map(float, tastes), *columns, strict=True)]
        self.found += chosen.tolist()
        self._is_free[chosen] = False

    def _comes_again(self) -> bool:
        """Let the songs that were left for last come, once there are no others; return whether there are any."""
        again, self._again = self._again, self._again[:0]
        self._is_free[again] = True
        return len(again) > 0

    def _is_usable(self, index: int) -> bool:
        """Return whether a song's file is there, where files are asked for."""
        if not self._needs_file:
            return True
        [song] = self._catalogue.of_keys([int(self._ranking.songs.keys[index])])
        return song.path is not None and os.path.exists(song.path)


def _reason(song: Song, why: _Why, liked: str | None) -> str:
    wanted = why.part.wanted.tolist()
    fits = why.fit >= LEAST_FIT
    weights = [p * share for p, share in zip(wanted, song.probabilities, strict=True)] if fits else wanted
    emotion = weights.index(max(weights))
    moods = ""
    if song.mood_from == "nothing":
        moods = "nothing is known of its mood; "
    elif song.moods:
        suits = "suits" if song.probabilities[emotion] >= _SUITS else "hardly suits"
        asked = float(why.part.whole[emotion])
        share = "" if asked > 0.999 else f" ({asked:.0%} of what is asked for)"
        moods = f"{', '.join(song.moods)} {suits} {EMOTIONS[emotion]}{share}; "
    valence, arousal = why.part.place
    return (
        f"{'' if fits else 'does not fit: '}{moods}valence {song.valence:+.2f} and arousal {song.arousal:+.2f} against "
        f"{valence:+.2f} and {arousal:+.2f}" + (f"; you like {liked}" if liked else "")
    )
