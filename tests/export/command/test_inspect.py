"""`inspect`: what a file holds, and what of it a conversion loses. Needs TensorFlow."""

import importlib
import json

import pytest

pytest.importorskip("onnx", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tensorflow", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tf_keras", reason="needs the extra: pip install '.[export]'")

import numpy as np
from click.testing import CliRunner

from export.__main__ import main


@pytest.mark.parametrize("version", ["keras", "tf_keras"])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_inspect_tells_shapes_parameters_and_what_is_lost(version, suffix, tmp_path):
    keras = importlib.import_module(version)
    layers = keras.layers
    inner = keras.Sequential([layers.Input((8,)), layers.Dense(4, name="inner"), layers.Dropout(0.1, name="drop")])
    model = keras.Sequential([layers.Input((8,)), inner, layers.Dense(2, name="last")])
    model.compile("adam", "mse")
    model.fit(np.zeros((2, 8)), np.zeros((2, 2)), verbose=0)
    path = tmp_path / f"net{suffix}"
    model.save(path)
    text = CliRunner().invoke(main, ["inspect", str(path)])
    assert text.exit_code == 0, text.output
    assert "input 8, 2 outputs, 46 parameters" in text.stdout
    assert "left out, as running needs none of it: optimizer, loss and metrics" in text.stdout
    assert f"Keras {keras.__version__}" in text.stdout
    found = json.loads(CliRunner().invoke(main, ["inspect", str(path), "--json"]).stdout)
    rows = {layer["name"]: (layer["class"], layer["output_shape"], layer["parameters"]) for layer in found["layers"]}
    assert rows["inner"] == ("Dense", "(?, 4)", 36)
    assert rows["last"] == ("Dense", "(?, 2)", 10)
    assert found["removed_in_conversion"] == ["drop"]
    assert "optimizer, loss and metrics" in found["lost_in_conversion"]
