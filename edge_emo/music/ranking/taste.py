"""What a history says about taste: Bayesian probit regression of liking on a song's attributes, online.

Graepel et al. 2010, Web-scale Bayesian click-through rate prediction for sponsored search advertising in Microsoft's
Bing search engine (adPredictor): every weight is a Gaussian, updated by expectation propagation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_emo.music.ranking.scores import Floats, Indices, Ranking, spread, steady
from edge_emo.music.store.catalogue import Catalogue
from edge_emo.music.store.history import LIKED, Event, History
from edge_emo.music.store.song import Song

Attribute = tuple[str, ...]
"""Such as ("genre", "Jazz"), ("artist", "...", ), or with an emotion at the end: there it counts beside the former."""

PRIOR_VARIANCE = {"overall": 0.5, "genre": 0.25, "artist": 0.25, "mood": 0.15, "position": 0.05}
"""How far each kind of attribute may matter; one that holds for an emotion only, half of it."""

_REMEMBERED = 4000  # rows, the last, that are learned from at the start
_EXPLORED = 0.25  # how far a draw strays from the mean, in standard deviations
_CLEAR = 0.25  # from which weight on something is said to be liked
_NOISE = 1.0  # variance of a liking that attributes do not explain
_POSITION_DECAY = 0.35  # prior: a song at place k is looked at as if its weight were lower by this times log k


@dataclass
class Weight:
    """A Gaussian belief."""

    mean: float
    variance: float


@dataclass(frozen=True)
class Like:
    """A learned weight: of an artist, a genre or a mood, for one emotion or (None) for all; 0 is neither liked nor not.

    `weight` and its standard deviation `deviation` are in standard deviations of liking.
    """

    kind: str
    name: str
    emotion: str | None
    weight: float
    deviation: float


class Taste:
    """Weights of attributes, learned one song after the other."""

    def __init__(self) -> None:
        self.weights: dict[Attribute, Weight] = {}

    def learn(self, attributes: Sequence[Attribute], position: int, is_liked: bool) -> None:
        """Learn from a song that was shown at a `position` (from 1 on) and liked, or not.

        The position has a weight of its own, so that what is low on a list is not blamed for being overlooked.
        """
        used = [self._own(attribute) for attribute in (*attributes, ("overall",), ("position", str(position)))]
        variance = _NOISE + sum(weight.variance for weight in used)
        sign, deviation = 1.0 if is_liked else -1.0, math.sqrt(variance)
        margin = sign * sum(weight.mean for weight in used) / deviation
        # mean and variance of a Gaussian cut off at 0
        shift = (
            math.exp(-0.5 * margin**2) / math.sqrt(2 * math.pi) / max(1e-12, 0.5 * math.erfc(-margin / math.sqrt(2)))
        )
        shrink = shift * (shift + margin)
        for weight in used:
            share = weight.variance / variance
            weight.mean += sign * weight.variance / deviation * shift
            weight.variance *= 1 - share * min(max(shrink, 0.0), 1.0)

    def weight(self, attribute: Attribute) -> Weight:
        """Return what is believed of an attribute."""
        return self.weights.get(attribute) or _prior(attribute)

    def _own(self, attribute: Attribute) -> Weight:
        return self.weights.setdefault(attribute, _prior(attribute))


def attributes(artist: str, genre: str, moods: Iterable[str], emotion: str | None) -> list[Attribute]:
    """Return the attributes of a song, also for one emotion alone."""
    general: list[Attribute] = [("artist", artist), *(("mood", mood) for mood in moods)]
    if genre:
        general.append(("genre", genre))
    return general + [(*attribute, emotion) for attribute in general if emotion]


def _prior(attribute: Attribute) -> Weight:
    kind, *rest = attribute
    mean = -_POSITION_DECAY * math.log(int(rest[0])) if kind == "position" else 0.0
    return Weight(mean, PRIOR_VARIANCE[kind] * (0.5 if len(rest) == 2 else 1.0))


class Memory:
    """Keeps up with a history: when each song was shown last and, if it `learns`, the `taste`.

    Lists of which nothing was played, kept, skipped or downloaded teach nothing: nobody may have looked.
    """

    def __init__(self, history: History, catalogue: Catalogue, ranking: Ranking, *, learns: bool) -> None:
        self._history, self._catalogue, self._ranking, self._learns = history, catalogue, ranking, learns
        self.taste, self._last, self._generation = Taste(), 0, ""
        self._shown_at: dict[int, float] = {}

    def refresh(self) -> None:
        """Read what was written since. Raises UserDataError."""
        with self._history.database.lock:
            self._refresh()

    def _refresh(self) -> None:
        generation = self._history.setting("generation")
        if generation != self._generation:
            self.taste, self._last = Taste(), int(self._history.setting("learn_after"))
            self._shown_at = self._by_index(self._history.last_shown())
            self._generation = generation
        shown_at: dict[str, float] = {}
        lists: dict[str, dict[str, Event]] = {}
        answers: dict[tuple[str, str], bool] = {}
        for event in self._history.events(self._last, last=None if self._last else _REMEMBERED):
            self._last = event.id
            if event.action == "shown":
                shown_at[event.uid] = event.at
                lists.setdefault(event.request, {})[event.uid] = event
            else:
                answers[event.request, event.uid] = event.action in LIKED
                # an answer to a list that was learned from already teaches of that song alone
                lists.setdefault(event.request, {}).setdefault(event.uid, event)
        self._shown_at.update(self._by_index(shown_at))
        for request, shown in lists.items() if self._learns else ():
            if any((request, uid) in answers for uid in shown):
                self._learn(shown.values(), {uid: answers.get((request, uid), False) for uid in shown})

    def shown(self) -> tuple[Indices, NDArray[np.float64]]:
        """Return the songs that were shown, and how many seconds ago it was, the last time."""
        n = len(self._shown_at)
        at = np.fromiter(self._shown_at.values(), np.float64, n)
        return np.fromiter(self._shown_at, np.intp, n), np.maximum(0, self._history.now() - at)

    @property
    def knows_something(self) -> bool:
        """Whether anything of taste was learned."""
        return bool(self.taste.weights)

    def tastes(self, indices: Indices, emotion: str, luck: NDArray[np.float64]) -> Floats:
        """Return how much songs are liked for an emotion, in standard deviations, drawn from what is believed.

        The draws (Thompson sampling, narrowed) let songs of which little is known come forward at times; `luck` holds
        a standard normal number for each of the ranking's `names`.
        """
        if not self.knows_something:
            return np.zeros(len(indices), np.float32)
        songs = self._ranking.songs
        total = self._drawn("artist", songs.artists[indices], emotion, luck)
        total += self._drawn("genre", songs.genres[indices], emotion, luck)
        starts, ends = songs.mood_starts[indices], songs.mood_starts[indices + 1]
        rows, places = spread(starts, ends)
        np.add.at(total, rows, self._drawn("mood", songs.moods[places], emotion, luck))
        return total

    def likes(self) -> list[Like]:
        """Return what was learned of songs, from liked most to disliked most."""
        with self._history.database.lock:
            weights = [(attribute, Weight(w.mean, w.variance)) for attribute, w in self.taste.weights.items()]
        known = [
            Like(kind, rest[0], rest[1] if len(rest) == 2 else None, weight.mean, math.sqrt(weight.variance))
            for (kind, *rest), weight in weights
            if kind in ("artist", "genre", "mood")
        ]
        return sorted(known, key=lambda like: -like.weight)

    def liked(self, song: Song, emotion: str) -> str | None:
        """Return what about a song is liked most, if anything clearly is."""
        means: dict[str, float] = {}
        for attribute in attributes(song.artist, song.genre, song.moods, emotion):
            means[attribute[1]] = means.get(attribute[1], 0.0) + self.taste.weight(attribute).mean
        best = max(means, key=lambda name: means[name])
        return best if means[best] > _CLEAR else None

    def _by_index(self, by_uid: dict[str, float]) -> dict[int, float]:
        keys = self._catalogue.keys(list(by_uid))
        uids = {key: uid for uid, key in keys.items()}
        found = self._ranking.indices(list(uids))
        return {int(i): by_uid[uids[key]] for i, key in zip(found, self._ranking.keys(found), strict=True)}

    def _learn(self, shown: Iterable[Event], liked: dict[str, bool]) -> None:
        keys = self._catalogue.keys(list(liked))
        for event in shown:
            if event.uid in keys:
                [index] = self._ranking.indices([keys[event.uid]])
                about = attributes(*self._ranking.about(index), event.emotion)
                self.taste.learn(about, event.position or 1, liked[event.uid])

    def _drawn(self, kind: str, numbers: NDArray[np.int32], emotion: str, luck: NDArray[np.float64]) -> Floats:
        unique, inverse = np.unique(numbers, return_inverse=True)
        means, variances = np.zeros(len(unique)), np.zeros(len(unique))
        for row, number in enumerate(unique):
            name = self._ranking.songs.names[number]
            if name:
                parts = self.taste.weight((kind, name)), self.taste.weight((kind, name, emotion))
                means[row], variances[row] = sum(p.mean for p in parts), sum(p.variance for p in parts)
        return steady(means + _EXPLORED * np.sqrt(variances) * luck[unique])[inverse]
