import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the extra: pip install '.[export]'")

from onnx import numpy_helper

from edge_emo.core.emotions import EMOTIONS
from edge_emo.models.manifest import models_folder
from export.measure.inference import Outputs, run
from export.measure.samples import Samples
from export.measure.saturation import n_saturable_layers, saturation_error
from export.quantise.rule import choose
from export.quantise.search import search


def loud(n_inputs=2000):
    """A Gemm of equal weights on inputs at the top of their range: the worst there is for sums of 16 bits."""
    model = onnx.parser.parse_model(f"""
        <ir_version: 8, opset_import: ["": 17]>
        net (float[batch, {n_inputs}] features) => (float[batch, 2] logits)
        {{
            logits = Gemm (features, weights)
        }}""")
    weights = np.ones((n_inputs, 2), np.float32)
    weights[:, 1] = -1
    model.graph.initializer.append(numpy_helper.from_array(weights, "weights"))
    model.graph.node[0].name = "Gemm_0"
    return model


@pytest.fixture(scope="module")
def candidates():
    samples = np.random.default_rng(0).uniform(0.9, 1, (60, 2000)).astype(np.float32)
    samples[::2] *= -1  # both labels occur
    return search(loud(), Outputs("logits", ("happy", "sad")), samples[:30], Samples(samples[30:]))[0], samples


def test_a_model_that_saturates_is_seen_and_never_chosen(candidates):
    found, _ = candidates
    plain = [item for item in found if item.variant.startswith(("U8S8 per channel", "U8S8 per tensor"))]
    assert len(plain) == 6
    for item in plain:
        assert item.comparison.saturable_layers == 1
        assert item.saturation_error > 100  # of a logit near 2,000
        assert "can saturate" in item.refusal
        assert choose([item]) is None
    assert choose(found).comparison.saturable_layers == 0


def test_seven_bits_unsigned_weights_and_sixteen_bit_activations_cannot_saturate(candidates):
    found, samples = candidates
    for item in found:
        if item.model and item.variant.startswith(("U8S8, 7-bit", "U8U8", "U16S8")):
            assert n_saturable_layers(item.model) == 0
            assert saturation_error(item.model, samples[:8]) == 0


def test_the_emulation_is_what_processors_do():
    """A processor with VNNI computes as exact arithmetic does, another as the saturating one does."""
    from export.measure.saturation import _evaluate

    model = onnx.load(models_folder() / "voice-classic.fp32.onnx")
    samples = np.random.default_rng(0).standard_normal((40, 100, 1)).astype(np.float32)
    found, _ = search(model, Outputs("logits", EMOTIONS), samples[:20], Samples(samples[20:]))
    item = next(item for item in found if item.variant == "U8S8 per channel, MinMax")
    exact, saturated = (_evaluate(item.model, samples[:8], saturate) for saturate in (False, True))
    assert np.abs(exact - saturated).max() > 0.3
    real = run(item.model, samples[:8])
    assert min(np.abs(real - exact).max(), np.abs(real - saturated).max()) < 0.01


def test_weights_that_onnx_runtime_would_quantise_itself_count():
    model = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["": 17]>
        net (float[batch, 4] features) => (float[batch, 2] logits)
        <float scale = {0.1}, uint8 zero = {0}>
        {
            small = QuantizeLinear (features, scale, zero)
            wide = DequantizeLinear (small, scale, zero)
            logits = Gemm (wide, weights)
        }""")
    model.graph.initializer.append(numpy_helper.from_array(np.ones((4, 2), np.float32), "weights"))
    assert n_saturable_layers(model) == 1


@pytest.mark.parametrize("group", [1, 2])
@pytest.mark.parametrize("n_axes", [1, 2])
def test_lost_sums_of_convolutions(rng, group, n_axes):
    """Against a loop over every place, kernel position and pair of channels."""
    from export.measure.saturation import _lost

    activations = rng.integers(200, 256, (1, 4, *[5] * n_axes)).astype(np.uint8)
    weights = rng.choice([-127, 127], (6, 4 // group, *[3] * n_axes)).astype(np.int8)
    node = onnx.helper.make_node("Conv", ["x", "w"], ["y"], group=group, pads=[1] * 2 * n_axes, strides=[2] * n_axes)
    lost = _lost(node, activations, weights, 7)
    padded = np.pad(activations.astype(int), [(0, 0), (0, 0), *[(1, 1)] * n_axes], constant_values=7)
    for out in range(6):
        first = out // (6 // group) * (4 // group)
        for place in np.ndindex(*lost.shape[2:]):
            total = 0
            for tap in np.ndindex(*[3] * n_axes):
                at = tuple(2 * p + t for p, t in zip(place, tap, strict=True))
                for channel in range(0, 4 // group, 2):
                    pair = sum(
                        padded[(0, first + c, *at)] * int(weights[(out, c, *tap)]) for c in (channel, channel + 1)
                    )
                    total += pair - int(np.clip(pair, -32768, 32767))
            assert lost[(0, out, *place)] == total
