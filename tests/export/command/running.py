"""The command, run on networks that were made for it."""

import json

import cv2
import numpy as np
from click.testing import CliRunner

from export.__main__ import main

LABELS = "angry,calm,happy,sad,angry"


def network(keras, head="softmax"):
    """Return a small network of the original's kind, 40 frames of 3 features to 5 outputs."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((40, 3)),
            layers.Conv1D(64, 5, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv1D(64, 5, padding="same"),
            layers.ReLU(),
            layers.MaxPooling1D(4),
            layers.Flatten(),
            layers.Dense(5, activation=head, kernel_initializer=keras.initializers.RandomNormal(stddev=1.0, seed=1)),
        ]
    )


def convert(path, out, *arguments):
    return CliRunner().invoke(main, ["convert", str(path), "--out", str(out), *map(str, arguments)])


def verify(folder):
    return CliRunner().invoke(main, ["verify", str(folder)])


def card(path):
    return json.loads(path.read_bytes())


def front_end(path, **changes):
    spec = {"features": {"n_mfcc": 3}, "frames": 40, **changes}
    path.write_text(json.dumps({"input": spec, "window_s": 1.0, "hop_s": 0.03}))
    return str(path)


def pictures(folder, rng, count=120, size=(20, 16)):
    for number in range(count):
        label = ("happiness", "sad", "fear")[number % 3]
        (folder / label).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / label / f"{number}.png"), rng.integers(0, 256, (*size, 3)).astype(np.uint8))
