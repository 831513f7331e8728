"""Training data for the voice networks: spectra of the voiced part of each clip, varied anew every epoch."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import keras
import numpy as np
from numpy.random import Generator

from edge_emo.audio import mfcc
from edge_emo.audio.mfcc import FeatureSpec, Float32
from edge_emo.audio.network_input import normalise
from edge_emo.audio.specification import InputSpec
from edge_emo.core.emotions import EMOTIONS
from edge_emo.media.sound import SAMPLE_RATE, read_sound, resample
from edge_emo.voice.activity import find_voice
from export.augment import Augmenter, mask
from export.corpora import Clip

_JITTER_S = 0.15  # of the ends of the voiced part, since no two detectors agree on them


@dataclass(frozen=True)
class Spectrum:
    """The log-mel spectrum (frames, bands) of a whole clip, and its voiced part in frames."""

    clip: Clip
    log_mel: Float32
    start: int
    stop: int


def load(clips: Sequence[Clip], features: FeatureSpec, workers: int = 2) -> list[Spectrum]:
    """Return the spectra of `clips`, without those in which no voice is found."""
    spec = replace(features, n_mfcc=0, top_db=None)
    with ProcessPoolExecutor(workers) as pool:
        found = list(pool.map(_load_one, clips, [spec] * len(clips), chunksize=32))
    return [spectrum for spectrum in found if spectrum]


def _load_one(clip: Clip, spec: FeatureSpec) -> Spectrum | None:
    samples = read_sound(clip.path)
    spans = find_voice(samples)
    if not spans:
        return None
    samples = samples - samples.mean(dtype=np.float64).astype(np.float32)  # as `network_input` does
    log_mel = mfcc.compute(resample(samples, SAMPLE_RATE, spec.sample_rate), spec)
    per_sample = spec.sample_rate / SAMPLE_RATE / spec.hop_length
    stop = min(len(log_mel), round(spans[-1].stop * per_sample))
    return Spectrum(clip, log_mel, round(spans[0].start * per_sample), stop)


def fitted(spec: InputSpec, spectra: Sequence[Spectrum]) -> InputSpec:
    """Return `spec` with the mean and standard deviation of the voiced parts of `spectra`."""
    plain = replace(spec, mean=(0.0,), std=(1.0,))
    if spec.reduce == "mean":
        rows = np.stack([mean_cepstra(s.log_mel[s.start : s.stop], plain) for s in spectra])
    else:
        parts = [s.log_mel[s.start : s.stop] for s in spectra]
        rows = np.concatenate([normalise(part, replace(plain, frames=len(part))) for part in parts])
    mean, std = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
    return replace(spec, mean=_rounded(mean), std=_rounded(np.maximum(std, 1e-3)))


def mean_cepstra(log_mel: Float32, spec: InputSpec) -> Float32:
    """Return the standardised mean MFCCs of a log-mel spectrum, as `network_input.prepare` makes them."""
    if spec.features.top_db is not None:
        log_mel = np.maximum(log_mel, log_mel.max() - spec.features.top_db)
    cepstra = mfcc.cepstra(log_mel.mean(axis=0, keepdims=True), spec.features)[0]
    return np.asarray((cepstra - np.float32(spec.mean)) / np.float32(spec.std), np.float32)


class VoiceDataset(keras.utils.PyDataset):
    """Batches of varied inputs, soft targets and weights; the same for the same seed and epoch."""

    def __init__(
        self,
        spectra: Sequence[Spectrum],
        spec: InputSpec,
        *,
        batch_size: int,
        seed: int,
        smoothing: float,
        mixup: float,
        augment: bool = True,
    ) -> None:
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=8)
        self._spectra, self._spec = spectra, spec
        self._batch_size, self._seed, self._mixup = batch_size, seed, mixup
        self._augmenter = Augmenter(spec.features) if augment else None
        labels = np.array([s.clip.label for s in spectra])
        weights = 1 / np.bincount(labels)[labels]
        self._weights = np.asarray(weights / weights.mean(), np.float32)
        targets = np.eye(len(EMOTIONS), dtype=np.float32)[labels]
        self._targets = targets * (1 - smoothing) + smoothing / len(EMOTIONS)
        self.start_epoch(0)

    def __len__(self) -> int:
        return len(self._spectra) // self._batch_size

    def start_epoch(self, epoch: int) -> None:
        """Draw the order of an epoch; its batches depend on the seed and the epoch alone."""
        self._epoch = epoch
        self._order = np.random.default_rng([self._seed, epoch]).permutation(len(self._spectra))

    def __getitem__(self, index: int) -> tuple[Float32, Float32, Float32]:
        rng = np.random.default_rng([self._seed, self._epoch, index])
        chosen = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        x = np.stack([self.example(self._spectra[i], rng) for i in chosen])
        y, w = self._targets[chosen], self._weights[chosen]
        if self._mixup:
            share = rng.beta(self._mixup, self._mixup, len(x)).astype(np.float32)
            share = np.maximum(share, 1 - share)
            other = rng.permutation(len(x))
            column = share[:, None]
            x = x * share.reshape(-1, *[1] * (x.ndim - 1)) + x[other] * (1 - share).reshape(-1, *[1] * (x.ndim - 1))
            y, w = y * column + y[other] * (1 - column), w * share + w[other] * (1 - share)
        return x, y, w

    def example(self, spectrum: Spectrum, rng: Generator) -> Float32:
        """Return one varied input of the network."""
        spec = self._spec
        jitter = round(_JITTER_S * spec.features.sample_rate / spec.features.hop_length)
        start = max(0, spectrum.start + rng.integers(-jitter, jitter + 1))
        stop = min(len(spectrum.log_mel), spectrum.stop + rng.integers(-jitter, jitter + 1))
        db = spectrum.log_mel[start:stop]
        if self._augmenter:
            db = self._augmenter(db, rng)
        if spec.reduce == "mean":
            return mean_cepstra(db, spec)[:, None]
        if len(db) > spec.frames:
            first = rng.integers(0, len(db) - spec.frames + 1)
            db = db[first : first + spec.frames]
        x = normalise(db, spec)
        return mask(np.roll(x, rng.integers(-20, 21), axis=0), rng) if self._augmenter else x


def _rounded(values: Float32) -> tuple[float, ...]:
    return tuple(round(float(value), 4) for value in values)
