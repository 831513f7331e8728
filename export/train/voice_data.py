"""Training data for the voice networks: spectra of the voiced part of each clip, varied anew every epoch."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from edge_emo.audio import mfcc
from edge_emo.audio.mfcc import Float32
from edge_emo.audio.network_input import normalize
from edge_emo.audio.specification import FeatureSpec, InputSpec
from edge_emo.core.emotions import EMOTIONS
from edge_emo.media.sound import SAMPLE_RATE, read_sound, resample
from edge_emo.voice.activity import find_voice
from export.train.augment import Augmenter, mask
from export.train.corpora import ASKED, Clip
from export.train.devices import recorded_elsewhere

_ELSEWHERE = 0.5  # of the clips of a batch are heard as recorded elsewhere
_LONGEST = 1.25  # of the frames of an input are varied at most: what the fastest tempo leaves is enough
_JITTER_S = 0.15  # of the ends of the voiced part, since no two detectors agree on them


PROBABILITIES = {"nemo": 0.25, "emospeech": 0.2}
"""Of some corpora only a part is met each epoch, as they have many clips of few people or few sentences."""

WEIGHTS = {"emospeech": 0.3, "librispeech": 0.5}
"""What a clip of some corpora counts beside one of the others; labels of commands by laymen are loose."""

_LARGEST_WEIGHT = 3.0  # of a clip of an emotion that a corpus has hardly any of

READER = {"neutral": 0.75, "calm": 0.15}
"""How a reader who was asked for no emotion is labelled; the other emotions share the rest."""


@dataclass(frozen=True)
class Spectrum:
    """The log-mel spectrum (frames, bands) of a whole clip, and its voiced part in frames.

    `elsewhere` are spectra of the same, as long, as other rooms and devices would have given them.
    """

    clip: Clip
    log_mel: Float32
    start: int
    stop: int
    elsewhere: tuple[Float32, ...] = ()


def load(clips: Sequence[Clip], features: FeatureSpec, workers: int = 2, elsewhere: int = 0) -> list[Spectrum]:
    """Return the spectra of `clips`, without those in which no voice is found, each up to `elsewhere` times elsewhere.

    Clips of which only a part is met each epoch are recorded elsewhere the less often, which may be never.
    """
    spec = replace(features, n_mfcc=0, top_db=None)
    with ProcessPoolExecutor(workers) as pool:
        found = list(
            pool.map(partial(_load_one, spec=spec, elsewhere=elsewhere), clips, range(len(clips)), chunksize=32)
        )
    return [spectrum for spectrum in found if spectrum]


def music(paths: Sequence[Path], features: FeatureSpec) -> list[Float32]:
    """Return the log-mel spectra of pieces of music, to be heard behind voices."""
    spec = replace(features, n_mfcc=0, top_db=None)
    return [mfcc.compute(resample(read_sound(path), SAMPLE_RATE, spec.sample_rate), spec) for path in paths]


def babble(spectra: Sequence[Spectrum], count: int = 40, frames: int = 500) -> list[Float32]:
    """Return the spectra of `count` crowds of three to eight people, from the clips that are trained on."""
    rng, crowds = np.random.default_rng(0), []
    for _ in range(count):
        total = np.zeros((frames, spectra[0].log_mel.shape[1]))
        for place in rng.integers(len(spectra), size=rng.integers(3, 9)):
            one = spectra[place]
            power = 10 ** (one.log_mel[one.start : one.stop].astype(np.float64) / 10)
            where = rng.integers(len(power)) + np.arange(frames)
            total += np.take(power / power.mean(), where, axis=0, mode="wrap")
        crowds.append(np.asarray(10 * np.log10(total), np.float32))
    return crowds


def _load_one(clip: Clip, number: int, spec: FeatureSpec, elsewhere: int) -> Spectrum | None:
    samples = read_sound(clip.path)
    spans = find_voice(samples)
    if not spans:
        return None
    samples = samples - samples.mean(dtype=np.float64).astype(np.float32)  # as `network_input` does
    rng = np.random.default_rng([0, number])
    often = round(elsewhere * PROBABILITIES.get(clip.corpus, 1.0))
    sounds = [samples, *(recorded_elsewhere(samples, rng) for _ in range(often))]
    log_mel, *others = (mfcc.compute(resample(sound, SAMPLE_RATE, spec.sample_rate), spec) for sound in sounds)
    per_sample = spec.sample_rate / SAMPLE_RATE / spec.hop_length
    stop = min(len(log_mel), round(spans[-1].stop * per_sample))
    return Spectrum(clip, log_mel, round(spans[0].start * per_sample), stop, tuple(others))


def fitted(spec: InputSpec, spectra: Sequence[Spectrum]) -> InputSpec:
    """Return `spec` with the mean and standard deviation of the voiced parts of `spectra`."""
    plain = replace(spec, mean=(0.0,), std=(1.0,))
    if spec.reduce == "mean":
        rows = np.stack([mean_cepstra(s.log_mel[s.start : s.stop], plain) for s in spectra])
    else:
        parts = [s.log_mel[s.start : s.stop] for s in spectra]
        rows = np.concatenate([normalize(part, replace(plain, frames=len(part))) for part in parts])
    mean, std = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
    return replace(spec, mean=_rounded(mean), std=_rounded(np.maximum(std, 1e-3)))


def mean_cepstra(log_mel: Float32, spec: InputSpec) -> Float32:
    """Return the standardised mean MFCCs of a log-mel spectrum, as `network_input.prepare` makes them."""
    if spec.features.top_db is not None:
        log_mel = np.maximum(log_mel, log_mel.max() - spec.features.top_db)
    cepstra = mfcc.cepstra(log_mel.mean(axis=0, keepdims=True), spec.features)[0]
    return np.asarray((cepstra - np.asarray(spec.mean, np.float32)) / np.asarray(spec.std, np.float32), np.float32)


@dataclass(frozen=True)
class Targets:
    """What a network should say of each clip, (clips, 8), which emotions it is asked about, and what that counts."""

    probabilities: Float32
    asked: NDArray[np.bool_]
    weights: Float32

    def smoothed(self, smoothing: float) -> Targets:
        """Return the targets with `smoothing` of each spread over the emotions that are asked about."""
        even = self.asked / self.asked.sum(axis=1, keepdims=True)
        return replace(
            self, probabilities=np.asarray(self.probabilities * (1 - smoothing) + even * smoothing, np.float32)
        )

    def taught(self, logits: Float32, weight: float, temperature: float) -> Targets:
        """Return the targets with a teacher's answers mixed in; rows of NaN are left as they are."""
        scores = np.where(self.asked, logits / temperature, -np.inf)
        probabilities = np.exp(scores - scores.max(axis=1, keepdims=True))
        probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
        mixed = self.probabilities * (1 - weight) + probabilities * weight
        return replace(
            self, probabilities=np.where(np.isfinite(probabilities), mixed, self.probabilities).astype(np.float32)
        )


