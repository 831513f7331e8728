"""Voice models are built from their runs: fold files, the files that ship, cards of what was measured on them."""

import pytest

pytest.importorskip("onnx", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tensorflow", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("sklearn", reason="needs the extra: pip install '.[export]'")

import numpy as np
import pytest

from edge_emo.models.card_json import read_card
from edge_emo.models.manifest import read_manifest
from edge_emo.voice.recognizer import VoiceRecognizer


@pytest.mark.parametrize("name", ["voice", "voice-classic"])
def test_a_voice_family_is_built_from_its_folds(name, voices, run_build, models, tmp_path, sample):
    before = read_manifest(models)
    arguments = ["--voices", voices / "further"] if name == "voice" else []
    done = run_build(models, voices, name, *arguments)
    assert done.exit_code == 0, done.output
    assert {path.name for path in (tmp_path / "folds").iterdir()} == {
        f"{name}.fold{fold}.{precision}.{kind}"
        for fold in (1, 2)
        for precision in ("fp32", "int8")
        for kind in ("onnx", "json")
    }
    after = read_manifest(models)
    assert after.tasks == before.tasks
    assert set(after.models) == set(before.models)
    for precision in ("fp32", "int8"):
        card = read_card(models / f"{name}.{precision}.json")
        assert (card.name, card.task, card.training["parameters"]) == (name, "voice", 1)
        assert [metric.name for metric in card.metrics] == ["uar", "accuracy", "ece"]
        assert card.metrics[0].n == 12  # two speakers of EMO-DB whom nobody trained on, of six emotions each
        assert card.parity["held_out_folds"]["clips"] == 64
        assert all(gate["holds"] for gate in card.parity["gates"])
        probabilities = [r.probabilities for r in VoiceRecognizer(models / f"{name}.{precision}.json").readings(sample)]
        assert np.allclose(np.sum(probabilities, axis=1), 1, atol=1e-5)
    fold = read_card(tmp_path / "folds" / f"{name}.fold1.int8.json")
    assert fold.metrics[0].split == "actors 3, 6, none of them in training"
    assert fold.parity["unseen"]["label_agreement"] >= 0.98
    assert fold.metrics[0].value > 0.5, "colors that were learned are heard"


def test_int8_that_differs_on_people_never_heard_does_not_ship(voices, run_build, models, monkeypatch):
    from export.build import voice

    found = {"clips": 64, "label_agreement": 0.9, "uar_change": 0.0, "largest_probability_change": 0.3}
    monkeypatch.setattr(voice, "compare", lambda scores: found)
    done = run_build(models, voices, "voice-classic")
    assert done.exit_code == 0, done.output
    assert "int8 differs too much" in done.stderr
    entry = read_manifest(models).models["voice-classic"]
    assert (entry.default, entry.cards) == ("fp32", {"fp32": "voice-classic.fp32.json"})
    left = sorted(path.name for path in models.glob("voice-classic.*"))
    assert left == ["voice-classic.fp32.json", "voice-classic.fp32.onnx"]
