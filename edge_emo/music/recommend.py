"""Recommendation: songs for a distribution over emotions, for a timeline, and by what became of earlier ones."""

from __future__ import annotations

import operator
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from edge_emo.emotions import EMOTIONS
from edge_emo.errors import MoodError, NoVoiceError, UserDataError
from edge_emo.music.catalogue import Catalogue, Song
from edge_emo.music.filters import Filters
from edge_emo.music.history import History
from edge_emo.music.ranking import Floats, Indices, Ranking, steady
from edge_emo.music.taste import Memory
from edge_emo.timeline import Summary, Timeline, expected_valence_arousal

Strategy = Literal["together", "five-and-five", "random"]
Intent = Literal["match", "lift"]

USUAL = Filters(min_duration_s=30.0, occasions=False)
"""What is asked for where no filters are given: songs, not signals of some seconds, and none for Christmas."""

_VARIETY = 0.06  # width of the random part of a score: songs with the same tags take turns
_STALE = 0.15  # what a song loses that was shown a moment ago,
_STALE_S = 3 * 86400.0  # and after this many seconds, 37 % of that
_TASTE = 0.25  # what a standard deviation of liking adds
_SUITS = 0.15  # share of an emotion from which on a song is said to suit it
_KEPT_FILTERS = 8  # whose songs are kept in mind
_POOL, _TASTE_POOL = 150, 2000  # best songs among which the choice is made


@dataclass(frozen=True)
class Recommendation:
    """A song, its score with the parts it is made of, and the reason in words.

    `score` is two parts of `mood_match` and one of `closeness` (both 0 to 1), less where the song contradicts the
    emotion or was shown lately (`freshness` is 1 for a song not shown, 0 for one shown just now), and more or less by
    the `taste` that a history tells of (0 without one; in standard deviations of liking).
    """

    song: Song
    score: float
    mood_match: float
    closeness: float
    freshness: float
    taste: float
    reason: str


class Recommender:
    """Rank the songs of a catalogue; reads it once and then works in memory.

    With a `history`, songs that were shown in its session do not come again while there are others, those shown lately
    come later, and what became of them teaches which to prefer, unless `learns` is false; what is recommended is kept
    there. Where it cannot be read or written, songs are recommended all the same, and `warnings` says why. Without a
    history, every call stands alone.
    """

    def __init__(
        self, catalogue: Catalogue | None = None, history: History | None = None, *, learns: bool = True
    ) -> None:
        self.catalogue = catalogue or Catalogue()
        self.history = history
        self.warnings: list[str] = []
        self._learns = learns
        self._allowed: dict[Filters, NDArray[np.bool_]] = {}

    def __call__(
        self,
        probabilities: Sequence[float],
        n: int = 10,
        *,
        seed: int | None = None,
        filters: Filters = USUAL,
        intent: Intent = "match",
        strategy: Strategy = "together",
        exclude: Collection[str] = (),
    ) -> list[Recommendation]:
        """Return the `n` best songs for a distribution over `EMOTIONS`, fewer where the filters leave fewer.

        The score is said at `Ranking.scores`; the choice among the best is varied, and no artist comes more than
        twice in ten while there are others. `intent` "lift" begins where the person is and leads step by step to calm
        (from an arousal above 0) or to happy: the iso principle (Altshuler 1948). `strategy` "random" draws from all
        songs that pass the filters. Songs in `exclude` do not come. The same `seed` and history give the same songs.

        Raises ValueError for probabilities that are not a distribution, an `n` below 1, an unknown intent or strategy.
        """
        if operator.index(n) < 1:
            raise ValueError(f"n is {n}; ask for at least one song")
        _known("intent", intent, Intent)
        _known("strategy", strategy, Strategy)
        wanted = np.asarray(probabilities, np.float64)
        if wanted.shape != (len(EMOTIONS),) or not abs(wanted.sum() - 1) < 1e-3 or wanted.min() < 0:
            raise ValueError(f"probabilities must be {len(EMOTIONS)} shares that sum to 1, not {probabilities}")
        choice = _Choice(self, np.random.default_rng(seed), filters, exclude)
        if strategy == "random":
            choice.at_random(n, wanted)
        else:
            for step, count in [(wanted, n)] if intent == "match" else [(step, 1) for step in path(wanted, n)]:
                choice.add(step, count)
        found = choice.recommendations()
        if self.history is not None and found:
            emotion = EMOTIONS[int(wanted.argmax())]
            how = intent if strategy == "together" else strategy
            with self.doing_without():
                self.history.shown([item.song.uid for item in found], emotion, how)
        return found

    @contextmanager
    def doing_without(self) -> Iterator[None]:
        """Go on where the history cannot be read or written, and keep the reason in `warnings`."""
        try:
            yield
        except UserDataError as error:
            if str(error) not in self.warnings:
                self.warnings.append(str(error))

    def allowed(self, filters: Filters) -> NDArray[np.bool_]:
        """Return which songs pass the filters."""
        if filters not in self._allowed:
            if len(self._allowed) >= _KEPT_FILTERS:
                del self._allowed[next(iter(self._allowed))]
            passing = np.zeros(self.ranking.n_songs, bool)
            passing[self.ranking.indices(self.catalogue.keys_of(filters))] = True
            self._allowed[filters] = passing
        return self._allowed[filters]

    @cached_property
    def ranking(self) -> Ranking:
        """All songs, as arrays."""
        return Ranking(self.catalogue.ranked())

    @cached_property
    def memory(self) -> Memory | None:
        """What keeps up with the history."""
        if self.history is None:
            return None
        return Memory(self.history, self.catalogue, self.ranking, learns=self._learns)


