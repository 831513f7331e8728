"""The face detector: single shot, no anchors, depthwise separable, three strides; in Keras."""

from __future__ import annotations

import keras
from keras import layers

from edge_emo.models.schema import DetectorPreprocessing
from export.families import Calibration, Family
from export.train.recipes import DetectorRecipe

STRIDES = (8, 16, 32)
N_VALUES = 15
"""Of each cell: the score's logit, the box (x, y, log w, log h) and five points (x, y), in strides from the centre."""


def network(height: int | None = None, width: int | None = None) -> keras.Model:
    """Return the network for RGB pictures, sides multiples of 32; a feature pyramid (Lin et al. 2017).

    The outputs are maps (height / stride, width / stride, 15) for each of `STRIDES`; 167,000 parameters.
    """
    inputs = keras.Input((height, width, 3), name="picture")
    x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False)(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    levels = []
    for n_channels, blocks in ((32, 1), (64, 3), (96, 3), (128, 2)):
        x = _separable(x, n_channels, 2)
        for _ in range(blocks):
            x = layers.Add()([x, _separable(x, n_channels)])
        levels.append(x)
    merged = None
    outputs: list[keras.KerasTensor] = []
    for level in reversed(levels[1:]):
        x = layers.Conv2D(64, 1, use_bias=False)(level)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        merged = x if merged is None else layers.Add()([x, layers.UpSampling2D()(merged)])
        x = _separable(_separable(merged, 64), 64)
        outputs.insert(0, layers.Conv2D(N_VALUES, 1, bias_initializer=_rare, name=f"cells_{len(outputs)}")(x))
    return keras.Model(inputs, outputs, name="detector")


def _separable(x: keras.KerasTensor, n_channels: int, strides: int = 1) -> keras.KerasTensor:
    x = layers.SeparableConv2D(n_channels, 3, strides=strides, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))


def _rare(shape: tuple[int, ...], dtype: str | None = None) -> keras.KerasTensor:
    """Start with a score of 0.01 everywhere, as most cells hold no face (Lin et al. 2017, Focal loss)."""
    return keras.ops.convert_to_tensor([-4.6] + [0.0] * (shape[0] - 1), dtype)


FAMILY = Family(
    name="face-detector",
    task="detector",
    version="1.2.0",
    network=network,
    front_end=DetectorPreprocessing(strides=STRIDES),
    recipe=DetectorRecipe(),
    refined=DetectorRecipe(epochs=50, learning_rate=2e-3),
    calibration=Calibration(inputs=64, judged=200),
    metrics=("recall", "recall_16_to_32", "false_per_photo"),
    description="Single-shot detector of separable convolutions on three scales; boxes, scores and five points.",
    license_note=(
        "Trained on photos of ExpW (Zhang et al. 2018, Int. J. Comput. Vis. 126), given for research, with boxes and "
        "points that the detector YuNet drew: for non-commercial use. The code of edge-emo is Apache-2.0."
    ),
)
