"""Networks of more than one input and output: tensors go in and come out by name."""

import numpy as np
import pytest

from edge_emo.core.errors import ModelError
from edge_emo.models.session import Model
from tests.models.tiny_networks import lstm, two_outputs, write_card


@pytest.fixture
def recurrent(tmp_path):
    return Model(write_card(tmp_path, lstm(), ("frames", [None, 1, 3]), ("heard", [None, 1, 1, 2])))


def test_a_state_that_is_given_back_makes_pieces_the_same_as_the_whole(recurrent, rng):
    frames = rng.normal(size=(6, 1, 3)).astype(np.float32)
    start = {name: np.zeros((1, 1, 2), np.float32) for name in ("h", "c")}
    whole = recurrent.run({"frames": frames, **start})
    assert set(whole) == {"heard", "h_next", "c_next"}
    first = recurrent.run({"frames": frames[:2], **start})
    then = recurrent.run({"frames": frames[2:], "h": first["h_next"], "c": first["c_next"]})
    assert np.allclose(np.concatenate([first["heard"], then["heard"]]), whole["heard"], atol=1e-6)
    assert np.allclose(then["c_next"], whole["c_next"], atol=1e-6)
    forgotten = recurrent.run({"frames": frames[2:], **start})
    assert not np.allclose(forgotten["heard"], then["heard"], atol=1e-3)


def test_both_outputs_of_a_network_come_by_name_and_the_cards_own_by_a_call(tmp_path):
    network = Model(write_card(tmp_path, two_outputs(), ("x", [None, 2]), ("turned", [None, 2])))
    x = np.array([[1.0, -2.0]], np.float32)
    found = network.run({"x": x})
    assert {name: value.tolist() for name, value in found.items()} == {"positive": [[1, 0]], "turned": [[-1, 2]]}
    assert list(network.run({"x": x}, ["positive"])) == ["positive"]
    assert network(x).tolist() == [[-1, 2]]


@pytest.mark.parametrize(
    ("inputs", "words"),
    [({"frames": (2, 1, 3)}, "h"), ({"frames": (2, 1, 4), "h": (1, 1, 2), "c": (1, 1, 2)}, r"frames \(2, 1, 4\)")],
)
def test_an_input_that_is_missing_or_of_another_shape_is_named(recurrent, inputs, words):
    with pytest.raises(ModelError, match=rf"tiny\.onnx: cannot be run on inputs of the shapes .*{words}"):
        recurrent.run({name: np.zeros(shape, np.float32) for name, shape in inputs.items()})
