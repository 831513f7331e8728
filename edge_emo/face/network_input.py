"""From the picture of a face to the array a face network takes, as its card describes it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_emo.models.schema import FacePreprocessing

Float32 = NDArray[np.float32]


def prepare(picture: NDArray[np.uint8], spec: FacePreprocessing) -> Float32:
    """Return the network's input, of `spec.shape`, for the RGB picture of a face, uint8 of shape (height, width, 3).

    Grey is luma after ITU-R BT.601.
    """
    shrinks = picture.shape[0] > spec.height or picture.shape[1] > spec.width
    resized = cv2.resize(
        picture, (spec.width, spec.height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    if spec.color == "gray":
        resized = cv2.cvtColor(resized, cv2.COLOR_RGB2GRAY)[..., None]
    elif spec.color == "bgr":
        resized = resized[..., ::-1]
    pixels = (resized - np.asarray(spec.mean, np.float32)) / np.asarray(spec.std, np.float32)
    return np.ascontiguousarray(pixels if spec.layout == "hwc" else pixels.transpose(2, 0, 1), np.float32)
