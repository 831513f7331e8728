"""Networks of both Keras, in every format, to ONNX that computes the same. Needs TensorFlow."""

import importlib
import types

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tensorflow", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tf_keras", reason="needs the extra: pip install '.[export]'")

import onnx

from export.keras.convert import to_onnx
from export.keras.loading import from_keras, load
from export.keras.source import SourceError, describe
from export.keras.verify import verify
from export.measure.gates import TOLERANCE
from export.measure.inference import run
from export.measure.samples import Samples
from export.pipeline import export, write


@pytest.fixture(params=["keras", "tf_keras"])
def keras(request):
    return importlib.import_module(request.param)


def small(keras, *, softmax=True):
    """A network with everything the original's voice network has, small."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((40, 3)),
            layers.Conv1D(8, 5, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling1D(4),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(5, activation="softmax" if softmax else None),
        ]
    )


def converted(path, **options):
    """Return the description, network and conversion of a file, after the comparison that `to_onnx` makes."""
    description = describe(path, options.pop("weights", None))
    network = load(description, **options)
    return description, network, to_onnx(network, network.random_inputs(16))


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_files_of_both_keras(keras, tmp_path, suffix):
    model = small(keras)
    path = tmp_path / f"net{suffix}"
    model.save(path)
    description, network, conversion = converted(path)
    assert description.is_legacy == (keras.__name__ == "tf_keras")
    samples = network.random_inputs(8)
    expected = np.asarray(model(samples, training=False))
    assert np.abs(run(conversion.model, samples) - expected).max() <= TOLERANCE
    assert network.n_parameters == model.count_params()
    assert network.input_shape == (40, 3)
    operators = [node.op_type for node in conversion.model.graph.node]
    assert "BatchNormalization" not in operators
    assert operators.count("Conv") == 1


def test_an_architecture_with_weights_beside_it(keras, tmp_path):
    model = small(keras)
    (tmp_path / "net.json").write_text(model.to_json())
    weights = tmp_path / "net.weights.h5"
    model.save_weights(weights)
    _, network, conversion = converted(tmp_path / "net.json", weights=weights)
    samples = network.random_inputs(4)
    assert np.abs(run(conversion.model, samples) - np.asarray(model(samples, training=False))).max() <= TOLERANCE


def test_a_saved_model(keras, tmp_path):
    model = small(keras)
    model.export(tmp_path / "net")
    _, network, conversion = converted(tmp_path / "net")
    samples = network.random_inputs(4)
    assert np.abs(run(conversion.model, samples) - np.asarray(model(samples, training=False))).max() <= TOLERANCE
    assert network.n_parameters == model.count_params()


def test_a_subclassed_model_by_its_signature(keras, tmp_path):
    class Twin(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = keras.layers.Dense(8), keras.layers.Dense(3)

        def call(self, x):
            return self.second(self.first(x) * keras.activations.sigmoid(self.first(x)))

    keras.utils.set_random_seed(0)
    model = Twin()
    model(np.zeros((1, 6), np.float32))
    model.export(tmp_path / "net")
    _, network, conversion = converted(tmp_path / "net")
    samples = network.random_inputs(4)
    assert network.input_shape == (6,)
    assert np.abs(run(conversion.model, samples) - np.asarray(model(samples, training=False))).max() <= TOLERANCE


def test_a_lambda_is_run_only_for_who_trusts_it(tmp_path):
    import keras

    model = keras.Sequential([keras.layers.Input((6,)), keras.layers.Lambda(lambda x: x * 2), keras.layers.Dense(2)])
    model.save(tmp_path / "net.keras")
    description = describe(tmp_path / "net.keras")
    with pytest.raises(SourceError, match="--trust-code"):
        load(description)
    network = load(description, trust_code=True)
    samples = network.random_inputs(4)
    expected = np.asarray(model(samples, training=False))
    assert np.abs(run(to_onnx(network, samples).model, samples) - expected).max() <= TOLERANCE


def test_tflite(tmp_path):
    import tensorflow as tf
    import tf_keras

    model = small(tf_keras)
    path = tmp_path / "net.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    _, network, conversion = converted(path)
    samples = network.random_inputs(4)
    assert np.abs(run(conversion.model, samples) - np.asarray(model(samples, training=False))).max() <= TOLERANCE


def one_layer(keras, name):
    """Return a network around one layer, and the shape of its input."""
    layers = keras.layers
    x = {
        "Dense": lambda: ((6,), [layers.Dense(4)]),
        "Conv1D": lambda: ((20, 3), [layers.Conv1D(4, 3, strides=2)]),
        "Conv2D": lambda: ((12, 10, 2), [layers.Conv2D(4, 3, padding="same")]),
        "SeparableConv1D": lambda: ((20, 3), [layers.SeparableConv1D(4, 3)]),
        "SeparableConv2D": lambda: ((12, 10, 2), [layers.SeparableConv2D(4, 3)]),
        "DepthwiseConv2D": lambda: ((12, 10, 2), [layers.DepthwiseConv2D(3)]),
        "Conv1DTranspose": lambda: ((20, 3), [layers.Conv1DTranspose(4, 3, strides=2)]),
        "Conv2DTranspose": lambda: ((6, 5, 2), [layers.Conv2DTranspose(4, 3, strides=2)]),
        "BatchNormalization": lambda: ((6,), [layers.BatchNormalization()]),
        "MaxPooling1D": lambda: ((20, 3), [layers.MaxPooling1D(4)]),
        "AveragePooling1D": lambda: ((20, 3), [layers.AveragePooling1D(4)]),
        "MaxPooling2D": lambda: ((12, 10, 2), [layers.MaxPooling2D(2)]),
        "AveragePooling2D": lambda: ((12, 10, 2), [layers.AveragePooling2D(2)]),
        "GlobalAveragePooling1D": lambda: ((20, 3), [layers.GlobalAveragePooling1D()]),
        "GlobalMaxPooling1D": lambda: ((20, 3), [layers.GlobalMaxPooling1D()]),
        "GlobalAveragePooling2D": lambda: ((12, 10, 2), [layers.GlobalAveragePooling2D()]),
        "GlobalMaxPooling2D": lambda: ((12, 10, 2), [layers.GlobalMaxPooling2D()]),
        "LSTM": lambda: ((10, 3), [layers.LSTM(5)]),
        "LSTM of sequences": lambda: ((10, 3), [layers.LSTM(5, return_sequences=True), layers.LSTM(4)]),
        "GRU": lambda: ((10, 3), [layers.GRU(5)]),
        "SimpleRNN": lambda: ((10, 3), [layers.SimpleRNN(5)]),
        "Bidirectional": lambda: ((10, 3), [layers.Bidirectional(layers.LSTM(5))]),
        "TimeDistributed": lambda: ((10, 3), [layers.TimeDistributed(layers.Dense(4))]),
        "Embedding": lambda: ((10,), [layers.Embedding(30, 4)]),
        "Reshape": lambda: ((12,), [layers.Reshape((4, 3))]),
        "Permute": lambda: ((4, 3), [layers.Permute((2, 1))]),
        "ELU": lambda: ((6,), [layers.ELU()]),
        "PReLU": lambda: ((6,), [layers.PReLU("ones")]),
        "swish": lambda: ((6,), [layers.Activation("swish")]),
        "Softmax": lambda: ((6,), [layers.Softmax()]),
        "softmax": lambda: ((6,), [layers.Dense(4, activation="softmax")]),
        "GaussianNoise": lambda: ((6,), [layers.GaussianNoise(0.5), layers.Dense(3)]),
        "Flatten": lambda: ((4, 3), [layers.Flatten()]),
        "GRU of Keras 2.0": lambda: ((10, 3), [layers.GRU(5, reset_after=False)]),
        "GRU both ways": lambda: ((10, 3), [layers.Bidirectional(layers.GRU(5, return_sequences=True))]),
        "hard LSTM": lambda: ((10, 3), [layers.LSTM(5, recurrent_activation="hard_sigmoid")]),
        "masked LSTM": lambda: ((10, 3), [layers.Masking(0.0), layers.LSTM(5)]),
        "stacked TimeDistributed": lambda: (
            (4, 12, 3),
            [layers.TimeDistributed(layers.Conv1D(4, 3)), layers.TimeDistributed(layers.GlobalMaxPooling1D())],
        ),
        "dilated Conv1D": lambda: ((20, 3), [layers.Conv1D(4, 3, dilation_rate=2, padding="causal")]),
        "strided DepthwiseConv2D": lambda: ((12, 10, 2), [layers.DepthwiseConv2D(3, strides=2, padding="same")]),
        "DepthwiseConv1D": lambda: ((20, 3), [layers.DepthwiseConv1D(3)]),
        "LayerNormalization": lambda: ((6, 4), [layers.LayerNormalization()]),
        "ZeroPadding2D": lambda: ((6, 5, 2), [layers.ZeroPadding2D(1), layers.Cropping2D(1), layers.UpSampling2D(2)]),
        "LeakyReLU": lambda: ((6,), [layers.LeakyReLU()]),
        "hard swish": lambda: ((6, 5, 2), [layers.ReLU(6.0), layers.Activation("hard_sigmoid")]),
        "gelu": lambda: ((6,), [layers.Activation("gelu")]),
        "Rescaling": lambda: ((6, 5, 1), [layers.Rescaling(1 / 127.5, offset=-1)]),
        "dropouts": lambda: (
            (6,),
            [layers.Dropout(0.5), layers.AlphaDropout(0.5), layers.GaussianDropout(0.5), layers.Dense(3)],
        ),
        "augmentation": lambda: (
            (8, 8, 3),
            [layers.RandomFlip(), layers.RandomRotation(0.2), layers.RandomZoom(0.2), layers.Conv2D(2, 3)],
        ),
        "SpatialDropout1D": lambda: ((20, 3), [layers.SpatialDropout1D(0.5), layers.Conv1D(2, 3)]),
    }
    return x if name is None else x[name]()


LAYERS = tuple(one_layer(types.SimpleNamespace(layers=None), None))


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_through_its_file(keras, tmp_path, name):
    keras.utils.set_random_seed(0)
    shape, layers = one_layer(keras, name)
    model = keras.Sequential([keras.layers.Input(shape), *layers])
    path = tmp_path / "net.h5"
    model.save(path)
    _, network, conversion = converted(path)
    samples = network.random_inputs(8, seed=1)
    expected = np.asarray(model(samples, training=False))
    assert np.abs(run(conversion.model, samples) - expected).max() <= TOLERANCE
    onnx.checker.check_model(conversion.model, full_check=True)


# kinds that are quantised each in its own way; .ci/run leaves out the others, which are slow together
OWN_WAY = [
    "Dense",
    "Conv1D",
    "Conv2D",
    "SeparableConv2D",
    "DepthwiseConv2D",
    "Conv2DTranspose",
    "BatchNormalization",
    "LSTM",
    "GRU",
    "SimpleRNN",
    "Bidirectional",
    "TimeDistributed",
    "Embedding",
    "masked LSTM",
    "PReLU",
    "swish",
    "MaxPooling2D",
    "GlobalAveragePooling1D",
    "LayerNormalization",
    "Softmax",
    "Rescaling",
]


@pytest.mark.parametrize(
    "name", [name if name in OWN_WAY else pytest.param(name, marks=pytest.mark.slow) for name in LAYERS]
)
def test_every_layer_through_the_whole_pipe(name, tmp_path, monkeypatch):
    """From the file to a small model within every gate, with the layer before a classifier."""
    import keras

    from export.quantise import search

    monkeypatch.setattr(search, "METHODS", {"MinMax": search.METHODS["MinMax"]})  # a third of the time
    keras.utils.set_random_seed(0)
    shape, layers = one_layer(keras, name)
    wide = keras.initializers.RandomNormal(stddev=1.0, seed=1)
    head = [keras.layers.Flatten(), keras.layers.Dense(400, "relu"), keras.layers.Dense(3, kernel_initializer=wide)]
    keras.Sequential([keras.layers.Input(shape), *layers, *head]).save(tmp_path / "net.keras")
    description = describe(tmp_path / "net.keras")
    network = load(description)
    made = export(
        description,
        network,
        opset=17,
        preprocessing=None,
        labels=(),
        license_name="unknown",
        real=Samples(network.random_inputs(150)),
        stated="logits",
        force=False,
        tell=lambda what: None,
    )
    write(made, tmp_path / "out")
    assert made.holds, made.files["net.report.md"].decode()
    assert all(check.holds for check in verify(tmp_path / "out"))


def test_hard_swish_as_mobile_networks_write_it(keras, tmp_path):
    """x * relu6(x + 3) / 6, of layers that every Keras has."""
    layers = keras.layers
    inputs = keras.Input((6, 5, 2))
    x = layers.Conv2D(4, 3, padding="same")(inputs)
    gate = layers.Rescaling(1 / 6)(layers.ReLU(6.0)(layers.Rescaling(1.0, offset=3.0)(x)))
    model = keras.Model(inputs, layers.Multiply()([x, gate]))
    model.save(tmp_path / "net.h5")
    _, network, conversion = converted(tmp_path / "net.h5")
    samples = network.random_inputs(8, seed=1)
    assert np.abs(run(conversion.model, samples) - np.asarray(model(samples, training=False))).max() <= TOLERANCE


def test_layers_that_join_two_ways(keras, tmp_path):
    layers = keras.layers
    inputs = keras.Input((12, 3))
    a, b = layers.Conv1D(4, 3, padding="same")(inputs), layers.Conv1D(4, 5, padding="same")(inputs)
    x = layers.Concatenate()([layers.Add()([a, b]), layers.Multiply()([a, b])])
    x = layers.Attention()([x, x])
    x = layers.AdditiveAttention()([x, x])
    x = layers.MultiHeadAttention(2, 4)(x, x)
    model = keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)))
    model.save(tmp_path / "net.keras")
    _, network, conversion = converted(tmp_path / "net.keras")
    samples = network.random_inputs(8, seed=1)
    assert np.abs(run(conversion.model, samples) - np.asarray(model(samples, training=False))).max() <= TOLERANCE


@pytest.mark.parametrize("opset", [13, 17, 18, 20, 21])
def test_opsets(opset):
    import keras

    network = from_keras(small(keras), "net")
    conversion = to_onnx(network, network.random_inputs(8), opset)
    assert conversion.model.opset_import[0].version == opset
    assert not any(step.failure for step in conversion.steps)


def test_weights_that_are_not_finite_are_refused(keras, tmp_path):
    model = small(keras)
    weights = model.get_weights()
    weights[0][0, 0, 0] = np.nan
    model.set_weights(weights)
    model.save(tmp_path / "net.h5")
    with pytest.raises(SourceError, match="hold NaN or infinity"):
        load(describe(tmp_path / "net.h5"))


def test_an_unknown_layer_is_named(keras, tmp_path):
    class Peculiar(keras.layers.Layer):
        def call(self, x):
            return x + 1

    model = keras.Sequential([keras.layers.Input((4,)), Peculiar(), keras.layers.Dense(2)])
    model.save(tmp_path / "net.h5")
    with pytest.raises(SourceError, match="Peculiar is not Keras' own"):
        load(describe(tmp_path / "net.h5"))


def test_an_open_length_has_to_be_fixed(keras, tmp_path):
    layers = keras.layers
    model = keras.Sequential(
        [layers.Input((None, 3)), layers.Conv1D(4, 3), layers.GlobalAveragePooling1D(), layers.Dense(2)]
    )
    model.save(tmp_path / "net.h5")
    description = describe(tmp_path / "net.h5")
    with pytest.raises(SourceError, match="--input-shape"):
        load(description).random_inputs(2)
    network = load(description, input_shape=(30, 3))
    assert to_onnx(network, network.random_inputs(4)).largest_difference <= TOLERANCE
    with pytest.raises(SourceError, match="takes inputs of shape"):
        load(description, input_shape=(30, 4))
    network = load(description, input_shape=(None, 3))
    conversion = to_onnx(network, network.random_inputs(4))
    longer = network.random_inputs(4, length=200)
    assert np.abs(run(conversion.model, longer) - np.asarray(model(longer, training=False))).max() <= TOLERANCE
    fixed = load(description, input_shape=(30, 3))
    with pytest.raises(Exception, match="Got: 31 Expected: 30"):
        run(to_onnx(fixed, fixed.random_inputs(4)).model, network.random_inputs(2, length=31))


def test_networks_that_compute_coarsely_are_refused(tmp_path):
    import keras

    layers = keras.layers
    half = keras.Sequential([layers.Input((4,)), layers.Dense(3, dtype="mixed_float16")])
    half.save(tmp_path / "half.keras")
    with pytest.raises(SourceError, match="computes in float16; build it in float32"):
        load(describe(tmp_path / "half.keras"))


def test_files_that_do_not_belong_together_or_have_another_name(keras, tmp_path):
    model = small(keras)
    model.save(tmp_path / "net.keras")
    (tmp_path / "net.keras").rename(tmp_path / "net.model")
    with pytest.raises(SourceError, match=r"rename it so that it ends in \.keras"):
        load(describe(tmp_path / "net.model"))
    (tmp_path / "net.json").write_text(model.to_json())
    other = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2)])
    other.save_weights(tmp_path / "other.weights.h5")
    with pytest.raises(SourceError, match="its weights are not those of"):
        load(describe(tmp_path / "net.json", tmp_path / "other.weights.h5"))


def test_two_inputs_are_refused(keras, tmp_path):
    layers = keras.layers
    inputs = [keras.Input((4,)), keras.Input((4,))]
    model = keras.Model(inputs, layers.Dense(2)(layers.Add()(inputs)))
    model.save(tmp_path / "net.h5")
    with pytest.raises(SourceError, match="2 inputs and 1 outputs"):
        load(describe(tmp_path / "net.h5"))


def test_real_files_of_2017(data):
    for path in sorted((data / "keras_models").iterdir()):
        description, _, conversion = converted(path)
        assert description.is_legacy
        assert conversion.largest_difference <= TOLERANCE
