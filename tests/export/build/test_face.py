"""Face models are built on what the detector that ships sees in FER+, and refused where int8 is another model."""

import pytest

pytest.importorskip("onnx", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tensorflow", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("sklearn", reason="needs the extra: pip install '.[export]'")

from edge_emo.face.recognizer import FaceRecognizer
from edge_emo.models.card_json import read_card
from edge_emo.models.manifest import read_manifest


@pytest.mark.parametrize("name", ["face", "face-classic"])
def test_a_face_family_is_built_where_the_detector_sees_faces(name, faces, run_build, models, portrait):
    before = read_manifest(models)
    done = run_build(models, faces, name)
    assert done.exit_code == 0, done.output
    assert read_manifest(models).tasks == before.tasks
    for precision in ("fp32", "int8"):
        card = read_card(models / f"{name}.{precision}.json")
        assert [metric.name for metric in card.metrics] == ["accuracy", "macro_recall", "ece"]
        assert card.metrics[0].n == 40
        assert card.metrics[0].value > 0.9, "marks that were learned are seen"
        left_eye, right_eye = card.preprocessing.points[:2]
        assert left_eye[0] < 0.5 < right_eye[0]
        assert 0.2 < left_eye[1] < 0.6
        assert len(FaceRecognizer(models / f"{name}.{precision}.json").of_cut_outs([portrait[50:190, 155:295]])) == 1
    assert "16 bits" in read_card(models / f"{name}.fp32.json").parity["storage"]["weights"]


def test_int8_that_differs_on_faces_never_seen_stops_the_build(faces, run_build, models, monkeypatch):
    from export.build import face

    monkeypatch.setattr(face, "compare", lambda fp32, int8: {"label_agreement": 0.9, "accuracy_change": 0.0})
    before = {path.name: path.read_bytes() for path in models.iterdir()}
    done = run_build(models, faces, "face")
    assert done.exit_code == 1
    assert "face: int8 differs too much from fp32 on PublicTest" in done.output
    assert {path.name: path.read_bytes() for path in models.iterdir()} == before