class _Why(NamedTuple):
    """What was asked for when a song was chosen, and the parts of its score."""

    wanted: tuple[float, ...]
    place: tuple[float, float]
    emotion: str
    score: float
    mood_match: float
    closeness: float
    taste: float


class _Choice:
    """The songs chosen for one call, and why."""

    def __init__(
        self, recommender: Recommender, rng: np.random.Generator, filters: Filters, exclude: Collection[str]
    ) -> None:
        self._catalogue, self._ranking, self._rng = recommender.catalogue, recommender.ranking, rng
        # of each song, whatever the pool, so that one song more does not change the luck of all others
        self._luck = rng.random(self._ranking.n_songs, np.float32)
        self._memory, history = recommender.memory, recommender.history
        self._needs_file = filters.local
        self._is_free = recommender.allowed(filters).copy()
        self._stale = np.zeros(0, np.float32)
        self._stale_at = np.zeros(0, np.intp)
        self._again = np.zeros(0, np.intp)
        if history is not None and self._memory is not None:
            with recommender.doing_without():
                self._again = self._places(history.shown_in_session())
                self._memory.refresh()
                self._stale_at, ages = self._memory.shown()
                self._stale = steady(np.exp(-ages / _STALE_S))
        self._again = self._again[self._is_free[self._again]]
        self._is_free[self._again] = False
        excluded = self._places(list(exclude))
        self._is_free[excluded] = False
        self._again = np.setdiff1d(self._again, excluded)
        self.found: list[int] = []
        self._why: list[_Why] = []

    def add(self, wanted: NDArray[np.float64], n: int) -> None:
        """Choose `n` more songs for a distribution, fewer where there are no more."""
        ranking = self._ranking
        scores = np.where(self._is_free, ranking.scores(wanted), np.float32(-1))
        scores[self._stale_at] -= _STALE * self._stale
        emotion = EMOTIONS[int(wanted.argmax())]
        knows = self._memory is not None and self._memory.knows_something
        luck = self._rng.normal(size=len(ranking.songs.names)) if knows else np.zeros(0)
        for size in (max(_POOL, 8 * n), 8 * max(_POOL, 8 * n), ranking.n_songs):
            pool = ranking.best(scores, max(size, _TASTE_POOL) if knows else size)
            taste = self._memory.tastes(pool, emotion, luck) if self._memory else np.zeros(len(pool), np.float32)
            values = scores[pool] + _TASTE * taste + _VARIETY * self._luck[pool]
            near = np.argsort(-values, kind="stable")[:size]
            chosen, is_varied = ranking.varied(pool[near], values[near], n, self.found, self._is_usable)
            if is_varied or len(near) < size:
                break
        liked = taste[[int(np.argmax(pool == index)) for index in chosen]]
        self._explain(chosen, wanted, scores[chosen] + _TASTE * liked, liked)
        self._is_free[chosen] = False
        if len(chosen) < n and self._comes_again():
            self.add(wanted, n - len(chosen))

    def at_random(self, n: int, wanted: NDArray[np.float64]) -> None:
        """Choose songs whatever their mood."""
        free = np.flatnonzero(self._is_free)
        drawn = (int(i) for i in self._rng.permutation(free))
        chosen = list(islice((i for i in drawn if self._is_usable(i)), n))
        self._explain(chosen, wanted, self._ranking.scores(wanted)[chosen], np.zeros(len(chosen), np.float32))
        self._is_free[chosen] = False
        if len(chosen) < n and self._comes_again():
            self.at_random(n - len(chosen), wanted)

    def recommendations(self) -> list[Recommendation]:
        """Return what was chosen."""
        stale = dict(zip(self._stale_at.tolist(), self._stale.tolist(), strict=True))
        songs = self._catalogue.of_keys([int(self._ranking.songs.keys[i]) for i in self.found])
        found = []
        for index, song, why in zip(self.found, songs, self._why, strict=True):
            liked = self._memory.liked(song, why.emotion) if self._memory else None
            found.append(
                Recommendation(
                    song=song,
                    score=why.score,
                    mood_match=why.mood_match,
                    closeness=why.closeness,
                    freshness=1 - stale.get(index, 0.0),
                    taste=why.taste,
                    reason=_reason(song, why, liked),
                )
            )
        return found

    def _explain(self, chosen: list[int], wanted: NDArray[np.float64], scores: Floats, tastes: Floats) -> None:
        """Add songs to what was found, with the parts of their scores."""
        matches, closeness = self._ranking.explained(chosen, wanted)
        shares = tuple(wanted.tolist())
        place, emotion = expected_valence_arousal(shares), EMOTIONS[int(wanted.argmax())]
        columns = (part.tolist() for part in (scores, matches, closeness, tastes))
        self._why += [_Why(shares, place, emotion, *parts) for parts in zip(*columns, strict=True)]
        self.found += chosen

    def _comes_again(self) -> bool:
        """Let the songs of the session come again, once there are no others; return whether there are any."""
        again, self._again = self._again, self._again[:0]
        self._is_free[again] = True
        return len(again) > 0

    def _places(self, uids: Sequence[str]) -> Indices:
        return self._ranking.indices(list(self._catalogue.keys(uids).values()))

    def _is_usable(self, index: int) -> bool:
        """Return whether a song's file is there, where files are asked for."""
        if not self._needs_file:
            return True
        [song] = self._catalogue.of_keys([int(self._ranking.songs.keys[index])])
        return song.path is not None and os.path.exists(song.path)


