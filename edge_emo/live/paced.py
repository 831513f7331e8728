"""A film or a sound file played at its own speed, as if a camera saw it and a microphone heard it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from edge_emo.live.order import Order
from edge_emo.live.wire import Packet

if TYPE_CHECKING:
    from edge_emo.media.sound import Float32


def frames(order: Order, clock: Callable[[], float]) -> Iterator[Packet]:
    """Yield the frames of a film, each when it begins. Raises MediaError."""
    from edge_emo.media.film import Film

    for frame in Film(order.name, fps=order.fps):
        height, width = frame.picture.shape[:2]
        _wait(frame.start_s, clock)
        yield Packet("rgb24", frame.start_s, frame.end_s, frame.picture.data.cast("B"), width, height)


def blocks(order: Order, clock: Callable[[], float]) -> Iterator[Packet]:
    """Yield the sound of a file in blocks of a tenth of a second, each when it ends. Raises MediaError."""
    from edge_emo.media.sound import Sound

    length, position, kept = order.rate // 10, 0, np.zeros(0, np.float32)
    for decoded in Sound(order.name, sample_rate=order.rate, audio_track=order.audio_track):
        kept = np.concatenate([kept, decoded])
        while len(kept) >= length:
            block, kept = kept[:length], kept[length:]
            yield _block(block, position, order.rate, clock)
            position += length
    if len(kept):
        yield _block(kept, position, order.rate, clock)


def _block(samples: Float32, position: int, rate: int, clock: Callable[[], float]) -> Packet:
    end_s = (position + len(samples)) / rate
    _wait(end_s, clock)
    return Packet("f32", position / rate, end_s, samples.tobytes())


def _wait(until_s: float, clock: Callable[[], float]) -> None:
    while (left_s := until_s - clock()) > 0:
        time.sleep(left_s)
