"""From mood tags, genre and title to a song's place: valence, arousal, and how far it suits each emotion.

The tables `data/mood_tags.csv` and `data/genres.csv` are hand-set, after Russell (1980) for the tags that name an
emotion. Where a row leaves the emotions blank, they follow from its valence and arousal. `data/translations.csv` has
German and Russian names of their rows.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

from edge_emo.core.emotions import EMOTIONS, VALENCE_AROUSAL

SPREAD = 0.35
"""Standard deviation of the kernel of closeness on the circumplex."""
OPPOSITE, FELT = 1.3, 0.5
"""A tag further away than this contradicts an emotion that it gives no probability; the second is for neutral."""
GLOOM = -0.25
"""Valence at which a tag contradicts neutral in any case."""

FOUND_BY = ("moods", "genre", "nothing")
"""What `mood_position` finds a place by."""

_GENRE_WEIGHT = 0.25
_TITLE_WEIGHT = 0.2
_BETWEEN_GENRES = re.compile(r"[/;,|&+]|\band\b|\s-\s")
_MOST_WORDS, _LONGEST = 20, 4  # of a genre's name that are looked at, and of a name in the table
_WORD = re.compile(r"\w+")
_RUSSIAN_ENDING = re.compile("(?:[ыио]й|[ая]я|[ое]е|[ыи]е|о)$")
_GERMAN_ENDING = re.compile("e[mnrs]?$")


@dataclass(frozen=True)
class MoodPosition:
    """Valence and arousal, -1 to 1, and the probabilities of the `EMOTIONS`, which sum to 1."""

    valence: float
    arousal: float
    probabilities: tuple[float, ...]


NOWHERE = MoodPosition(0.0, 0.0, (1 / len(EMOTIONS),) * len(EMOTIONS))


def mood_position(moods: tuple[str, ...], genre: str, title: str = "") -> tuple[MoodPosition, str]:
    """Return a song's place, and what it was found by: one of `FOUND_BY`.

    Beside known mood tags, the genre has a quarter of the weight; a genre alone counts half, as it says little. Where
    either is known, words of the title that are mood tags have a fifth of the weight in the probabilities.
    """
    place, found_by = _by_tags(moods, genre)
    told = [_table("mood_tags")[word] for word in sorted(_title_tags(title))] if found_by != "nothing" else []
    if not told:
        return place, found_by
    both = _mean([place, *told], [1 - _TITLE_WEIGHT, *[_TITLE_WEIGHT / len(told)] * len(told)])
    return replace(place, probabilities=both.probabilities), found_by


@lru_cache(10_000)
def _by_tags(moods: tuple[str, ...], genre: str) -> tuple[MoodPosition, str]:
    tags = _table("mood_tags")
    of_moods = [tags[tag] for mood in moods if (tag := _known("mood_tags", mood))]
    of_genre = _of_genre(genre)
    if of_moods:
        return _mean(
            [*of_moods, of_genre], [*[(1 - _GENRE_WEIGHT) / len(of_moods)] * len(of_moods), _GENRE_WEIGHT]
        ), "moods"
    if of_genre is not NOWHERE:
        return _mean([of_genre, NOWHERE], [0.5, 0.5]), "genre"
    return NOWHERE, "nothing"


def _of_genre(genre: str) -> MoodPosition:
    """Return a genre's place; of one that the table lacks, the mean of the parts of its name that it has.

    Of a part that it lacks the last words that it has stand for it, as "Metal" for "Progressive Metal".
    """
    genres = _table("genres")
    if name := _known("genres", genre):
        return genres[name]
    parts = [genres[name] for part in _BETWEEN_GENRES.split(genre.casefold()) if (name := _last_known("genres", part))]
    return _mean(parts, [1.0] * len(parts)) if parts else NOWHERE


def _last_known(table: str, name: str) -> str | None:
    """Return the row of a table whose name ends a name last, the longest of them."""
    words = _spaced(name).split()[-_MOST_WORDS:]
    phrases = (words[start:end] for end in range(len(words), 0, -1) for start in range(max(0, end - _LONGEST), end))
    return next(filter(None, (_known(table, " ".join(phrase)) for phrase in phrases)), None)


def _known(table: str, name: str) -> str | None:
    """Return the row of a table that a name in English, German or Russian stands for."""
    rows = _rows(table)
    return next((rows[form] for form in _base_forms(_spaced(name)) if form in rows), None)


def _base_forms(name: str) -> Iterator[str]:
    """Yield what a name may be a form of: itself, and German and Russian adjectives of other gender, case or number."""
    yield name
    if found := _RUSSIAN_ENDING.search(name):
        yield from (name[: found.start()] + ending for ending in ("ый", "ий", "ой"))
    elif found := _GERMAN_ENDING.search(name):
        yield name[: found.start()]


def _spaced(name: str) -> str:
    """Return a name as the tables are searched: small, with spaces for hyphens and without the dots of ё."""
    return " ".join(name.casefold().replace("ё", "е").replace("-", " ").split())


@cache
def _rows(table: str) -> dict[str, str]:
    """Return which row of a table a name stands for; where languages differ, the English one."""
    translated = {_spaced(name): row.casefold() for kind, _, name, row in _csv("translations") if kind == table}
    return {**translated, **{_spaced(name): name for name in _table(table)}}


def probabilities_near(valence: float, arousal: float) -> tuple[float, ...]:
    """Return the probabilities of the emotions that follow from a place on the circumplex, by a Gaussian kernel."""
    nearness = [math.exp(-0.5 * (math.dist((valence, arousal), VALENCE_AROUSAL[e]) / SPREAD) ** 2) for e in EMOTIONS]
    total = sum(nearness)
    return tuple(value / total for value in nearness)


def contradictions(moods: Iterable[str], title: str) -> tuple[bool, ...]:
    """Return for each emotion whether a mood tag, or a word of the title that is one, says the opposite of it."""
    words = {tag for mood in moods if (tag := _known("mood_tags", mood))} | _title_tags(title)
    known = [_opposites()[word] for word in words]
    return tuple(map(any, zip(*known, strict=True))) if known else (False,) * len(EMOTIONS)


def is_known(mood: str) -> bool:
    """Return whether a mood tag is in the table."""
    return _known("mood_tags", mood) is not None


def same_names(table: str, name: str) -> tuple[str, ...]:
    """Return what a name in English, German or Russian is called in each of them, nothing for one not in the table."""
    row = _known(table, name)
    return (row, *_translations(table).get(row, ())) if row else ()


@cache
def _translations(table: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for kind, _, name, row in _csv("translations"):
        if kind == table:
            found.setdefault(row.casefold(), []).append(name)
    return found


def _title_tags(title: str) -> set[str]:
    """Return the words of a title that are mood tags, in English alone."""
    return _table("mood_tags").keys() & _WORD.findall(title.casefold())


@cache
def _table(name: str) -> dict[str, MoodPosition]:
    return {
        key.casefold(): _position(f"{name}.csv, {key}", [float(value) for value in values if value])
        for key, *values in _csv(name)
    }


def _csv(name: str) -> list[list[str]]:
    with (Path(__file__).parents[1] / "data" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))[1:]


def _position(what: str, values: list[float]) -> MoodPosition:
    valence, arousal, *probabilities = values
    if not probabilities:
        return MoodPosition(valence, arousal, probabilities_near(valence, arousal))
    if len(probabilities) != len(EMOTIONS) or not math.isclose(sum(probabilities), 1, abs_tol=1e-6):
        raise ValueError(f"{what}: the probabilities {probabilities} are not {len(EMOTIONS)} that add up to 1")
    return MoodPosition(valence, arousal, tuple(probabilities))


@cache
def _opposites() -> dict[str, tuple[bool, ...]]:
    return {
        tag: tuple(_contradicts(place, emotion, p) for emotion, p in zip(EMOTIONS, place.probabilities, strict=True))
        for tag, place in _table("mood_tags").items()
    }


def _contradicts(place: MoodPosition, emotion: str, probability: float) -> bool:
    far = FELT if emotion == "neutral" else OPPOSITE
    if emotion == "neutral" and place.valence <= GLOOM:
        return True
    return probability < 0.01 and math.dist((place.valence, place.arousal), VALENCE_AROUSAL[emotion]) > far


def _mean(places: Sequence[MoodPosition], weights: Sequence[float]) -> MoodPosition:
    rows = [(place.valence, place.arousal, *place.probabilities) for place in places]
    valence, arousal, *probabilities = np.average(rows, axis=0, weights=weights).round(4).tolist()
    return MoodPosition(valence, arousal, tuple(probabilities))
