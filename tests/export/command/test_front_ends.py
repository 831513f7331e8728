"""Sound and pictures that calibrate a model, and the cards by which the runtime runs it. Needs TensorFlow."""

import importlib
import json

import pytest

pytest.importorskip("onnx", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tensorflow", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tf_keras", reason="needs the extra: pip install '.[export]'")

import numpy as np
import soundfile
from click.testing import CliRunner

from edge_emo.cli import main as edge_emo_command
from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.errors import CardError
from edge_emo.models.calibration import calibrated
from edge_emo.voice.recognizer import VoiceRecognizer
from tests.export.command.running import LABELS, card, convert, front_end, network, pictures


@pytest.mark.parametrize("version", ["keras", "tf_keras"])
def test_recordings_calibrate_a_voice_model_that_the_runtime_runs(version, tmp_path, sample):
    path = tmp_path / "net.h5"
    network(importlib.import_module(version)).save(path)
    for label, gain in (("happy", 1.0), ("anger", 0.3)):
        (tmp_path / "clips" / label).mkdir(parents=True)
        soundfile.write(tmp_path / "clips" / label / "clip.wav", gain * sample, 16000)
    (tmp_path / "clips" / "happy" / "broken.wav").write_bytes(b"RIFF")
    soundfile.write(tmp_path / "clips" / "happy" / "silent.wav", np.zeros(32000), 16000)
    arguments = ["--front-end", front_end(tmp_path / "mfcc.json"), "--labels", LABELS, "--license", "MIT"]
    done = convert(path, tmp_path / "out", "--calibrate", tmp_path / "clips", *arguments)
    assert done.exit_code == 0, done.output
    assert "left out: " in done.stderr
    assert "broken.wav" in done.stderr
    assert "left out: 1 of 3 recordings, no voice found: happy/silent.wav\n" in done.stderr
    card_path = tmp_path / "out" / "net.int8.json"
    assert done.stdout.endswith(f"run it with: edge-emo analyze clip.wav --voice-model {card_path}\n")
    for precision in ("fp32", "int8"):
        recognizer = VoiceRecognizer(tmp_path / "out" / f"net.{precision}.json")
        readings = recognizer.readings(sample)
        assert len(readings) > 3
        assert {reading.raw for reading in readings} <= {"angry", "calm", "happy", "sad"}
        assert recognizer.card.license == "MIT"
    command = ["analyze", "sample", "--voice-model", str(tmp_path / "out" / "net.int8.json"), "--json"]
    told = CliRunner().invoke(edge_emo_command, command)
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["results"][0]["models"]["voice"] == "net 1.0.0 int8"


def test_pictures_calibrate_a_face_model(tmp_path, rng):
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((12, 10, 1)),
            layers.Conv2D(8, 3),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(3, kernel_initializer=keras.initializers.RandomNormal(stddev=1.0, seed=1)),
        ]
    )
    model.save(tmp_path / "face.keras")
    pictures(tmp_path / "faces", rng)
    (tmp_path / "faces" / "sad" / "notes.txt").write_text("no picture")
    done = convert(
        tmp_path / "face.keras", tmp_path / "out",
        "--task", "face", "--labels", "happy,sadness,fear", "--calibrate", tmp_path / "faces",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "1 files that are no pictures by their names" in done.stderr
    assert "run it with: edge-emo analyze picture.jpg --face-model " in done.stdout
    made = card(tmp_path / "out" / "face.fp32.json")
    assert made["labels"] == ["happy", "sad", "fearful"]
    face = made["preprocessing"]
    assert (face["task"], face["width"], face["height"], face["std"]) == ("face", 10, 12, [255.0])
    with pytest.raises(CardError, match="its task is face"):
        VoiceRecognizer(tmp_path / "out" / "face.fp32.json")


def test_a_face_model_that_scales_its_pixels_is_given_them_as_they_are(tmp_path):
    import keras

    layers = keras.layers
    model = keras.Sequential([layers.Input((8, 8, 3)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)])
    model.save(tmp_path / "face.keras")
    done = convert(tmp_path / "face.keras", tmp_path / "out", "--task", "face", "--labels", "happy,sad")
    assert done.exit_code == 0, done.output
    made = card(tmp_path / "out" / "face.fp32.json")["preprocessing"]
    assert (made["color"], made["std"]) == ("rgb", [1.0])


def test_accuracy_is_told_and_answers_that_look_like_chance_are_warned_of(model_file, tmp_path, rng):
    import keras

    inputs = rng.standard_normal((240, 40, 3))  # float64, as numpy makes it
    right = np.asarray(keras.models.load_model(model_file)(inputs.astype(np.float32))).argmax(1)
    for name, labels in (("right", right), ("wrong", rng.integers(0, 5, 240))):
        np.savez(tmp_path / f"{name}.npz", inputs=inputs, labels=labels)
    done = convert(model_file, tmp_path / "out", "--calibrate", tmp_path / "right.npz")
    assert done.exit_code == 0, done.output
    assert "fp32 is right on 100.0% of" in done.stdout
    assert "WARNING" not in done.stderr
    (metric,) = card(tmp_path / "out" / "net.fp32.json")["metrics"]
    assert (metric["name"], metric["value"], metric["n"]) == ("accuracy", 1.0, 160)
    done = convert(model_file, tmp_path / "out", "--calibrate", tmp_path / "wrong.npz")
    assert "WARNING: guessing the commonest label would be right on " in done.stderr
    assert "; are the front end and the labels right?" in done.stderr


def test_a_sigmoid_gives_probabilities(tmp_path):
    import keras

    network(keras, head="sigmoid").save(tmp_path / "net.keras")
    arguments = ["--front-end", front_end(tmp_path / "mfcc.json"), "--labels", LABELS.title()]
    assert convert(tmp_path / "net.keras", tmp_path / "out", *arguments).exit_code == 0
    recognizer = VoiceRecognizer(tmp_path / "out" / "net.fp32.json")
    assert recognizer.card.activation == "probabilities"
    probabilities = calibrated(np.array([[0.9, 0.1, 0.1, 0.1, 0.6]], np.float32), recognizer.card)[0]
    assert probabilities[EMOTIONS.index("angry")] == pytest.approx(1.5 / 1.8)
