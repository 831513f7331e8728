"""Ranking: songs for a distribution over emotions."""

from __future__ import annotations

import operator
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from edge_emo.emotions import EMOTIONS, VALENCE_AROUSAL
from edge_emo.errors import MoodError, NoVoiceError
from edge_emo.music.catalogue import Catalogue, Song
from edge_emo.timeline import Summary, Timeline, expected_valence_arousal

LicenseChoice = Literal["any", "cc-by"]
Strategy = Literal["together", "five-and-five"]

MAX_PER_ARTIST = 2
"""Songs of one artist among any ten."""

_CC_BY = re.compile(r"CC BY \d\.\d")
_UNTAGGED = 0.75  # what a mood match counts that comes from the genre alone
_SPREAD = 0.35  # standard deviation of the closeness kernel on the circumplex
_VARIETY = 0.04  # width of the random part of a score: songs with the same tags take turns


@dataclass(frozen=True)
class Recommendation:
    """A song, its score (0 to 1) with the two parts it is made of, and the reason in words."""

    song: Song
    score: float
    mood_match: float
    closeness: float
    reason: str


class Recommender:
    """Rank the songs of a catalogue; reads it once and then works in memory."""

    def __init__(self, catalogue: Catalogue | None = None) -> None:
        self.catalogue = catalogue or Catalogue()

    def __call__(
        self,
        probabilities: Sequence[float],
        n: int = 10,
        *,
        seed: int | None = None,
        license: LicenseChoice = "any",
        min_duration_s: float = 30.0,
        max_duration_s: float | None = None,
    ) -> list[Recommendation]:
        """Return the `n` best songs for a distribution over `EMOTIONS`, fewer where the filters leave fewer.

        The mood match is the Bhattacharyya coefficient of the person's distribution over the emotions and the
        song's, less for a song of which only the genre is known; the closeness is the expectation of a Gaussian
        kernel over the distance on the circumplex of valence and arousal. The score is their mean. No artist comes
        more than twice in ten while there are others to choose from. The same `seed` gives the same songs.
        Raises ValueError for probabilities that are not a distribution, an `n` below 1 or an unknown `license`.
        """
        if operator.index(n) < 1:
            raise ValueError(f"n is {n}; ask for at least one song")
        if license not in get_args(LicenseChoice):
            raise ValueError(f"license is {license!r}; known are {', '.join(get_args(LicenseChoice))}")
        wanted = np.asarray(probabilities, np.float64)
        if wanted.shape != (len(EMOTIONS),) or not np.isclose(wanted.sum(), 1, atol=1e-3) or wanted.min() < 0:
            raise ValueError(f"probabilities must be {len(EMOTIONS)} shares that sum to 1, not {probabilities}")
        if not self._uids:
            return []
        match = np.sqrt(self._shares) @ np.sqrt(wanted) * self._trust
        closeness = self._closeness @ wanted
        score = (match + closeness) / 2
        order = np.argsort(-(score + _VARIETY * np.random.default_rng(seed).random(len(score))), kind="stable")
        allowed = self._durations >= min_duration_s
        if max_duration_s is not None:
            allowed &= self._durations <= max_duration_s
        if license == "cc-by":
            allowed &= self._is_cc_by
        chosen = self._spread_artists(order[allowed[order]], n)
        songs = self.catalogue.songs([self._uids[i] for i in chosen]) if chosen else []
        place = expected_valence_arousal([float(p) for p in wanted])
        return [
            Recommendation(
                song=song,
                score=float(score[i]),
                mood_match=float(match[i]),
                closeness=float(closeness[i]),
                reason=_reason(song, wanted, self._shares[i], place),
            )
            for i, song in zip(chosen, songs, strict=True)
        ]

    def _spread_artists(self, order: NDArray[np.intp], n: int) -> list[int]:
        """Return the first `n` of `order` that keep the limit for artists; a song that has to wait comes later.

        Where only songs of such artists are left, the best of them come all the same.
        """
        chosen: list[int] = []
        recent: deque[str] = deque(maxlen=9)
        waiting: dict[str, deque[int]] = {}  # ranks, by artist
        ranks = iter(range(len(order)))
        while len(chosen) < n:
            free = [queue for artist, queue in waiting.items() if queue and recent.count(artist) < MAX_PER_ARTIST]
            if not free and (rank := next(ranks, None)) is not None:
                artist = self._artists[order[rank]]
                if recent.count(artist) >= MAX_PER_ARTIST:
                    waiting.setdefault(artist, deque()).append(rank)
                    continue
            else:
                queues = free or [queue for queue in waiting.values() if queue]
                if not queues:
                    break
                rank = min(queues, key=lambda queue: queue[0]).popleft()
            chosen.append(int(order[rank]))
            recent.append(self._artists[order[rank]])
        return chosen

    @cached_property
    def _numbers(self) -> NDArray[np.float64]:
        rows = self.catalogue.table
        return np.array([row[3:] for row in rows], np.float64).reshape(len(rows), 4 + len(EMOTIONS))

    @cached_property
    def _uids(self) -> list[str]:
        return [row[0] for row in self.catalogue.table]

    @cached_property
    def _artists(self) -> list[str]:
        return [row[1] for row in self.catalogue.table]

    @cached_property
    def _is_cc_by(self) -> NDArray[np.bool_]:
        return np.array([_CC_BY.fullmatch(row[2]) is not None for row in self.catalogue.table], np.bool_)

    @cached_property
    def _durations(self) -> NDArray[np.float64]:
        return self._numbers[:, 0]

    @cached_property
    def _shares(self) -> NDArray[np.float64]:
        return self._numbers[:, 3:-1]

    @cached_property
    def _trust(self) -> NDArray[np.float64]:
        """How far each song's shares are believed, 0 to 1."""
        return np.where(self._numbers[:, -1] > 0, 1.0, _UNTAGGED)

    @cached_property
    def _closeness(self) -> NDArray[np.float64]:
        """Kernel between each song and each emotion's place, shape (songs, 8)."""
        places = np.array([VALENCE_AROUSAL[name] for name in EMOTIONS])
        distance = np.linalg.norm(self._numbers[:, None, 1:3] - places, axis=2)
        return np.asarray(np.exp(-0.5 * (distance / _SPREAD) ** 2))


