"""`python -m export.build`: what is merged, what a crash leaves, and that a new family is one new file."""

import os

import pytest

pytest.importorskip("onnx", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tensorflow", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("sklearn", reason="needs the extra: pip install '.[export]'")

from edge_emo.models.card_json import read_card
from edge_emo.models.manifest import read_manifest
from export import families

NEW = """
from dataclasses import replace

from export.families import face
from tests.export.build.tiny import tiny_face

FAMILY = replace(
    face.FAMILY, name="tiny-face", network=tiny_face, description="A new family.", is_default=False, version="0.1.0"
)
"""


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_new_family_is_one_new_file_and_the_manifest_keeps_the_others(
    faces, run_build, models, tmp_path, monkeypatch
):
    (tmp_path / "families").mkdir()
    (tmp_path / "families" / "tiny_face.py").write_text(NEW)
    monkeypatch.setattr(families, "__path__", [*families.__path__, str(tmp_path / "families")])
    runs = faces / "runs"
    if not (runs / "tiny-face").exists():
        (runs / "tiny-face").symlink_to(runs / "face")
    before, files = read_manifest(models), content(models)
    done = run_build(models, faces, "tiny-face")
    assert done.exit_code == 0, done.output
    after = read_manifest(models)
    assert after.tasks == before.tasks
    assert set(after.models) == {*before.models, "tiny-face"}
    assert {name: after.models[name] for name in before.models} == before.models
    card = read_card(models / "tiny-face.int8.json")
    assert (card.name, card.version, card.description) == ("tiny-face", "0.1.0", "A new family.")
    left = content(models)
    assert {name: left[name] for name in files if name != "manifest.json"} == {
        name: value for name, value in files.items() if name != "manifest.json"
    }


def test_a_disk_that_is_full_at_the_end_leaves_the_models_as_they_were(faces, run_build, models, monkeypatch):
    before, synced, sync = content(models), [], os.fsync

    def full(descriptor):
        synced.append(descriptor)
        if len(synced) == 5:  # the fourth file of five is on the disk
            raise OSError(28, "No space left on device")
        sync(descriptor)

    from export.build import files

    publish = files.publish

    def publish_on_a_small_disk(*arguments):
        monkeypatch.setattr(os, "fsync", full)
        publish(*arguments)

    monkeypatch.setattr(files, "publish", publish_on_a_small_disk)
    done = run_build(models, faces, "face")
    assert done.exit_code == 1
    assert "No space left" in done.output
    assert len(synced) == 5
    assert content(models) == before


def test_a_crash_in_the_middle_leaves_the_models_as_they_were(faces, run_build, models, monkeypatch):
    from export.build import face

    def crash(recognizer, pictures):
        raise RuntimeError("the process was killed")

    monkeypatch.setattr(face, "score", crash)
    before = content(models)
    done = run_build(models, faces, "face")
    assert isinstance(done.exception, RuntimeError)
    assert content(models) == before


def test_a_run_that_is_missing_is_named(faces, run_build, models):
    before = content(models)
    done = run_build(models, faces, "face-detector")
    assert done.exit_code == 1
    assert "detector" in done.output
    assert content(models) == before


def test_an_unknown_family_is_told_with_those_that_are_known(run_build, models, tmp_path):
    before = content(models)
    done = run_build(models, tmp_path, "face", "gait")
    assert done.exit_code == 2
    assert (
        "gait is no family of models; known are face, face-classic, face-detector, voice, voice-classic" in done.stderr
    )
    assert content(models) == before


def test_a_detector_is_built_before_the_faces_that_need_it():
    assert [family.name for family in families.in_order(["face", "face-detector"])] == ["face-detector", "face"]


def test_the_names_of_all_families_are_those_of_their_files():
    for name in families.names():
        assert families.load(name).name == name


@pytest.mark.parametrize("task", ["voice", "face", "detector"])
def test_one_family_serves_each_task(task):
    assert sum(families.load(name).is_default for name in families.of_task(task)) == 1
