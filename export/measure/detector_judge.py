"""Judges smaller detectors by the faces that they find in photos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from edge_emo.audio.mfcc import Float32
from edge_emo.face.detector import decode, prepare
from edge_emo.models.schema import DetectorPreprocessing
from export.measure.detector_score import (
    ALLOWED_FALSE,
    FRAME,
    LEAST_SCORE,
    SMALLEST,
    Found,
    match,
    recall,
    threshold_for,
)
from export.measure.gates import Comparison
from export.measure.inference import session
from export.measure.saturation import n_saturable_layers
from export.train.detector_data import Photo


class DetectorJudge:
    """Compares on `photos`, each model at its own threshold: the least with at most `ALLOWED_FALSE` per photo.

    `inputs` are some photos as the network takes them, (n, size, size, 3); a frame of 4:3 is timed.
    """

    def __init__(
        self, fp32: ModelProto, spec: DetectorPreprocessing, photos: Sequence[Photo], inputs: NDArray[Any]
    ) -> None:
        self._spec, self.inputs, self.timed = spec, inputs, inputs[0][: spec.size * 4 // 5]
        self._photos: list[tuple[Float32, float, float, Float32]] = []
        for photo in photos:
            picture = photo.read()
            self._photos.append((*prepare(picture, spec, spec.size), FRAME / max(picture.shape[:2]), photo.faces))
        self._before = self._found(fp32)

    def probabilities(self, output: Float32) -> Float32:
        """Return the score of each cell."""
        return np.asarray(1 / (1 + np.exp(-output[..., 0])), np.float32)

    def compare(self, model: ModelProto) -> Comparison:
        """Return how many faces of at least `SMALLEST` are found, and on how many of them both agree.

        Raises ValueError for NaN.
        """
        before, after = self._before, self._found(model)
        thresholds = [threshold_for(found, SMALLEST, ALLOWED_FALSE) for found in (before, after)]
        first, second = (_scores(found) for found in (before, after))
        change = np.abs(second - first)
        return Comparison(
            samples=len(first),
            agreement=float(((first >= thresholds[0]) == (second >= thresholds[1])).mean()),
            mean_change=float(change.mean()),
            largest_change=float(change.max()),
            accuracy=recall(after, SMALLEST, threshold=thresholds[1]),
            accuracy_fp32=recall(before, SMALLEST, threshold=thresholds[0]),
            saturable_layers=n_saturable_layers(model),
        )

    def _found(self, model: ModelProto) -> list[Found]:
        ready = session(model)
        name = ready.get_inputs()[0].name
        found = []
        for network_input, scale, frame_scale, truth in self._photos:
            cells = ready.run(None, {name: network_input[None]})[0][0]
            if not np.isfinite(cells).all():
                raise ValueError("gives NaN or infinity")
            faces = decode(cells, network_input.shape[:2], self._spec, LEAST_SCORE, scale)
            found.append(match(faces, truth, frame_scale))
        return found


def _scores(found: Sequence[Found]) -> NDArray[np.float64]:
    return np.array(
        [s for photo in found for size, s in zip(photo.sizes, photo.scores, strict=True) if size >= SMALLEST]
    )
