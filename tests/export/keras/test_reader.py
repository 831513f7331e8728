"""Files that Keras does not load by itself: read all the same, or refused by their culprit and a way out."""

import importlib
import json
import zipfile

import numpy as np
import pytest
from click.testing import CliRunner

h5py = pytest.importorskip("h5py", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tensorflow", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tf_keras", reason="needs the extra: pip install '.[export]'")

from edge_emo.cli import main as edge_emo_command
from edge_emo.core.errors import CardError
from edge_emo.face.recognizer import FaceRecognizer
from export.__main__ import main
from export.keras.convert import to_onnx
from export.keras.loading import load
from export.keras.source import SourceError, describe
from export.measure.inference import run


@pytest.fixture(params=["keras", "tf_keras"])
def keras(request):
    return importlib.import_module(request.param)


def small(keras, *stack, shape=(6, 4)):
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.layers.Input(shape), *stack, keras.layers.Flatten(), keras.layers.Dense(3)])


def refusal(path):
    with pytest.raises(SourceError) as caught:
        load(describe(path))
    return str(caught.value)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_an_activation_of_ones_own_is_named_with_its_layer(keras, suffix, tmp_path):
    def my_swish(x):
        return x * keras.activations.sigmoid(x)

    small(keras, keras.layers.Dense(4, my_swish, name="odd")).save(tmp_path / f"net{suffix}")
    told = refusal(tmp_path / f"net{suffix}")
    assert "the layer 'odd' uses the function 'my_swish', which is not Keras' own" in told
    assert told.endswith("export it where its code is, with model.export('folder'), and convert that folder")


def test_an_activation_that_keras_2_wrote_by_its_name_alone_is_named_too(tmp_path):
    keras = importlib.import_module("tf_keras")
    path = tmp_path / "net.h5"
    small(keras, keras.layers.Dense(4, "relu", name="odd")).save(path)
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = file.attrs["model_config"].replace('"relu"', '"my_swish"')
    told = refusal(path)
    assert "the activation function my_swish of the layer 'odd' is not Keras' own" in told
    assert "model.export('folder')" in told


def test_a_file_of_a_newer_keras_is_told_as_such(tmp_path):
    import keras

    whole = small(keras)
    whole.save(tmp_path / "whole.keras")
    with zipfile.ZipFile(tmp_path / "whole.keras") as old, zipfile.ZipFile(tmp_path / "net.keras", "w") as new:
        for name in old.namelist():
            content = old.read(name).replace(b'"units": 3', b'"units": 3, "from_the_future": 1')
            new.writestr(name, content.replace(keras.__version__.encode(), b"3.99.0") if "meta" in name else content)
    told = refusal(tmp_path / "net.keras")
    assert f"was written by Keras 3.99.0, and the one here is {keras.__version__}" in told
    assert "Unrecognized keyword arguments passed to Dense: {'from_the_future': 1}" in told
    assert "install that Keras here, or export it where its code is, with model.export('folder')" in told


def test_layers_for_nvidias_processors_become_those_that_run_anywhere(tmp_path, rng):
    keras = importlib.import_module("tf_keras")
    plain = small(keras, keras.layers.LSTM(5, name="rnn"))
    path = tmp_path / "net.h5"
    from tf_keras.src.layers.rnn.cudnn_lstm import CuDNNLSTM

    fast = small(keras, CuDNNLSTM(5, name="rnn"))
    weights = [rng.standard_normal(weight.shape).astype(np.float32) for weight in fast.get_weights()]
    fast.set_weights(weights)
    fast.save(path)
    plain.load_weights(path)
    network = load(describe(path))
    samples = network.random_inputs(20)
    found = run(to_onnx(network, samples).model, samples)
    assert np.allclose(found, np.asarray(plain(samples)), atol=1e-5)
    assert np.allclose(found, by_hand(samples, weights), atol=1e-4)


