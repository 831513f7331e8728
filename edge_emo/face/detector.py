"""Where the faces of a picture are: the package's own network, and what any other detector has to offer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_emo.core.errors import CardError
from edge_emo.models.manifest import Precision, card_path
from edge_emo.models.schema import DetectorPreprocessing, preprocessing_of
from edge_emo.models.session import Model

Float32 = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels of the picture; a face at its edge may reach beyond it."""


@dataclass(frozen=True)
class Face:
    """A face: its box, how sure the detector is (0 to 1), and where it has them five points (x, y) in pixels.

    The points are the eyes, the nose and the corners of the mouth: right before left, as seen by their owner.
    """

    box: Box
    score: float
    landmarks: tuple[tuple[float, float], ...] | None = None

    @property
    def area(self) -> float:
        """Of the box, in square pixels."""
        return max(0.0, self.box[2] - self.box[0]) * max(0.0, self.box[3] - self.box[1])


class Detector(Protocol):
    """Finds the faces of an RGB picture, uint8 of shape (height, width, 3), the surest first.

    Several threads may ask at once.
    """

    @property
    def name(self) -> str:
        """What it is, for reports."""

    def detect(self, picture: Pixels) -> list[Face]:
        """Return the faces; none is an answer."""


class FaceDetector:
    """The detector that ships, or one of the same kind of output described by the card at `model`.

    `size` is the longer side in pixels to which pictures are brought, the card's where it is None: twice as much finds
    faces half as large in four times the time. Raises ModelError.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        precision: Precision = "auto",
        threads: int = 1,
        size: int | None = None,
    ) -> None:
        self.model = Model(Path(model) if model else card_path("detector", precision), threads)
        card = self.model.card
        self.preprocessing = preprocessing_of(card, str(self.model.card_path), DetectorPreprocessing)
        self.threshold, self.size = card.threshold, size or self.preprocessing.size

    @property
    def name(self) -> str:
        """Name, version and precision of the model."""
        return self.model.name

    def detect(self, picture: Pixels) -> list[Face]:
        """Return the faces of an RGB picture, uint8 of shape (height, width, 3), the surest first.

        Raises ValueError for an array of another kind.
        """
        picture = checked(picture)
        network_input, scale = prepare(picture, self.preprocessing, self.size)
        cells = self.model(network_input[None])[0]
        expected = len(_grid(*network_input.shape[:2], self.preprocessing.strides)[0])
        if len(cells) != expected:
            raise CardError(
                f"{self.model.card_path}: preprocessing.strides is {list(self.preprocessing.strides)}, which gives "
                f"{expected} cells where the network has {len(cells)}"
            )
        return decode(cells, network_input.shape[:2], self.preprocessing, self.threshold, scale)


def prepare(picture: Pixels, spec: DetectorPreprocessing, size: int) -> tuple[Float32, float]:
    """Return the network's input, its longer side `size` before it is filled up, and its scale to the picture."""
    scale = size / max(picture.shape[:2])
    height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(picture, (width, height), interpolation=method)
    step = max(spec.strides)
    out = np.zeros((-(-height // step) * step, -(-width // step) * step, 3), np.float32)
    np.multiply(resized, np.float32(1 / spec.std), out=out[:height, :width])
    out[:height, :width] -= np.float32(spec.mean / spec.std)
    return out, scale


def decode(
    cells: Float32, shape: tuple[int, ...], spec: DetectorPreprocessing, threshold: float, scale: float
) -> list[Face]:
    """Return the faces in the network's output (cells, 15) for an input of `shape`, in pixels of the picture.

    Of faces that overlap by more than `spec.overlap` the surest stays.
    """
    logit = np.log(threshold / (1 - threshold)) if 0 < threshold < 1 else -np.inf
    kept = np.flatnonzero(cells[:, 0] > logit)
    values, (x, y, stride) = cells[kept], (part[kept] for part in _grid(shape[0], shape[1], spec.strides))
    center_x, center_y = x + values[:, 1] * stride, y + values[:, 2] * stride
    width, height = (np.exp(np.clip(values[:, k], -4, 5)) * stride for k in (3, 4))
    boxes = np.stack([center_x - width / 2, center_y - height / 2, width, height], 1) / scale
    points = (np.stack([x, y], 1)[:, None] + values[:, 5:].reshape(-1, 5, 2) * stride[:, None, None]) / scale
    scores = 1 / (1 + np.exp(-values[:, 0]))
    best = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), 0.0, spec.overlap) if len(kept) else ()
    return [
        Face(
            box=(*boxes[i, :2].tolist(), *(boxes[i, :2] + boxes[i, 2:]).tolist()),
            score=float(scores[i]),
            landmarks=tuple((float(px), float(py)) for px, py in points[i]),
        )
        for i in best
    ]


@lru_cache(maxsize=8)
def _grid(height: int, width: int, strides: tuple[int, ...]) -> tuple[Float32, Float32, Float32]:
    """Return x, y and stride of every cell's centre, in pixels of the input."""
    parts = []
    for stride in strides:
        y, x = np.mgrid[: height // stride, : width // stride].reshape(2, -1)
        parts.append(np.stack([(x + 0.5) * stride, (y + 0.5) * stride, np.full(len(x), stride)]))
    x, y, stride = np.concatenate(parts, 1).astype(np.float32)
    return x, y, stride


def checked(picture: Pixels) -> Pixels:
    """Return an RGB picture as it is. Raises ValueError for an array of another kind."""
    picture = np.asarray(picture)
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or not picture.size:
        raise ValueError(
            f"the picture is {picture.dtype} of shape {picture.shape}; pass RGB, uint8, shape (height, width, 3)"
        )
    return picture
