"""From the features of a window to the array a voice network takes, as its card describes it."""

from __future__ import annotations

import numpy as np

from edge_emo.audio import mfcc
from edge_emo.audio.mfcc import Float32
from edge_emo.audio.specification import InputSpec


def prepare(samples: Float32, spec: InputSpec) -> Float32:
    """Return the network's input for one window of sound at the features' sample rate.

    Shape as `spec.shape` has it.
    """
    if spec.reduce == "mean":
        return _standardize(mfcc.mean(samples, spec.features), spec)
    if spec.level == "none" and spec.fill == "silence":
        samples = _in_silence(samples, spec)
    rows = normalize(mfcc.compute(samples, spec.features), spec)
    if spec.reduce == "mean_features":
        return np.asarray(rows.mean(axis=1), np.float32)
    return rows if spec.layout == "frames_first" else rows.T


def normalize(features: Float32, spec: InputSpec) -> Float32:
    """Level, standardise and fit features of shape (any, n_features) to (frames, n_features)."""
    silence = np.zeros(features.shape[1], np.float32)
    if spec.level == "mean_power" and len(features):
        low, high = spec.range_db
        peak = features.max()
        mean_power = peak + 10 * np.log10(np.mean(np.exp((features - peak) * np.float32(np.log(10) / 10))))
        features = np.clip(features - np.float32(mean_power), low, high)
        silence[:] = low
    rows = features[: spec.frames]
    before = (spec.frames - len(rows)) // 2 if spec.align == "middle" else 0
    out = np.tile(_standardize(silence, spec), (spec.frames, 1))
    out[before : before + len(rows)] = _standardize(rows, spec)
    return out


def _in_silence(samples: Float32, spec: InputSpec) -> Float32:
    """Return at least as many samples as fill the frames, digital silence around or after those given."""
    missing = max(0, spec.n_samples - len(samples))
    before = missing // 2 if spec.align == "middle" else 0
    return np.pad(samples, (before, missing - before))


def _standardize(features: Float32, spec: InputSpec) -> Float32:
    mean, std = np.asarray(spec.mean, np.float32), np.asarray(spec.std, np.float32)
    return np.asarray((features - mean) / std, np.float32)
