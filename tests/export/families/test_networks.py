"""The networks of the families: what they take, what they cost, and that they are converted as they are."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="needs the extra: pip install '.[export]'")
onnx = pytest.importorskip("onnx", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tf2onnx", reason="needs the extra: pip install '.[export]'")

from edge_emo.models.card_json import read_card
from edge_emo.models.manifest import models_folder, read_manifest
from export import families
from export.keras.convert import ParityError, to_onnx
from export.keras.loading import from_keras
from export.measure.inference import run


def randomised(network, rng):
    """A network whose BatchNorm statistics are not the trivial ones it starts with."""
    weights = network.get_weights()
    network.set_weights([w + 0.1 * np.abs(rng.standard_normal(w.shape)) if w.ndim == 1 else w for w in weights])
    return network


@pytest.mark.parametrize("name", families.names())
def test_a_family_is_what_the_card_of_its_model_says(name):
    family, card = families.load(name), read_card(models_folder() / f"{name}.fp32.json")
    for field in ("name", "task", "version", "description", "license", "license_note"):
        assert getattr(card, field) == getattr(family, field)
    assert {metric.name for metric in card.metrics} == set(family.metrics)
    assert (read_manifest().tasks[family.task] == name) is family.is_default
    assert any("Cast" in node.op_type for node in onnx.load(models_folder() / card.file).graph.node) is (
        family.stores_halves
    )


@pytest.mark.parametrize("name", families.names())
def test_a_network_takes_what_its_front_end_gives(name):
    family = families.load(name)
    given = {
        "voice": lambda: family.front_end.input.shape,
        "face": lambda: family.front_end.shape,
        "detector": lambda: (None, None, 3),
    }[family.task]()
    assert [size for size in family.network().input_shape[1:] if size != 1] == [size for size in given if size != 1]


@pytest.mark.parametrize(("name", "parameters"), [("voice-classic", 261_256), ("voice", 400_000)])
def test_parameters(name, parameters):
    count = families.load(name).network().count_params()
    assert count == parameters if name == "voice-classic" else count <= parameters


@pytest.mark.parametrize(("name", "nodes"), [("voice-classic", 13), ("voice", 35)])
def test_conversion_is_exact_and_clean(rng, name, nodes):
    network = randomised(families.load(name).network(), rng)
    samples = rng.standard_normal((20, *network.input_shape[1:])).astype(np.float32)
    conversion = to_onnx(from_keras(network, name), samples)
    assert len(conversion.model.graph.node) <= nodes
    assert not any(step.failure for step in conversion.steps)
    operators = {node.op_type for node in conversion.model.graph.node}
    assert not operators & {"BatchNormalization", "Unsqueeze", "Squeeze", "Identity", "Cast"}
    expected = network.predict(samples, verbose=0)
    assert np.abs(run(conversion.model, samples) - expected).max() <= 1e-4


def test_a_model_that_differs_from_its_source_is_not_let_out(rng):
    network = from_keras(families.load("voice-classic").network(), "voice-classic")
    wrong = replace(network, predict=lambda samples: network.predict(samples) + 0.01)
    with pytest.raises(ParityError, match=r"differs by 0\.\d+ of its outputs, at most 0\.001"):
        to_onnx(wrong, network.random_inputs(4))