def path(wanted: NDArray[np.float64], n: int) -> list[NDArray[np.float64]]:
    """Return `n` distributions that lead from `wanted` by way of neutral to calm or to happy; who is happy stays so."""
    _, arousal = expected_valence_arousal([float(p) for p in wanted])
    is_happy = EMOTIONS[int(wanted.argmax())] == "happy"
    goal = "calm" if arousal > 0 and not is_happy else "happy"
    neutral, end = np.array(certain("neutral")), np.array(certain(goal))
    shares = np.linspace(0, 1, n) if n > 1 else np.zeros(1)
    if is_happy:
        return [(1 - t) * wanted + t * end for t in shares]
    return [(1 - t) ** 2 * wanted + 2 * t * (1 - t) * neutral + t**2 * end for t in shares]


def recommend(
    heard: Timeline | str | Sequence[float],
    n: int = 10,
    *,
    seed: int | None = None,
    filters: Filters = USUAL,
    intent: Intent = "match",
    strategy: Strategy = "together",
    catalogue: Catalogue | None = None,
) -> list[Recommendation]:
    """Return songs for a timeline, the name of an emotion, or a distribution over `EMOTIONS`; see `Recommender`.

    For a timeline, the `strategy` "five-and-five" takes half of the songs for the voice and half for the face. Raises
    NoVoiceError where the timeline holds neither voice nor face, MoodError for an unknown emotion, and CatalogueError
    where the catalogue is damaged. For many calls, own songs or a history keep a `Recommender`.
    """
    if catalogue is None:
        with Catalogue() as own:
            return recommend(heard, n, seed=seed, filters=filters, intent=intent, strategy=strategy, catalogue=own)
    recommender = Recommender(catalogue)
    if isinstance(heard, Timeline):
        return for_timeline(recommender, heard, n, seed=seed, filters=filters, intent=intent, strategy=strategy)
    shares = certain(heard) if isinstance(heard, str) else heard
    return recommender(shares, n, seed=seed, filters=filters, intent=intent, strategy=strategy)


