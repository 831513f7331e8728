"""Scores of all songs at once, and a choice among the best that is varied."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edge_emo.core.emotions import EMOTIONS, VALENCE_AROUSAL
from edge_emo.music.store.moods import SPREAD
from edge_emo.music.store.song import KEYS, Key, Keys, Ranked

MAX_PER_ARTIST = 2
"""Songs of one artist among any ten."""

MATCH_WEIGHT = 2 / 3
"""What the mood match counts in a score; the rest is closeness."""

DIVERSITY = 0.2
"""What a song loses that is the same as one already chosen in artist, genre and moods."""
CROWDING = 0.045
"""What it loses for each of the last nine songs that is the same, so that no genre and no mood fills a list."""
SAME_ARTIST, SAME_GENRE, SAME_MOODS = 0.3, 0.3, 0.4

_SAMPLE = 20_000
_GRID = 2.0**11

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]


class Ranking:
    """The songs of a catalogue as arrays; an index is a song's place in them."""

    def __init__(self, songs: Ranked) -> None:
        self.songs = songs
        self.n_songs = len(songs.keys)
        self._of_emotion: dict[int, Floats] = {}  # scores for one emotion alone, which are asked for most
        files = songs.keys["file"]  # one after the other, and the rows of each ascend
        self._starts = np.searchsorted(files, np.arange(int(files.max(initial=-1)) + 2))
        self._ids = np.ascontiguousarray(songs.keys["id"])
        places = np.array([VALENCE_AROUSAL[name] for name in EMOTIONS], np.float32)
        n = len(EMOTIONS)
        self._parts = np.empty((2 * n, self.n_songs), np.float32)
        np.sqrt(songs.probabilities, out=self._parts[:n])
        for row, (valence, arousal) in zip(self._parts[n:], places, strict=True):
            distance = (songs.places[0] - valence) ** 2 + (songs.places[1] - arousal) ** 2
            row[:] = np.exp(distance.astype(np.float64) * (-0.5 / SPREAD**2))
        self._parts *= songs.trust
        # a song that contradicts an emotion that is sure comes below 0
        self._parts[n:] -= songs.contradictions / np.float32(1 - MATCH_WEIGHT)
        for row in self._parts:
            row[:] = steady(row)

    def indices(self, keys: Sequence[Key] | Keys) -> Indices:
        """Return the places of those keys that are here, in the order of the keys."""
        wanted = np.asarray(keys, KEYS)
        found = np.full(len(wanted), -1, np.intp)
        for file, (start, end) in enumerate(pairwise(self._starts)):
            ids = self._ids[start:end]
            of_file = np.flatnonzero(wanted["file"] == file)
            if len(ids):
                rows = np.minimum(np.searchsorted(ids, wanted["id"][of_file]), len(ids) - 1)
                is_here = ids[rows] == wanted["id"][of_file]
                found[of_file[is_here]] = start + rows[is_here]
        return found[found >= 0]

    def keys(self, indices: Sequence[int] | Indices) -> list[Key]:
        """Return the keys of the songs at those places."""
        return [Key(*key) for key in self.songs.keys[np.asarray(indices, np.intp)].tolist()]

    def scores(self, wanted: NDArray[np.float64]) -> Floats:
        """Return each song's score for a distribution over the emotions; at most 1, and below 0 for a contradiction.

        It is two parts of the Bhattacharyya coefficient of both distributions and one part of the expectation of a
        Gaussian kernel of closeness on the circumplex, both by how much is known of the song, less the probability of
        the emotions that the song contradicts. The array is not to be written to.
        """
        found = self._of_emotion.get(int(wanted.argmax())) if wanted.max() == 1 else None
        if found is None:
            weights = steady(np.concatenate([MATCH_WEIGHT * np.sqrt(wanted), (1 - MATCH_WEIGHT) * wanted]))
            found = np.asarray(weights @ self._parts)
            found.flags.writeable = False
            if wanted.max() == 1:
                self._of_emotion[int(wanted.argmax())] = found
        return found

    def explained(self, indices: Indices, wanted: Sequence[NDArray[np.float64]]) -> tuple[Floats, Floats, Floats]:
        """Return the mood match and the closeness, 0 to 1, and the score of songs, each for its own distribution."""
        n = len(EMOTIONS)
        columns, contradictions = (
            self._parts[:, indices],
            self.songs.contradictions[:, indices] / np.float32(1 - MATCH_WEIGHT),
        )
        probabilities = np.array(wanted, np.float32).reshape(-1, n).T
        match = np.asarray(sum(np.sqrt(probabilities) * columns[:n]))
        closeness, contradiction = (
            np.asarray(sum(probabilities * part)) for part in (columns[n:] + contradictions, contradictions)
        )
        return (
            match,
            closeness,
            np.float32(MATCH_WEIGHT) * match + np.float32(1 - MATCH_WEIGHT) * (closeness - contradiction),
        )

    def best(self, scores: Floats, at_least: int, is_free: NDArray[np.bool_] | None = None) -> Indices:
        """Return the places of the `at_least` best songs and maybe some more, by falling score; only scores above 0.

        Of equal ones the first in the catalogue comes first, on every processor. Only songs that are free come.
        """
        is_free = np.ones(len(scores), bool) if is_free is None else is_free
        found = self._promising(scores, at_least, is_free)
        if len(found) > 2 * at_least:
            values = scores[found]
            last = np.partition(values, -at_least)[-at_least]
            better = found[values > last]
            found = np.concatenate([better, found[values == last][: at_least - len(better)]])
        return found[np.argsort(-scores[found], kind="stable")]

    def _promising(self, scores: Floats, at_least: int, is_free: NDArray[np.bool_]) -> Indices:
        """Return the places of the free songs that exceed a score which `at_least` do, few of them in vain."""
        thresholds: list[float] = []
        step = len(scores) // _SAMPLE
        if step >= 2:
            sample = np.sort(np.where(is_free[::step], scores[::step], np.float32(-1)))
            rank = 2 * (at_least // step + 1)
            while rank < len(sample) and sample[-rank] > 0:
                if sample[-rank] not in thresholds[-1:]:
                    thresholds.append(float(sample[-rank]))
                rank *= 2
        for threshold in (*thresholds, 0.0):
            found = np.flatnonzero(scores > threshold)
            found = found[is_free[found]]
            if len(found) >= at_least:
                break
        return found

    def varied(
        self,
        pool: Indices,
        values: Sequence[Floats],
        turns: Sequence[int],
        chosen: Sequence[int] = (),
        is_usable: Callable[[int], bool] = lambda index: True,
    ) -> tuple[list[int], list[int], bool]:
        """Return rows of `pool` for each of the `turns`, unlike each other and what was `chosen` before, and for whom.

        `values` holds those of the pool for each taker of a turn, -inf where a song never comes; who finds none leaves
        the turn to the others. Maximal marginal relevance (Carbonell and Goldstein 1998): a song loses by its likeness
        to the most similar one chosen, and a little by that to each of the last nine. Of an artist come at most
        `MAX_PER_ARTIST` among any ten while there are others in the pool; also returned is whether there were, and
        songs for everyone.
        """
        moods = self._mood_table(np.concatenate([pool, np.array(chosen, np.intp)]))
        sizes = moods.sum(1)
        artists, genres = self.songs.artists[pool], self.songs.genres[pool]
        likeness, crowd = np.zeros((2, len(pool)), np.float32)
        lately: deque[Floats] = deque(maxlen=9)
        left = np.ones(len(pool), bool)
        recent = deque((int(self.songs.artists[i]) for i in chosen), maxlen=9)
        is_kept = True

        def liken(row: int, artist: int, genre: int) -> None:
            shared = moods[: len(pool)] @ moods[row]
            union = np.maximum(sizes[: len(pool)] + sizes[row] - shared, 1)
            alike = shared / union
            alike *= SAME_MOODS
            alike += np.float32(SAME_ARTIST) * (artists == artist)
            alike += np.float32(SAME_GENRE) * (genres == genre)
            np.maximum(likeness, alike, out=likeness)
            if len(lately) == lately.maxlen:
                np.subtract(crowd, lately[0], out=crowd)
            np.add(crowd, alike, out=crowd)
            lately.append(alike)

        def best(taker: int) -> int | None:
            nonlocal is_kept
            gains = np.where(
                left, values[taker] - np.float32(DIVERSITY) * likeness - np.float32(CROWDING) * crowd, -np.inf
            )
            often = [artist for artist, count in Counter(recent).items() if count >= MAX_PER_ARTIST]
            free = np.where(np.isin(artists, often), -np.inf, gains) if often else gains
            row = int(free.argmax())
            if free[row] == -np.inf:
                is_kept = False
                row = int(gains.argmax())
            return row if gains[row] > -np.inf else None

        for row, index in enumerate(chosen, start=len(pool)):
            liken(row, self.songs.artists[index], self.songs.genres[index])
        rows: list[int] = []
        whose: list[int] = []
        for turn in turns:
            takers = [turn, *(taker for taker in range(len(values)) if taker != turn)]
            while len(pool) and takers:
                found = best(takers[0])
                if found is None:
                    takers.pop(0)
                    continue
                left[found] = False
                if is_usable(int(pool[found])):
                    rows.append(found)
                    whose.append(takers[0])
                    recent.append(int(artists[found]))
                    liken(found, artists[found], genres[found])
                    break
        return rows, whose, is_kept

    def about(self, index: int) -> tuple[str, str, list[str]]:
        """Return a song's artist, genre and moods."""
        songs = self.songs
        moods = songs.moods[songs.mood_starts[index] : songs.mood_starts[index + 1]]
        return songs.names[songs.artists[index]], songs.names[songs.genres[index]], [songs.names[i] for i in moods]

    def _mood_table(self, indices: Indices) -> Floats:
        """Return (indices, moods) ones where a song has a mood."""
        rows, places = spread(self.songs.mood_starts[indices], self.songs.mood_starts[indices + 1])
        columns = np.unique(self.songs.moods[places], return_inverse=True)[1]
        table = np.zeros((len(indices), max(1, int(columns.max(initial=0)) + 1)), np.float32)
        table[rows, columns] = 1
        return table


def steady(values: NDArray[np.float64] | Floats) -> Floats:
    """Return values as multiples of 1/2048.

    That leaves out the last bits, by which processors differ in exponentials and the like. And float32 holds sums of
    products of two such values exactly as long as they are below 4, so that it does not matter in which order numpy or
    BLAS add them up, which differs between processors too.
    """
    return (np.rint(values * _GRID) / _GRID).astype(np.float32)


def spread(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[Indices, Indices]:
    """Return all places of several ranges, one range after the other, and for each place the number of its range."""
    lengths = ends - starts
    rows = np.repeat(np.arange(len(lengths)), lengths)
    inside = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return rows, np.repeat(starts, lengths) + inside
