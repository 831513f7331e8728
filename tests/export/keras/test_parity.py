"""The comparison of a converted network with its source, where a simple one proves nothing or asks too much."""

from dataclasses import replace

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tensorflow", reason="needs the extra: pip install '.[export]'")
keras = pytest.importorskip("keras", reason="needs the extra: pip install '.[export]'")

from export.keras.convert import ParityError, to_onnx
from export.keras.loading import from_keras
from export.keras.network import n_distinct
from export.keras.source import SourceError
from export.measure.gates import MAX_TOLERANCE, TOLERANCE, relative_difference, tolerance
from export.measure.inference import run

layers = keras.layers


def dense(units, scale=1.0, activation=None, bias=0.0):
    return layers.Dense(
        units,
        activation,
        kernel_initializer=keras.initializers.RandomNormal(stddev=scale, seed=1),
        bias_initializer=keras.initializers.Constant(bias),
    )


def network(*stack, shape=(6,)):
    keras.utils.set_random_seed(0)
    return from_keras(keras.Sequential([layers.Input(shape), *stack]), "net")


def damaged(model, share=0.01):
    """Return a graph whose weights are all wrong by a share."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    for tensor in changed.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32:
            tensor.CopyFrom(onnx.numpy_helper.from_array(values * np.float32(1 + share), tensor.name))
    return changed


def test_networks_that_are_sure_are_compared_before_their_last_activation():
    """Every answer is one and the same row of 0 and 1, which a wrong network gives as well."""
    sure = network(dense(64), dense(3, 1e3, "softmax"))
    samples = sure.random_inputs(50)
    conversion = to_onnx(sure, samples)
    wrong = damaged(conversion.model)
    assert np.abs(run(wrong, samples) - conversion.expected).max() < TOLERANCE
    assert conversion.reference.difference(wrong) > TOLERANCE
    assert conversion.reference.difference(conversion.model) < TOLERANCE


def test_what_stands_before_the_last_activation_is_what_the_source_computes_there():
    found = network(dense(3, activation="softmax"))
    samples = found.random_inputs(5)
    kernel, bias = found.model.get_weights()
    assert np.allclose(found.before_activation(samples), samples @ kernel + bias, atol=1e-5)
    assert np.allclose(found.predict(samples).sum(axis=1), 1)  # and the activation is back


def test_a_network_that_tells_no_inputs_apart_is_not_let_out():
    with pytest.raises(SourceError, match="gives 1 different outputs for 40 inputs, so that no comparison proves"):
        to_onnx(network(dense(3, 0.0, bias=1.0)), network(dense(3)).random_inputs(40))


@pytest.mark.parametrize("scale", [1 / 255, 40.0])
def test_random_inputs_are_scaled_until_the_network_tells_them_apart(scale):
    """A network for pixels gives one row for numbers near 0; one for small numbers, rows of 0 and 1 for all."""
    found = network(layers.Rescaling(scale), dense(8, activation="tanh", scale=3.0), dense(3, 1e-2, bias=1.0))
    assert n_distinct(found.predict(found.telling_inputs(100))) > 90


@pytest.mark.parametrize("size", [1e-6, 1e6])
def test_the_limit_is_a_share_of_the_outputs(size):
    """An error of a percent is one in outputs of a millionth; in those of a million float32 is not exact to 1e-4."""
    found = network(dense(64, activation="relu"), dense(3, size))
    samples = found.random_inputs(50)
    conversion = to_onnx(found, samples)
    assert conversion.largest_difference < TOLERANCE
    assert conversion.reference.difference(damaged(conversion.model)) > TOLERANCE
    with pytest.raises(ParityError, match="of its outputs, at most"):
        to_onnx(replace(found, predict=lambda inputs: 1.01 * found.predict(inputs)), samples)


def test_large_outputs_of_some_inputs_do_not_hide_wrong_ones_of_others():
    expected = np.array([[1.0, 2.0], [2.0, 1.0], [1e6, 0.0]])
    assert relative_difference(np.array([[1.1, 2.0], [2.0, 1.0], [1e6, 0.0]]), expected) == pytest.approx(0.05)
    assert relative_difference(np.array([[1.0, 2.0], [2.0, 1.0], [1e6, 0.1]]), expected) < 1e-6


def test_what_float32_loses_itself_is_allowed():
    """The source takes large numbers from each other, so that float32 keeps a few digits of them."""
    kernel = np.array([[1.0, -1.0, 2.0]], np.float32)
    inputs = keras.Input((1,))
    shifted = layers.Rescaling(1.0, offset=300.0)(inputs)
    squared = layers.Multiply()([shifted, shifted])
    last = layers.Dense(3, use_bias=False, name="last")
    model = keras.Model(inputs, last(layers.Subtract()([squared, layers.Rescaling(1.0, offset=9e4)(inputs)])))
    last.set_weights([kernel])
    found = from_keras(model, "net")
    samples = 0.1 * found.random_inputs(50)
    exact, _ = found.exact()
    lost = relative_difference(found.predict(samples), exact(samples))
    assert TOLERANCE < lost < MAX_TOLERANCE
    assert tolerance(lost) == min(MAX_TOLERANCE, 4 * lost)
    coarser = replace(found, predict=lambda inputs: exact(inputs) + 2 * (found.predict(inputs) - exact(inputs)))
    conversion = to_onnx(coarser, samples)
    assert TOLERANCE < conversion.largest_difference <= conversion.reference.limit


def test_whole_numbers_are_kept_within_what_a_network_takes():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((20,), dtype="uint8")
    pixels = from_keras(keras.Model(inputs, dense(3)(layers.Rescaling(1 / 255)(inputs))), "net")
    samples = pixels.random_inputs(50)
    assert (samples.dtype, samples.min(), samples.max()) == (np.uint8, 0, 255)
    conversion = to_onnx(pixels, samples)
    (taken,) = conversion.model.graph.input
    assert taken.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert np.allclose(run(conversion.model, samples.astype(np.float32)), pixels.predict(samples), atol=1e-5)


def test_what_normalization_learnt_is_written_into_the_file(rng):
    """Keras holds it in tensors that are no variables, which the converter takes for inputs."""
    normal = layers.Normalization()
    normal.adapt(rng.normal(5, 3, (200, 6)))
    found = network(layers.Rescaling(2.0), normal, layers.Rescaling(0.5), dense(3))
    conversion = to_onnx(found, found.random_inputs(50))
    assert conversion.largest_difference < 1e-5
    assert len(conversion.model.graph.input) == 1


def test_channels_first_networks_are_converted_where_tensorflow_computes_them():
    stack = [
        layers.Conv2D(4, 3, data_format="channels_first"),
        layers.MaxPooling2D(2, data_format="channels_first"),
        layers.GlobalAveragePooling2D(data_format="channels_first"),
        dense(3),
    ]
    found = network(*stack, shape=(2, 12, 12))
    try:
        found.predict(found.random_inputs(2))
    except SourceError as error:  # on processors for which TensorFlow was built without oneDNN
        assert "'conv2d" in str(error) and "is channels-first, on this processor" in str(error)
        return
    assert to_onnx(found, found.random_inputs(50)).largest_difference < 1e-5
