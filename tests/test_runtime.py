import json
import subprocess
import sys

import numpy as np
import pytest

from edge_emo.card import models_folder, read_card, read_manifest
from edge_emo.errors import CardError, ModelDamagedError, ModelError, ModelNotFoundError
from edge_emo.runtime import Model
from edge_emo.sources import sample_path

CARDS = [name for entry in read_manifest().models.values() for name in entry.cards.values()]


@pytest.mark.parametrize("name", CARDS)
def test_every_model_that_ships_is_the_one_its_card_describes(name):
    model = Model(models_folder() / name)
    model.load()
    card = model.card
    assert card.metrics, "a card holds the metrics of its file"
    assert card.parity
    assert card.license == "CC-BY-NC-SA-4.0"
    corpus = {"voice": "RAVDESS", "face": "FER2013", "detector": "ExpW"}[card.task]
    assert corpus in card.license_note
    assert card.training["command"].startswith(f"python -m export.train_{card.task}")
    output = model.run(np.zeros([2, *(size or 64 for size in card.input.shape[1:])], np.float32))
    assert output.shape == ((2, 84, 15) if card.task == "detector" else (2, 8))
    assert card.name in repr(model)


def test_the_default_network_keeps_its_size():
    card = read_card(models_folder() / "voice.int8.json")
    assert (models_folder() / card.file).stat().st_size <= 500_000
    assert card.training["parameters"] <= 400_000


def test_the_classic_network_has_the_originals_parameters():
    assert read_card(models_folder() / "voice-classic.fp32.json").training["parameters"] == 261_256


def test_one_flipped_byte_is_noticed(models):
    path = models / "voice.int8.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ModelDamagedError, match=r"voice\.int8\.onnx: SHA-256"):
        Model(models / "voice.int8.json")


def test_a_missing_model_file_is_named(models):
    (models / "voice.int8.onnx").unlink()
    with pytest.raises(ModelNotFoundError, match=r"voice\.int8\.onnx: the model file is missing"):
        Model(models / "voice.int8.json")


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("input", "name"), "other", r"input\.name is 'other'"),
        (("input", "shape"), [None, 100, 80], r"input\.shape"),
        (("output", "name"), "other", r"output\.name"),
    ],
)
def test_a_card_that_does_not_fit_the_network_is_named(models, keys, value, message):
    path = models / "voice.int8.json"
    document = json.loads(path.read_text())
    document[keys[0]][keys[1]] = value
    path.write_text(json.dumps(document))
    with pytest.raises(CardError, match=message):
        Model(path).load()


def test_a_file_that_is_no_network_is_said_to_be_none(models):
    import hashlib

    (models / "voice.int8.onnx").write_bytes(b"no network")
    path = models / "voice.int8.json"
    document = json.loads(path.read_text())
    document["sha256"] = hashlib.sha256(b"no network").hexdigest()
    path.write_text(json.dumps(document))
    with pytest.raises(ModelError, match="cannot load it"):
        Model(path).load()


def test_import_is_light_and_telemetry_is_off():
    code = (
        "import sys, os, edge_emo; assert not {'numpy', 'onnxruntime', 'cv2'} & set(sys.modules)\n"
        "import edge_emo.cli; assert not {'numpy', 'onnxruntime', 'cv2', 'rich'} & set(sys.modules)\n"
        "edge_emo.analyze(sys.argv[1])\n"
        "assert os.environ['ORT_DISABLE_TELEMETRY'] == '1'\n"
        "assert not any('socket:' in os.readlink(f'/proc/self/fd/{fd}') for fd in os.listdir('/proc/self/fd')"
        " if os.path.exists(f'/proc/self/fd/{fd}')) if os.path.isdir('/proc/self/fd') else True\n"
    )
    from edge_emo.sources import sample_path

    subprocess.run([sys.executable, "-c", code, str(sample_path())], check=True, cwd=models_folder().parent)


def test_the_functions_of_the_package_can_be_called_again():
    code = (
        "import sys, edge_emo; edge_emo.analyze(sys.argv[1]); edge_emo.Analyzer(); edge_emo.analyze(sys.argv[1]); "
        "edge_emo.recommend('calm'); edge_emo.recommend('calm')"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code, str(sample_path())], check=True)
