import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the extra: pip install '.[export]'")

from onnx import numpy_helper

from edge_emo.core.emotions import EMOTIONS
from edge_emo.models.manifest import models_folder
from export.measure.gates import Comparison
from export.measure.inference import Outputs, run
from export.measure.samples import Samples
from export.quantise.candidate import Candidate
from export.quantise.rule import choose, verdicts
from export.quantise.search import search
from export.quantise.storage import fp16_storage


def filled(text, rng, scale=0.3):
    """Return a model with random numbers for the constants that its text declares."""
    model = onnx.parser.parse_model(text)
    for value in list(model.graph.value_info):
        shape = [size.dim_value for size in value.type.tensor_type.shape.dim]
        array = (scale * rng.standard_normal(shape)).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(array, value.name))
    del model.graph.value_info[:]
    for number, node in enumerate(model.graph.node):
        node.name = f"{node.op_type}{number}"
    return model


def convolutions(rng, scale=0.3):
    return filled(
        """
        <ir_version: 8, opset_import: ["": 17]>
        net (float[batch, 4, 8, 6] features) => (float[batch, 4] logits)
        <float[32, 4, 3, 3] first, float[32, 32, 3, 3] second, float[32, 32, 3, 3] third,
         float[256, 4] weights, float[4] bias>
        {
            convolved = Conv (features, first)
            active = Relu (convolved)
            deeper = Conv <pads = [1, 1, 1, 1]> (active, second)
            warm = Relu (deeper)
            last = Conv (warm, third)
            flat = Flatten (last)
            logits = Gemm (flat, weights, bias)
        }""",
        rng,
        scale,
    )


LOGITS = Outputs("logits", ("happy", "sad", "angry", "calm"))


def candidate(name, agreement=1.0, change=0.001, kilobytes=100, latency_ms=0.1, saturable_layers=0, accuracy=None):
    model = fp16_storage(onnx.ModelProto())
    model.doc_string = "x" * (kilobytes * 1000)
    compared = Comparison(200, agreement, change, 0.1, accuracy and 0.5 + accuracy, accuracy and 0.5, saturable_layers)
    return Candidate(name, model=model, latency_ms=latency_ms, comparison=compared)


def test_of_equally_small_and_fast_ones_the_most_accurate_is_chosen():
    found = [candidate("a", change=0.005), candidate("b", change=0.003, latency_ms=0.11), candidate("c", change=0.004)]
    assert choose(found).variant == "b"
    assert verdicts(found) == ["changes more", "chosen", "changes more"]


def test_an_accurate_but_large_or_slow_one_is_not_chosen():
    found = [
        candidate("small and fast", change=0.005),
        candidate("large", change=0.001, kilobytes=160),
        candidate("slow", change=0.001, latency_ms=0.13),
    ]
    assert verdicts(found) == ["chosen", "larger", "slower"]


def test_time_counts_before_size():
    """A file of 8 bits that is 7.6 times as slow as one of 16 is not worth its size."""
    found = [candidate("int8", kilobytes=60, latency_ms=0.76), candidate("fp16 storage", change=0.002, latency_ms=0.1)]
    assert verdicts(found) == ["slower", "chosen"]


def test_a_refused_one_does_not_set_the_pace():
    found = [candidate("saturates", saturable_layers=1, latency_ms=0.01, kilobytes=10), candidate("sound")]
    assert choose(found).variant == "sound"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"agreement": 0.97}, "97% of labels agree with fp32 (limit 98%"),
        ({"accuracy": -0.02}, "change of accuracy: -"),
        ({"saturable_layers": 1}, "layers that can saturate"),
    ],
)
def test_nothing_beyond_a_gate_is_let_out(changes, words):
    found = [candidate("a", **changes), Candidate("b", failure="cannot be made: ValueError: no")]
    assert choose(found) is None
    assert words in found[0].refusal
    assert verdicts(found)[1] == "cannot be made: ValueError: no"


@pytest.fixture(scope="module")
def classic():
    """The classic network that ships, judged on random inputs."""
    model = onnx.load(models_folder() / "voice-classic.fp32.onnx")
    rng = np.random.default_rng(0)
    samples = rng.standard_normal((60, 100, 1)).astype(np.float32)
    told = []
    found, fp32_ms = search(model, Outputs("logits", EMOTIONS), samples[:20], Samples(samples[20:]), told.append)
    return model, samples, found, fp32_ms, told


