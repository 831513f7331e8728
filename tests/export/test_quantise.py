import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the extra: pip install 'edge-emo[export]'")

from edge_emo.card import models_folder  # noqa: E402
from export.quantise import Candidate, candidates, choose  # noqa: E402


def candidate(name, agreement, change):
    return Candidate(name, None, 100.0, agreement, change, 0.5, 0.1)


def test_the_smallest_mean_change_is_chosen():
    found = [candidate("a", 0.99, 0.005), candidate("b", 0.995, 0.003), candidate("c", 0.999, 0.004)]
    assert choose(found).variant == "b"


def test_nothing_below_the_gate_is_let_out():
    with pytest.raises(ValueError, match=r"97\.0%"):
        choose([candidate("a", 0.97, 0.01)])


def test_every_variant_is_smaller_and_agrees(rng):
    model = onnx.load(models_folder() / "voice-classic.fp32.onnx")
    samples = rng.standard_normal((40, 100, 1)).astype(np.float32)
    found = candidates(model, samples[:20], samples)
    assert len({item.variant for item in found}) == 7
    for item in found:
        assert item.kilobytes < 320
        assert item.agreement > 0.85
        assert item.largest_change < 0.2
        assert {node.op_type for node in item.model.graph.node} >= {"QuantizeLinear", "DequantizeLinear"}


def test_arithmetic_before_the_first_layer_stays_in_fp32(rng):
    """A shift of pitch works on decibels, whose range no calibration knows."""
    model = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["": 17]>
        net (float[batch, 1, 8, 6] features) => (float[batch, 4] logits)
        <float[6, 6] shift, float[4, 1, 3, 3] kernel, float[4, 4, 3, 3] second, float[32, 4] weights, float[4] bias>
        {
            shifted = MatMul (features, shift)
            convolved = Conv (shifted, kernel)
            active = Relu (convolved)
            deeper = Conv (active, second)
            flat = Flatten (deeper)
            logits = Gemm (flat, weights, bias)
        }""")
    for value in list(model.graph.value_info):
        shape = [size.dim_value for size in value.type.tensor_type.shape.dim]
        array = rng.standard_normal(shape).astype(np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(array, value.name))
    del model.graph.value_info[:]
    for number, node in enumerate(model.graph.node):
        node.name = f"{node.op_type}{number}"
    samples = rng.standard_normal((8, 1, 8, 6)).astype(np.float32)
    for item in candidates(model, samples[:4], samples):
        ops = [node.op_type for node in item.model.graph.node]
        assert ops.index("MatMul") < ops.index("QuantizeLinear")
