"""Which channels a recording has, and how they become the one that is listened to.

Where a layout has a center, dialogue is in it and it is taken alone; otherwise the channels are mixed by the weights of
ITU-R BS.775-4 for one channel, scaled to a sum of 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soundfile
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

_WAVE = (
    *("FC", "FL FR", "FL FR FC", "FL FR BL BR", "FL FR FC BL BR", "FL FR FC LFE BL BR", "FL FR FC LFE BC SL SR"),
    "FL FR FC LFE BL BR SL SR",
)
_OGG = (  # Vorbis I, 4.3.9
    *("FC", "FL FR", "FL FC FR", "FL FR BL BR", "FL FC FR BL BR", "FL FC FR BL BR LFE", "FL FC FR SL SR BC LFE"),
    "FL FC FR SL SR BL BR LFE",
)
_MASK = ("FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR")  # bits of WAVE_FORMAT_EXTENSIBLE
_SNDFILE = {2: "FL", 3: "FR", 4: "FC", 5: "FL", 6: "FR", 7: "FC", 8: "BC", 9: "BL", 10: "BR", 11: "LFE"}
_SNDFILE |= {12: "FLC", 13: "FRC", 14: "SL", 15: "SR"}
_GET_CHANNEL_MAP = 0x1100  # SFC_GET_CHANNEL_MAP_INFO of sndfile.h

_WEIGHTS = {"FC": 1.0, "FL": 0.5**0.5, "FR": 0.5**0.5, "BC": 0.5**0.5, "LFE": 0.0}
_WEIGHTS |= dict.fromkeys(("BL", "BR", "SL", "SR", "FLC", "FRC"), 0.5)

_HEARD = 1e-3  # of full scale; a center that never reaches it is empty
_OPPOSITE = -0.6  # correlation below which a mix has less than half of the power that one channel has
_MEMORY_S = 3.0  # over which the correlation is taken


@dataclass(frozen=True)
class Block:
    """Samples of shape (samples, channels), and where the channels belong: FFmpeg's names, or None if none can know."""

    samples: Float32
    positions: tuple[str, ...] | None


def usual_positions(n_channels: int, layouts: Sequence[str] = _WAVE) -> tuple[str, ...] | None:
    """Return where so many channels belong in a file that does not say it; the layouts are those of WAV and FLAC."""
    return tuple(layouts[n_channels - 1].split()) if 1 <= n_channels <= len(layouts) else None


def masked_positions(mask: int, n_channels: int) -> tuple[str, ...] | None:
    """Return the positions that the channel mask of a WAV file states, the usual ones for 0."""
    named = tuple(name for bit, name in enumerate(_MASK) if mask >> bit & 1)
    return named if len(named) == n_channels else usual_positions(n_channels)


def named_positions(names: Sequence[str]) -> tuple[str, ...] | None:
    """Return positions that a decoder names, the usual ones where it has other names."""
    return tuple(names) if set(names) <= set(_WEIGHTS) else usual_positions(len(names))


def file_positions(file: soundfile.SoundFile) -> tuple[str, ...] | None:
    """Return the positions in an open sound file."""
    if file.format in ("WAVEX", "CAF", "RF64"):  # of AIFF, libsndfile 1.2 returns memory that it never wrote
        codes = soundfile._ffi.new("int[]", file.channels)
        if soundfile._snd.sf_command(file._file, _GET_CHANNEL_MAP, codes, 4 * file.channels):
            return named_positions([_SNDFILE.get(code, "?") for code in codes])
    return usual_positions(file.channels, _OGG if file.format == "OGG" else _WAVE)


class Mixer:
    """Mix the blocks of one recording, in their order, down to one channel.

    `is_opposed` tells that a pair in opposite phase was met: a cable or plug that is wired wrongly, and whose channels
    cancel each other in a mix. While they do, one of them is turned round.
    """

    def __init__(self, sample_rate: int) -> None:
        self.is_opposed = False
        self._sample_rate = sample_rate
        self._is_center_used = self._is_turned = False
        self._energy = self._product = 0.0

    def __call__(self, samples: Float32, positions: Sequence[str] | None) -> Float32:
        """Return samples of shape (samples, channels) as (samples,). Without positions all channels count alike."""
        if samples.shape[1] == 1:
            return np.asarray(samples[:, 0])
        if positions is None:
            return np.asarray(samples.mean(axis=1, dtype=np.float32))
        of = dict(zip(positions, samples.T, strict=True))
        if "FC" in of:
            self._is_center_used = self._is_center_used or bool(np.abs(of["FC"]).max(initial=0.0) > _HEARD)
            if self._is_center_used:
                return np.asarray(of["FC"])
        weights = {position: _WEIGHTS[position] for position in of}
        if set(of) - {"LFE"} == {"FL", "FR"} and self._is_in_opposite_phase(of["FL"], of["FR"]):
            weights["FR"] *= -1
        total = sum(abs(weight) for weight in weights.values())
        mixed = np.zeros(len(samples), np.float32)
        for position, weight in weights.items():
            if weight:
                mixed += np.float32(weight / total) * of[position]
        return mixed

    def _is_in_opposite_phase(self, left: Float32, right: Float32) -> bool:
        kept = float(np.exp(-len(left) / self._sample_rate / _MEMORY_S))
        energy = np.square(left, dtype=np.float64).sum() + np.square(right, dtype=np.float64).sum()
        self._energy = self._energy * kept + float(energy) / 2
        self._product = self._product * kept + float(np.multiply(left, right, dtype=np.float64).sum())
        if self._product < _OPPOSITE * self._energy:
            self._is_turned = self.is_opposed = True
        elif self._product > 0:
            self._is_turned = False
        return self._is_turned
