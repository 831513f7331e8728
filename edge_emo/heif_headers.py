"""The largest picture that an AVIF or HEIC leads its decoder to: by its boxes, and by the AV1 in it.

Boxes: ISO/IEC 14496-12 and 23008-12. AV1: the specification of its bitstream, sections 5.3 and 5.5.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

Size = tuple[int, int]

_MAX_PARTS = 100_000  # boxes of a file, or units of an item
_CONTAINERS = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"iinf": 6}
"""Boxes that hold boxes, with the bytes before these."""
_SEQUENCE_HEADER = 1
_LONGEST_HEADER = 400  # bytes of a sequence header of 32 operating points


def largest_size(content: bytes) -> Size:
    """Return the width and height of the largest picture, (0, 0) where none is stated.

    Raises ValueError, struct.error or IndexError for a damaged file.
    """
    sizes, kinds, places, data = [(0, 0)], {}, b"", 0
    for kind, start, end in _boxes(content):
        body = content[start : min(end, start + 64)] if kind in (b"ispe", b"infe") else b""
        if kind == b"ispe":
            sizes.append(struct.unpack_from(">II", body, 4))
        elif kind == b"infe" and body[0] >= 2:
            identity = body[4:6] if body[0] == 2 else body[4:8]
            kinds[int.from_bytes(identity, "big")] = body[len(identity) + 6 :][:4]
        elif kind == b"iloc":
            places = content[start:end]
        elif kind == b"idat":
            data = start
    rest = 2 * len(content)
    for item, method, extents in _located(places):
        if kinds.get(item) in (b"av01", b"grid"):
            offset = data if method == 1 else 0
            pieces = [slice(offset + at, offset + at + (n or len(content))) for at, n in extents]
            rest -= sum(len(range(*piece.indices(len(content)))) for piece in pieces)
            if rest < 0:
                raise ValueError("its items hold more than the file does")
            held = b"".join(content[piece] for piece in pieces)
            sizes += _av1_sizes(held) if kinds[item] == b"av01" else [_grid_size(held)]
    return max(sizes, key=lambda size: size[0] * size[1])


def _boxes(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind of each box, and where its body starts and ends."""
    waiting = [(0, len(content))]
    for _ in range(_MAX_PARTS):
        if not waiting:
            return
        at, end = waiting.pop()
        if end - at < 8:
            continue
        length, kind = struct.unpack_from(">I4s", content, at)
        body = at + 8
        if length == 1:
            length, body = struct.unpack_from(">Q", content, body)[0], body + 8
        after = min(at + length, end) if length else end
        if after < body:
            raise ValueError("a box of it is shorter than its head")
        waiting.append((after, end))
        if kind in _CONTAINERS:
            is_long = kind == b"iinf" and content[body : body + 1] != b"\0"  # a count of four bytes
            waiting.append((body + _CONTAINERS[kind] + 2 * is_long, after))
        yield kind, body, after
    raise ValueError(f"over {_MAX_PARTS} boxes")


def _located(iloc: bytes) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """Yield each item's number, how it is placed, and the offset and length of each of its pieces."""
    if not iloc:
        return
    version, at, n_pieces = iloc[0], 6, 0
    widths = (iloc[4] >> 4, iloc[4] & 15, iloc[5] >> 4, iloc[5] & 15 if version else 0)
    long = 2 if version < 2 else 4

    def number(n_bytes: int) -> int:
        nonlocal at
        at += n_bytes
        if at > len(iloc):
            raise ValueError("its table of items is cut off")
        return int.from_bytes(iloc[at - n_bytes : at], "big")

    for _ in range(number(long)):
        item = number(long)
        method = number(2) & 15 if version else 0
        number(2)
        base = number(widths[2])
        extents = []
        n_pieces += (n_extents := number(2))
        if n_pieces > _MAX_PARTS:
            raise ValueError(f"over {_MAX_PARTS} pieces of items")
        for _ in range(n_extents):
            number(widths[3])
            extents.append((base + number(widths[0]), number(widths[1])))
        yield item, method, extents


def _grid_size(grid: bytes) -> Size:
    width, height = struct.unpack_from(">II" if grid[1] & 1 else ">HH", grid, 4)
    return width, height


def _av1_sizes(item: bytes) -> Iterator[Size]:
    """Yield what each sequence header among an item's units states."""
    at = 0
    for _ in range(_MAX_PARTS):
        if at >= len(item):
            return
        head = item[at]
        at += 2 if head & 4 else 1
        size = len(item) - at
        if head & 2:
            size = shift = 0
            while True:
                size |= (item[at] & 127) << shift
                shift, at = shift + 7, at + 1
                if not item[at - 1] & 128 or shift > 56:
                    break
        if head >> 3 & 15 == _SEQUENCE_HEADER:
            yield _sequence_size(item[at : at + min(size, _LONGEST_HEADER)])
        at += size
    raise ValueError(f"over {_MAX_PARTS} units in an item")


def _sequence_size(header: bytes) -> Size:
    bits, at = f"{int.from_bytes(header, 'big'):0{8 * len(header)}b}", 0

    def take(n: int) -> int:
        nonlocal at
        at += n
        if at > len(bits):
            raise ValueError("its sequence header is cut off")
        return int(bits[at - n : at], 2)

    take(4)
    if take(1):  # the short header of a still
        take(5)
    else:
        model_bits = 0
        if take(1):  # timing
            take(32), take(32)
            if take(1):
                zeros = 0
                while not take(1):
                    zeros += 1
                if 0 < zeros < 32:
                    take(zeros)
            if take(1):
                model_bits = take(5) + 1
                take(32), take(5), take(5)
        has_delay = take(1)
        for _ in range(take(5) + 1):
            take(12)
            if take(5) > 7:
                take(1)
            if model_bits and take(1):
                take(model_bits), take(model_bits), take(1)
            if has_delay and take(1):
                take(4)
    width_bits, height_bits = take(4) + 1, take(4) + 1
    return take(width_bits) + 1, take(height_bits) + 1
