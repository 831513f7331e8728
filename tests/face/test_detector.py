import sys
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from edge_emo.core.errors import CardError, DecoderMissingError, ModelError, ModelNotFoundError
from edge_emo.face.backends import MediaPipeDetector, YuNetDetector, named
from edge_emo.face.detector import FaceDetector, decode, prepare
from edge_emo.models.card_json import read_card
from edge_emo.models.manifest import card_path
from edge_emo.models.schema import DetectorPreprocessing

SPEC = DetectorPreprocessing()


def cells_of(height, width, *faces):
    """The network's output that states faces: (stride, row, column, logit, values)."""
    parts = {s: np.full((height // s, width // s, 15), -9.0, np.float32) for s in SPEC.strides}
    for stride, row, column, logit, values in faces:
        parts[stride][row, column] = [logit, *values]
    return np.concatenate([part.reshape(-1, 15) for part in parts.values()])


POINTS = (-0.5, -0.5, 0.5, -0.5, 0.0, 0.0, -0.4, 0.5, 0.4, 0.5)


def test_a_cell_becomes_a_face():
    cells = cells_of(256, 320, (16, 3, 5, 2.0, (0.25, -0.5, np.log(4), np.log(5), *POINTS)))
    [face] = decode(cells, (256, 320), SPEC, 0.5, scale=0.5)
    center = (5.5 * 16 + 0.25 * 16, 3.5 * 16 - 0.5 * 16)
    wanted = (center[0] - 32, center[1] - 40, center[0] + 32, center[1] + 40)
    assert face.box == pytest.approx([2 * value for value in wanted])
    assert face.score == pytest.approx(1 / (1 + np.exp(-2)))
    assert face.landmarks[1] == pytest.approx((2 * (5.5 * 16 + 8), 2 * (3.5 * 16 - 8)))
    assert face.area == pytest.approx(128 * 160)


def test_of_overlapping_faces_the_surest_stays():
    one, other = (0, 0, np.log(4), np.log(4), *POINTS), (-1, 0, np.log(4), np.log(4), *POINTS)
    cells = cells_of(64, 64, (8, 3, 3, 1.0, one), (8, 3, 4, 3.0, other), (8, 6, 6, 2.0, (0, 0, 0, 0, *POINTS)))
    found = decode(cells, (64, 64), SPEC, 0.5, scale=1.0)
    assert [round(face.score, 2) for face in found] == [0.95, 0.88]


def test_below_the_threshold_is_nothing():
    cells = cells_of(64, 64, (8, 3, 3, 0.0, (0, 0, 0, 0, *POINTS)))
    assert decode(cells, (64, 64), SPEC, 0.6, scale=1.0) == []
    assert len(decode(cells, (64, 64), SPEC, 0.4, scale=1.0)) == 1
    assert len(decode(cells, (64, 64), SPEC, 0.0, scale=1.0)) > 1


def test_absurd_sizes_stay_finite():
    cells = cells_of(64, 64, (8, 3, 3, 5.0, (0, 0, 1e4, -1e4, *POINTS)))
    [face] = decode(cells, (64, 64), SPEC, 0.5, scale=1.0)
    assert np.isfinite(face.box).all()


@pytest.mark.parametrize(
    ("shape", "inside", "scale"),
    [((480, 640), (256, 320), 0.5), ((2160, 3840), (192, 320), 1 / 12), ((48, 48), (320, 320), 320 / 48)],
)
def test_pictures_of_any_size_come_to_the_networks(shape, inside, scale):
    picture = np.full((*shape, 3), 255, np.uint8)
    network_input, found = prepare(picture, SPEC, 320)
    assert network_input.shape == (*inside, 3)
    assert found == pytest.approx(scale)
    assert network_input[0, 0] == pytest.approx((255 - 127.5) / 64)
    height = round(shape[0] * scale)
    assert not network_input[height:].any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (33, 31)])
def test_odd_pictures_hold_no_face(shape):
    assert FaceDetector().detect(np.zeros((*shape, 3), np.uint8)) == []


@pytest.mark.parametrize("size", [320, 640])
def test_a_real_face_is_found_where_it_is(portrait, size):
    [face] = FaceDetector(size=size).detect(portrait)
    left, top, right, bottom = face.box
    assert 165 < left < 195 and 250 < right < 285 and 35 < top < 90 and 155 < bottom < 200
    right_eye, left_eye, nose, right_mouth, left_mouth = np.array(face.landmarks)
    assert right_eye[0] < nose[0] < left_eye[0]
    assert right_eye[1] < nose[1] < right_mouth[1] < bottom
    assert right_mouth[0] < left_mouth[0]


def test_faces_are_found_in_the_dark_in_grey_and_tilted(portrait):
    detector = FaceDetector()
    gray = np.repeat(portrait.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    turned = cv2.warpAffine(portrait, cv2.getRotationMatrix2D((224, 110), 30, 1.0), (512, 512))
    for picture in (portrait // 4, gray, turned):
        assert any(abs((face.box[0] + face.box[2]) / 2 - 224) < 30 for face in detector.detect(picture))


@pytest.mark.parametrize(
    "picture",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)],
)
def test_arrays_of_another_kind_are_refused(picture):
    with pytest.raises(ValueError, match="pass RGB, uint8"):
        FaceDetector().detect(picture)


def test_a_voice_model_is_no_detector():
    with pytest.raises(CardError, match="its task is voice; a detector model is asked for"):
        FaceDetector(card_path("voice"))


def test_the_detector_keeps_its_size():
    card = read_card(card_path("detector", "int8"))
    assert card.training["parameters"] <= 250_000
    assert (card_path("detector", "int8").parent / card.file).stat().st_size <= 350_000


def test_yunet_needs_its_file(tmp_path):
    with pytest.raises(ModelNotFoundError, match=r"nope\.onnx: no such file; give the path of a YuNet"):
        named(str(tmp_path / "nope.onnx"))
    with pytest.raises(ModelNotFoundError, match="no such file"):
        named("a" * 300)
    (tmp_path / "no.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match="is no YuNet model"):
        YuNetDetector(tmp_path / "no.onnx")


def test_a_yunet_that_would_lead_to_other_files_or_fill_the_memory_is_refused(tmp_path):
    (tmp_path / "part.onnx").write_bytes(b"\x3a\4\x2a\2\x70\1")  # graph.initializer[0].data_location = EXTERNAL
    with pytest.raises(ModelError, match="keeps its weights in a file of their own"):
        YuNetDetector(tmp_path / "part.onnx")
    with open(tmp_path / "large.onnx", "wb") as file:
        file.truncate(1 << 33)
    with pytest.raises(ModelError, match="is larger than 512 MB"):
        YuNetDetector(tmp_path / "large.onnx")


def test_mediapipe_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "mediapipe", None)
    with pytest.raises(DecoderMissingError, match=r"pip install '\.\[mediapipe\]'"):
        MediaPipeDetector()


def test_a_mediapipe_without_models_is_told(monkeypatch):
    import types

    import edge_emo.face.backends as backends

    monkeypatch.setitem(__import__("sys").modules, "mediapipe", types.ModuleType("mediapipe"))
    monkeypatch.setattr(backends, "version", lambda name: "0.10.35")
    with pytest.raises(DecoderMissingError, match=r"0\.10\.35 holds no models any more"):
        named("mediapipe")


class OneAtATime:
    """Stands for OpenCV's YuNet and MediaPipe's graph, which keep the picture's size, or the time, between calls."""

    def __init__(self):
        self.size = None

    def setInputSize(self, size):  # noqa: N802
        self.size = size

    def detect(self, picture):
        size = self.size
        time.sleep(0.001)
        if not picture.shape[1::-1] == size == self.size:
            raise cv2.error("the size of the picture is not the one that was set")
        return 1, np.array([[*range(14), picture.shape[1] / 1000]], np.float32)

    def process(self, picture):
        self.size = picture.shape
        time.sleep(0.001)
        assert self.size == picture.shape
        box = SimpleNamespace(xmin=0, ymin=0, width=1, height=1)
        found = SimpleNamespace(
            score=[picture.shape[1] / 1000], location_data=SimpleNamespace(relative_bounding_box=box)
        )
        return SimpleNamespace(detections=[found])


@pytest.mark.parametrize("name", ["yunet", "mediapipe"])
def test_eight_threads_share_one_detector_of_another_kind(tmp_path, monkeypatch, name):
    (tmp_path / "yunet.onnx").touch()
    monkeypatch.setattr(cv2.FaceDetectorYN, "create", lambda *given: OneAtATime())
    solutions = SimpleNamespace(face_detection=SimpleNamespace(FaceDetection=lambda **given: OneAtATime()))
    monkeypatch.setitem(sys.modules, "mediapipe", SimpleNamespace(solutions=solutions))
    monkeypatch.setattr("edge_emo.face.backends.version", lambda package: "0.10.21")
    detector = named(str(tmp_path / "yunet.onnx") if name == "yunet" else "mediapipe")

    def detect(number):
        picture = np.zeros((100, 101 + number, 3), np.uint8)
        return [detector.detect(picture)[0].score for _ in range(10)]

    with ThreadPoolExecutor(8) as pool:
        for number, scores in enumerate(pool.map(detect, range(8))):
            assert scores == [pytest.approx((101 + number) / 1000)] * 10
