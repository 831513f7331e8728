"""The face model: a plain residual network, in Keras. It ends in logits; the softmax belongs to calibration."""

from __future__ import annotations

import keras
from keras import layers

from edge_emo.models.schema import FacePreprocessing
from export.families import Calibration, Family
from export.train.face_data import LABELS, MEAN, STD
from export.train.recipes import FaceRecipe

SIDE = 48
LICENSE_NOTE = (
    "Trained on the pictures of FER2013 (Goodfellow et al. 2013, Challenges in Representation Learning), given for "
    "research, with the labels of FER+ (Barsoum et al. 2016, MIT licence): for non-commercial use. "
    "The code of edge-emo is Apache-2.0."
)
CALIBRATION = Calibration(inputs=256, judged=600)
REFINED = FaceRecipe(epochs=12, learning_rate=3e-4)


def network(size: int = SIDE) -> keras.Model:
    """A plain residual network of 3x3 convolutions, which int8 makes faster; 544,000 parameters."""
    inputs = keras.Input((size, size, 1), name="face")
    x = _conv(inputs, 24)
    for width, blocks in ((36, 1), (72, 2), (112, 1)):
        x = _conv(x, width, 2)
        for _ in range(blocks):
            x = _residual(x, width)
    x = layers.Dropout(0.1)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Dense(len(LABELS), name="logits", dtype="float32")(x), name="face")


def _conv(x: keras.KerasTensor, width: int, strides: int = 1) -> keras.KerasTensor:
    x = layers.Conv2D(width, 3, strides=strides, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))


def _residual(x: keras.KerasTensor, width: int) -> keras.KerasTensor:
    y = layers.Conv2D(width, 3, padding="same", use_bias=False)(_conv(x, width))
    return layers.ReLU()(layers.Add()([x, layers.BatchNormalization()(y)]))


FAMILY = Family(
    name="face",
    task="face",
    version="1.3.0",
    network=network,
    front_end=FacePreprocessing(width=SIDE, height=SIDE, mean=(MEAN,), std=(STD,)),
    recipe=FaceRecipe(epochs=40),
    refined=REFINED,
    calibration=CALIBRATION,
    metrics=("accuracy", "macro_recall", "ece"),
    description="Plain residual network of 3x3 convolutions, from 48 x 48 grey pixels of an aligned face.",
    license_note=LICENSE_NOTE,
    needs=("face-detector",),
)
