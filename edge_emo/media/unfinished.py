"""Recordings that were never finished: the recorder lost power, or wrote to a pipe and could not go back.

What a header says of their length is wrong, or there is no index; the sound itself is mostly there.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from typing import BinaryIO

from edge_emo.core.text import to_install

UNFINISHED = "its header states no length, as where a recorder loses power or writes to a pipe; read to the end"
NO_LAST_PAGE = "its last page is missing, so it was cut off or never finished; read as far as it goes"
UNCOUNTED = (
    "states no length, so that its end may be missing where its bit rate varies; "
    f"{to_install('video')}, or put ffmpeg on the PATH"
)

_UNKNOWN = 0xFFFFFFFF
_PAGE_BYTES = 65307  # of the largest page of an Ogg file


class _Patched(io.RawIOBase):
    """A file in which some bytes are read as others."""

    def __init__(self, file: BinaryIO, patches: dict[int, bytes]) -> None:
        self._file, self._patches = file, patches

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        start = self._file.tell()
        data = bytearray(self._file.read(len(view)))
        for place, patch in self._patches.items():
            for offset, value in enumerate(patch, place - start):
                if 0 <= offset < len(data):
                    data[offset] = value
        view[: len(data)] = data
        return len(data)


def with_length(file: BinaryIO) -> BinaryIO | None:
    """Return a WAV, RF64, CAF or AU file as if its header stated the length that it has; None where it states one.

    Only where there is sound after a header that says 0 or "unknown"; a recording of nothing stays one.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(12)
    patches = None
    if head[8:12] == b"WAVE":
        patches = _of_wave(file, head[:4], size)
    elif head[:4] == b"caff":
        for at, _, stated in _chunks(file, 8, ">4sq", size):
            if stated < 0:
                patches = {at + 4: struct.pack(">q", size - at - 12)}
    elif head[:4] == b".snd" and len(head) == 12 and struct.unpack(">I", head[8:12])[0] in (0, _UNKNOWN):
        patches = {8: struct.pack(">I", _UNKNOWN)} if struct.unpack(">I", head[4:8])[0] < size else None
    file.seek(0)
    return io.BufferedReader(_Patched(file, patches)) if patches else None


def _of_wave(file: BinaryIO, form: bytes, size: int) -> dict[int, bytes] | None:
    big = None  # where RF64 has the length of the data
    for at, name, stated in _chunks(file, 12, ">4sI" if form == b"RIFX" else "<4sI", size):
        if name == b"ds64":
            big = at + 16
        if name != b"data":
            continue
        found = size - at - 8
        if found <= 0:
            return None
        if big is not None and stated == _UNKNOWN:
            file.seek(big)
            is_stated = 0 < int.from_bytes(file.read(8), "little") < 1 << 62
            return None if is_stated else {big: struct.pack("<Q", found)}
        if stated == _UNKNOWN or (stated == 0 and not _are_chunks(file, at + 8, size)):
            return {at + 4: struct.pack(">I" if form == b"RIFX" else "<I", min(found, _UNKNOWN - 1))}
        return None
    return None


def _chunks(file: BinaryIO, start: int, layout: str, size: int) -> Iterator[tuple[int, bytes, int]]:
    """Yield where each chunk of a file begins, its name and its stated length."""
    at, length = start, struct.calcsize(layout)
    while at + length <= size:
        file.seek(at)
        name, stated = struct.unpack(layout, file.read(length))
        yield at, name, stated
        if stated < 0:
            return
        at += length + stated + (stated & 1 if length == 8 else 0)


def _are_chunks(file: BinaryIO, start: int, size: int) -> bool:
    """Tell whether what follows an empty chunk are more of them, up to the end of the file."""
    end = start
    for at, name, stated in _chunks(file, start, "<4sI", size):
        if not re.fullmatch(rb"[ -~]{4}", name):
            return False
        end = at + 8 + stated
    return size <= end <= size + 1 or end == start == size


def lacks_last_page(file: BinaryIO) -> bool:
    """Tell whether an Ogg file ends without the page that is marked as its last."""
    file.seek(0)
    if file.read(4) != b"OggS":
        return False
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _PAGE_BYTES))
    tail = file.read()
    file.seek(0)
    at = tail.rfind(b"OggS")
    return at < 0 or len(tail) < at + 6 or not tail[at + 5] & 4  # RFC 3533, 6: header_type_flag


def lacks_count(file: BinaryIO) -> bool:
    """Tell whether this is an MP3 file without the header that says how many frames it has.

    What libsndfile guesses then from the first frame is all that it reads, too little where the bit rate varies.
    """
    file.seek(0)
    tag = file.read(10)
    start = 0
    if tag[:3] == b"ID3" and len(tag) == 10:  # ID3v2.4, 3.1: seven bits of each byte
        start = 10 + sum((byte & 0x7F) << 7 * place for place, byte in enumerate(reversed(tag[6:])))
    file.seek(start)
    frame = file.read(4096).lstrip(b"\0")
    file.seek(0)
    is_layer_3 = len(frame) > 4 and frame[0] == 0xFF and frame[1] & 0xE6 == 0xE2
    return is_layer_3 and not re.search(rb"Xing|Info|VBRI", frame[:256])


def lacks_index(file: BinaryIO) -> bool:
    """Tell whether this is an MP4 or MOV file without the box that says where its frames are."""
    size = file.seek(0, io.SEEK_END)
    names: list[bytes] = []
    at = 0
    while at + 8 <= size and len(names) < 10_000:
        file.seek(at)
        length, name = struct.unpack(">I4s", file.read(8))
        if length == 1:
            length = int.from_bytes(file.read(8), "big")
        names.append(name)
        if length < 8:
            break
        at += length
    file.seek(0)
    return bool({b"ftyp", b"mdat"} & set(names[:3])) and b"moov" not in names
