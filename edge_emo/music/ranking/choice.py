"""The songs chosen for one list: by their scores, their appeal and their turn; and why each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from edge_emo.core.emotions import EMOTIONS
from edge_emo.music.ranking.appeal import LEAST_FIT, Appeal
from edge_emo.music.ranking.mixture import Part, turns
from edge_emo.music.ranking.scores import Indices
from edge_emo.music.store.catalogue import Catalogue
from edge_emo.music.store.song import Song

_SUITS = 0.15  # share of an emotion from which on a song is said to suit it
_POOL = 500  # best songs of each part among which the choice is made


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


@dataclass(frozen=True)
class Chosen:
    """A song, what it was chosen for, how much it is liked, and how well it fits."""

    index: int
    part: Part
    taste: float
    mood_match: float
    closeness: float
    fit: float


class Choice:
    """Chooses songs for which `is_free` is true, each once, and those of `again` only once there are no others.

    With `needs_file` come those whose file is there.
    """

    def __init__(
        self, catalogue: Catalogue, appeal: Appeal, is_free: NDArray[np.bool_], again: Indices, *, needs_file: bool
    ) -> None:
        self._catalogue, self._appeal, self._needs_file = catalogue, appeal, needs_file
        self._is_free, self._again = is_free.copy(), again[is_free[again]]
        self._is_free[self._again] = False
        self.chosen: list[Chosen] = []

    def add(self, parts: Sequence[Part], n: int) -> None:
        """Choose `n` more songs, of each part in proportion to its share, fewer where there are no more."""
        ranking, before = self._appeal.ranking, [each.index for each in self.chosen]
        scores = [self._appeal.scores(part) for part in parts]
        order = turns([part.share for part in parts], n)
        for size in (max(_POOL, 8 * n), 8 * max(_POOL, 8 * n), ranking.n_songs):
            pool = self._appeal.pool(parts, scores, size, self._is_free)
            rows, whose, is_varied = ranking.varied(pool.indices, pool.values, order, before, self._is_usable)
            if is_varied or pool.is_whole:
                break
        tastes = [float(pool.tastes[number][row]) for row, number in zip(rows, whose, strict=True)]
        self._choose(pool.indices[rows], [parts[number] for number in whose], tastes)
        if len(rows) < n and self._comes_again():
            self.add(parts, n - len(rows))

    def at_random(self, wanted: Part, n: int, rng: np.random.Generator) -> None:
        """Choose `n` more songs whatever their mood."""
        drawn = (int(i) for i in rng.permutation(np.flatnonzero(self._is_free)))
        found = np.fromiter(islice((i for i in drawn if self._is_usable(i)), n), np.intp)
        self._choose(found, [wanted] * len(found), [0.0] * len(found))
        if len(found) < n and self._comes_again():
            self.at_random(wanted, n - len(found), rng)

    def recommendations(self) -> list[Recommendation]:
        """Return what was chosen."""
        appeal = self._appeal
        songs = self._catalogue.of_keys(appeal.ranking.keys([each.index for each in self.chosen]))
        return [
            Recommendation(
                song=song,
                score=appeal.score(each.index, each.fit, each.taste),
                mood_match=each.mood_match,
                closeness=each.closeness,
                freshness=1 - float(appeal.staleness[each.index]),
                taste=each.taste,
                fits=each.fit >= LEAST_FIT,
                reason=_reason(song, each, appeal.memory.liked(song, each.part.emotion) if appeal.memory else None),
                asked_for=each.part.emotion,
            )
            for song, each in zip(songs, self.chosen, strict=True)
        ]

    def _choose(self, indices: Indices, parts: Sequence[Part], tastes: Sequence[float]) -> None:
        fits = self._appeal.ranking.explained(indices, [part.wanted for part in parts])
        rows = zip(indices.tolist(), parts, tastes, *(column.tolist() for column in fits), strict=True)
        self.chosen += [Chosen(*row) for row in rows]
        self._is_free[indices] = False

    def _comes_again(self) -> bool:
        """Let the songs that were left for last come; return whether there are any."""
        again, self._again = self._again, self._again[:0]
        self._is_free[again] = True
        return len(again) > 0

    def _is_usable(self, index: int) -> bool:
        """Return whether a song's file is there, where files are asked for."""
        if not self._needs_file:
            return True
        [song] = self._catalogue.of_keys(self._appeal.ranking.keys([index]))
        return song.path is not None and os.path.exists(song.path)


def _reason(song: Song, why: Chosen, liked: str | None) -> str:
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
