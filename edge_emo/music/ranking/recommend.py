"""Recommendation: songs for a distribution over emotions, for a timeline, and by what became of earlier ones."""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from threading import RLock
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from edge_emo.core.errors import UserDataError
from edge_emo.core.once import once
from edge_emo.core.timeline import Timeline
from edge_emo.music.ranking.appeal import LEAST_FIT, Appeal
from edge_emo.music.ranking.choice import Choice, Recommendation
from edge_emo.music.ranking.mixture import (
    Mixture,
    Part,
    distribution,
    mean,
    mixture_of,
    one_hot,
    only,
    parts,
    path,
    turns,
)
from edge_emo.music.ranking.scores import Indices, Ranking
from edge_emo.music.ranking.taste import Memory
from edge_emo.music.store.catalogue import Catalogue
from edge_emo.music.store.filters import Filters
from edge_emo.music.store.history import History

__all__ = ["USUAL", "Advice", "Intent", "Recommendation", "Recommender", "Relaxed", "Strategy"]
__all__ += ["distribution", "for_timeline", "one_hot", "recommend"]

Strategy = Literal["together", "five-and-five", "random"]
Intent = Literal["match", "lift"]

USUAL = Filters(min_duration_s=30.0, occasions=False)
"""What is asked for where no filters are given: songs, not signals of some seconds, and none for Christmas."""

_KEPT_FILTERS = 8  # whose songs are kept in mind


@dataclass(frozen=True)
class Relaxed:
    """How many songs fit without one condition, named as the field of `Filters`."""

    condition: str
    songs: int


@dataclass(frozen=True)
class Advice:
    """That only `fitting` songs of those `asked` for fit, or none at all some emotions that are asked for.

    `unmet` are those emotions; `relax` the conditions without which more songs fit, the most costly first.
    """

    asked: int
    fitting: int
    unmet: tuple[str, ...]
    relax: tuple[Relaxed, ...]


