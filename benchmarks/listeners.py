"""Simulated listeners of known taste, who look at a list from the top and keep what they like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_emo.core.emotions import EMOTIONS
from edge_emo.music.ranking.recommend import Recommendation
from edge_emo.music.ranking.scores import Ranking
from edge_emo.music.store.history import Action
from edge_emo.music.store.song import Key

EXAMINED = 0.85
"""How likely somebody who looked at a song looks at the next one too."""


@dataclass(frozen=True)
class Scales:
    """How taste differs between listeners: standard deviations of a log-odds, and what holds for all."""

    genre: float = 1.0
    artist: float = 0.7
    mood: float = 0.5
    genre_in_emotion: float = 0.5
    usual: float = -1.0
    fit: float = 4.0
    good_fit: float = 0.8


class Listener:
    """Somebody with a taste drawn under a seed: for genres, artists and moods, and for genres in each emotion.

    A song is liked with the log-odds `usual` + `fit` times what its score differs from `good_fit` + taste, where the
    score is that of the ranking without any learning.
    """

    def __init__(self, ranking: Ranking, seed: int, scales: Scales = Scales()) -> None:
        self._ranking, self._scales = ranking, scales
        self._rng = np.random.default_rng([seed, 1])
        taste = np.random.default_rng([seed, 2])
        n = len(ranking.songs.names)
        self._genre = taste.normal(0, scales.genre, n)
        self._artist = taste.normal(0, scales.artist, n)
        self._mood = taste.normal(0, scales.mood, n)
        self._genre_in_emotion = taste.normal(0, scales.genre_in_emotion, (len(EMOTIONS), n))

    def feeling(self) -> list[float]:
        """Return a distribution over emotions, as a recogniser would give it for one mood or another."""
        return [float(p) for p in self._rng.dirichlet(0.15 + 3 * np.eye(len(EMOTIONS))[self._rng.integers(8)])]

    def liking(self, keys: Sequence[Key], feeling: Sequence[float]) -> np.ndarray:
        """Return the probability with which each song would be kept if it was looked at."""
        songs, scales = self._ranking.songs, self._scales
        wanted = np.asarray(feeling)
        indices = self._ranking.indices(keys)
        odds = scales.usual + scales.fit * (self._ranking.scores(wanted)[indices] - scales.good_fit)
        odds += self._genre[songs.genres[indices]] + self._artist[songs.artists[indices]]
        odds += self._genre_in_emotion[int(wanted.argmax()), songs.genres[indices]]
        for row, index in enumerate(indices):
            moods = songs.moods[songs.mood_starts[index] : songs.mood_starts[index + 1]]
            odds[row] += self._mood[moods].sum() / np.sqrt(max(1, len(moods)))
        return np.asarray(1 / (1 + np.exp(-odds)))

    def answers(self, found: Sequence[Recommendation], liking: np.ndarray) -> list[tuple[Action, str]]:
        """Return what the listener does with a list: the action and the song, none for those not looked at."""
        done: list[tuple[Action, str]] = []
        for item, probability in zip(found, liking, strict=True):
            if self._rng.random() < probability:
                done.append(("kept", item.song.uid))
            if self._rng.random() > EXAMINED:
                break
        return done
