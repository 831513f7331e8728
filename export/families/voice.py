"""The voice model: a residual network over log-mel spectra, in Keras; the softmax after its logits is calibration's."""

from __future__ import annotations

import keras
from keras import layers, ops

from edge_emo.audio.specification import FeatureSpec, InputSpec
from edge_emo.core.emotions import EMOTIONS
from edge_emo.media.sound import SAMPLE_RATE
from edge_emo.models.schema import VoicePreprocessing
from export.families import Calibration, Family
from export.train.recipes import VoiceRecipe

LICENSE_NOTE = (
    "Trained on RAVDESS (Livingstone and Russo 2018, PLoS ONE 13(5): e0196391), CC BY-NC-SA 4.0: "
    "for non-commercial use, with credit, and passed on under the same licence. The code of edge-emo is Apache-2.0."
)
CALIBRATION = Calibration(inputs=256, judged=344, right=0.65)
REFINED = VoiceRecipe(epochs=24, learning_rate=1e-3, elsewhere=1, blend=0.5)


def network(frames: int = 240, n_features: int = 80) -> keras.Model:
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


FAMILY = Family(
    name="voice",
    task="voice",
    version="1.1.0",
    network=network,
    front_end=VoicePreprocessing(
        input=InputSpec(FeatureSpec(floor=1e-20), level="mean_power"),  # so low that no gain meets it
        decode_rate=SAMPLE_RATE,
    ),
    recipe=VoiceRecipe(epochs=120, elsewhere=2),
    refined=REFINED,
    calibration=CALIBRATION,
    metrics=("uar", "accuracy", "ece"),
    description="Residual network over time and frequency, from 3 s of log-mel spectrum relative to its mean power.",
    license_note=LICENSE_NOTE,
    stores_halves=False,
)
