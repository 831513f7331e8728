import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the extra: pip install '.[export]'")

from onnx import TensorProto, helper, numpy_helper

from edge_emo.models.session import onnxruntime_module
from export.keras.graph import clean


def run(model, value):
    session = onnxruntime_module().InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: value})[0]


def tensorflow_like(rng, stride=1, dilation=1):
    """A Conv1D, bias, BatchNorm and ReLU as TensorFlow writes them: (batch, 40, 3) through a (1, 40) picture."""
    weights = {
        "w": rng.standard_normal((6, 3, 1, 5)),
        "bias": rng.standard_normal((1, 6, 1)),
        "scale": rng.uniform(0.5, 2, (1, 6, 1)),
        "shift": rng.standard_normal((1, 6, 1)),
        "unused": rng.standard_normal(4),
    }
    initializers = [numpy_helper.from_array(v.astype(np.float32), k) for k, v in weights.items()]
    initializers.append(numpy_helper.from_array(np.array([2], np.int64), "axes"))
    pad = 2 * dilation
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[0, 2, 1]),
        helper.make_node("Unsqueeze", ["t", "axes"], ["u"]),
        helper.make_node(
            "Conv",
            ["u", "w"],
            ["c"],
            kernel_shape=[1, 5],
            pads=[0, pad, 0, pad],
            strides=[1, stride],
            dilations=[1, dilation],
        ),
        helper.make_node("Squeeze", ["c", "axes"], ["s"]),
        helper.make_node("Add", ["s", "bias"], ["b"]),
        helper.make_node("Mul", ["b", "scale"], ["m"]),
        helper.make_node("Add", ["m", "shift"], ["n"]),
        helper.make_node("Relu", ["n"], ["r"]),
        helper.make_node("Unsqueeze", ["r", "axes"], ["pu"]),
        helper.make_node("MaxPool", ["pu"], ["p"], kernel_shape=[1, 4], strides=[1, 4]),
        helper.make_node("Squeeze", ["p", "axes"], ["y"]),
        helper.make_node("Identity", ["y"], ["dead"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["unk__1", 40, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["unk__2", 6, None])],
        initializers,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2)])
def test_cleaning_keeps_the_result_and_leaves_one_dimensional_convolutions(rng, stride, dilation):
    model = tensorflow_like(rng, stride, dilation)
    value = rng.standard_normal((5, 40, 3)).astype(np.float32)
    expected = run(model, value)
    cleaned = clean(model)
    assert [node.op_type for node in cleaned.graph.node] == ["Transpose", "Conv", "Relu", "MaxPool"]
    assert np.abs(run(cleaned, value) - expected).max() < 1e-4
    assert "unused" not in {tensor.name for tensor in cleaned.graph.initializer}
    assert len(cleaned.graph.initializer) == 2
    batch = {v.type.tensor_type.shape.dim[0].dim_param for v in [*cleaned.graph.input, *cleaned.graph.output]}
    assert batch == {"batch"}
    assert [opset.domain for opset in cleaned.opset_import] == [""]


def parsed(text, **constants):
    """Return a model from its text, with these arrays for constants."""
    model = onnx.parser.parse_model(text)
    for name, value in constants.items():
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    return model


def operators(model):
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize(("axis", "kernel", "shape"), [(2, [1, 4], (1, 24)), (3, [4, 1], (24, 1))])
def test_pools_over_pictures_one_pixel_wide_or_high_become_one_dimensional(rng, axis, kernel, shape):
    """Keras 2 pools a sequence as a picture of width 1, Keras 3 as one of height 1."""
    model = parsed(
        f"""
        <ir_version: 8, opset_import: ["": 17]>
        net (float[batch, 5, 24] features) => (float[batch, 5, 6] logits)
        {{
            picture = Unsqueeze (features, axes)
            pooled = MaxPool <kernel_shape = {kernel}, strides = {kernel}> (picture)
            logits = Squeeze (pooled, axes)
        }}""",
        axes=np.array([axis]),
    )
    value = rng.standard_normal((3, 5, 24)).astype(np.float32)
    cleaned = clean(model)
    assert operators(cleaned) == ["MaxPool"]
    assert np.array_equal(run(cleaned, value), run(model, value))


def test_a_transpose_of_a_picture_of_one_row_is_one_of_a_sequence(rng):
    model = parsed(
        """
        <ir_version: 8, opset_import: ["": 17]>
        net (float[batch, 7, 5] features) => (float[batch, 5, 7] logits)
        {
            picture = Unsqueeze (features, first)
            turned = Transpose <perm = [0, 3, 1, 2]> (picture)
            logits = Squeeze (turned, second)
        }""",
        first=np.array([-3]),
        second=np.array([2]),
    )
    value = rng.standard_normal((3, 7, 5)).astype(np.float32)
    cleaned = clean(model)
    assert operators(cleaned) == ["Transpose"]
    assert np.array_equal(run(cleaned, value), run(model, value))


@pytest.mark.parametrize(("first_state", "kept"), [(0.0, False), (0.5, True)])
def test_only_states_of_zeros_are_dropped(rng, first_state, kept):
    model = parsed(
        """
        <ir_version: 8, opset_import: ["": 17]>
        net (float[batch, 6, 3] features) => (float[a, b, c, d] logits)
        {
            sizes = Shape (features)
            size = Gather (sizes, place)
            shape = Concat <axis = 0> (one, size, width)
            state = Expand (value, shape)
            sequence = Transpose <perm = [1, 0, 2]> (features)
            logits, last, cell = LSTM <hidden_size = 4> (sequence, w, r, b, , state, state)
        }""",
        place=np.array([0]),
        one=np.array([1]),
        width=np.array([4]),
        value=np.full((1, 1, 1), first_state, np.float32),
        w=rng.standard_normal((1, 16, 3)).astype(np.float32),
        r=rng.standard_normal((1, 16, 4)).astype(np.float32),
        b=rng.standard_normal((1, 32)).astype(np.float32),
    )
    value = rng.standard_normal((2, 6, 3)).astype(np.float32)
    cleaned = clean(model)
    assert ("Expand" in operators(cleaned)) == kept
    assert np.abs(run(cleaned, value) - run(model, value)).max() < 1e-6
