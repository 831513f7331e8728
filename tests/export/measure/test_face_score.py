import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra: pip install '.[export]'")

from edge_emo.core.emotions import EMOTIONS
from edge_emo.face.recognizer import FaceRecognizer
from edge_emo.models.card_json import read_card
from edge_emo.models.manifest import card_path
from export.measure.face_score import FaceScores, compare, score
from export.train.face_data import LABELS, Faces


@pytest.fixture
def card():
    return read_card(card_path("face"))


def scores(card, rng, n=400, sharpness=1.0):
    """A network that is right as often as it is sure, its logits multiplied by `sharpness`."""
    logits = rng.normal(0, 2, (n, len(LABELS))).astype(np.float32)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(len(LABELS), p=row / row.sum()) for row in probabilities.astype(float)])
    return FaceScores(card, logits * np.float32(sharpness), labels)


def test_contempt_and_disgust_are_one_emotion(card):
    logits = np.eye(8, dtype=np.float32) * 30
    found = FaceScores(card, logits, np.arange(8))
    disgust = EMOTIONS.index("disgust")
    assert found.emotions[LABELS.index("contempt")] == found.emotions[LABELS.index("disgust")] == disgust
    report = found.report()
    assert (report["accuracy"], report["macro_recall"], report["accuracy_emotions"]) == (1, 1, 1)


def test_the_temperature_undoes_what_sharpened_the_network(card, rng):
    temperature, threshold = scores(card, rng, 3000, sharpness=2.0).calibration()
    assert temperature == pytest.approx(2.0, abs=0.2)
    assert 0.3 < threshold < 0.7


def test_no_face_is_scored_at_a_temperature_that_it_fitted(card, rng):
    found = scores(card, rng, 200, sharpness=3.0)
    before = found.calibrated_elsewhere()
    first = np.random.default_rng(0).permutation(200) % 2 == 0
    changed = FaceScores(card, np.where(first[:, None], found.logits, found.logits / 10), found.labels)
    # other answers for the second half change the temperature of the first, not its own
    after = changed.calibrated_elsewhere()
    assert np.abs(after[first] - before[first]).max() > 1e-3
    assert found.part(first).probabilities(found.part(~first).calibration()[0]) == pytest.approx(before[first])


def test_files_are_compared_face_by_face(card, rng):
    fp32 = scores(card, rng)
    assert compare(fp32, fp32) == {
        "faces": 400,
        "label_agreement": 1.0,
        "accuracy_change": 0.0,
        "largest_probability_change": 0.0,
    }
    wrong = FaceScores(card, np.roll(fp32.logits, 1, axis=1), fp32.labels)
    assert compare(fp32, wrong)["label_agreement"] == 0
    assert compare(fp32, wrong)["accuracy_change"] < -0.2


def test_pictures_go_through_the_path_of_the_runtime(rng):
    faces = Faces(rng.integers(0, 256, (3, 48, 48), np.uint8), np.eye(8, dtype=np.float32)[:3])
    recognizer = FaceRecognizer()
    found = score(recognizer, faces)
    assert found.labels.tolist() == [0, 1, 2]
    expected = recognizer.of_cut_outs([np.repeat(p[..., None], 3, axis=2) for p in faces.pictures])
    assert np.allclose(found.probabilities(), expected, atol=1e-5)
