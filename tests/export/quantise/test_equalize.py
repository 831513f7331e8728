import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the extra: pip install '.[export]'")

from onnx import numpy_helper

from export.measure.inference import run
from export.quantise.equalize import equalize

TEXT = """
    <ir_version: 8, opset_import: ["": 17]>
    net (float[batch, 3, 8, 8] features) => (float[batch, 5, 2, 2] logits)
    {{
        wide = Conv (features, w0, b0)
        active = {activation} (wide)
        depthwise = Conv <group = 6> (active, w1)
        pointwise = Conv (depthwise, w2, b2)
        pooled = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (pointwise)
        logits = Identity (pooled)
    }}"""


def chain(rng, activation="Relu"):
    model = onnx.parser.parse_model(TEXT.format(activation=activation))
    shapes = {"w0": (6, 3, 3, 3), "b0": (6,), "w1": (6, 1, 3, 3), "w2": (5, 6, 1, 1), "b2": (5,)}
    for name, shape in shapes.items():
        values = rng.standard_normal(shape)
        if name == "w1":
            values *= 10.0 ** np.arange(-3, 3).reshape(6, 1, 1, 1)  # channels of very different size
        model.graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), name))
    return model


def ranges(model, name):
    weights = next(numpy_helper.to_array(t) for t in model.graph.initializer if t.name == name)
    return np.abs(weights).reshape(len(weights), -1).max(axis=1)


def test_channels_get_like_ranges_and_the_network_computes_the_same(rng):
    model = chain(rng)
    level = equalize(model)
    samples = rng.standard_normal((5, 3, 8, 8)).astype(np.float32)
    expected = run(model, samples)
    assert np.abs(run(level, samples) - expected).max() < 1e-5 * np.abs(expected).max()
    assert ranges(model, "w1").max() / ranges(model, "w1").min() > 1e4
    assert ranges(level, "w1").max() / ranges(level, "w1").min() < 100


def test_an_activation_that_no_factor_passes_is_left_alone(rng):
    model = chain(rng, activation="Elu")
    level = equalize(model)
    samples = rng.standard_normal((5, 3, 8, 8)).astype(np.float32)
    expected = run(model, samples)
    assert np.abs(run(level, samples) - expected).max() < 1e-5 * np.abs(expected).max()
    assert np.array_equal(ranges(level, "w0"), ranges(model, "w0"))
    assert not np.array_equal(ranges(level, "w2"), ranges(model, "w2"))


def test_a_dead_channel_stays_as_it_is(rng):
    model = chain(rng)
    weights = next(t for t in model.graph.initializer if t.name == "w0")
    values = numpy_helper.to_array(weights).copy()
    values[2] = 0
    weights.CopyFrom(numpy_helper.from_array(values, "w0"))
    level = equalize(model)
    assert np.isfinite(ranges(level, "w1")).all()
    samples = rng.standard_normal((5, 3, 8, 8)).astype(np.float32)
    expected = run(model, samples)
    assert np.abs(run(level, samples) - expected).max() < 1e-5 * np.abs(expected).max()


def test_nothing_to_equalise_is_told():
    model = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["": 17]>
        net (float[batch, 3] features) => (float[batch, 3] logits) { logits = Relu (features) }""")
    assert equalize(model) is None
