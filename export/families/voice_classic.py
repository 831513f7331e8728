"""The original system's voice network, in Keras: the reference that `voice` is measured against."""

from __future__ import annotations

from typing import Any

import keras

from edge_emo.audio.specification import FeatureSpec, InputSpec
from edge_emo.core.emotions import EMOTIONS
from edge_emo.media.sound import SAMPLE_RATE
from edge_emo.models.schema import VoicePreprocessing
from export.families import Family
from export.families.voice import CALIBRATION, LICENSE_NOTE, REFINED
from export.train.recipes import VoiceRecipe


def network(n_features: int = 100, keras: Any = keras) -> Any:
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


FAMILY = Family(
    name="voice-classic",
    task="voice",
    version="1.1.0",
    network=network,
    front_end=VoicePreprocessing(
        input=InputSpec(
            FeatureSpec(
                sample_rate=22050,
                frame_length=2048,
                hop_length=512,
                n_fft=2048,
                padding="center",
                n_mels=128,
                f_max=11025.0,
                top_db=80.0,
                n_mfcc=100,
            ),
            reduce="mean",
        ),
        decode_rate=SAMPLE_RATE,
    ),
    recipe=VoiceRecipe(epochs=120, learning_rate=1e-3),
    refined=REFINED,
    calibration=CALIBRATION,
    metrics=("uar", "accuracy", "ece"),
    description="The original system's network over the mean of 100 MFCCs; the reference, not gain-invariant.",
    license_note=LICENSE_NOTE,
    is_default=False,
    stores_halves=False,
)