def asked_about(clips: Sequence[Clip]) -> NDArray[np.bool_]:
    """Return for each clip and emotion, (clips, 8), whether the clip's label says anything about it."""
    rows = {name: np.isin(EMOTIONS, asked) for name, asked in ASKED.items()}
    return np.stack([rows[clip.corpus] for clip in clips])


def targets(clips: Sequence[Clip]) -> Targets:
    """Return the labels of clips; inside a corpus all emotions count alike, as far as the numbers of clips allow."""
    labels, corpora = np.array([clip.label for clip in clips]), np.array([clip.corpus for clip in clips])
    probabilities = np.eye(len(EMOTIONS), dtype=np.float32)[labels]
    rest = (1 - sum(READER.values())) / (len(EMOTIONS) - len(READER))
    probabilities[corpora == "librispeech"] = [READER.get(name, rest) for name in EMOTIONS]
    weights = np.zeros(len(clips), np.float32)
    for name in np.unique(corpora):
        own = corpora == name
        each = 1 / np.bincount(labels[own])[labels[own]]
        weights[own] = WEIGHTS.get(str(name), 1.0) * np.minimum(each / each.mean(), _LARGEST_WEIGHT)
    return Targets(probabilities, asked_about(clips), weights)


class VoiceDataset:
    """Batches of varied inputs and of soft targets, what is asked, weights; the same for the same seed and epoch."""

    def __init__(
        self,
        spectra: Sequence[Spectrum],
        targets: Targets,
        spec: InputSpec,
        *,
        batch_size: int,
        seed: int,
        mixup: float,
        augmenter: Augmenter | None = None,
    ) -> None:
        self._spectra, self._targets, self._spec = spectra, targets, spec
        self._batch_size, self._seed, self._mixup = batch_size, seed, mixup
        self._augmenter = augmenter
        names = np.array([s.clip.corpus for s in spectra])
        self._corpora = {str(name): np.flatnonzero(names == name) for name in np.unique(names)}
        self.start_epoch(0)

    def __len__(self) -> int:
        return len(self._order) // self._batch_size

    def start_epoch(self, epoch: int) -> None:
        """Draw the order of an epoch; its batches depend on the seed and the epoch alone."""
        self._epoch = epoch
        rng = np.random.default_rng([self._seed, epoch])
        drawn = [
            rng.choice(places, round(PROBABILITIES.get(name, 1.0) * len(places)), replace=False)
            for name, places in self._corpora.items()
        ]
        self._order = rng.permutation(np.concatenate(drawn))

    def __getitem__(self, index: int) -> tuple[Float32, tuple[Float32, NDArray[np.bool_], Float32]]:
        rng = np.random.default_rng([self._seed, self._epoch, index])
        chosen = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        x = np.stack([self.example(self._spectra[i], rng) for i in chosen])
        y, asked, w = (
            part[chosen] for part in (self._targets.probabilities, self._targets.asked, self._targets.weights)
        )
        if self._mixup:
            share = rng.beta(self._mixup, self._mixup, len(x)).astype(np.float32)
            share = np.maximum(share, 1 - share)
            other = _partners(asked, rng)
            column = share[:, None]
            x = x * share.reshape(-1, *[1] * (x.ndim - 1)) + x[other] * (1 - share).reshape(-1, *[1] * (x.ndim - 1))
            y, w = y * column + y[other] * (1 - column), w * share + w[other] * (1 - share)
        return x, (y, asked, w)

    def example(self, spectrum: Spectrum, rng: Generator) -> Float32:
        """Return one varied input of the network."""
        spec = self._spec
        jitter = round(_JITTER_S * spec.features.sample_rate / spec.features.hop_length)
        start = max(0, spectrum.start + rng.integers(-jitter, jitter + 1))
        stop = min(len(spectrum.log_mel), spectrum.stop + rng.integers(-jitter, jitter + 1))
        log_mel = spectrum.log_mel
        if spectrum.elsewhere and rng.random() < _ELSEWHERE:
            log_mel = spectrum.elsewhere[rng.integers(len(spectrum.elsewhere))]
        if spec.reduce == "frames" and stop - start > (longest := round(_LONGEST * spec.frames)):
            start += rng.integers(0, stop - start - longest + 1)
            stop = start + longest
        db = log_mel[start:stop]
        if self._augmenter:
            db = self._augmenter(db, rng)
        if spec.reduce == "mean":
            return mean_cepstra(db, spec)[:, None]
        if len(db) > spec.frames:
            first = rng.integers(0, len(db) - spec.frames + 1)
            db = db[first : first + spec.frames]
        x = normalize(db, spec)
        return mask(np.roll(x, rng.integers(-20, 21), axis=0), rng) if self._augmenter else x


def _partners(asked: NDArray[np.bool_], rng: Generator) -> NDArray[np.intp]:
    """Return for each row another that is asked about the same emotions, every row once."""
    order = rng.permutation(len(asked))
    other = np.arange(len(asked))
    kinds = np.packbits(asked, axis=1)[:, 0]
    for kind in np.unique(kinds):
        rows = np.flatnonzero(kinds == kind)
        other[rows] = order[kinds[order] == kind]
    return other


def _rounded(values: Float32) -> tuple[float, ...]:
    return tuple(round(float(value), 4) for value in values)
