"""Faces of FER+ with the votes of ten people each, varied anew every epoch towards what cameras give."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from edge_emo.audio.mfcc import Float32

LABELS = ("neutral", "happy", "surprised", "sad", "angry", "disgust", "fearful", "contempt")
"""The outputs of the networks, in the order of the FER+ votes."""
SIZE = 48
MEAN, STD = 127.5, 64.0

Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class Faces:
    """Grey pictures (n, 48, 48) and how the votes of people are shared among `LABELS`, (n, 8)."""

    pictures: Pictures
    probabilities: Float32

    @property
    def labels(self) -> NDArray[np.int_]:
        """What most people voted for."""
        return self.probabilities.argmax(axis=1)


def ferplus(folder: Path, usage: int, *, judged: bool) -> Faces:
    """Return the faces of Training (`usage` 0) or PublicTest (1), votes of one person dropped (Barsoum et al. 2016).

    `judged` keeps those of which more than half of the votes agree on an emotion, and no copy of another row; to train,
    those stay of which at least half of the votes are for emotions.
    """
    mosaic = cv2.imread(str(folder / "faces.png"), cv2.IMREAD_GRAYSCALE)
    if mosaic is None:
        raise FileNotFoundError(f"{folder}/faces.png: no such picture; see the README of the corpora")
    with np.load(folder / "labels.npz") as file:
        votes, usages, copies = file["votes"].astype(np.float32), file["usage"], file["duplicate_of"]
    pictures = mosaic.reshape(-1, SIZE, 100, SIZE).transpose(0, 2, 1, 3).reshape(-1, SIZE, SIZE)[: len(votes)]
    votes[votes <= 1] = 0
    total, emotions = votes.sum(axis=1), votes[:, : len(LABELS)]
    kept = (usages == usage) & (total > 0)
    if judged:
        kept &= (emotions.max(axis=1) > total / 2) & (copies < 0)
    else:
        kept &= emotions.sum(axis=1) >= total / 2
    return Faces(pictures[kept], emotions[kept] / emotions[kept].sum(axis=1, keepdims=True))


def standardized(pictures: Pictures, size: int) -> Float32:
    """Return the network's input, sides of `size` pixels, for grey pictures (n, height, width)."""
    pictures = np.stack([cv2.resize(picture, (size, size), interpolation=cv2.INTER_LINEAR) for picture in pictures])
    return ((pictures[..., None] - np.float32(MEAN)) / np.float32(STD)).astype(np.float32)


class FaceDataset:
    """Batches of varied faces; the same seed and epoch give the same batches."""

    def __init__(self, faces: Faces, *, size: int, batch_size: int, seed: int) -> None:
        self._faces, self._size, self._batch_size, self._seed = faces, size, batch_size, seed
        self.start_epoch(0)

    def __len__(self) -> int:
        return len(self._faces.pictures) // self._batch_size

    def start_epoch(self, epoch: int) -> None:
        """Draw the order of an epoch."""
        self._epoch = epoch
        self._order = np.random.default_rng([self._seed, epoch]).permutation(len(self._faces.pictures))

    def __getitem__(self, index: int) -> tuple[Float32, Float32]:
        if index >= len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        rng = np.random.default_rng([self._seed, self._epoch, index])
        places = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        varied = np.stack([vary(self._faces.pictures[place], self._size, rng) for place in places])
        return standardized(varied, self._size), self._faces.probabilities[places]


def vary(picture: Pictures, size: int, rng: Generator) -> Pictures:
    """Return a face as another camera, light or detector might have given it, (size, size)."""
    picture = _placed(picture, size, rng)
    pixels = _lit(picture.astype(np.float32), rng)
    if rng.random() < 0.2:
        pixels = _coarse(pixels, rng)
    if rng.random() < 0.2:
        pixels += rng.normal(0, rng.uniform(1, 8), pixels.shape).astype(np.float32)
    if rng.random() < 0.25:
        _erase(pixels, rng)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def _placed(picture: Pictures, size: int, rng: Generator) -> Pictures:
    """Turn, scale, shift, stretch and mirror, as crops of detectors differ."""
    angle, scale = rng.normal(0, 7), np.exp(rng.normal(0, 0.07)) * size / len(picture)
    region, shift = np.exp(rng.normal(0, 0.03)), rng.normal(0, 0.03 * size, 2)
    middle = (len(picture) / 2 - 0.5, len(picture) / 2 - 0.5)
    turn = np.asarray(cv2.getRotationMatrix2D(middle, angle, scale), np.float64)
    turn[:, 2] += (size - len(picture)) / 2 + shift
    turn[0] *= region
    turn[0, 2] += (1 - region) * size / 2
    border = cv2.BORDER_REPLICATE if rng.random() < 0.5 else cv2.BORDER_CONSTANT
    placed = cv2.warpAffine(picture, turn, (size, size), flags=cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(placed[:, ::-1] if rng.random() < 0.5 else placed, np.uint8)


def _lit(pixels: Float32, rng: Generator) -> Float32:
    """Change exposure, contrast and gamma, and let light come from a side."""
    if rng.random() < 0.7:
        pixels = 255 * (np.maximum(pixels, 0) / 255) ** np.float32(np.exp(rng.normal(0, 0.2)))
        mean = pixels.mean()
        pixels = (pixels - mean) * np.float32(np.exp(rng.normal(0, 0.2))) + mean + np.float32(rng.normal(0, 15))
    if rng.random() < 0.2:
        ramp = np.linspace(-1, 1, len(pixels), dtype=np.float32)
        direction = rng.uniform(0, 2 * np.pi)
        pixels = pixels * (1 + 0.4 * (np.cos(direction) * ramp[:, None] + np.sin(direction) * ramp[None]))
    return np.asarray(pixels, np.float32)


def _coarse(pixels: Float32, rng: Generator) -> Float32:
    """Lose detail as far, blurred or compressed faces do."""
    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 1.4)), np.float32)
    small = int(len(pixels) * rng.uniform(0.4, 0.9))
    reduced = cv2.resize(pixels, (small, small), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(reduced, pixels.shape, interpolation=cv2.INTER_LINEAR), np.float32)


def _erase(pixels: Float32, rng: Generator) -> None:
    """Cover a part, as hands, hair and masks do, in place."""
    height, width = (rng.uniform(0.1, 0.4, 2) * len(pixels)).astype(int)
    top, left = rng.integers(0, len(pixels) - height), rng.integers(0, len(pixels) - width)
    pixels[top : top + height, left : left + width] = rng.uniform(0, 255)
