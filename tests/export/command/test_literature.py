"""Networks of the literature, from a short training to files within every gate. Needs TensorFlow."""

import importlib

import pytest

pytest.importorskip("onnx", reason="needs the extra: pip install 'edge-emo[export]'")
pytest.importorskip("tensorflow", reason="needs the extra: pip install 'edge-emo[export]'")
pytest.importorskip("tf_keras", reason="needs the extra: pip install 'edge-emo[export]'")

from tests.export.command.running import verify


@pytest.mark.parametrize("version", ["Keras 3", "Keras 2"])
@pytest.mark.parametrize("name", ["voice_classic", "cnn_lstm", "mini_xception"])
def test_networks_of_the_literature_pass_every_gate(version, name, tmp_path):
    from benchmarks.export import KERAS, row
    from benchmarks.export import convert as convert_trained

    keras = importlib.import_module(KERAS[version])
    code, told = convert_trained(name, keras, ".keras" if version == "Keras 3" else ".h5", tmp_path)
    assert code == 0, told
    found = row(tmp_path / "out", name)
    assert found["largest_difference"] <= 1e-4
    assert found["label_agreement"] >= 0.98
    assert found["kilobytes"] < 0.6 * found["kilobytes_fp32"]
    assert verify(tmp_path / "out").exit_code == 0
