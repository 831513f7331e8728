"""Which songs may come into question: one set of conditions for search and for ranking."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

from edge_emo.music.licenses import is_cc_by

LicenseChoice = Literal["any", "cc-by"]


@dataclass(frozen=True)
class Filters:
    """Conditions on songs; all of those given must hold. Lengths in seconds, tempo in beats per minute.

    Of several genres or instruments one is enough; it is asked for by words of its name, in any case of letters and
    number ("country" for "Country & Folk", "drum" for "Drums"). Songs of an `occasion`, for Christmas and for children,
    can be left out; a genre that is asked for never is. A song whose length is not known passes the least one, not
    the largest; one whose tempo is not known passes no tempo. `local` songs have a file on this machine. Raises
    ValueError for an unknown `license` or a range from high to low.
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

    def conditions(self, schema: str) -> tuple[str, list[Any]]:
        """Return SQL for the table `tracks t` of an attached database, and its values; "1" for no condition.

        The SQL uses the function `is_cc_by`, see `register`.
        """
        parts: list[str] = []
        values: list[Any] = []

        def add(part: str, *given: Any) -> None:
            parts.append(part)
            values.extend(given)

        if self.license == "cc-by":
            add(f"t.license_id IN (SELECT id FROM {schema}.licenses WHERE is_cc_by(name))")
        if self.min_duration_s is not None:
            add("(t.duration_s IS NULL OR t.duration_s >= ?)", self.min_duration_s)
        if self.max_duration_s is not None:
            add("t.duration_s <= ?", self.max_duration_s)
        if self.bpm is not None:
            add("t.bpm BETWEEN ? AND ?", *self.bpm)
        if self.genres:
            add(f"t.genre_id IN (SELECT id FROM {schema}.genres WHERE {_any_of(self.genres)})", *self.genres)
        if not self.occasions:
            asked = " OR ".join(["0", *(["is_named(g.name, ?)"] * len(self.genres))])
            add(
                f"t.id NOT IN (SELECT t.id FROM {schema}.tracks t JOIN {schema}.genres g ON g.id = t.genre_id "
                f"WHERE (is_of_occasion(g.name) OR is_of_occasion(t.title)) AND NOT ({asked}))",
                *self.genres,
            )
        if self.instruments:
            add(
                f"t.id IN (SELECT x.track_id FROM {schema}.track_instruments x WHERE x.instrument_id IN "
                f"(SELECT id FROM {schema}.instruments WHERE {_any_of(self.instruments)}))",
                *self.instruments,
            )
        if self.local:
            add(f"t.id IN (SELECT track_id FROM {schema}.files)")
        return " AND ".join(parts) or "1", values


def register(connection: Any) -> None:
    """Give a connection the functions that `Filters.conditions` uses."""
    connection.create_function("is_cc_by", 1, is_cc_by, deterministic=True)
    connection.create_function("is_named", 2, is_named, deterministic=True)
    connection.create_function("is_of_occasion", 1, is_of_occasion, deterministic=True)


def is_named(name: str, asked: str) -> bool:
    """Return whether every word of `asked` is one of `name`, in any case of letters and number."""
    return bool(words := _words(asked)) and words <= _words(name)


def is_of_occasion(name: str) -> bool:
    """Return whether a genre or title is that of Christmas or children's songs."""
    return not _OCCASIONS.isdisjoint(_words(name))


def _any_of(names: tuple[str, ...]) -> str:
    return " OR ".join(["is_named(name, ?)"] * len(names))


@lru_cache(10_000)
def _words(text: str) -> frozenset[str]:
    return frozenset(word.rstrip("s") or word for word in _WORD.findall(text.casefold().replace("'", "")))


_WORD = re.compile(r"\w+")
_OCCASIONS = frozenset({"holiday", "christma", "xma", "children", "kid", "nursery", "carol"})  # as `_words` has them
