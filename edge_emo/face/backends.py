"""Other face detectors behind the same protocol: MediaPipe, and OpenCV's YuNet from a file of one's own."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock
from typing import Any

import cv2
import numpy as np

from edge_emo.core.errors import DecoderMissingError, ModelError, ModelNotFoundError
from edge_emo.core.files import read_bytes
from edge_emo.core.text import to_install
from edge_emo.face.detector import Detector, Face, Pixels, checked
from edge_emo.models.onnx_format import has_external_data
from edge_emo.models.session import LARGEST_MODEL


def named(name: str, threshold: float = 0.6) -> Detector:
    """Return the detector "mediapipe", or YuNet from the file at the path `name`. Raises ModelError or ImportError."""
    return MediaPipeDetector(threshold) if name == "mediapipe" else YuNetDetector(name, threshold)


class YuNetDetector:
    """YuNet (Wu, Peng and Yu 2023, Machine Intelligence Research 20) through OpenCV, from its ONNX file.

    `size` is the longer side in pixels to which larger pictures are brought. Raises ModelError.
    """

    def __init__(self, model: str | os.PathLike[str], threshold: float = 0.6, *, size: int = 640) -> None:
        path = Path(model)
        if not os.path.isfile(path):  # also of a name that is too long
            raise ModelNotFoundError(
                f"{path}: no such file; give the path of a YuNet ONNX file, or leave --detector out"
            )
        content = np.frombuffer(_whole(path), np.uint8)
        self.name, self._size, self._lock = f"YuNet {path.name}", size, Lock()
        try:
            self._detector = cv2.FaceDetectorYN.create(
                "onnx", content, np.zeros(0, np.uint8), (size, size), threshold, 0.3, 5000
            )
        except cv2.error as error:
            raise ModelError(f"{path}: is no YuNet model that OpenCV {cv2.__version__} can load") from error

    def detect(self, picture: Pixels) -> list[Face]:
        """Return the faces of an RGB picture, the surest first. Raises ModelError where the file is no YuNet."""
        picture = checked(picture)
        scale = min(1.0, self._size / max(picture.shape[:2]))
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else picture
        try:
            with self._lock:  # the size is the detector's, whichever thread set it last
                self._detector.setInputSize(small.shape[1::-1])
                rows = self._detector.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))[1]
        except cv2.error as error:
            raise ModelError(f"{self.name}: does not work as YuNet does; give another file") from error
        faces = [_face(row / scale, float(row[14])) for row in (rows if rows is not None else [])]
        return sorted(faces, key=lambda face: -face.score)


class MediaPipeDetector:
    """MediaPipe's face detection, full range, of the releases that hold its model. Raises DecoderMissingError."""

    def __init__(self, threshold: float = 0.5) -> None:
        try:
            import mediapipe

            release = version("mediapipe")
        except (ImportError, PackageNotFoundError) as error:
            raise DecoderMissingError(
                f"mediapipe is not installed or does not load; {to_install('mediapipe')} (Python 3.10 to 3.12)"
            ) from error
        if not hasattr(mediapipe, "solutions"):
            raise DecoderMissingError(
                f"mediapipe {release} holds no models any more; pip install 'mediapipe<=0.10.21' (Python up to 3.12)"
            )
        self.name, self._lock = f"MediaPipe {release}", Lock()
        self._detection: Any = mediapipe.solutions.face_detection.FaceDetection(
            model_selection=1, min_detection_confidence=threshold
        )

    def detect(self, picture: Pixels) -> list[Face]:
        """Return the faces of an RGB picture, the surest first; without landmarks, since it has no mouth corners."""
        picture = checked(picture)
        height, width = picture.shape[:2]
        faces = []
        with self._lock:  # its graph takes one picture at a time
            detections = self._detection.process(np.ascontiguousarray(picture)).detections
        for found in detections or []:
            box = found.location_data.relative_bounding_box
            left, top = box.xmin * width, box.ymin * height
            corners = (left, top, left + box.width * width, top + box.height * height)
            faces.append(Face(corners, float(found.score[0])))
        return sorted(faces, key=lambda face: -face.score)


def _whole(path: Path) -> bytes:
    """Return a model that is one file, which OpenCV would follow to others by its name or what it holds."""
    try:
        content = read_bytes(path, LARGEST_MODEL)
        is_part = has_external_data(content)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(f"{path}: is no YuNet model ({reason}); give its ONNX file") from error
    if is_part:
        raise ModelError(f"{path}: keeps its weights in a file of their own; save it as one file")
    return content


def _face(row: Any, score: float) -> Face:
    left, top, width, height = map(float, row[:4])
    points = tuple((float(x), float(y)) for x, y in row[4:14].reshape(5, 2))
    return Face((left, top, left + width, top + height), score, points)