def by_hand(samples, weights):
    """Return what the network around CuDNNLSTM gives.

    NVIDIA's library reads each gate's matrix, which Keras hands over row by row, as one of (units, inputs).
    """
    kernel, recurrent, bias, last, last_bias = weights
    kernel, recurrent = (
        np.concatenate([gate.reshape(5, -1).T for gate in np.split(matrix, 4, axis=1)], axis=1)
        for matrix in (kernel, recurrent)
    )
    state = cell = np.zeros((len(samples), 5))
    for step in samples.transpose(1, 0, 2):
        gates = np.split(step @ kernel + state @ recurrent + bias[:20] + bias[20:], 4, axis=1)
        i, f, o = (1 / (1 + np.exp(-gates[place])) for place in (0, 1, 3))
        cell = f * cell + i * np.tanh(gates[2])
        state = o * np.tanh(cell)
    return state @ last + last_bias


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_stateful_layer_and_a_fixed_batch_are_told_with_the_way_out(keras, suffix, tmp_path):
    layers = keras.layers
    shape = {"batch_shape" if keras.__name__ == "keras" else "batch_input_shape": (1, 6, 4)}
    for name, first in (("state", layers.LSTM(3, stateful=True, name="odd")), ("batch", layers.Dense(3))):
        source = layers.InputLayer(**shape)
        keras.Sequential([source, first, layers.Dense(3)]).save(tmp_path / f"{name}{suffix}")
    told = refusal(tmp_path / f"state{suffix}")
    assert "the layer 'odd' is stateful" in told
    assert "stateful=False" in told
    assert "takes 1 inputs at a time; build it with an open batch" in refusal(tmp_path / f"batch{suffix}")


def test_networks_of_text_are_told_by_what_is_text(tmp_path):
    import keras

    layers = keras.layers
    inputs = keras.Input((6,))
    numbers = layers.Dense(3, name="numbers")(inputs)
    names = layers.StringLookup(vocabulary=["a", "b"], invert=True)(keras.ops.argmax(numbers, axis=-1))
    keras.Model(inputs, names).save(tmp_path / "named.keras")
    told = refusal(tmp_path / "named.keras")
    assert "gives a name or a single number in place of a number for each label" in told
    assert "model.get_layer('numbers').output" in told
    text = keras.Input((1,), dtype="string")
    places = layers.TextVectorization(vocabulary=["a", "b"], output_sequence_length=4)(text)
    keras.Model(text, layers.Dense(3)(layers.Flatten()(layers.Embedding(4, 2)(places)))).save(tmp_path / "text.keras")
    assert "takes text, so it is neither for a voice nor for a face" in refusal(tmp_path / "text.keras")


def test_a_pointer_of_git_lfs_is_told_as_such(tmp_path):
    path = tmp_path / "net.h5"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    assert "is a pointer of Git LFS, the model itself is elsewhere; fetch it with git lfs pull" in refusal(path)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_arithmetic_between_layers_is_read_from_keras_3(suffix, tmp_path):
    """As `preprocess_input` of MobileNetV2 and slices write it; HDF5 keeps the class of each alone."""
    import keras

    layers = keras.layers
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same")((inputs / 127.5) - 1.0)
    x = layers.Add()([x, keras.ops.relu(x) * 2])
    x = layers.Concatenate()([x, keras.ops.concatenate([x, x + x], axis=-1)])
    model = keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x[:, 1:, :, 2])))
    model.save(tmp_path / f"net{suffix}")
    network = load(describe(tmp_path / f"net{suffix}"))
    samples = 100 * network.random_inputs(20)
    expected = np.asarray(model(samples))
    assert np.allclose(network.predict(samples), expected, rtol=1e-5)
    assert to_onnx(network, samples).largest_difference < 1e-5


def test_a_model_given_for_its_card_and_a_card_without_a_task_say_what_to_do(tmp_path):
    import keras

    small(keras).save(tmp_path / "net.keras")
    made = CliRunner().invoke(main, ["convert", str(tmp_path / "net.keras"), "--out", str(tmp_path)])
    assert made.exit_code == 0, made.output
    for name, words in (("onnx", "give its card instead, net.fp32.json"), ("json", "convert it again with --task")):
        path = str(tmp_path / f"net.fp32.{name}")
        done = CliRunner().invoke(edge_emo_command, ["analyze", "sample", "--voice-model", path])
        assert done.exit_code != 0
        assert words in done.stderr
        with pytest.raises(CardError, match=words):
            FaceRecognizer(path)


def test_messages_of_keras_are_not_cut(tmp_path):
    import keras

    small(keras).save(tmp_path / "whole.keras")
    long = "x" * 500
    with zipfile.ZipFile(tmp_path / "whole.keras") as old, zipfile.ZipFile(tmp_path / "net.keras", "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                config = json.loads(content)
                config["config"]["layers"][-1]["config"][long] = 1
                content = json.dumps(config).encode()
            new.writestr(name, content)
    assert long in refusal(tmp_path / "net.keras")
