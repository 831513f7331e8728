"""Networks of the literature, from a short training to files within every gate. Needs TensorFlow."""

import importlib

import pytest

pytest.importorskip("onnx", reason="needs the extra: pip install 'edge-emo[export]'")
pytest.importorskip("tensorflow", reason="needs the extra: pip install 'edge-emo[export]'")
pytest.importorskip("tf_keras", reason="needs the extra: pip install 'edge-emo[export]'")

from tests.export.command.running import verify

SLOW = pytest.mark.slow  # .ci/run tries each network from one Keras; benchmarks.export does all of them
PAIRS = [
    ("voice_classic", "Keras 2"),
    ("cnn_lstm", "Keras 3"),
    ("mini_xception", "Keras 2"),
    pytest.param("voice_classic", "Keras 3", marks=SLOW),
    pytest.param("cnn_lstm", "Keras 2", marks=SLOW),
    pytest.param("mini_xception", "Keras 3", marks=SLOW),
]


@pytest.mark.parametrize(("name", "version"), PAIRS)
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
