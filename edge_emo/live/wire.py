"""What travels through the pipe of a device's process: frames and blocks, each with when it was taken.

A packet is a header of fixed size and its payload. What programs such as `arecord` write has no headers; `Raw` cuts it
by its size. Times are seconds on the service's clock.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # the process of a device needs no decoder of files
    from edge_emo.media.pictures import Pixels
    from edge_emo.media.sound import Float32

Format = Literal["rgb24", "i420", "f32"]

_FORMATS: Final[tuple[Format, ...]] = ("rgb24", "i420", "f32")
_HEADER: Final = struct.Struct("<4sBHHddI")
_MAGIC: Final = b"EEL1"
LARGEST: Final = 1 << 26
"""Bytes of a payload; no frame or block that is asked for has as many."""


class TornError(Exception):
    """What came through a pipe is no packet: the process that writes it is damaged."""


@dataclass(frozen=True)
class Packet:
    """A frame ("rgb24" or "i420", `width` by `height`) or a block of float32 mono samples ("f32").

    It was taken from `start_s` to `end_s`.
    """

    format: Format
    start_s: float
    end_s: float
    payload: bytes | bytearray | memoryview
    width: int = 0
    height: int = 0

    @property
    def samples(self) -> Float32:
        """The sound of a block, shape (samples,)."""
        return np.frombuffer(self.payload, np.float32)

    @property
    def luma(self) -> NDArray[np.uint8]:
        """How bright a frame is, shape (height, width): what needs no conversion, or nearly none."""
        if self.format == "i420":
            size = self.width * self.height
            return np.frombuffer(self.payload, np.uint8, size).reshape(self.height, self.width)
        return self._array(self.height, self.width, 3)[:, :, 1]

    @property
    def picture(self) -> Pixels:
        """A frame as RGB, shape (height, width, 3)."""
        if self.format == "rgb24":
            return self._array(self.height, self.width, 3)
        import cv2

        planes = self._array(self.height * 3 // 2, self.width)
        return np.asarray(cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_I420), np.uint8)

    def _array(self, *shape: int) -> NDArray[np.uint8]:
        return np.frombuffer(self.payload, np.uint8).reshape(shape)


def size_of(form: Format, width: int, height: int) -> int | None:
    """Return the bytes of a frame, None for a block, whose length is free."""
    return {"rgb24": width * height * 3, "i420": width * height * 3 // 2}.get(form)


def packed(packet: Packet) -> bytes:
    """Return the header of a packet; its payload comes after it."""
    number = _FORMATS.index(packet.format)
    times = packet.start_s, packet.end_s
    return _HEADER.pack(_MAGIC, number, packet.width, packet.height, *times, len(packet.payload))


class Reader(Protocol):
    """Takes packets out of what a process writes."""

    def read(self, stream: IO[bytes]) -> Packet | None:
        """Return the next packet, None at the end. Raises TornError."""


class Framed:
    """Packets with headers, as the package's own processes write them."""

    def read(self, stream: IO[bytes]) -> Packet | None:
        """Return the next packet, None at the end. Raises TornError."""
        header = _exactly(stream, _HEADER.size)
        if header is None:
            return None
        magic, number, width, height, start_s, end_s, length = _HEADER.unpack(header)
        if magic != _MAGIC or number >= len(_FORMATS) or length > LARGEST or not start_s <= end_s < 1e12:
            raise TornError("a header that is none")
        form = _FORMATS[number]
        if length != (size_of(form, width, height) or length) or (form == "f32" and length % 4) or not length:
            raise TornError(f"{length} bytes for {form} of {width} x {height}")
        payload = _exactly(stream, length)
        return None if payload is None else Packet(form, start_s, end_s, payload, width, height)


class Raw:
    """Frames or blocks of one size without headers; `clock` tells when one came, on the service's clock.

    Blocks are as many samples as `rate` has in a tenth of a second; the `n`-th sample was taken when `rate` says, from
    the first on, so that a reader which was late once does not tear the sound.
    """

    def __init__(
        self, form: Format, clock: Callable[[], float], *, width: int = 0, height: int = 0, rate: int = 0
    ) -> None:
        self._format, self._clock, self._width, self._height, self._rate = form, clock, width, height, rate
        self._size = size_of(form, width, height) or rate // 10 * 4
        self._n_samples, self._begun_s = 0, 0.0
        self._end_s = 0.0

    def read(self, stream: IO[bytes]) -> Packet | None:
        """Return the next packet, None at the end."""
        payload = _exactly(stream, self._size)
        if payload is None:
            return None
        now_s = self._clock()
        if self._format != "f32":
            start_s = max(self._end_s, now_s)
            self._end_s = start_s
            return Packet(self._format, start_s, start_s, payload, self._width, self._height)
        length = self._size // 4
        if not self._n_samples:
            self._begun_s = now_s - length / self._rate
        start_s = self._begun_s + self._n_samples / self._rate
        self._n_samples += length
        return Packet("f32", start_s, self._begun_s + self._n_samples / self._rate, payload)


def _exactly(stream: IO[bytes], length: int) -> bytearray | None:
    """Return so many bytes, None where the stream ends before."""
    buffer = bytearray(length)
    view, have = memoryview(buffer), 0
    while have < length:
        got = stream.readinto(view[have:])  # type: ignore[attr-defined]
        if not got:
            return None
        have += got
    return buffer
