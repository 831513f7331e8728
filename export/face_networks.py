"""The face networks, in Keras. They end in logits; the softmax belongs to calibration."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from export.train.face_data import LABELS


def face(size: int = 48) -> keras.Model:
    """A plain residual network of 3x3 convolutions, which int8 makes faster; 544,000 parameters."""
    inputs = keras.Input((size, size, 1), name="face")
    x = _conv(inputs, 24)
    for width, blocks in ((36, 1), (72, 2), (112, 1)):
        x = _conv(x, width, 2)
        for _ in range(blocks):
            x = _residual(x, width)
    x = layers.Dropout(0.1)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Dense(len(LABELS), name="logits", dtype="float32")(x), name="face")


def classic(size: int = 64, n_outputs: int = len(LABELS), keras: Any = keras) -> Any:
    """The original system's face network, mini-Xception (Arriaga et al. 2017): separable convolutions, no dense layer.

    `keras` may be the older one.
    """
    layers = keras.layers
    inputs = keras.Input((size, size, 1), name="face")
    x = inputs
    for _ in range(2):
        x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, use_bias=False)(x)))
    for width in (16, 32, 64, 128):
        short = layers.BatchNormalization()(layers.Conv2D(width, 1, strides=2, padding="same", use_bias=False)(x))
        x = layers.SeparableConv2D(width, 3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.BatchNormalization()(layers.SeparableConv2D(width, 3, padding="same", use_bias=False)(x))
        x = layers.Add()([layers.MaxPooling2D(3, strides=2, padding="same")(x), short])
    x = layers.Conv2D(n_outputs, 3, padding="same")(x)
    x = layers.GlobalAveragePooling2D(name="logits", dtype="float32")(x)
    return keras.Model(inputs, x, name="face_classic")


NETWORKS = {"face": face, "face-classic": classic}


def _conv(x: keras.KerasTensor, width: int, strides: int = 1) -> keras.KerasTensor:
    x = layers.Conv2D(width, 3, strides=strides, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))


def _residual(x: keras.KerasTensor, width: int) -> keras.KerasTensor:
    y = layers.Conv2D(width, 3, padding="same", use_bias=False)(_conv(x, width))
    return layers.ReLU()(layers.Add()([x, layers.BatchNormalization()(y)]))
