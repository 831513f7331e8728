"""What draws a song forward or holds it back beside its score, and the pool of the best by all of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_emo.music.ranking.mixture import Part
from edge_emo.music.ranking.scores import Floats, Indices, Ranking, steady
from edge_emo.music.ranking.taste import Memory

LEAST_FIT = 1 / 3
"""Score, without taste and freshness, below which a song does not fit what is asked for."""

_VARIETY = 0.06  # width of the random part of a value: songs with the same tags take turns
_LUCK = 1 << 16  # steps of that part
_STALE = 0.15  # what a song loses that was shown a moment ago,
_STALE_S = 3 * 86400.0  # and after this many seconds, 37 % of that
_TASTE = 0.25  # what a standard deviation of liking adds
_TASTE_POOL = 2000  # best songs of each part of which it is looked up how much they are liked


class Pool(NamedTuple):
    """The best songs of all parts; for each part how much they are liked, and their values, -inf for never.

    `is_whole` tells that these are all there are.
    """

    indices: Indices
    tastes: list[Floats]
    values: list[Floats]
    is_whole: bool


@dataclass(frozen=True)
class Appeal:
    """Luck, taste, and how lately each song was shown, all drawn and looked up once for a list.

    `luck` of each song and `luck_of_names` are drawn for the whole catalogue, whatever the pool, so that one song more
    does not change the luck of all others. `staleness` of each song is 1 if it was shown just now, 0 if never. The
    `memory` is one that knows something.
    """

    ranking: Ranking
    luck: NDArray[np.uint16]
    luck_of_names: NDArray[np.float64]
    memory: Memory | None
    staleness: Floats

    @classmethod
    def drawn(
        cls,
        rng: np.random.Generator,
        ranking: Ranking,
        memory: Memory | None,
        shown: tuple[Indices, NDArray[np.float64]] | None,
    ) -> Appeal:
        """Return the appeal by one draw; `shown` are songs, and how many seconds ago each was shown."""
        luck = rng.integers(_LUCK, size=ranking.n_songs, dtype=np.uint16)
        knowing = memory if memory and memory.knows_something else None
        luck_of_names = rng.normal(size=len(ranking.songs.names) if knowing else 0)
        staleness = np.zeros(ranking.n_songs, np.float32)
        if shown:
            indices, ages_s = shown
            staleness[indices] = steady(np.exp(-ages_s / _STALE_S))
        return cls(ranking, luck, luck_of_names, knowing, staleness)

    def scores(self, part: Part) -> Floats:
        """Return each song's score for a part, less for what was shown lately."""
        return self.ranking.scores(part.wanted) - _STALE * self.staleness

    def score(self, index: int, fit: float, taste: float) -> float:
        """Return the score of one song that fits and is liked so well; luck is no part of it."""
        return fit - _STALE * float(self.staleness[index]) + _TASTE * taste

    def pool(self, parts: Sequence[Part], scores: Sequence[Floats], size: int, is_free: NDArray[np.bool_]) -> Pool:
        """Return the pool of the `size` best free songs, or some more, of each part."""
        least = max(size, _TASTE_POOL) if self.memory else size
        pools = [self.ranking.best(of_part, least, is_free) for of_part in scores]
        pool = pools[0] if len(pools) == 1 else np.unique(np.concatenate(pools))
        tastes = [self._tastes(pool, part.emotion) for part in parts]
        luck = _VARIETY / _LUCK * self.luck[pool].astype(np.float32)
        values = [  # for a part come its own best alone, and what does not fit it only once nothing else is left
            np.where(np.isin(pool, own), of_part[pool] + _TASTE * taste + luck - (of_part[pool] < LEAST_FIT), -np.inf)
            for own, of_part, taste in zip(pools, scores, tastes, strict=True)
        ]
        is_whole = all(len(each) < size for each in pools)
        if least > size:
            kept = np.unique(np.concatenate([np.argsort(-each, kind="stable")[:size] for each in values]))
            pool, tastes, values = pool[kept], [each[kept] for each in tastes], [each[kept] for each in values]
        return Pool(pool, tastes, values, is_whole)

    def _tastes(self, pool: Indices, emotion: str) -> Floats:
        if self.memory is None:
            return np.zeros(len(pool), np.float32)
        return self.memory.tastes(pool, emotion, self.luck_of_names)
