"""Songs for a source or for a mood chosen by hand, as they are asked for in one go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edge_emo.app.documents import Recommended, Wish
from edge_emo.core.timeline import Timeline
from edge_emo.music.ranking.mixture import Mixture, mixture_of, parts
from edge_emo.music.ranking.recommend import (
    Advice,
    Intent,
    Recommendation,
    Recommender,
    Strategy,
    for_timeline,
    one_hot,
)
from edge_emo.music.store.filters import Filters


@dataclass(frozen=True)
class Recommending:
    """What is asked of the songs: how many, by which seed, and how they are chosen; see `Recommender`."""

    recommender: Recommender
    count: int
    seed: int
    filters: Filters
    intent: Intent = "match"
    strategy: Strategy = "together"

    def for_timeline(self, timeline: Timeline) -> Recommended:
        """Return songs for what was found in a source, none where that is nothing."""
        if not timeline.readings:
            return self._result(timeline, None, [], [])
        songs = for_timeline(self.recommender, timeline, self.count, **self._ranking)
        return self._result(timeline, None, songs, mixture_of(timeline))

    def for_mood(self, mood: str) -> Recommended:
        """Return songs for one of the eight emotions. Raises MoodError."""
        songs = self.recommender(one_hot(mood), self.count, **self._ranking)
        return self._result(None, mood, songs, [(1.0, one_hot(mood))])

    @property
    def _ranking(self) -> dict[str, Any]:
        return {"seed": self.seed, "filters": self.filters, "intent": self.intent, "strategy": self.strategy}

    def _advice(self, songs: list[Recommendation], mixture: Mixture) -> Advice | None:
        if self.strategy == "random" or not mixture:
            return None
        return self.recommender.advice(songs, self.count, mixture, self.filters)

    def _result(
        self, timeline: Timeline | None, mood: str | None, songs: list[Recommendation], mixture: Mixture
    ) -> Recommended:
        asked_for = tuple(Wish(part.emotion, part.share) for part in parts(mixture)) if mixture else ()
        uses_history, advice = self.recommender.history is not None, self._advice(songs, mixture)
        return Recommended(timeline, mood, self.seed, uses_history, songs, advice, asked_for)
