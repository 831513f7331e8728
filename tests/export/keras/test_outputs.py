"""What a network's outputs are, from the file to the answer at run time. Needs TensorFlow."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("onnx", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tensorflow", reason="needs the extra: pip install '.[export]'")
keras = pytest.importorskip("keras", reason="needs the extra: pip install '.[export]'")

from edge_emo.core.emotions import EMOTIONS
from edge_emo.face.recognizer import FaceRecognizer
from edge_emo.models.calibration import calibrated
from edge_emo.models.session import Model
from export.__main__ import main
from export.keras.convert import to_onnx
from export.keras.loading import from_keras
from export.keras.outputs import meaning
from export.keras.source import SourceError

layers = keras.layers
LABELS = "angry,calm,happy,sad"
SHAPE = (40, 3)
FRONT_END = {"input": {"features": {"n_mfcc": 3}, "frames": 40}, "window_s": 1.0, "hop_s": 0.5}


def sure():
    """A start for weights by which a network is sure of something else for every input."""
    return keras.initializers.RandomNormal(stddev=1.0, seed=1)


def flat(activation, units=4):
    return [layers.Flatten(), layers.Dense(units, activation, kernel_initializer=sure())]


def tower(inputs):
    return keras.Sequential([layers.Input(SHAPE), *flat("softmax")])(inputs)


def ensemble(inputs):
    return layers.Average()([tower(inputs), tower(inputs)])


def reshaped(inputs):
    return layers.Reshape((4,))(layers.Reshape((2, 2))(tower(inputs)))


def framewise(inputs):
    frames = layers.TimeDistributed(layers.Dense(4, "softmax", kernel_initializer=sure()))(inputs)
    return layers.GlobalAveragePooling1D()(frames)


def network(head):
    keras.utils.set_random_seed(0)
    inputs = keras.Input(SHAPE)
    if callable(head):
        return keras.Model(inputs, head(inputs))
    return keras.Sequential([inputs, *flat(head)])


def converted(model, folder, *arguments, labels=LABELS):
    """Save and convert a voice model; return what the command said."""
    model.save(folder / "net.keras")
    (folder / "front.json").write_text(json.dumps(FRONT_END))
    voice = ["--front-end", str(folder / "front.json"), "--labels", labels] if labels else []
    command = ["convert", str(folder / "net.keras"), "--out", str(folder / "out"), *voice, *map(str, arguments)]
    return CliRunner().invoke(main, command)


def answers(folder, inputs):
    """Return what the runtime makes of inputs, (inputs, 4) in the order of `LABELS`, and the card."""
    model = Model(folder / "out" / "net.fp32.json")
    found = calibrated(model(inputs), model.card)
    return found[:, [EMOTIONS.index(label) for label in LABELS.split(",")]], model.card


@pytest.mark.parametrize("head", [ensemble, reshaped, framewise, "softmax", "log_softmax", None])
def test_the_runtime_gives_the_probabilities_of_the_source(head, tmp_path, rng):
    """A softmax that is not the last layer is not done again, and that of logarithms gives the probabilities."""
    model = network(head)
    done = converted(model, tmp_path)
    assert done.exit_code == 0, done.output
    inputs = rng.standard_normal((8, *SHAPE)).astype(np.float32)
    expected = np.asarray(model(inputs))
    if head in (None, "log_softmax"):
        expected = np.asarray(keras.ops.softmax(expected))
    found, card = answers(tmp_path, inputs)
    assert expected.max() > 0.4  # and no more than .3 after another softmax
    assert np.abs(found - expected).max() < 1e-5
    assert card.activation == card.output.name == ("logits" if head in (None, "log_softmax") else "probabilities")


@pytest.mark.parametrize(("head", "words"), [("relu", "numbers from 0 to"), ("tanh", "numbers from -1 to 1")])
def test_outputs_that_do_not_show_what_they_are_are_asked_for(head, words, tmp_path):
    done = converted(network(head), tmp_path)
    assert done.exit_code == 1
    assert words in done.stderr
    assert "--outputs" in done.stderr
    assert not (tmp_path / "out").exists()


def test_what_is_said_of_outputs_counts(tmp_path, rng):
    model = network("relu")
    inputs = rng.standard_normal((8, *SHAPE)).astype(np.float32)
    given = np.asarray(model(inputs))
    assert converted(model, tmp_path, "--outputs", "probabilities").exit_code == 0
    assert np.allclose(answers(tmp_path, inputs)[0], given / given.sum(axis=1, keepdims=True), atol=1e-5)
    assert converted(model, tmp_path, "--outputs", "logits").exit_code == 0
    assert np.allclose(answers(tmp_path, inputs)[0], np.asarray(keras.ops.softmax(given)), atol=1e-5)


@pytest.mark.parametrize(
    ("head", "said", "words"),
    [("softmax", "logits", "a second softmax would flatten them"), (None, "probabilities", "are no probabilities")],
)
def test_what_is_said_against_the_numbers_is_refused(head, said, words, tmp_path):
    done = converted(network(head), tmp_path, "--outputs", said)
    assert done.exit_code == 1
    assert words in done.stderr


def test_without_labels_nothing_is_asked_until_something_is_judged(tmp_path, rng):
    model = network("tanh")
    assert converted(model, tmp_path, labels="").exit_code == 0
    np.savez(tmp_path / "real.npz", inputs=rng.standard_normal((120, *SHAPE)))
    done = converted(model, tmp_path, "--calibrate", tmp_path / "real.npz", labels="")
    assert done.exit_code == 1
    assert "--outputs" in done.stderr


def test_values_are_judged_by_their_error(tmp_path, rng):
    """Valence and arousal: the label of the larger one means nothing."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([layers.Input(SHAPE), layers.Flatten(), layers.Dense(64, "relu"), layers.Dense(2, "tanh")])
    np.savez(tmp_path / "real.npz", inputs=rng.standard_normal((120, *SHAPE)))
    done = converted(model, tmp_path, "--calibrate", tmp_path / "real.npz", "--outputs", "values", labels="")
    assert done.exit_code == 0, done.output
    (small,) = [path for path in (tmp_path / "out").glob("*.json") if "fp32" not in path.name]
    parity = json.loads(small.read_bytes())["parity"]
    gates = {gate["name"]: gate for gate in parity["gates"]}
    assert parity["outputs"] == "values"
    assert gates["error of values, as a share of their spread"]["value"] <= 0.05
    assert "agreement of labels with fp32" not in gates
    assert "error of values" in (tmp_path / "out" / "net.report.md").read_text()
    checked = CliRunner().invoke(main, ["verify", str(tmp_path / "out")])
    assert checked.exit_code == 0, checked.output
    assert "error of values" in checked.output


