"""The voice networks, in Keras. Both end in logits; the softmax belongs to calibration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
from keras import layers, ops

from edge_emo.audio.specification import FeatureSpec, InputSpec
from edge_emo.core.emotions import EMOTIONS


def classic(n_features: int = 100, keras: Any = keras) -> Any:
    """The original system's network over the mean of 100 MFCCs: 261,256 parameters. `keras` may be the older one."""
    layers = keras.layers
    inputs = keras.Input((n_features, 1), name="features")
    x = inputs
    for block in range(2):
        for _ in range(2):
            x = layers.Conv1D(128, 5, padding="same")(x)
            x = layers.BatchNormalization()(x)
            x = layers.ReLU()(x)
        if block == 0:
            x = layers.MaxPooling1D(8)(x)
    x = layers.Flatten()(x)
    return keras.Model(inputs, layers.Dense(len(EMOTIONS), name="logits", dtype="float32")(x), name="voice_classic")


def voice(frames: int = 240, n_features: int = 80) -> keras.Model:
    """A residual network over time and frequency with attentive statistics pooling over time.

    Convolutions in frequency as in time let it meet the same contour at another pitch, which a network with
    the bands as channels has to learn anew. Pooling: Okabe et al. (2018), Interspeech.
    """
    inputs = keras.Input((frames, n_features), name="features")
    x = layers.Reshape((frames, n_features, 1))(inputs)
    x = _conv(x, 32, 5, (4, 2))
    x = _conv(x, 32, 3, (1, 2))
    for width in (64, 96):
        x = _conv(x, width, 3, 2)
        x = _residual(x, width)
    x = layers.Conv2D(96, (1, x.shape[2]), use_bias=False)(x)  # all bands become one
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Dropout(0.3)(_attentive_statistics(x))
    return keras.Model(inputs, layers.Dense(len(EMOTIONS), name="logits", dtype="float32")(x), name="voice")


NETWORKS = {"voice": voice, "voice-classic": classic}


def load_trained(folder: Path) -> keras.Model:
    """Return a trained network."""
    model = NETWORKS[json.loads((folder / "card.json").read_text())["name"]]()
    model.load_weights(folder / "model.weights.h5")
    return model


def input_spec(folder: Path) -> InputSpec:
    """Return the front end that a trained network was fitted with."""
    stated = json.loads((folder / "card.json").read_text())["input"]
    tuples = {name: tuple(stated[name]) for name in ("range_db", "mean", "std")}
    return InputSpec(**{**stated, **tuples, "features": FeatureSpec(**stated["features"])})


def _conv(x: keras.KerasTensor, width: int, size: int, strides: int | tuple[int, int] = 1) -> keras.KerasTensor:
    x = layers.Conv2D(width, size, strides=strides, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))


def _residual(x: keras.KerasTensor, width: int) -> keras.KerasTensor:
    y = _conv(x, width, 3)
    y = layers.BatchNormalization()(layers.Conv2D(width, 3, padding="same", use_bias=False)(y))
    return layers.ReLU()(layers.Add()([x, y]))


def _attentive_statistics(x: keras.KerasTensor) -> keras.KerasTensor:
    """Mean and standard deviation over time, weighted by a learned attention for each channel."""
    weights = layers.Conv2D(x.shape[-1], 1)(layers.Conv2D(32, 1, activation="tanh")(x))
    weights = layers.Softmax(axis=1)(weights)
    mean = ops.sum(weights * x, axis=(1, 2))
    variance = ops.sum(weights * x * x, axis=(1, 2)) - mean * mean
    return layers.Concatenate()([mean, ops.sqrt(ops.maximum(variance, 1e-5))])