def recommend(
    heard: Timeline | str | Sequence[float],
    n: int = 10,
    *,
    seed: int | None = None,
    license: LicenseChoice = "any",
    strategy: Strategy = "together",
    catalogue: Catalogue | None = None,
) -> list[Recommendation]:
    """Return songs for a timeline, the name of an emotion, or a distribution over `EMOTIONS`.

    For a timeline, the `strategy` "five-and-five" takes half of the songs for the voice and half for the face. Raises
    NoVoiceError where the timeline holds neither voice nor face, MoodError for an unknown emotion, and CatalogueError
    where the catalogue is damaged. For many calls keep a `Recommender`.
    """
    if catalogue is None:
        with Catalogue() as own:
            return recommend(heard, n, seed=seed, license=license, strategy=strategy, catalogue=own)
    recommender = Recommender(catalogue)
    if isinstance(heard, Timeline):
        return for_timeline(recommender, heard, n, seed=seed, license=license, strategy=strategy)
    return recommender(certain(heard) if isinstance(heard, str) else heard, n, seed=seed, license=license)


def for_timeline(
    recommender: Recommender,
    timeline: Timeline,
    n: int = 10,
    *,
    seed: int | None = None,
    license: LicenseChoice = "any",
    strategy: Strategy = "together",
) -> list[Recommendation]:
    """Return songs for what voice and face amount to together, or by halves for each; see `recommend`."""
    if strategy not in get_args(Strategy):
        raise ValueError(f"strategy is {strategy!r}; known are {', '.join(get_args(Strategy))}")
    each = [part for part in (timeline.voice, timeline.face) if part is not None and part.shares]
    if strategy == "together" or len(each) < 2 or n < 2:
        return recommender(distribution(timeline.summary), n, seed=seed, license=license)
    first = recommender(distribution(each[0]), n - n // 2, seed=seed, license=license)
    taken = {item.song.uid for item in first}
    # as many more as may have been taken already
    second = recommender(distribution(each[1]), n, seed=seed, license=license)
    return first + [item for item in second if item.song.uid not in taken][: n // 2]


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


def _reason(song: Song, wanted: NDArray[np.float64], shares: NDArray[np.float64], place: tuple[float, float]) -> str:
    emotion = int((wanted * shares).argmax())
    heard = "" if wanted[emotion] > 0.999 else f" ({wanted[emotion]:.0%} of what was found)"
    moods = f"{', '.join(song.moods)} suits {EMOTIONS[emotion]}{heard}; " if song.moods else ""
    return (
        f"{moods}valence {song.valence:+.2f} and arousal {song.arousal:+.2f} "
        f"against {place[0]:+.2f} and {place[1]:+.2f}"
    )
