"""Whisper's encoder (Radford et al. 2022), read from a CTranslate2 file, to learn from what its layers hear.

Nothing of it ships: what a teacher heard becomes soft labels (`export.train.teacher`).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from edge_emo.audio.mfcc import mel_filter_bank
from edge_emo.audio.specification import FeatureSpec
from edge_emo.core.errors import MediaError
from edge_emo.media.sound import SAMPLE_RATE, Float32

_N_FFT, _HOP, _N_MELS = 400, 160, 80
_RATE = SAMPLE_RATE // _HOP // 2  # of what leaves the layers, each second
_TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


def read_weights(path: Path) -> dict[str, NDArray[np.generic]]:
    """Return the variables of a CTranslate2 `model.bin` by name. Raises MediaError for another file."""
    data, place = path.read_bytes(), 0

    def number(code: str) -> int:
        nonlocal place
        (value,) = struct.unpack_from(f"<{code}", data, place)
        place += struct.calcsize(code)
        return int(value)

    def text() -> str:
        nonlocal place
        length = number("H")
        place += length
        return data[place - length : place - 1].decode()

    try:
        version, spec, _ = number("I"), text(), number("I")
        if version != 6 or spec != "WhisperSpec":
            raise ValueError(f"version {version} of {spec}")
        weights: dict[str, NDArray[np.generic]] = {}
        for _ in range(number("I")):
            name = text()
            shape = [number("I") for _ in range(number("B"))]
            kind, n_bytes = np.dtype(_TYPES[number("B")]), number("I")
            weights[name] = np.frombuffer(data, kind, n_bytes // kind.itemsize, place).reshape(shape)
            place += n_bytes
    except (struct.error, UnicodeDecodeError, KeyError, ValueError) as error:
        raise MediaError(f"{path}: is no Whisper in CTranslate2's format ({error}); convert it anew") from error
    return weights


def log_mel(samples: Float32) -> torch.Tensor:
    """Return Whisper's input (80, frames) for mono sound at 16 kHz, 100 frames a second."""
    spectrum = torch.stft(
        torch.from_numpy(samples), _N_FFT, _HOP, window=torch.hann_window(_N_FFT), return_complex=True
    )[:, :-1]
    spec = FeatureSpec(frame_length=_N_FFT, hop_length=_HOP, n_fft=_N_FFT, n_mels=_N_MELS)
    power = torch.from_numpy(mel_filter_bank(spec).astype(np.float32)) @ spectrum.abs().square()
    log = power.clamp(min=1e-10).log10()
    return (log.clamp(min=log.max() - 8) + 4) / 4


@dataclass(frozen=True)
class Encoder:
    """The encoder, in float32."""

    weights: dict[str, torch.Tensor]
    n_layers: int
    n_heads: int

    @classmethod
    def load(cls, path: Path) -> Encoder:
        """Return the encoder of a CTranslate2 `model.bin`. Raises MediaError."""
        found = {name[8:]: value for name, value in read_weights(path).items() if name.startswith("encoder/")}
        weights = {n: torch.from_numpy(v.astype(np.float32)) for n, v in found.items() if v.dtype.kind == "f"}
        n_layers = sum(name.endswith("ffn/linear_0/weight") for name in weights)
        return cls(weights, n_layers, int(found["num_heads"]))

    @torch.inference_mode()
    def __call__(self, samples: Float32, layers: int | None = None) -> list[torch.Tensor]:
        """Return what leaves each of the first `layers` layers, (n, width), 50 a second; of all, the last normalised.

        Raises ValueError for more sound than it has places for, 30 s.
        """
        count = self.n_layers if layers is None else layers
        x = log_mel(samples)[None]
        x = functional.gelu(functional.conv1d(x, *self._pair("conv1"), padding=1))
        x = functional.gelu(functional.conv1d(x, *self._pair("conv2"), padding=1, stride=2))[0].T
        places = self.weights["position_encodings/encodings"]
        if len(x) > len(places):
            most = len(places) // _RATE
            raise ValueError(f"{len(samples) / SAMPLE_RATE:.1f} s of sound; {most} s are the most")
        x = x + places[: len(x)]
        found = []
        for number in range(count):
            x = self._layer(x, f"layer_{number}")
            found.append(x)
        if layers is None:
            found[-1] = self._norm(x, "layer_norm")
        return found

    def _layer(self, x: torch.Tensor, name: str) -> torch.Tensor:
        attention = f"{name}/self_attention"
        mixed = functional.linear(self._norm(x, f"{attention}/layer_norm"), *self._pair(f"{attention}/linear_0"))
        query, key, value = mixed.reshape(len(x), 3, self.n_heads, -1).permute(1, 2, 0, 3)
        heard = functional.scaled_dot_product_attention(query, key, value)
        x = x + functional.linear(heard.permute(1, 0, 2).flatten(1), *self._pair(f"{attention}/linear_1"))
        y = functional.linear(self._norm(x, f"{name}/ffn/layer_norm"), *self._pair(f"{name}/ffn/linear_0"))
        return x + functional.linear(functional.gelu(y), *self._pair(f"{name}/ffn/linear_1"))

    def _norm(self, x: torch.Tensor, name: str) -> torch.Tensor:
        return functional.layer_norm(x, x.shape[-1:], self.weights[f"{name}/gamma"], self.weights[f"{name}/beta"])

    def _pair(self, name: str) -> tuple[torch.Tensor, torch.Tensor]:
        return self.weights[f"{name}/weight"], self.weights[f"{name}/bias"]
