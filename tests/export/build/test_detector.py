"""The detector is built with a threshold chosen on some photos and figures of others."""

import pytest

pytest.importorskip("onnx", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tensorflow", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("sklearn", reason="needs the extra: pip install '.[export]'")

from edge_emo.face.detector import FaceDetector
from edge_emo.models.card_json import read_card
from edge_emo.models.manifest import read_manifest
from export.train.detector_data import photos as read_photos


def test_the_detector_is_built_and_finds_what_it_learned(photos, run_build, models):
    done = run_build(models, photos, "face-detector")
    assert done.exit_code == 0, done.output
    assert read_manifest(models).tasks["detector"] == "face-detector"
    for precision in ("fp32", "int8"):
        card = read_card(models / f"face-detector.{precision}.json")
        assert [metric.name for metric in card.metrics] == ["recall", "false_per_photo"]  # no photo has small faces
        assert card.metrics[0].split == "the last 4 by name, none of them in training"
        assert card.metrics[0].value == 1.0
        found = FaceDetector(models / f"face-detector.{precision}.json").detect(
            read_photos(photos / "detector")[0].read()
        )
        assert len(found) >= 1
