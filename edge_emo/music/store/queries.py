"""From what somebody types to queries of the full-text search, the strictest first.

`data/synonyms.csv` says by which mood tags and instruments a word is found that means the same, and
`data/translations.csv` what moods and genres are called in German and Russian.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from edge_emo.music.store.moods import same_names

_MOST_WORDS = 32  # the time grows with each
_WORD = re.compile(r"\w+(?:-\w+)*")


def queries(text: str) -> list[str]:
    """Return queries for songs that hold every word of a text, none where it has no words.

    First come songs with the words themselves, of which the beginning is enough unless it is a word that has synonyms;
    then those with mood tags or instruments of the same meaning; at last those with words that begin so.
    """
    words = list(dict.fromkeys(_WORD.findall(text.lower())))[:_MOST_WORDS]
    if not words:
        return []
    known = [_of_same_meaning(word) for word in words]
    begun = [_any_of(_spellings(word), end="*") for word in words]
    whole = [
        _any_of(_spellings(word)) if same else start for word, start, same in zip(words, begun, known, strict=True)
    ]
    wide = [_or([word, *same]) for word, same in zip(whole, known, strict=True)]
    return list(dict.fromkeys(" AND ".join(each) for each in (whole, wide, begun)))


def _spellings(word: str) -> list[str]:
    """Return a word as it was typed, without ß, and with it: the index keeps ß, which is often typed as ss."""
    folded = word.casefold()
    return list(dict.fromkeys([word, folded, folded.replace("ss", "ß")]))


def _of_same_meaning(word: str) -> list[str]:
    """Return conditions on the tags that mean the same as a word, in any language that is known."""
    word = word.casefold()
    moods = dict.fromkeys(
        each for name in [word, *_synonyms().get(word, ())] for each in (name, *same_names("mood_tags", name))
    )
    genres = same_names("genres", word)
    conditions = [f"{{moods instruments}} : {_any_of(list(moods))}"] if len(moods) > 1 else []
    return conditions + ([f"{{genre}} : {_any_of(genres)}"] if genres else [])


def _any_of(names: Sequence[str], end: str = "") -> str:
    return _or([f'"{name}"{end}' for name in names])


def _or(conditions: Sequence[str]) -> str:
    return f"({' OR '.join(conditions)})" if len(conditions) > 1 else conditions[0]


@cache
def _synonyms() -> dict[str, list[str]]:
    with (Path(__file__).parents[1] / "data" / "synonyms.csv").open(newline="", encoding="utf-8") as file:
        return {row["word"]: row["names"].split("|") for row in csv.DictReader(file)}