def test_every_way_that_the_search_promises_is_tried(classic):
    _, _, found, fp32_ms, told = classic
    names = [item.variant for item in found]
    assert len(set(names)) == len(names)
    for scheme in ("U8S8, 7-bit weights", "U8S8", "U8U8", "U16S8"):
        for granularity in ("channel", "tensor"):
            for method in ("MinMax", "Percentile", "Entropy"):
                assert f"{scheme} per {granularity}, {method}" in names
    assert any(name.endswith("ends in fp32") for name in names)
    assert any(name.startswith("equalised, U8S8, 7-bit weights per channel, MinMax, ends") for name in names)
    assert "dynamic, U8 weights" in names
    assert "fp16 storage" in names
    assert told[: len(names) // 2] == names[: len(names) // 2]
    assert fp32_ms > 0
    assert not [item.failure for item in found if item.failure]


def test_every_candidate_is_a_small_sound_model_near_fp32(classic):
    model, samples, found, _, _ = classic
    expected = run(model, samples[:4])
    for item in found:
        onnx.checker.check_model(item.model)
        assert item.kilobytes < len(model.SerializeToString()) / 1000
        assert run(item.model, samples[:4]).shape == expected.shape
        if not item.comparison.saturable_layers:
            assert item.comparison.largest_change < 0.2, item.variant
        assert item.summary()["latency_ms"] > 0


def test_accuracy_is_compared_where_labels_are_known(rng):
    model = convolutions(rng)
    samples = rng.standard_normal((40, 4, 8, 6)).astype(np.float32)
    truth = tuple(LOGITS.labels[k] for k in run(model, samples).argmax(1))
    found, _ = search(model, LOGITS, samples[:10], Samples(samples, truth))
    for item in found:
        assert item.comparison.accuracy_change == pytest.approx(item.comparison.agreement - 1)


def test_arithmetic_before_the_first_layer_stays_in_fp32(rng):
    """A shift of pitch works on decibels, whose range no calibration knows."""
    model = filled(
        """
        <ir_version: 8, opset_import: ["": 17]>
        net (float[batch, 1, 8, 6] features) => (float[batch, 4] logits)
        <float[1] shift, float[32, 1, 3, 3] kernel, float[32, 32, 3, 3] second,
         float[256, 4] weights, float[4] bias>
        {
            shifted = Add (features, shift)
            convolved = Conv (shifted, kernel)
            active = Relu (convolved)
            deeper = Conv (active, second)
            flat = Flatten (deeper)
            logits = Gemm (flat, weights, bias)
        }""",
        rng,
    )
    samples = rng.standard_normal((8, 1, 8, 6)).astype(np.float32)
    found, _ = search(model, LOGITS, samples[:4], Samples(samples))
    for item in found[:24]:
        ops = [node.op_type for node in item.model.graph.node]
        assert ops.index("Add") < ops.index("QuantizeLinear")


def test_layers_in_fp32_are_computed_in_float_by_onnx_runtime_too(rng):
    """ONNX Runtime quantises float weights between quantised layers by itself, and then they can saturate."""
    model = convolutions(rng)
    samples = rng.standard_normal((40, 4, 8, 6)).astype(np.float32)
    found, _ = search(model, LOGITS, samples[:10], Samples(samples))
    mixed = [item for item in found if item.variant.endswith("in fp32")]
    assert len(mixed) == 9  # the ends in four schemes, equalised or not, and the most sensitive layers
    for item in mixed:
        assert item.comparison.saturable_layers == 0
        stored = {tensor.data_type for tensor in item.model.graph.initializer}
        assert onnx.TensorProto.INT16 in stored


def test_recurrent_networks_get_dynamic_weights_of_seven_bits(rng):
    """ONNX Runtime's quantiser gives an LSTM signed 8-bit weights whatever it is asked for: these can saturate."""
    model = filled(
        """
        <ir_version: 8, opset_import: ["": 17]>
        net (float[batch, 6, 5] features) => (float[batch, 4] logits)
        <float[1, 128, 5] w, float[1, 128, 32] r, float[1, 256] b, float[32, 4] weights>
        {
            sequence = Transpose <perm = [1, 0, 2]> (features)
            all, last = LSTM <hidden_size = 32> (sequence, w, r, b)
            flat = Squeeze (last)
            rows = Reshape (flat, shape)
            logits = MatMul (rows, weights)
        }""".replace("float[32, 4] weights>", "float[32, 4] weights, int64[2] shape = {-1, 32}>"),
        rng,
    )
    samples = rng.standard_normal((30, 6, 5)).astype(np.float32)
    found = {item.variant: item for item in search(model, LOGITS, samples[:10], Samples(samples))[0]}
    assert found["dynamic, U8 weights"].comparison.saturable_layers == 2
    narrow = found["dynamic, 7-bit S8 weights"]
    assert narrow.comparison.saturable_layers == 0
    assert "DynamicQuantizeLSTM" in {node.op_type for node in narrow.model.graph.node}


def test_fp16_storage_computes_in_fp32(rng):
    model = convolutions(rng)
    model.graph.initializer[0].CopyFrom(
        numpy_helper.from_array(np.full((32, 4, 3, 3), 1e6, np.float32), model.graph.initializer[0].name)
    )
    stored = fp16_storage(model)
    types = {tensor.name: tensor.data_type for tensor in stored.graph.initializer}
    assert types["first"] == onnx.TensorProto.FLOAT  # too large for 16 bits
    assert types["second/fp16"] == onnx.TensorProto.FLOAT16
    samples = rng.standard_normal((4, 4, 8, 6)).astype(np.float32)
    expected = run(model, samples)
    assert np.abs(run(stored, samples) / expected - 1).max() < 0.02


def test_repeated_labels_are_added_up():
    outputs = Outputs("probabilities", ("angry", "sad", "angry"))
    assert outputs.classes == ("angry", "sad")
    assert np.allclose(outputs.probabilities(np.array([[0.2, 0.5, 0.3]], np.float32)), [[0.5, 0.5]])
