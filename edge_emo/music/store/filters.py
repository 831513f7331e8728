"""Which songs may come into question: one set of conditions for search and for ranking."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, Literal, get_args

from edge_emo.music.store.moods import same_names

LicenseChoice = Literal["any", "cc-by"]


@dataclass(frozen=True)
class Filters:
    """Conditions on songs; all of those given must hold. Lengths in seconds, tempo in beats per minute.

    Of several genres or instruments one is enough; it is asked for by words of its name, in any case of letters and
    number ("country" for "Country & Folk", "drum" for "Drums"). Songs of an `occasion`, for Christmas, birthdays
    and children, can be left out; a genre that is asked for never is. A song whose length is not known passes the least
    one, not the largest; one whose tempo is not known passes no tempo. `local` songs have a file on this machine.
    Raises ValueError for an unknown `license` or a range from high to low.
    """

    license: LicenseChoice = "any"
    min_duration_s: float | None = None
    max_duration_s: float | None = None
    genres: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    bpm: tuple[float, float] | None = None
    occasions: bool = True
    local: bool = False

    def __post_init__(self) -> None:
        if self.license not in get_args(LicenseChoice):
            raise ValueError(f"license is {self.license!r}; known are {', '.join(get_args(LicenseChoice))}")
        for name, (low, high) in (
            ("duration", (self.min_duration_s, self.max_duration_s)),
            ("bpm", self.bpm or (0, 1)),
        ):
            if low is not None and high is not None and not low <= high:
                raise ValueError(f"{name} from {low:g} to {high:g} is no range; give the smaller first")

    def without_one(self) -> Iterator[tuple[str, Filters]]:
        """Yield each condition that is given, by the name of its field, and the filters without it."""
        nothing = Filters()
        for field in fields(self):
            if getattr(self, field.name) != getattr(nothing, field.name):
                yield field.name, replace(self, **{field.name: getattr(nothing, field.name)})

    def conditions(self, schema: str) -> tuple[str, list[Any]]:
        """Return SQL for the table `tracks t` of an attached database, and its values; "1" for no condition."""
        parts: list[str] = []
        values: list[Any] = []

        def add(part: str, *given: Any) -> None:
            parts.append(part)
            values.extend(given)

        if self.license == "cc-by":
            add(f"t.license_id IN (SELECT id FROM {schema}.licenses WHERE is_cc_by)")
        if self.min_duration_s is not None:
            add("(t.duration_s IS NULL OR t.duration_s >= ?)", self.min_duration_s)
        if self.max_duration_s is not None:
            add("t.duration_s <= ?", self.max_duration_s)
        if self.bpm is not None:
            add("t.bpm BETWEEN ? AND ?", *self.bpm)
        named, names = _any_of(self.genres)
        of_genre = f"t.genre_id IN (SELECT id FROM {schema}.genres WHERE {named})"
        if self.genres:
            add(of_genre, *names)
        if not self.occasions:
            add(f"(NOT t.is_of_occasion OR {of_genre})", *names)
        if self.instruments:
            named, names = _any_of(self.instruments)
            add(
                f"t.id IN (SELECT x.track_id FROM {schema}.track_instruments x WHERE x.instrument_id IN "
                f"(SELECT id FROM {schema}.instruments WHERE {named}))",
                *names,
            )
        if self.local:
            add(f"t.id IN (SELECT track_id FROM {schema}.files)")
        return " AND ".join(parts) or "1", values


def is_of_occasion(*names: str) -> bool:
    """Return whether one of these, a genre or a title, is that of a song for Christmas, a birthday or children."""
    return any(not _OCCASIONS.isdisjoint(_words(name)) for name in names)


def searchable(name: str) -> str:
    """Return the words of a name as its column `words` holds them: in small letters, without number, in spaces."""
    return f" {' '.join(sorted(_words(name)))} "


def _any_of(asked: tuple[str, ...]) -> tuple[str, list[str]]:
    """Return SQL that is true where a row's `words` hold all those of a name that is asked for, and its values.

    A genre is asked for by its English, German and Russian names alike.
    """
    names = dict.fromkeys(each for name in asked for each in (name, *same_names("genres", name)))
    each = [sorted(_words(name)) for name in names]
    all_of = [" AND ".join(["instr(words, ?)"] * len(words)) for words in each if words]
    return " OR ".join(all_of) or "0", [f" {word} " for words in each for word in words]


@lru_cache(10_000)
def _words(text: str) -> frozenset[str]:
    return frozenset(word.rstrip("s") or word for word in _WORD.findall(text.casefold().replace("'", "")))


_WORD = re.compile(r"\w+")
_OCCASIONS = frozenset(
    {"birthday", "holiday", "christma", "xma", "children", "kid", "nursery", "carol"}
)  # as `_words` has them
