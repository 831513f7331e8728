"""Log-mel and MFCC features: the one front end of training, calibration and the runtime.

Two published parameter families are reproduced exactly (see `tests/audio/test_mfcc.py`): that of
`python_speech_features` and that of `librosa.feature.mfcc`. No step uses BLAS, so the time taken does not
depend on how many threads it was built with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from edge_emo.audio.specification import FeatureSpec

Float32 = NDArray[np.float32]

_POINTS_PER_CHUNK = 1 << 16  # of the transform, so that every temporary array fits in the L2 cache


def compute(samples: Float32, spec: FeatureSpec) -> Float32:
    """Return the features of a whole clip: float32, shape (frames, `spec.n_features`).

    `samples` is one channel at `spec.sample_rate`, of any scale.
    """
    features = np.concatenate(list(_static_chunks(_pad_clip(samples, spec), spec)))
    if spec.top_db is not None and len(features):
        np.maximum(features, features.max() - spec.top_db, out=features)
    return _append_deltas(cepstra(features, spec), spec)


def mean(samples: Float32, spec: FeatureSpec) -> Float32:
    """Return the mean over time of `compute`, shape (`spec.n_features`,), without computing each cepstrum.

    The cosine transform is linear, so it is taken once, of the mean log-mel spectrum.
    """
    if spec.energy_as_c0 or spec.deltas:
        return np.asarray(compute(samples, spec).mean(axis=0), np.float32)
    log_mel = compute(samples, _log_mel_only(spec))
    average: Float32 = cepstra(log_mel.mean(axis=0, dtype=np.float64)[None].astype(np.float32), spec)[0]
    return average


class FeatureStream:
    """The same frames as `compute`, from samples that arrive in pieces of any length.

    Raises ValueError for a spec with `top_db`, which is relative to a maximum not known yet.
    """

    def __init__(self, spec: FeatureSpec) -> None:
        if spec.top_db is not None:
            raise ValueError("top_db refers to the whole clip; use compute() for this front end")
        self._spec = spec
        self._previous = np.float32(0)
        self._pending = np.zeros(spec.n_fft // 2 if spec.padding == "center" else 0, np.float32)
        self._started = False
        self._skip = 0
        self._deltas = [_DeltaStage(spec.delta_width) for _ in range(spec.deltas)]
        self._waiting = [np.zeros((0, spec.n_mfcc or spec.n_mels), np.float32) for _ in range(spec.deltas + 1)]

    def push(self, samples: Float32) -> Float32:
        """Return the frames completed by `samples`, shape (frames, `n_features`), often none."""
        samples = np.asarray(samples, np.float32)
        if not len(samples):
            return np.zeros((0, self._spec.n_features), np.float32)
        previous = self._previous if self._started else None
        self._pending = np.concatenate([self._pending, _pre_emphasise(samples, self._spec, previous)])
        self._previous, self._started = samples[-1], True
        return self._emit(self._take_frames(), last=False)

    def finish(self) -> Float32:
        """Return the frames that only the end of the clip completes. The stream is used up."""
        spec = self._spec
        if spec.padding == "center":
            self._pending = np.concatenate([self._pending, np.zeros(spec.n_fft // 2, np.float32)])
        elif spec.padding == "end" and self._started:
            missing = _end_padding(len(self._pending), spec)
            self._pending = np.concatenate([self._pending, np.zeros(missing, np.float32)])
        return self._emit(self._take_frames(), last=True)

    def _take_frames(self) -> Float32:
        spec = self._spec
        skipped = min(self._skip, len(self._pending))  # a hop longer than a frame leaves samples to pass over
        self._pending, self._skip = self._pending[skipped:], self._skip - skipped
        frames = cepstra(np.concatenate(list(_static_chunks(self._pending, spec))), spec)
        used = len(frames) * spec.hop_length
        self._skip += max(0, used - len(self._pending))
        self._pending = self._pending[used:]
        return frames

    def _emit(self, static: Float32, last: bool) -> Float32:
        blocks, rows = [static], static
        for stage in self._deltas:
            rows = stage.push(rows, last)
            blocks.append(rows)
        self._waiting = [np.concatenate(pair) for pair in zip(self._waiting, blocks, strict=True)]
        ready = min(len(block) for block in self._waiting)
        out = np.concatenate([block[:ready] for block in self._waiting], axis=1)
        self._waiting = [block[ready:] for block in self._waiting]
        return out


class _DeltaStage:
    """One order of deltas over rows that arrive in pieces; late by `width` rows until the last piece."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._rows: Float32 | None = None

    def push(self, rows: Float32, last: bool) -> Float32:
        if self._rows is None:
            if not len(rows):
                return rows
            self._rows = np.repeat(rows[:1], self._width, axis=0)  # the first row stands before the start
        self._rows = np.concatenate([self._rows, rows])
        if last:
            self._rows = np.concatenate([self._rows, np.repeat(self._rows[-1:], self._width, axis=0)])
        out = _regression(self._rows, self._width)
        self._rows = self._rows[len(out) :]
        return out


