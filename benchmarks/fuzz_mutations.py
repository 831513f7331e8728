"""Damage: what a file becomes after bit flips, lies about lengths, moved pieces, cuts, splices and odd words."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Literal

_HEADER = 256  # bytes; most of what a decoder believes stands there
_EDGES = (0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF)
WORDS = (
    b"", b"\0", b"\r\n", b'"', b"'", b",", b";", b"{", b"[" * 3000, b"}", b"\x1b[31m", b"=1+1", b"-1", b"0", b"nan",
    b"NaN", b"inf", b"-Infinity", b"1e999", b"9" * 400, b"null", b"true", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80",
    b"\xe2\x80\xae", b"\xf0\x9f\x98\x80", b"../", b"%s%n", b"a" * 5000, b"<!--", b"]]>", b"&#0;", b"\x0b\x0c",
)  # fmt: skip
"""What trips readers of text and of numbers."""


def mutated(seeds: Sequence[bytes], words: Sequence[bytes], rng: random.Random) -> bytes:
    """Return one of `seeds` after one to eight kinds of damage; `words` are those of its format."""
    content = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5, 8))):
        rng.choice(_DAMAGES)(content, seeds, words, rng)
    return bytes(content)


_Damage = Callable[[bytearray, Sequence[bytes], Sequence[bytes], random.Random], None]


def _place(content: bytearray, rng: random.Random) -> int:
    return rng.randrange(max(1, min(len(content), _HEADER if rng.random() < 0.6 else len(content))))


def _flip(content: bytearray, seeds: Sequence[bytes], words: Sequence[bytes], rng: random.Random) -> None:
    if content:
        content[_place(content, rng)] ^= 1 << rng.randrange(8)


def _scribble(content: bytearray, seeds: Sequence[bytes], words: Sequence[bytes], rng: random.Random) -> None:
    at = _place(content, rng)
    content[at : at + 4] = rng.randbytes(rng.randint(1, 4))


def _lie(content: bytearray, seeds: Sequence[bytes], words: Sequence[bytes], rng: random.Random) -> None:
    """Put a length where one may stand: an edge of its range, or near what is there."""
    at, size = _place(content, rng), rng.choice((1, 2, 4, 4, 8))
    order: Literal["big", "little"] = rng.choice(("big", "little"))
    is_near = rng.random() < 0.3
    value = int.from_bytes(content[at : at + size], order) + rng.randint(-2, 2) if is_near else rng.choice(_EDGES)
    content[at : at + size] = (value % (1 << 8 * size)).to_bytes(size, order)


def _delete(content: bytearray, seeds: Sequence[bytes], words: Sequence[bytes], rng: random.Random) -> None:
    at = _place(content, rng)
    del content[at : at + rng.randint(1, 300)]


def _insert(content: bytearray, seeds: Sequence[bytes], words: Sequence[bytes], rng: random.Random) -> None:
    at = _place(content, rng)
    content[at:at] = rng.randbytes(rng.randint(1, 50))


def _swap(content: bytearray, seeds: Sequence[bytes], words: Sequence[bytes], rng: random.Random) -> None:
    a, b = sorted((_place(content, rng), _place(content, rng)))
    size = rng.randint(1, 64)
    if b - a >= size:
        content[a : a + size], content[b : b + size] = content[b : b + size], content[a : a + size]


def _repeat(content: bytearray, seeds: Sequence[bytes], words: Sequence[bytes], rng: random.Random) -> None:
    at = _place(content, rng)
    content[at:at] = content[at : at + rng.randint(1, 400)] * rng.randint(1, 20)


def _cut(content: bytearray, seeds: Sequence[bytes], words: Sequence[bytes], rng: random.Random) -> None:
    del content[rng.randrange(len(content) + 1) :]


def _splice(content: bytearray, seeds: Sequence[bytes], words: Sequence[bytes], rng: random.Random) -> None:
    other = rng.choice(seeds)
    start = rng.randrange(len(other) + 1)
    content[_place(content, rng) :] = other[start:]


def _say(content: bytearray, seeds: Sequence[bytes], words: Sequence[bytes], rng: random.Random) -> None:
    at, word = _place(content, rng), rng.choice((*words, *words, *WORDS))
    content[at : at + (len(word) if rng.random() < 0.5 else 0)] = word


_DAMAGES: tuple[_Damage, ...] = (
    _flip, _flip, _scribble, _scribble, _lie, _lie, _lie, _delete, _insert, _swap, _repeat, _cut, _splice, _say, _say,
)  # fmt: skip
