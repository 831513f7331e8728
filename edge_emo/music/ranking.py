"""Scores of all songs at once, and a choice among the best that is varied."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from edge_emo.emotions import EMOTIONS, VALENCE_AROUSAL
from edge_emo.music.catalogue import Ranked
from edge_emo.music.moods import SPREAD

MAX_PER_ARTIST = 2
"""Songs of one artist among any ten."""

MATCH_WEIGHT = 2 / 3
"""What the mood match counts in a score; the rest is closeness."""

DIVERSITY = 0.2
"""What a song loses that is the same as one already chosen in artist, genre and moods."""
SAME_ARTIST, SAME_GENRE, SAME_MOODS = 0.3, 0.3, 0.4

_SAMPLE = 20_000
_BLOCK = 16_384  # songs scored at a time, which stay in the processor's cache
_GRID = 2.0**16

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]


class Ranking:
    """The songs of a catalogue as arrays; an index is a song's place in them."""

    def __init__(self, songs: Ranked) -> None:
        self.songs = songs
        self.n_songs = len(songs.keys)
        self._by_key = np.argsort(songs.keys, kind="stable")
        places = np.array([VALENCE_AROUSAL[name] for name in EMOTIONS], np.float32)
        n = len(EMOTIONS)
        self._parts = np.empty((2 * n, self.n_songs), np.float32)
        np.sqrt(songs.shares, out=self._parts[:n])
        for row, (valence, arousal) in zip(self._parts[n:], places, strict=True):
            distance = (songs.places[0] - valence) ** 2 + (songs.places[1] - arousal) ** 2
            row[:] = steady(np.exp(distance.astype(np.float64) * (-0.5 / SPREAD**2)))
        self._parts *= songs.trust
        # a song that contradicts a certain emotion comes below 0
        self._parts[n:] -= songs.clashes / np.float32(1 - MATCH_WEIGHT)

    def indices(self, keys: Sequence[int] | NDArray[np.int64]) -> Indices:
        """Return the places of those keys that are here."""
        if not self.n_songs:
            return np.zeros(0, np.intp)
        wanted = np.asarray(keys, np.int64)
        found = np.searchsorted(self.songs.keys, wanted, sorter=self._by_key)
        found = self._by_key[np.minimum(found, self.n_songs - 1)]
        return np.asarray(found[self.songs.keys[found] == wanted])

    def scores(self, wanted: NDArray[np.float64]) -> Floats:
        """Return each song's score for a distribution over the emotions; at most 1, and below 0 for a contradiction.

        It is two parts of the Bhattacharyya coefficient of both distributions and one part of the expectation of a
        Gaussian kernel of closeness on the circumplex, both by how much is known of the song, less the probability of
        the emotions that the song contradicts.
        """
        return _weighted(np.concatenate([MATCH_WEIGHT * np.sqrt(wanted), (1 - MATCH_WEIGHT) * wanted]), self._parts)

    def explained(self, indices: Sequence[int], wanted: NDArray[np.float64]) -> tuple[Floats, Floats]:
        """Return the mood match and the closeness, 0 to 1, of songs."""
        columns, n = self._parts[:, indices], len(EMOTIONS)
        closeness = columns[n:] + self.songs.clashes[:, indices] / np.float32(1 - MATCH_WEIGHT)
        return _weighted(np.sqrt(wanted), columns[:n]), _weighted(wanted, closeness)

    def best(self, scores: Floats, at_least: int) -> Indices:
        """Return the places of the `at_least` best songs and maybe some more, by falling score; only scores above 0.

        Of equal ones the first in the catalogue comes first, on every processor.
        """
        found = np.flatnonzero(scores > self._threshold(scores, at_least))
        if len(found) > 2 * at_least:
            last = np.partition(scores[found], -at_least)[-at_least]
            better, equal = found[scores[found] > last], found[scores[found] == last]
            found = np.concatenate([better, equal[: at_least - len(better)]])
        return found[np.argsort(-scores[found], kind="stable")]

    def _threshold(self, scores: Floats, at_least: int) -> float:
        """Return a score that more than `at_least` songs exceed, few of them in vain, or 0."""
        step = len(scores) // _SAMPLE
        if step < 2:
            return 0.0
        sample = np.sort(scores[::step])
        rank = 2 * (at_least // step + 1)
        while rank < len(sample):
            threshold = max(0.0, float(sample[-rank]))
            if threshold == 0 or np.count_nonzero(scores > threshold) >= at_least:
                return threshold
            rank *= 2
        return 0.0

    def varied(
        self,
        pool: Indices,
        values: Floats,
        n: int,
        chosen: Sequence[int] = (),
        is_usable: Callable[[int], bool] = lambda index: True,
    ) -> tuple[list[int], bool]:
        """Return up to `n` places of `pool` by their `values`, unlike each other and what was `chosen` before.

        Maximal marginal relevance (Carbonell and Goldstein 1998): a song loses by its likeness to the most similar
        one chosen. Of an artist come at most `MAX_PER_ARTIST` among any ten while there are others in the pool; also
        returned is whether there were.
        """
        moods = self._mood_table(np.concatenate([pool, np.array(chosen, np.intp)]))
        sizes = moods.sum(1)
        artists, genres = self.songs.artists[pool], self.songs.genres[pool]
        likeness = np.zeros(len(pool), np.float32)
        left = np.ones(len(pool), bool)
        recent = deque((int(self.songs.artists[i]) for i in chosen), maxlen=9)
        is_kept = True

        def liken(row: int, artist: int, genre: int) -> None:
            shared = moods[: len(pool)] @ moods[row]
            union = np.maximum(sizes[: len(pool)] + sizes[row] - shared, 1)
            alike = shared / union
            alike *= SAME_MOODS
            alike[artists == artist] += SAME_ARTIST
            alike[genres == genre] += SAME_GENRE
            np.maximum(likeness, alike, out=likeness)

        for row, index in enumerate(chosen, start=len(pool)):
            liken(row, self.songs.artists[index], self.songs.genres[index])
        found: list[int] = []
        while len(found) < n and len(pool):
            gains = np.where(left, values - np.float32(DIVERSITY) * likeness, -np.inf)
            free = gains.copy()
            for artist, count in Counter(recent).items():
                if count >= MAX_PER_ARTIST:
                    free[artists == artist] = -np.inf
            row = int(free.argmax())
            if free[row] == -np.inf:
                row = int(gains.argmax())
                if gains[row] == -np.inf:
                    break
                is_kept = False
            left[row] = False
            if not is_usable(int(pool[row])):
                continue
            found.append(int(pool[row]))
            recent.append(int(artists[row]))
            liken(row, artists[row], genres[row])
        return found, is_kept

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


def steady(values: NDArray[np.float64]) -> Floats:
    """Return values without their last bits, by which processors differ in exponentials and the like."""
    return (np.rint(values * _GRID) / _GRID).astype(np.float32)


def _weighted(weights: NDArray[np.float64], rows: Floats) -> Floats:
    """Return `weights @ rows`, added up in the same order on every processor, as BLAS does not."""
    total = np.zeros(rows.shape[1], np.float32)
    used = [(weight, row) for weight, row in zip(weights.astype(np.float32), rows, strict=True) if weight]
    for start in range(0, len(total), _BLOCK):
        block = slice(start, start + _BLOCK)
        for weight, row in used:
            total[block] += weight * row[block]
    return total


def spread(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[Indices, Indices]:
    """Return all places of several ranges, one range after the other, and for each place the number of its range."""
    lengths = ends - starts
    rows = np.repeat(np.arange(len(lengths)), lengths)
    inside = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return rows, np.repeat(starts, lengths) + inside
