"""docs/how-to/convert-a-model.md, followed from its first command to its last. Needs TensorFlow."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tensorflow", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tf_keras", reason="needs the extra: pip install '.[export]'")

import soundfile
import soxr

from edge_emo.media.sound import SAMPLE_RATE, read_sound
from edge_emo.media.sources import sample_path
from tests.docs.blocks import ROOT, Terminal, blocks

PAGE = ROOT / "docs" / "how-to" / "convert-a-model.md"
LABELS = ("angry", "calm", "happy")


def write_model(path):
    """Write a network over the input that the page describes, which tells its classes apart by level and tilt."""
    keras = importlib.import_module("keras")
    keras.utils.set_random_seed(0)
    layers = keras.layers
    network = keras.Sequential(
        [
            layers.Input((300, 64)),
            layers.Conv1D(32, 5, strides=2, activation="relu"),
            layers.Conv1D(32, 5, strides=2, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(3, activation="softmax", kernel_initializer=keras.initializers.RandomNormal(stddev=3, seed=1)),
        ]
    )
    network.save(path)


def write_recordings(folder):
    """Write 40 recordings for each label: the voice that ships, at another speed and level each."""
    rng = np.random.default_rng(0)
    voice = read_sound(sample_path())
    for label in LABELS:
        (folder / label).mkdir(parents=True)
        for number in range(40):
            spoken = soxr.resample(voice, SAMPLE_RATE * rng.uniform(0.8, 1.3), SAMPLE_RATE)[: 3 * SAMPLE_RATE]
            noise = rng.normal(0, 10 ** rng.uniform(-4, -2.5), len(spoken))
            sound = spoken * rng.uniform(0.1, 0.8) + noise
            soundfile.write(folder / label / f"{number:02d}.flac", np.clip(sound, -1, 1), SAMPLE_RATE)


def test_a_model_is_converted_by_following_the_page(tmp_path):
    folder = tmp_path / "page"
    folder.mkdir()
    write_model(folder / "model.h5")
    write_recordings(folder / "recordings")
    soundfile.write(folder / "clip.wav", read_sound(sample_path()), SAMPLE_RATE)
    terminal = Terminal(folder, tmp_path / "commands")
    for block in blocks(PAGE):
        if block.language == "json":
            (folder / "front-end.json").write_text(block.code, encoding="utf-8")
        elif block.language == "sh":
            done = terminal.shell(block.code)
            assert done.returncode == 0, f"{block.place}: {done.stderr}{done.stdout}"
    assert "clip.wav" in done.stdout
