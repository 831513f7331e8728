"""The original system's face network, in Keras: the reference that `face` is measured against."""

from __future__ import annotations

from typing import Any

import keras

from edge_emo.models.schema import FacePreprocessing
from export.families import Family
from export.families.face import CALIBRATION, LICENSE_NOTE, REFINED
from export.train.face_data import LABELS, MEAN, STD
from export.train.recipes import FaceRecipe

SIDE = 64


def network(size: int = SIDE, n_outputs: int = len(LABELS), keras: Any = keras) -> Any:
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


FAMILY = Family(
    name="face-classic",
    task="face",
    version="1.0.0",
    network=network,
    front_end=FacePreprocessing(width=SIDE, height=SIDE, mean=(MEAN,), std=(STD,)),
    recipe=FaceRecipe(epochs=30),
    refined=REFINED,
    calibration=CALIBRATION,
    metrics=("accuracy", "macro_recall", "ece"),
    description="The original system's network, mini-Xception on 64 x 64 grey pixels; the reference.",
    license_note=LICENSE_NOTE,
    is_default=False,
    needs=("face-detector",),
)