class Recommender:
    """Rank the songs of a catalogue; reads it once and then works in memory.

    With a `history`, songs that were shown in its session do not come again while there are others, those shown lately
    come later, and what became of them teaches which to prefer, unless `learns` is false; what is recommended is kept
    there. Where it cannot be read or written, songs are recommended all the same, and `warnings` says why. Without a
    history, every call stands alone. Threads may share it.
    """

    def __init__(
        self, catalogue: Catalogue | None = None, history: History | None = None, *, learns: bool = True
    ) -> None:
        self.catalogue = catalogue or Catalogue()
        self.history = history
        self.warnings: list[str] = []
        self._learns = learns
        self._allowed: dict[Filters, NDArray[np.bool_]] = {}
        self._lock = RLock()

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

        The score is said at `Ranking.scores`. Of a distribution in which several emotions stand out, each gets songs
        of its own, in proportion. The choice among the best is varied, and no artist comes more than twice in ten while
        there are others. `intent` "lift" begins where the person is and leads step by step to calm (from an arousal
        above 0) or to happy: the iso principle (Altshuler 1948). `strategy` "random" draws from all songs that pass the
        filters. Songs in `exclude` do not come. The same `seed` and history give the same songs.

        Raises ValueError for probabilities that are not a distribution, an `n` below 1, an unknown intent or strategy.
        """
        return self.for_mixture(
            [(1.0, probabilities)], n, seed=seed, filters=filters, intent=intent, strategy=strategy, exclude=exclude
        )

    def for_mixture(
        self,
        mixture: Mixture,
        n: int = 10,
        *,
        seed: int | None = None,
        filters: Filters = USUAL,
        intent: Intent = "match",
        strategy: Strategy = "together",
        exclude: Collection[str] = (),
    ) -> list[Recommendation]:
        """Return the `n` best songs for several distributions, in proportion to their weights; see `__call__`.

        Where one song after the other is for another part, the list is in proportion from its beginning on.
        """
        if operator.index(n) < 1:
            raise ValueError(f"n is {n}; ask for at least one song")
        _known("intent", intent, Intent)
        _known("strategy", strategy, Strategy)
        whole = mean(mixture)
        with self._alone():
            rng = np.random.default_rng(seed)
            choice = self._choice(rng, filters, exclude)
            if strategy == "random":
                choice.at_random(only(whole), n, rng)
            elif intent == "lift":
                for step in path(whole, n):
                    choice.add([only(step)], 1)
            else:
                choice.add(parts(mixture), n)
            found = choice.recommendations()
            if self.history is not None and found:
                how = intent if strategy == "together" else strategy
                with self.doing_without():
                    emotions = [each.part.emotion for each in choice.chosen]
                    self.history.shown([item.song.uid for item in found], emotions, how)
        return found

    def advice(
        self, found: Sequence[Recommendation], n: int, mixture: Mixture, filters: Filters = USUAL
    ) -> Advice | None:
        """Return what to ask less of so that `n` songs fit every part, None where those `found` do."""
        every = parts(mixture)
        wanted = [every[number] for number in sorted(set(turns([part.share for part in every], n)))]

        def n_fitting(asked: Filters, of: Sequence[Part]) -> int:
            fits = np.any([self.ranking.scores(part.wanted) >= LEAST_FIT for part in of], axis=0)
            return int(np.count_nonzero(fits & self.allowed(asked)))

        unmet = [part for part in wanted if not n_fitting(filters, [part])]
        fitting = sum(item.fits for item in found)
        if fitting >= n and not unmet:
            return None
        now = n_fitting(filters, unmet or wanted)
        without = [Relaxed(name, n_fitting(less, unmet or wanted)) for name, less in filters.without_one()]
        more = sorted((each for each in without if each.songs > now), key=lambda each: -each.songs)
        return Advice(n, fitting, tuple(part.emotion for part in unmet), tuple(more))

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
        with self._lock:
            if filters not in self._allowed:
                if len(self._allowed) >= _KEPT_FILTERS:
                    del self._allowed[next(iter(self._allowed))]
                passing = np.zeros(self.ranking.n_songs, bool)
                passing[self.ranking.indices(self.catalogue.keys_of(filters))] = True
                self._allowed[filters] = passing
            return self._allowed[filters]

    @once
    def ranking(self) -> Ranking:
        """All songs, as arrays."""
        return Ranking(self.catalogue.ranked())

    @once
    def memory(self) -> Memory | None:
        """What keeps up with the history."""
        if self.history is None:
            return None
        return Memory(self.history, self.catalogue, self.ranking, learns=self._learns)

    def _choice(self, rng: np.random.Generator, filters: Filters, exclude: Collection[str]) -> Choice:
        """Return a choice among the songs that come into question, with what the history says of them."""
        is_free = self.allowed(filters).copy()
        is_free[self._places(list(exclude))] = False
        again, shown = np.zeros(0, np.intp), None
        if self.history is not None and self.memory is not None:
            with self.doing_without():
                again = self._places(self.history.shown_in_session())
                self.memory.refresh()
                shown = self.memory.shown()
        appeal = Appeal.drawn(rng, self.ranking, self.memory, shown)
        return Choice(self.catalogue, appeal, is_free, again, needs_file=filters.local)

    def _places(self, uids: Sequence[str]) -> Indices:
        return self.ranking.indices(list(self.catalogue.keys(uids).values()))

    def _alone(self) -> AbstractContextManager[object]:
        """Keep other threads from choosing by the same history until what was chosen is in it."""
        return self.history.database.lock if self.history is not None else nullcontext()


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

    For a timeline, the `strategy` "five-and-five" takes as many songs for the voice as for the face. Raises
    NoVoiceError where the timeline holds neither voice nor face, MoodError for an unknown emotion, and CatalogueError
    where the catalogue is damaged. For many calls, own songs or a history keep a `Recommender`.
    """
    if catalogue is None:
        with Catalogue() as own:
            return recommend(heard, n, seed=seed, filters=filters, intent=intent, strategy=strategy, catalogue=own)
    recommender = Recommender(catalogue)
    if isinstance(heard, Timeline):
        return for_timeline(recommender, heard, n, seed=seed, filters=filters, intent=intent, strategy=strategy)
    probabilities = one_hot(heard) if isinstance(heard, str) else heard
    return recommender(probabilities, n, seed=seed, filters=filters, intent=intent, strategy=strategy)


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
    """Return songs for what was found over the time, or an equal share for each modality; see `recommend`."""
    each = [distribution(part) for part in timeline.by_modality.values() if part.probabilities]
    if strategy != "five-and-five" or len(each) < 2 or n < len(each):
        whole = mixture_of(timeline)
        return recommender.for_mixture(whole, n, seed=seed, filters=filters, intent=intent, strategy=strategy)
    found: list[Recommendation] = []
    for number, wanted in enumerate(each):
        share, taken = n // len(each) + (number < n % len(each)), [item.song.uid for item in found]
        found += recommender(wanted, share, seed=seed, filters=filters, intent=intent, strategy=strategy, exclude=taken)
    return found


def _known(what: str, given: str, known: object) -> None:
    if given not in get_args(known):
        raise ValueError(f"{what} is {given!r}; known are {', '.join(get_args(known))}")