def test_outputs_of_no_emotion_are_mapped_or_left_out(tmp_path, rng):
    model = keras.Sequential([layers.Input(SHAPE), *flat("softmax", 6)])
    labels = "angry,Boredom=neutral,male=-,happiness,female=-,contempt"
    inputs = rng.standard_normal((200, *SHAPE)).astype(np.float32)
    given = np.asarray(model(inputs))
    np.savez(tmp_path / "real.npz", inputs=inputs, labels=given.argmax(axis=1))
    done = converted(model, tmp_path, "--calibrate", tmp_path / "real.npz", labels=labels)
    assert done.exit_code == 0, done.output
    assert "inputs of outputs that are left out" in done.stderr
    assert "right on 100.0%" in done.stdout
    model = Model(tmp_path / "out" / "net.fp32.json")
    assert model.card.labels == ["angry", "neutral", "happy", "contempt"]
    kept = given[:, [0, 1, 3, 5]]
    kept /= kept.sum(axis=1, keepdims=True)
    places = [EMOTIONS.index(label) for label in ("angry", "neutral", "happy", "disgust")]
    assert np.allclose(calibrated(model(inputs), model.card)[:, places], kept, atol=1e-5)


def test_labels_of_no_emotion_are_told_with_the_way_out(tmp_path):
    done = converted(network("softmax"), tmp_path, labels="angry,bored,happy,gender=male")
    assert done.exit_code == 1
    assert "--labels holds bored, gender" in done.stderr
    assert "bored=neutral" in done.stderr
    assert "bored=-" in done.stderr


def test_a_network_of_bytes_is_given_pixels_by_the_runtime(tmp_path, portrait):
    inputs = keras.Input((12, 10, 3), dtype="uint8")
    x = layers.Rescaling(1 / 255)(inputs)
    model = keras.Model(inputs, layers.Dense(3, "softmax", kernel_initializer=sure())(layers.Flatten()(x)))
    model.save(tmp_path / "net.keras")
    command = ["convert", str(tmp_path / "net.keras"), "--out", str(tmp_path / "out"), "--task", "face"]
    done = CliRunner().invoke(main, [*command, "--labels", "happy,sad,angry"])
    assert done.exit_code == 0, done.output
    recognizer = FaceRecognizer(tmp_path / "out" / "net.fp32.json")
    picture = portrait[:12, :10]
    expected = np.asarray(model(picture[None]))[0]
    found = recognizer.of_cut_outs([picture])[0]
    assert np.allclose(found[[2, 3, 4]], expected, atol=1e-5)
    (tmp_path / "front.json").write_text(json.dumps({"width": 10, "height": 12, "color": "rgb"}))
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "real.npz", inputs=rng.random((120, 12, 10, 3)))
    wrong = ["--front-end", str(tmp_path / "front.json"), "--calibrate", str(tmp_path / "real.npz")]
    done = CliRunner().invoke(main, [*command, "--labels", "happy,sad,angry", *wrong])
    assert done.exit_code == 1
    assert "takes uint8, but its inputs are numbers from" in done.stderr


def test_a_sigmoid_that_is_not_the_last_layer_gives_probabilities(rng):
    inputs = keras.Input(SHAPE)
    x = layers.TimeDistributed(layers.Dense(4, "sigmoid"))(inputs)
    found = from_keras(keras.Model(inputs, layers.GlobalAveragePooling1D()(x)), "net")
    samples = found.random_inputs(50)
    assert meaning(found, found.outputs(samples), None, LABELS.split(","), is_asked=True) == "probabilities"
    with pytest.raises(SourceError, match="--outputs"):
        meaning(found, found.outputs(samples), None, (), is_asked=True)


def test_the_output_of_a_graph_is_cut_before_its_comparison():
    two = from_keras(network("softmax"), "net").keeping((1, 3))
    conversion = to_onnx(two, two.random_inputs(40))
    assert conversion.expected.shape == (40, 2)
    assert conversion.largest_difference < 1e-5