def _append_deltas(static: Float32, spec: FeatureSpec) -> Float32:
    blocks = [static]
    for _ in range(spec.deltas):
        blocks.append(_DeltaStage(spec.delta_width).push(blocks[-1], last=True))
    return np.concatenate(blocks, axis=1)


def _regression(rows: Float32, width: int) -> Float32:
    count = max(0, len(rows) - 2 * width)
    total = np.zeros((count, rows.shape[1]), np.float32)
    for n in range(1, width + 1):
        total += n * (rows[width + n : width + n + count] - rows[width - n : width - n + count])
    total /= np.float32(2 * sum(n * n for n in range(1, width + 1)))
    return total


def _log_mel_only(spec: FeatureSpec) -> FeatureSpec:
    return replace(spec, n_mfcc=0, lifter=0)


def _pad_clip(samples: Float32, spec: FeatureSpec) -> Float32:
    samples = _pre_emphasise(np.asarray(samples, np.float32), spec, None)
    if spec.padding == "center":
        return np.pad(samples, spec.n_fft // 2)
    if spec.padding == "end" and len(samples):
        return np.pad(samples, (0, _end_padding(len(samples), spec)))
    return samples


def _end_padding(n_samples: int, spec: FeatureSpec) -> int:
    """Zeros that complete the last frame."""
    needed = (spec.n_frames(n_samples) - 1) * spec.hop_length + spec.frame_length
    return max(0, needed - n_samples)


def _pre_emphasise(samples: Float32, spec: FeatureSpec, previous: np.float32 | None) -> Float32:
    """y[n] = x[n] - a x[n-1]; the first sample of a clip is kept as it is."""
    if not spec.pre_emphasis or not len(samples):
        return samples
    first = samples[:1] if previous is None else samples[:1] - np.float32(spec.pre_emphasis) * previous
    return np.concatenate([first, samples[1:] - np.float32(spec.pre_emphasis) * samples[:-1]])


def _static_chunks(samples: Float32, spec: FeatureSpec) -> Iterator[Float32]:
    """Yield log-mel energies (with the log energy in front where C0 needs it), at least one array."""
    if len(samples) < spec.frame_length:
        yield np.zeros((0, spec.n_mels + spec.energy_as_c0), np.float32)
        return
    frames = sliding_window_view(samples, spec.frame_length)[:: spec.hop_length]
    per_chunk = max(1, _POINTS_PER_CHUNK // spec.n_fft)
    for start in range(0, len(frames), per_chunk):
        yield _log_mel(frames[start : start + per_chunk], spec)


def _log_mel(frames: Float32, spec: FeatureSpec) -> Float32:
    used = min(spec.frame_length, spec.n_fft)  # a frame longer than the transform is cut
    windowed = np.zeros((len(frames), spec.n_fft), np.float32)
    np.multiply(frames[:, :used], _window(spec)[:used], out=windowed[:, :used])
    power = power_spectrum(windowed, spec.power_scale)
    mel = _mel_filter(power, spec)
    if spec.energy_as_c0:
        mel = np.concatenate([power.sum(axis=1, keepdims=True), mel], axis=1)
    if spec.floor_zeros_only:
        mel[mel == 0] = spec.floor
    else:
        np.maximum(mel, np.float32(spec.floor), out=mel)
    np.log(mel, out=mel)
    if spec.log == "db":
        mel *= np.float32(10 / np.log(10))
    return mel


def power_spectrum(frames: Float32, scale: float = 1.0) -> Float32:
    """Return `scale` |DFT|^2 of the bins 0 to n // 2 of each row, of n samples."""
    n = frames.shape[1]
    # numpy 2 computes in float32 for a factor in float32, as the 1 / n of "forward" is; else it converts to float64 and
    # back, in twice the time. numpy 1 knows float64 alone.
    spectrum = np.fft.rfft(frames, norm="forward")
    parts = spectrum.view(spectrum.real.dtype)
    np.square(parts, out=parts)
    power = np.add(parts[:, ::2], parts[:, 1::2]).astype(np.float32, copy=False)
    power *= np.float32(scale * n * n)
    return power


def _mel_filter(power: Float32, spec: FeatureSpec) -> Float32:
    """Apply the filter bank as two sums over contiguous bands.

    Triangles of even index do not overlap one another, nor do those of odd index, so each half is one
    weight vector over the bins and one sum per triangle.
    """
    mel = np.empty((len(power), spec.n_mels), np.float32)
    for parity, (weights, starts, empty) in enumerate(_banded_filters(spec)):
        half = np.add.reduceat(power * weights, starts, axis=1)
        half[:, empty] = 0
        mel[:, parity::2] = half
    return mel


def cepstra(log_mel: Float32, spec: FeatureSpec) -> Float32:
    """Orthonormal DCT-II of the log-mel energies, liftered; log-mels pass unchanged when `n_mfcc` is 0."""
    energy, log_mel = (log_mel[:, 0], log_mel[:, 1:]) if spec.energy_as_c0 else (None, log_mel)
    if not spec.n_mfcc:
        return log_mel
    cepstra: Float32 = np.einsum("fm,mc->fc", log_mel, _dct(spec), optimize=False)  # einsum: no BLAS
    if energy is not None:
        cepstra[:, 0] = energy
    return cepstra


@lru_cache(maxsize=16)
def _window(spec: FeatureSpec) -> Float32:
    n = np.arange(spec.frame_length)
    if spec.window == "rectangular":
        return np.ones(spec.frame_length, np.float32)
    if spec.window == "hamming":  # symmetric, as in speech processing since HTK
        return np.hamming(spec.frame_length).astype(np.float32)
    return (0.5 - 0.5 * np.cos(2 * np.pi * n / spec.frame_length)).astype(np.float32)  # periodic, as for a spectrogram


@lru_cache(maxsize=16)
def _dct(spec: FeatureSpec) -> Float32:
    m, k = np.arange(spec.n_mels)[:, None], np.arange(spec.n_mfcc)
    matrix = np.sqrt(2 / spec.n_mels) * np.cos(np.pi * k * (2 * m + 1) / (2 * spec.n_mels))
    matrix[:, 0] /= np.sqrt(2)
    if spec.lifter:
        matrix *= 1 + spec.lifter / 2 * np.sin(np.pi * k / spec.lifter)
    table: Float32 = matrix.astype(np.float32)
    return table


@lru_cache(maxsize=16)
def _banded_filters(spec: FeatureSpec) -> list[tuple[Float32, NDArray[np.intp], Any]]:
    """For even and odd triangles: weight of each bin, first bin of each triangle, triangles without a bin."""
    dense = mel_filter_bank(spec)
    halves = []
    for parity in (0, 1):
        bank = dense[parity::2]
        empty = ~bank.any(axis=1)
        starts = np.argmax(bank > 0, axis=1)
        for i in np.flatnonzero(empty):  # any start in order will do: the sum is set to zero
            starts[i] = starts[i - 1] if i else 0
        halves.append((bank.sum(axis=0).astype(np.float32), starts, empty))
    return halves


@lru_cache(maxsize=16)
def mel_filter_bank(spec: FeatureSpec) -> NDArray[np.float64]:
    """Return triangular filters, shape (n_mels, n_fft // 2 + 1).

    "htk": 2595 log10(1 + f / 700) (O'Shaughnessy 1987). "slaney": linear below 1 kHz, logarithmic above
    (Slaney, Auditory Toolbox, 1998), `mel_norm` "area" scaling each triangle to unit area.
    `mel_edges` "bins" rounds the corners down to whole bins, as python_speech_features does.
    """
    corners = np.linspace(_to_mel(spec.f_min, spec), _to_mel(spec.f_max, spec), spec.n_mels + 2)
    hz = _to_hz(corners, spec)
    if spec.mel_edges == "bins":
        edges = np.floor((spec.n_fft + 1) * hz / spec.sample_rate)
        axis = np.arange(spec.n_fft // 2 + 1, dtype=float)
    else:
        edges, axis = hz, np.arange(spec.n_fft // 2 + 1) * spec.sample_rate / spec.n_fft
    low, center, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        rising, falling = (axis - low) / (center - low), (high - axis) / (high - center)
    bank = np.where((axis >= low) & (axis < center), rising, 0.0)
    bank = np.where((axis >= center) & (axis < high), falling, bank)
    if spec.mel_norm == "area":
        bank *= 2 / (hz[2:, None] - hz[:-2, None])
    return bank


def _to_mel(hz: float, spec: FeatureSpec) -> float:
    if spec.mel_scale == "htk":
        return float(2595 * np.log10(1 + hz / 700))
    return float(hz * 3 / 200 if hz < 1000 else 15 + np.log(hz / 1000) * 27 / np.log(6.4))


def _to_hz(mel: NDArray[np.float64], spec: FeatureSpec) -> NDArray[np.float64]:
    if spec.mel_scale == "htk":
        return np.asarray(700 * (10 ** (mel / 2595) - 1))
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))
