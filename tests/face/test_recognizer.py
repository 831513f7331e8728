import numpy as np
import pytest

from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.errors import CardError
from edge_emo.face.detector import Face, FaceDetector
from edge_emo.face.recognizer import FaceRecognizer
from edge_emo.models.card_json import read_card
from edge_emo.models.manifest import card_path, models_folder, read_manifest

EVERYTHING = [card for entry in read_manifest().models.values() for card in entry.cards.values()]
CARDS = [card for card in EVERYTHING if read_card(models_folder() / card).task == "face"]


@pytest.fixture(scope="module")
def face(portrait):
    return FaceDetector().detect(portrait)[0]


@pytest.mark.parametrize("card", CARDS)
def test_a_smile_is_a_happy_face(portrait, face, card):
    [probabilities] = FaceRecognizer(models_folder() / card).probabilities(portrait, [face])
    assert probabilities.shape == (8,)
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert probabilities[EMOTIONS.index("calm")] == 0
    assert EMOTIONS[int(probabilities.argmax())] == "happy"


def test_contempt_is_read_as_disgust():
    recognizer = FaceRecognizer()
    labels = recognizer.card.labels
    assert "contempt" in labels
    from edge_emo.models.calibration import calibrated

    logits = np.full((1, len(labels)), -20, np.float32)
    logits[0, labels.index("contempt")] = 20
    assert calibrated(logits, recognizer.card)[0, EMOTIONS.index("disgust")] == pytest.approx(1)


def test_the_landmarks_and_the_box_say_much_the_same(portrait, face):
    recognizer = FaceRecognizer()
    [by_points], [by_box] = (recognizer.probabilities(portrait, [each]) for each in (face, Face(face.box, face.score)))
    assert by_points.argmax() == by_box.argmax()


def test_colour_and_light_change_little(portrait, face):
    recognizer = FaceRecognizer()
    gray = np.repeat(portrait.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    for picture in (gray, portrait // 2, np.clip(portrait.astype(int) + 40, 0, 255).astype(np.uint8)):
        [probabilities] = recognizer.probabilities(picture, [face])
        assert EMOTIONS[int(probabilities.argmax())] == "happy"


def test_each_face_has_its_own_row(portrait, face):
    recognizer = FaceRecognizer()
    other = Face((0.0, 300.0, 100.0, 400.0), 0.9)
    both = recognizer.probabilities(portrait, [face, other])
    assert both.shape == (2, 8)
    for row, each in zip(both, (face, other), strict=True):
        assert np.allclose(row, recognizer.probabilities(portrait, [each])[0], atol=1e-5)
    assert recognizer.probabilities(portrait, []).shape == (0, 8)


def test_a_face_beyond_the_picture_is_cut_out_all_the_same(portrait):
    found = FaceRecognizer().probabilities(portrait, [Face((-500.0, -500.0, -400.0, -400.0), 0.9)])
    assert np.isfinite(found).all()


def test_what_is_no_picture_is_refused(face):
    with pytest.raises(ValueError, match="pass RGB"):
        FaceRecognizer().probabilities(np.zeros((10, 10), np.uint8), [face])


def test_a_voice_model_is_no_face_model():
    with pytest.raises(CardError, match="a face model is asked for"):
        FaceRecognizer(card_path("voice"))


def test_the_network_keeps_its_size():
    card = read_card(card_path("face", "int8"))
    assert card.training["parameters"] <= 600_000
    assert (models_folder() / card.file).stat().st_size <= 700_000
