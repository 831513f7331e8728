"""The models that ship are those whose cost is kept."""

import pytest

pytest.importorskip("onnx", reason="needs the extra: pip install '.[export]'")

from benchmarks import environment
from benchmarks.cost import model_cost, model_costs
from edge_emo.models.manifest import models_folder


def test_operations_weights_and_bytes_are_the_kept_ones():
    assert model_costs() == environment.read("cost")["results"]["models"]


def test_a_network_is_counted():
    found = model_cost(models_folder() / "face.fp32.onnx")
    assert found["operations"]["Conv"] == 12
    assert 540_000 < found["parameters"] < 545_000
    assert found["bytes"] == (models_folder() / "face.fp32.onnx").stat().st_size
