"""Microphones as sound: through PyAV and ALSA, or through PortAudio. These run in a process of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from edge_emo.live.order import Order
from edge_emo.live.wire import Packet

if TYPE_CHECKING:
    from edge_emo.media.sound import Float32

ALSA_CONFIG = "/usr/share/alsa"


def by_pyav(order: Order, clock: Callable[[], float]) -> Iterator[Packet]:
    """Yield the sound of an ALSA device, mono. Raises OSError."""
    # the ALSA inside of PyAV's wheel would look below /tmp, where anybody can put a configuration
    os.environ.setdefault("ALSA_CONFIG_DIR", ALSA_CONFIG)
    import av

    cut = _Cut(order.rate, clock)
    resampler = av.AudioResampler(format="flt", layout="mono", rate=order.rate)
    with closing(av.open(order.name, format="alsa", options={"sample_rate": "48000", "channels": "1"})) as container:
        for frame in container.decode(audio=0):
            frame.pts = None
            for part in resampler.resample(frame):
                yield from cut.push(np.asarray(part.to_ndarray(), np.float32).reshape(-1))


def by_sounddevice(order: Order, clock: Callable[[], float]) -> Iterator[Packet]:
    """Yield the sound of a device that PortAudio knows by its name; "default" is the system's. Raises OSError."""
    import sounddevice

    cut, name = _Cut(order.rate, clock), None if order.name == "default" else order.name
    try:
        with sounddevice.InputStream(samplerate=order.rate, device=name, channels=1, dtype="float32") as stream:
            while True:
                samples, _ = stream.read(order.rate // 10)
                yield from cut.push(samples[:, 0])
    except (sounddevice.PortAudioError, ValueError) as error:
        raise OSError(None, str(error)) from error


class _Cut:
    """Cuts sound into blocks of a tenth of a second; each is as late as its samples say, counted from the first."""

    def __init__(self, rate: int, clock: Callable[[], float]) -> None:
        self._rate, self._clock = rate, clock
        self._kept: Float32 = np.zeros(0, np.float32)
        self._begun_s: float | None = None
        self._position = 0

    def push(self, samples: Float32) -> Iterator[Packet]:
        if self._begun_s is None:
            self._begun_s = self._clock() - len(samples) / self._rate
        self._kept = np.concatenate([self._kept, samples])
        length = self._rate // 10
        while len(self._kept) >= length:
            block, self._kept = self._kept[:length], self._kept[length:]
            start_s = self._begun_s + self._position / self._rate
            self._position += length
            end_s = self._begun_s + self._position / self._rate
            yield Packet("f32", start_s, end_s, np.ascontiguousarray(block, np.float32).tobytes())
