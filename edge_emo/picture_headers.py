"""What the header of a still states, held against its file before a decoder reserves memory for it.

Decoders believe lengths and sizes, and some of them unpack what nobody looks at. So only formats of a list are handed
on, within the pixels that their decoder can hold in 1 GB, and of a PNG only the chunks that make its picture.
"""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass
from typing import BinaryIO, Literal

import imagesize

from edge_emo.errors import MediaError
from edge_emo.heif_headers import largest_size

MAX_BYTES = 1 << 28
"""Bytes of the largest picture file that is read."""
MAX_PIXELS = 100_000_000
"""Pixels of the largest still that is read; decoding takes 6 to 9 bytes each."""
MAX_PIXELS_OF = {"HEIC": 50_000_000, "animated WebP": 50_000_000, "AVIF": 24_000_000}
"""The same of decoders that take more: up to 20 bytes each, and 42 of an AVIF of 12 bits with transparency."""

Format = Literal["JPEG", "PNG", "WebP", "BMP", "TIFF", "PNM", "AVIF", "HEIC"]

_MAX_SCANS = 24  # of a JPEG, each as long as the picture; encoders write up to 20
_MAX_CHUNKS = 100_000  # of a PNG
_PNG_PICTURE = frozenset([b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND"])
_JPEG_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]", re.DOTALL)
_JPEG_END, _JPEG_SCAN = 0xD9, 0xDA
_PNM_SPACE = rb"(?:\s|#[^\r\n]*[\r\n])+"
_TIFF_TYPES = {3: "H", 4: "I", 16: "Q"}
_TIFF_SIZES = {256: 0, 257: 0, 258: 1, 277: 1, 322: 0, 323: 0}
"""Tags with their defaults: width, height, bits, samples, width and height of a tile."""


@dataclass(frozen=True)
class Still:
    """A still whose size is known and bounded: its format, and the content that a decoder is to see."""

    format: Format
    content: bytes


def checked_still(name: str, file: BinaryIO) -> Still:
    """Return what an open file holds, to be decoded within 1 GB. Raises MediaError, which starts with `name`."""
    size = file.seek(0, os.SEEK_END)
    if size > MAX_BYTES:
        raise MediaError(f"{name}: over {MAX_BYTES >> 20} MB; no picture of that size is read, so make it smaller")
    file.seek(0)
    content = file.read(size)
    kind = _format(content)
    if kind is None:
        raise MediaError(
            f"{name}: not a JPEG, PNG, WebP, BMP, TIFF, PNM, AVIF or HEIC, or a damaged one; save it anew as JPEG"
        )
    try:
        content, pixels = _bounded(kind, content, file)
    except Exception as error:  # imagesize raises whatever a damaged header leads it to
        reason = error if isinstance(error, ValueError) else "its header is damaged"
        raise MediaError(f"{name}: cannot be decoded ({reason}); save it anew as JPEG") from error
    most = MAX_PIXELS_OF.get("animated WebP" if _is_animated_webp(content) else kind, MAX_PIXELS)
    if pixels[0] * pixels[1] > most:
        raise MediaError(
            f"{name}: {pixels[0]} x {pixels[1]} pixels; up to {most // 1_000_000} million are read, so make it smaller"
        )
    return Still(kind, content)


def _format(content: bytes) -> Format | None:
    if content[4:8] == b"ftyp":
        brands = content[8 : min(int.from_bytes(content[:4], "big"), 512)]
        return "AVIF" if re.match(rb"(?:.{4})*?avi[fs]", brands, re.DOTALL) else "HEIC"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WebP"
    signatures: dict[Format, bytes] = {
        "JPEG": rb"\xff\xd8\xff",
        "PNG": rb"\x89PNG\r\n\x1a\n",
        "BMP": rb"BM",
        "TIFF": rb"II[*+]\0|MM\0[*+]",
        "PNM": rb"P[1-6][\s#]",
    }
    return next((kind for kind, signature in signatures.items() if re.match(signature, content)), None)


def _bounded(kind: Format, content: bytes, file: BinaryIO) -> tuple[bytes, tuple[int, int]]:
    """Return the content to decode, and its width and height."""
    if kind == "PNG":
        content = _picture_chunks(content)
    elif kind == "JPEG":
        _check_scans(content)
    if kind == "TIFF":
        width, height = _tiff_size(content)
    elif kind == "BMP":
        width, height = _bmp_size(content)
    elif kind == "PNM":
        width, height = _pnm_size(content)
    elif content[4:12] == b"ftypavis":
        raise ValueError("an animation, whose frames may be of any size")
    elif kind in ("AVIF", "HEIC"):
        width, height = largest_size(content)
    else:
        file.seek(0)
        width, height = imagesize.get(file)
    if min(width, height) <= 0:
        raise ValueError("its header states no size")
    return content, (width, height)


def _is_animated_webp(content: bytes) -> bool:
    return content[8:16] == b"WEBPVP8X" and bool(content[20:21]) and bool(content[20] & 2)


def _picture_chunks(content: bytes) -> bytes:
    """Return a PNG without what is no part of its still: texts, profiles, frames, and a chunk beyond its end."""
    kept, at, has_data = [content[:8]], 8, False
    for _ in range(_MAX_CHUNKS):
        head = content[at : at + 8]
        end = at + 12 + int.from_bytes(head[:4], "big")
        if len(head) < 8 or end > len(content):
            break
        if head[4:] in _PNG_PICTURE:
            kept.append(content[at:end])
            has_data = has_data or head[4:] == b"IDAT"
        at = end
    else:
        raise ValueError(f"over {_MAX_CHUNKS} chunks")
    if not has_data:
        raise ValueError("none of its data are within the file; it is cut off")
    return b"".join(kept)


def _check_scans(content: bytes) -> None:
    if content.count(bytes([0xFF, _JPEG_SCAN])) <= _MAX_SCANS:
        return
    count, at = 0, 2
    while (found := _JPEG_MARKER.search(content, at)) and found[0][-1] != _JPEG_END:
        at = found.end()
        count += found[0][-1] == _JPEG_SCAN
        if count > _MAX_SCANS:
            raise ValueError(f"over {_MAX_SCANS} scans")
        at += int.from_bytes(content[at : at + 2], "big")


def _tiff_size(content: bytes) -> tuple[int, int]:
    """Return the size of a TIFF's first picture, once its values and those of its tiles are known to fit."""
    order = "<" if content[:2] == b"II" else ">"
    is_big = b"+" in content[2:4]
    offset, n_tags, head = (order + code for code in (("Q", "Q", "HHQ") if is_big else ("I", "H", "HHI")))
    size = struct.calcsize(head + offset[1])
    start = struct.unpack_from(offset, content, 8 if is_big else 4)[0]
    count = min(struct.unpack_from(n_tags, content, start)[0], 65535)
    start += struct.calcsize(n_tags)
    values: dict[int, int] = {}
    for at in range(start, start + size * count, size):
        tag, kind, length = struct.unpack_from(head, content, at)
        if tag in _TIFF_SIZES and kind in _TIFF_TYPES:
            place, code = at + struct.calcsize(head), order + _TIFF_TYPES[kind]
            if struct.calcsize(code) * length > struct.calcsize(offset):  # the values lie elsewhere
                place = struct.unpack_from(offset, content, place)[0]
            values[tag] = max(values.get(tag, 0), struct.unpack_from(code, content, place)[0])
    width, height, bits, samples, tile_width, tile_height = (
        values.get(tag, default) for tag, default in _TIFF_SIZES.items()
    )
    if max(width * height, tile_width * tile_height) * samples * bits > 8 * 3 * MAX_PIXELS:
        raise ValueError(f"{width} x {height} pixels of {samples} x {bits} bits, or its tiles, take over 300 MB")
    return width, height


def _bmp_size(content: bytes) -> tuple[int, int]:
    """Return the size by the header of OS/2, of 12 bytes, or of Windows, where a height below 0 means from the top."""
    is_short = struct.unpack_from("<I", content, 14)[0] == 12
    width, height = struct.unpack_from("<HH" if is_short else "<ii", content, 18)
    return width, abs(height)


def _pnm_size(content: bytes) -> tuple[int, int]:
    found = re.match(rb"P[1-6]%b(\d{1,9})%b(\d{1,9})\s" % (_PNM_SPACE, _PNM_SPACE), content)
    return (int(found[1]), int(found[2])) if found else (0, 0)
