"""`verify`: every gate again, on the files as they lie there. Needs TensorFlow."""

import json
import subprocess
import sys

import pytest

pytest.importorskip("onnx", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tensorflow", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tf_keras", reason="needs the extra: pip install '.[export]'")

import numpy as np
import onnx

from tests.docs.blocks import ROOT
from tests.export.command.running import card, verify


def test_verify_measures_every_gate_again(exported):
    done = verify(exported[0])
    assert done.exit_code == 0, done.output
    assert "FAILED" not in done.output
    for words in (
        "largest difference from the source",
        "of labels agree with fp32 (limit 98%",
        "layers that can saturate",
    ):
        assert words in done.output


def test_verify_runs_without_tensorflow_and_says_nothing_else(exported):
    code = "import sys\nfrom export.__main__ import main\ntry: main()\nfinally: print('tensorflow' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, "verify", exported[0]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "False"


def test_verify_finds_a_changed_model(out):
    content = bytearray((out / "net.int8.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (out / "net.int8.onnx").write_bytes(content)
    done = verify(out)
    assert done.exit_code == 1
    assert "FAILED net.int8.json" in done.output
    assert "SHA-256" in done.output


def test_verify_finds_a_model_that_is_no_longer_its_source(out):
    """The card was made to fit another model, so that only the gate can see it."""
    import hashlib

    model = onnx.load(out / "net.fp32.onnx")
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size > 10:
            tensor.CopyFrom(onnx.numpy_helper.from_array(values * 1.01, tensor.name))
    (out / "net.fp32.onnx").write_bytes(model.SerializeToString())
    changed = card(out / "net.fp32.json") | {"sha256": hashlib.sha256(model.SerializeToString()).hexdigest()}
    (out / "net.fp32.json").write_text(json.dumps(changed))
    done = verify(out)
    assert done.exit_code == 1
    assert "FAILED net.fp32.onnx: largest difference from the source" in done.output


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda out: (out / "net.parity.npz").write_bytes(b"PK"), "is not the file that the card was written for"),
        (lambda out: (out / "net.parity.npz").unlink(), "net.parity.npz is not here); convert"),
        (lambda out: (out / "net.int8.json").unlink(), "has no card net.int8.json"),
        (lambda out: (out / "net.int8.json").write_text("{"), "FAILED net.int8.json"),
        (lambda out: (out / "net.fp32.onnx").unlink(), "the model file is missing"),
        (lambda out: [path.unlink() for path in out.iterdir()], "holds no model with a card"),
    ],
)
def test_verify_names_what_is_missing_or_damaged(out, damage, words):
    damage(out)
    done = verify(out)
    assert done.exit_code == 1
    assert words in done.output
