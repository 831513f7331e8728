"""From what somebody types to queries of the full-text search, the strictest first.

`data/synonyms.csv` says by which mood tags and instruments a word is found that means the same.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

_MOST_WORDS = 32  # the time grows with each
_WORD = re.compile(r"\w+(?:-\w+)*")


def queries(text: str) -> list[str]:
    """Return queries for songs that hold every word of a text, none where it has no words.

    First come songs with the words themselves, of which the beginning is enough unless it is a word that has synonyms;
    then those with mood tags or instruments of the same meaning; at last those with words that begin so.
    """
    words = list(dict.fromkeys(_WORD.findall(text.casefold())))[:_MOST_WORDS]
    if not words:
        return []
    known = _synonyms()
    begun = [f'"{word}"*' for word in words]
    whole = [f'"{word}"' if word in known else start for word, start in zip(words, begun, strict=True)]
    wide = [f"({word} OR {known[name]})" if name in known else word for name, word in zip(words, whole, strict=True)]
    return list(dict.fromkeys(" AND ".join(each) for each in (whole, wide, begun)))


@cache
def _synonyms() -> dict[str, str]:
    """Return for each word a condition on the tags that mean the same."""
    with (Path(__file__).parents[1] / "data" / "synonyms.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["word"]: row["names"].split("|") for row in csv.DictReader(file)}
    return {
        word: "{moods instruments} : (" + " OR ".join(f'"{name}"' for name in names) + ")"
        for word, names in rows.items()
    }
