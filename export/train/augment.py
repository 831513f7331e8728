"""Augmentation of log-mel spectra in dB, where pitch, tempo, noise, rooms and microphones are cheap to vary."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from scipy.signal import lfilter

from edge_emo.audio.mfcc import Float32, mel_filter_bank
from edge_emo.audio.specification import FeatureSpec

_DB = np.float32(np.log(10) / 10)


class Augmenter:
    """Vary a log-mel spectrum (frames, bands) in dB as another speaker, room or device would."""

    def __init__(self, spec: FeatureSpec, strength: float = 1.0, backgrounds: Sequence[Float32] = ()) -> None:
        """Prepare to vary; `backgrounds` are spectra, in dB, of what may be heard behind."""
        self._spec = spec
        self._strength = strength
        self._backgrounds = backgrounds
        bank = mel_filter_bank(spec)
        axis = np.arange(bank.shape[1]) * spec.sample_rate / spec.n_fft
        draws = np.random.default_rng(0).gamma(3, 1 / 3, (4096, len(bank)))
        self._white = 10 * np.log10(draws + 1e-6).astype(np.float32)
        self._centers = (bank * axis).sum(axis=1) / np.maximum(bank.sum(axis=1), 1e-9)

    def __call__(self, db: Float32, rng: Generator) -> Float32:
        """Return a varied copy."""
        s = self._strength
        db = self._warp(db, np.exp(rng.uniform(-0.15, 0.15) * s), 2 ** (rng.uniform(-2.5, 2.5) * s / 12))
        if rng.random() < 0.7:
            db = db + self._equalizer(rng, 4 * s)
        if rng.random() < 0.25 * s:
            db = self._reverberate(db, rng)
        if self._backgrounds and rng.random() < 0.25 * s:
            db = self._add_background(db, rng)
        if rng.random() < 0.15 * s:
            db = self._limit_band(db, rng)
        if rng.random() < 0.5 * s:
            db = self._add_noise(db, rng)
        return db

    def _warp(self, db: Float32, tempo: float, pitch: float) -> Float32:
        """Play `tempo` times as fast and scale every frequency by `pitch`."""
        count = max(2, round(len(db) / tempo))
        where = np.linspace(0, len(db) - 1, count)
        low = np.minimum(where.astype(int), len(db) - 2)
        share = (where - low)[:, None].astype(np.float32)
        db = db[low] * (1 - share) + db[low + 1] * share
        source = np.interp(self._centers / pitch, self._centers, np.arange(len(self._centers)))
        low = np.minimum(source.astype(int), len(self._centers) - 2)
        share = (source - low).astype(np.float32)
        return db[:, low] * (1 - share) + db[:, low + 1] * share

    def _equalizer(self, rng: Generator, amplitude: float) -> Float32:
        x = np.linspace(0, np.pi, len(self._centers))
        curve = sum(rng.normal(0, amplitude / (k + 1)) * np.cos(k * x) for k in range(1, 5))
        return np.asarray(curve, np.float32)

    def _reverberate(self, db: Float32, rng: Generator) -> Float32:
        hop_s = self._spec.hop_length / self._spec.sample_rate
        decay = 10 ** (-6 * hop_s / rng.uniform(0.2, 1.2))
        wet = np.exp(rng.uniform(np.log(0.02), np.log(2))) * (1 - decay)
        power = np.exp(db * _DB)
        tail = lfilter([1.0], [1.0, -decay], power.astype(np.float64), axis=0)
        return np.asarray(np.log(power + wet * tail, dtype=np.float32) / _DB)

    def _limit_band(self, db: Float32, rng: Generator) -> Float32:
        db = db.copy()
        db[:, self._centers > rng.uniform(3000, 5000)] -= 60
        db[:, self._centers < rng.uniform(50, 350)] -= 25
        return db

    def _add_background(self, db: Float32, rng: Generator) -> Float32:
        snr = rng.uniform(3, 25)
        behind = self._backgrounds[int(rng.integers(len(self._backgrounds)))]
        start = rng.integers(len(behind))
        other = np.exp(np.take(behind, np.arange(start, start + len(db)), axis=0, mode="wrap") * _DB)
        power = np.exp(db * _DB)
        gain = power.mean() / (other.mean() + 1e-20) * np.float32(10 ** (-snr / 10))
        return np.asarray(np.log(power + gain * other) / _DB)

    def _add_noise(self, db: Float32, rng: Generator) -> Float32:
        snr = rng.uniform(5, 35)
        slope = rng.uniform(-6, 1)  # dB an octave: from brown to white
        shape = slope * np.log2(np.maximum(self._centers, 60) / 1000) + self._equalizer(rng, 6)
        # the area-normalised bank makes white noise flat; a few bins a band leave it fluctuating
        start = rng.integers(len(self._white) - len(db))
        noise = np.exp((self._white[start : start + len(db)] + shape.astype(np.float32)) * _DB)
        power = np.exp(db * _DB)
        gain = power.mean() / noise.mean() * np.float32(10 ** (-snr / 10))
        return np.asarray(np.log(power + gain * noise) / _DB)


def mask(x: Float32, rng: Generator, n_time: int = 2, n_bands: int = 2) -> Float32:
    """SpecAugment (Park et al. 2019): set stretches of frames and bands of standardised features to 0."""
    for _ in range(n_time):
        width = rng.integers(0, x.shape[0] // 8)
        start = rng.integers(0, x.shape[0] - width)
        x[start : start + width] = 0
    for _ in range(n_bands):
        width = rng.integers(0, x.shape[1] // 7)
        start = rng.integers(0, x.shape[1] - width)
        x[:, start : start + width] = 0
    return x
