"""What stands beside models: a card is written whole or not at all, and a manifest keeps what it is not told of."""

import os

import pytest

pytest.importorskip("onnx", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tensorflow", reason="needs the extra: pip install '.[export]'")

from edge_emo.models.card_json import read_card
from edge_emo.models.manifest import ModelEntry, models_folder, read_manifest
from export.cards import encoded, save_card, with_entry

NEW = ModelEntry(default="fp32", cards={"fp32": "new.fp32.json"})


def test_where_the_disk_fails_at_the_end_the_card_that_was_there_stays(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    card, path = read_card(models_folder() / "voice.int8.json"), tmp_path / "voice.int8.json"
    path.write_text("of before")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            save_card(card, tmp_path)
    assert path.read_text() == "of before"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    save_card(card, tmp_path)
    assert read_card(path) == card


def test_a_first_model_makes_the_manifest_and_a_reference_serves_no_task(tmp_path):
    (tmp_path / "manifest.json").write_bytes(encoded(with_entry(tmp_path, "first", NEW, "voice")))
    after = with_entry(tmp_path, "reference", NEW)
    assert after.tasks == {"voice": "first"}
    assert set(after.models) == {"first", "reference"}


def test_a_model_put_into_the_manifest_leaves_the_others():
    before = read_manifest()
    after = with_entry(models_folder(), "voice", NEW, "voice")
    assert after.tasks == before.tasks
    assert after.models == before.models | {"voice": NEW}
