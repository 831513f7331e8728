"""Songs for who is there, out of the catalogue and by the history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from edge_emo.live.events import Feeling
from edge_emo.music.ranking.recommend import Recommendation, Recommender
from edge_emo.music.store.filters import Filters


@dataclass
class Proposer:
    """Proposes `count` songs that pass `filters`; each visit is a session of the history of its own.

    `tell` hears once what goes wrong, such as a full disk; songs are proposed all the same.
    """

    recommender: Recommender
    count: int
    filters: Filters
    tell: Callable[[str], object] = lambda reason: None
    _n_told: int = 0
    _run: str = field(init=False)

    def __post_init__(self) -> None:
        history = self.recommender.history
        self._run = history.session if history is not None else ""

    def __call__(self, visit: int, feeling: Feeling) -> tuple[Recommendation, ...]:
        """Return songs for what somebody feels."""
        if self.recommender.history is not None:
            self.recommender.history.session = f"{self._run}-{visit}"
        songs = self.recommender(feeling.probabilities, self.count, filters=self.filters)
        warnings = self.recommender.warnings
        for reason in warnings[self._n_told :]:
            self.tell(f"{reason}; going on without your history")
        self._n_told = len(warnings)
        return tuple(songs)
