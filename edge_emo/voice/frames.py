"""What voice activity looks at: level, pitch and coarse spectrum of sound, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_emo.audio.mfcc import power_spectrum
from edge_emo.media.sound import SAMPLE_RATE, Float32

Floats = NDArray[np.float64]

HOP = 320  # 20 ms
FRAME = 512  # 32 ms
N_BANDS = 12
BAND_EDGES_HZ = np.geomspace(100, 4000, N_BANDS + 1)

_HALF_RATE = FRAME // 2  # points of the autocorrelation: nothing above 4 kHz is left in it
_PITCH_HZ = (70.0, 500.0)
_FAINT_DB = -120.0  # mean square re full scale; quieter frames have no pitch
_FLOOR = 1e-15


@dataclass(frozen=True)
class Frames:
    """Consecutive frames of 32 ms every 20 ms; only what lies between 100 Hz and 4 kHz counts.

    `level` (n,) is the mean square in dB re full scale, `correlation` (n,) the normalised autocorrelation at the
    pitch, -1 to 1, `lag` (n,) that pitch's period in samples at 8 kHz, `bands` (n, 12) the level in dB of bands of
    equal width in octaves.
    """

    level: Floats
    correlation: Floats
    lag: Floats
    bands: Floats

    def __len__(self) -> int:
        return len(self.level)

    def __getitem__(self, part: slice) -> Frames:
        return Frames(self.level[part], self.correlation[part], self.lag[part], self.bands[part])

    def __add__(self, other: Frames) -> Frames:
        return Frames(
            np.concatenate([self.level, other.level]),
            np.concatenate([self.correlation, other.correlation]),
            np.concatenate([self.lag, other.lag]),
            np.concatenate([self.bands, other.bands]),
        )


NO_FRAMES = Frames(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros((0, N_BANDS)))


def measure(samples: Float32) -> Frames:
    """Return the frames of sound of shape (samples,): float32, mono, 16 kHz; at least one frame long."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::HOP]
    power = power_spectrum(frames * _WINDOW)
    power[:, :_LOW] = 0
    power[:, _HIGH:] = 0
    level = _decibels(power.sum(axis=1, dtype=np.float64) * _ENERGY_SCALE)
    correlation, lag = np.zeros(len(frames)), np.ones(len(frames))
    loud = np.flatnonzero(level > _FAINT_DB)
    if len(loud):
        # circular, but the window leaves next to nothing at the lags that meet those of a voice
        # in float64, which numpy transforms three times as fast as float32
        auto = np.fft.irfft(power[loud, : _HALF_RATE // 2 + 1].astype(np.float64), _HALF_RATE)
        shortest, longest = (int(SAMPLE_RATE / 2 / hz) for hz in reversed(_PITCH_HZ))
        normalized = auto[:, shortest : longest + 1] / _WINDOW_CORRELATION[shortest : longest + 1]
        best = normalized.argmax(axis=1)
        correlation[loud] = normalized[np.arange(len(loud)), best] / auto[:, 0]
        lag[loud] = best + shortest
    bands = np.add.reduceat(power, _EDGES, axis=1)[:, :-1].astype(np.float64) * _ENERGY_SCALE
    return Frames(level, correlation, lag, _decibels(bands))


def _decibels(energy: Floats) -> Floats:
    return np.asarray(10 * np.log10(np.maximum(energy, _FLOOR)))


_WINDOW = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)).astype(np.float32)
_WINDOW_CORRELATION = np.fft.irfft(np.abs(np.fft.rfft(_WINDOW))[: _HALF_RATE // 2 + 1] ** 2, _HALF_RATE)
_WINDOW_CORRELATION = (_WINDOW_CORRELATION / _WINDOW_CORRELATION[0]).astype(np.float32)
_LOW, _HIGH = (round(hz * FRAME / SAMPLE_RATE) for hz in (100, 4000))
_EDGES = np.round(BAND_EDGES_HZ * FRAME / SAMPLE_RATE).astype(int)
_ENERGY_SCALE = 2 / (FRAME * float(np.square(_WINDOW).sum()))  # mean square of a full-scale sine: 0.5
