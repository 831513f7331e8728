"""What stands beside models: the manifest keeps what it is not told of."""

import shutil

import pytest
from click.testing import CliRunner

pytest.importorskip("onnx", reason="needs the extra: pip install 'edge-emo[export]'")
pytest.importorskip("tensorflow", reason="needs the extra: pip install 'edge-emo[export]'")
pytest.importorskip("tf_keras", reason="needs the extra: pip install 'edge-emo[export]'")

from edge_emo.models.manifest import ModelEntry, models_folder, read_manifest
from export import build_faces, build_models
from export.cards import enter_model

NEW = ModelEntry(default="fp32", cards={"fp32": "new.fp32.json"})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    shutil.copy(models_folder() / "manifest.json", tmp_path)
    for module in (build_models, build_faces):
        monkeypatch.setattr(module, "models_folder", lambda: tmp_path)
    return tmp_path


def test_building_the_voice_models_keeps_the_face_and_the_detector(folder, monkeypatch):
    before = read_manifest()
    monkeypatch.setattr(build_models, "build", lambda name, runs, data, voices: NEW)
    done = CliRunner().invoke(build_models.main, ["--runs", "runs"], catch_exceptions=False)
    assert done.exit_code == 0
    after = read_manifest(folder)
    assert after.tasks == before.tasks
    assert set(after.tasks) == {"voice", "face", "detector"}
    assert after.models == before.models | {"voice": NEW, "voice-classic": NEW}


def test_building_a_face_model_keeps_the_voices(folder, monkeypatch):
    before = read_manifest()
    monkeypatch.setattr(build_faces, "build_face", lambda name, runs, data: NEW)
    done = CliRunner().invoke(build_faces.main, ["--runs", "runs", "--model", "face"], catch_exceptions=False)
    assert done.exit_code == 0
    assert read_manifest(folder).models == before.models | {"face": NEW}
    assert read_manifest(folder).tasks == before.tasks


def test_a_first_model_makes_the_manifest_and_a_failed_write_leaves_it(tmp_path, monkeypatch):
    enter_model(tmp_path, "first", NEW, "voice")
    before = (tmp_path / "manifest.json").read_bytes()
    enter_model(tmp_path, "reference", NEW)
    assert read_manifest(tmp_path).tasks == {"voice": "first"}

    def cut(path, content):
        with path.open("wb") as file:
            file.write(content[:10])
        raise OSError(28, "No space left on device")

    (tmp_path / "manifest.json").write_bytes(before)
    monkeypatch.setattr("pathlib.Path.write_bytes", cut)
    with pytest.raises(OSError, match="No space left"):
        enter_model(tmp_path, "second", NEW)
    assert (tmp_path / "manifest.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]
