"""Names and tags as text that every output can hold, and no terminal obeys."""

from __future__ import annotations

import re

_SURROGATES = re.compile("[\ud800-\udfff]")  # which stand for bytes that are no UTF-8
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+")  # C0, C1, bidi


def printable(name: str) -> str:
    """Return a file's name as text that every output can hold; bytes that are no UTF-8 become a mark."""
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", name)


def plain(text: str) -> str:
    """Return text on one line that cannot steer a terminal: no control characters, no changes of direction."""
    return _STEERING.sub(" ", printable(text))


def to_install(extra: str) -> str:
    """Return what to run for an optional part; it names the clone, as no package index has a release yet."""
    return f"run `pip install '.[{extra}]'` in your clone of edge-emo"


def count(number: int, noun: str) -> str:
    """Return a number of things in words: "1 song", "2 songs", "3 entries"."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"
