import hashlib
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from edge_emo.core.errors import CardError, ModelDamagedError, ModelError, ModelNotFoundError
from edge_emo.media.sources import sample_path
from edge_emo.models.card_json import read_card
from edge_emo.models.manifest import card_path, models_folder, read_manifest
from edge_emo.models.onnx_format import has_external_data
from edge_emo.models.session import Model

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
    assert re.match(rf"python -m export\.train[._]{card.task} ", card.training["command"])
    output = model(np.zeros([2, *(size or 64 for size in card.input.shape[1:])], np.float32))
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
    with pytest.raises(ModelError, match=r"voice\.int8\.onnx: no ONNX file"):
        Model(described(models, b"no network"))


def described(models, content):
    """Return the card of a model file that holds `content`."""
    (models / "voice.int8.onnx").write_bytes(content)
    path = models / "voice.int8.json"
    document = json.loads(path.read_text())
    document["sha256"] = hashlib.sha256(content).hexdigest()
    path.write_text(json.dumps(document))
    return path


def message(number, content):
    """Return a field of a protocol buffer that holds a message."""
    length = len(content)
    assert length < 1 << 14
    return bytes([number << 3 & 0x7F | 2 | (0x80 if number > 15 else 0), *([number >> 4] if number > 15 else [])]) + (
        bytes([length & 0x7F | 0x80, length >> 7]) + content
    )


def external_tensor(location=True, place=b"\x70\x01"):
    """Return a tensor whose numbers are in the file w.bin: by its location, by where it says they are, or by both."""
    entry = message(1, b"location") + message(2, b"w.bin")
    return b"\x08\x02\x10\x01" + message(8, b"w") + (message(13, entry) if location else b"") + place


@pytest.mark.parametrize(
    "path_to_tensor",
    [(7, 5), (7, 1, 5, 5), (7, 1, 5, 10), (7, 1, 5, 6, 5), (7, 1, 5, 11, 1, 5, 5), (7, 15, 1), (7, 15, 2),
     (7, 1, 5, 22, 1), (7, 1, 5, 23, 2), (25, 7, 5, 5), (25, 11, 6, 5), (20, 1, 5), (20, 2, 5)],
)  # fmt: skip
def test_weights_in_a_file_of_their_own_are_refused_wherever_the_model_names_them(models, path_to_tensor):
    content = external_tensor()
    for number in reversed(path_to_tensor):
        content = message(number, content)
    card = described(models, (models / "voice.int8.onnx").read_bytes() + content)
    with pytest.raises(ModelError, match="weights in a file of their own, which the card's SHA-256 does not cover"):
        Model(card)


@pytest.mark.parametrize(
    "tensor",
    [external_tensor(place=b""), external_tensor(False), external_tensor(False, b"\x70\x81\x80\x80\x80\x10"),
     external_tensor(False, b"\xf0\x00\x01")],
)  # fmt: skip
def test_external_weights_are_seen_however_they_are_written(models, tensor):
    card = described(models, (models / "voice.int8.onnx").read_bytes() + message(7, message(5, tensor)))
    with pytest.raises(ModelError, match="in a file of their own"):
        Model(card)


def test_what_onnx_itself_keeps_outside_is_refused_and_no_file_beside_is_read(models, monkeypatch):
    onnx = pytest.importorskip("onnx")
    model = onnx.load(models / "voice.int8.onnx")
    onnx.save(model, models / "out.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    card = described(models, (models / "out.onnx").read_bytes())
    monkeypatch.chdir(models)  # ONNX Runtime looks for it there
    with pytest.raises(ModelError, match="in a file of their own"):
        Model(card)


def test_verify_tells_of_weights_that_no_card_covers(edge_emo, models):
    described(models, (models / "voice.int8.onnx").read_bytes() + message(7, message(5, external_tensor())))
    done = edge_emo("models", "verify", "--models-dir", models)
    assert done.returncode == 3
    assert b"voice.int8.onnx: keeps its weights in a file of their own" in done.stderr


def test_no_mutation_of_a_model_gives_anything_but_an_error(rng):
    content = (models_folder() / "voice-classic.int8.onnx").read_bytes()
    for _ in range(300):
        mutated = bytearray(content[: rng.integers(1, len(content))] if rng.random() < 0.3 else content[:20000])
        for at in rng.integers(0, len(mutated), 8):
            mutated[at] = rng.integers(256)
        try:
            has_external_data(bytes(mutated))
        except ValueError as error:
            assert "no ONNX file" in str(error)


def test_the_model_that_runs_is_the_one_that_was_verified(models):
    model = Model(models / "voice.int8.json")
    (models / "voice.int8.onnx").write_bytes((models / "voice.fp32.onnx").read_bytes())
    with pytest.raises(ModelDamagedError):
        model.load()


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such files")
@pytest.mark.parametrize("made", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), os.mkdir])
@pytest.mark.parametrize("name", ["voice.int8.onnx", "voice.int8.json", "manifest.json"])
def test_a_pipe_device_or_folder_is_no_model_and_no_card(models, made, name):
    (models / name).unlink()
    made(models / name)
    with pytest.raises(ModelError, match=rf"{re.escape(name)}: .*cannot be read \(is no file\)"):
        Model(card_path("voice", "int8", models))


def test_a_model_too_large_to_be_one_is_not_read(models):
    with open(models / "voice.int8.onnx", "r+b") as file:
        file.truncate(8 << 30)
    with pytest.raises(ModelError, match="is larger than 512 MB"):
        Model(models / "voice.int8.json")


def test_import_is_light_and_telemetry_is_off():
    code = (
        "import sys, os, edge_emo; assert not {'numpy', 'onnxruntime', 'cv2'} & set(sys.modules)\n"
        "import edge_emo.cli; assert not {'numpy', 'onnxruntime', 'cv2', 'rich'} & set(sys.modules)\n"
        "edge_emo.analyze(sys.argv[1])\n"
        "assert os.environ['ORT_DISABLE_TELEMETRY'] == '1'\n"
        "assert not any('socket:' in os.readlink(f'/proc/self/fd/{fd}') for fd in os.listdir('/proc/self/fd')"
        " if os.path.exists(f'/proc/self/fd/{fd}')) if os.path.isdir('/proc/self/fd') else True\n"
    )
    from edge_emo.media.sources import sample_path

    subprocess.run([sys.executable, "-c", code, str(sample_path())], check=True, cwd=models_folder().parent)


def test_the_functions_of_the_package_can_be_called_again():
    code = (
        "import sys, edge_emo; edge_emo.analyze(sys.argv[1]); edge_emo.Analyzer(); edge_emo.analyze(sys.argv[1]); "
        "edge_emo.recommend('calm'); edge_emo.recommend('calm')"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code, str(sample_path())], check=True)