def for_timeline(
    recommender: Recommender,
    timeline: Timeline,
    n: int = 10,
    *,
    seed: int | None = None,
    filters: Filters = USUAL,
    intent: Intent = "match",
    strategy: Strategy = "together",
) -> list[Recommendation]:
    """Return songs for what voice and face amount to together, or by halves for each; see `recommend`."""
    each = [part for part in (timeline.voice, timeline.face) if part is not None and part.shares]
    if strategy != "five-and-five" or len(each) < 2 or n < 2:
        whole = distribution(timeline.summary)
        return recommender(whole, n, seed=seed, filters=filters, intent=intent, strategy=strategy)
    first = recommender(distribution(each[0]), n - n // 2, seed=seed, filters=filters, intent=intent, strategy=strategy)
    taken = {item.song.uid for item in first}
    return first + recommender(
        distribution(each[1]), n // 2, seed=seed, filters=filters, intent=intent, strategy=strategy, exclude=taken
    )


def distribution(summary: Summary) -> list[float]:
    """Return the distribution to rank songs for. Raises NoVoiceError where no emotion was found."""
    if not summary.shares:
        raise NoVoiceError(
            "no voice and no face was found, so no song can be chosen; name a mood instead, such as calm"
        )
    return [summary.shares[name] for name in EMOTIONS]


def certain(emotion: str) -> list[float]:
    """Return the distribution of a mood chosen by hand. Raises MoodError for an unknown one."""
    if emotion not in EMOTIONS:
        raise MoodError(f"{emotion}: unknown mood; known are {', '.join(EMOTIONS)}")
    return [float(name == emotion) for name in EMOTIONS]


def _known(what: str, given: str, known: object) -> None:
    if given not in get_args(known):
        raise ValueError(f"{what} is {given!r}; known are {', '.join(get_args(known))}")


def _reason(song: Song, why: _Why, liked: str | None) -> str:
    wanted = why.wanted
    emotion = max(range(len(EMOTIONS)), key=lambda i: wanted[i] * song.shares[i])
    moods = ""
    if song.mood_from == "nothing":
        moods = "nothing is known of its mood; "
    elif song.moods:
        suits = "suits" if song.shares[emotion] >= _SUITS else "hardly suits"
        share = "" if wanted[emotion] > 0.999 else f" ({wanted[emotion]:.0%} of what is asked for)"
        moods = f"{', '.join(song.moods)} {suits} {EMOTIONS[emotion]}{share}; "
    valence, arousal = why.place
    return (
        f"{moods}valence {song.valence:+.2f} and arousal {song.arousal:+.2f} against {valence:+.2f} and {arousal:+.2f}"
        + (f"; you like {liked}" if liked else "")
    )
