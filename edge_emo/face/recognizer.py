"""From faces in pictures to calibrated probabilities of emotions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_emo.core.emotions import EMOTIONS
from edge_emo.face.align import cut_out
from edge_emo.face.detector import Face, Pixels, checked
from edge_emo.face.network_input import prepare
from edge_emo.models.calibration import calibrated
from edge_emo.models.manifest import Precision, card_path
from edge_emo.models.schema import FacePreprocessing, preprocessing_of
from edge_emo.models.session import Model


class FaceRecognizer:
    """Recognise the expression of faces that a detector found in a picture.

    `model` is the path of a card; without it, `precision` chooses among the models that ship. The model is checked
    here and loaded on first use. Raises ModelError.
    """

    def __init__(self, model: str | Path | None = None, *, precision: Precision = "auto", threads: int = 1) -> None:
        self.model = Model(Path(model) if model else card_path("face", precision), threads)
        self.card = self.model.card
        self.preprocessing = preprocessing_of(self.card, str(self.model.card_path), FacePreprocessing)

    def probabilities(self, picture: Pixels, faces: Sequence[Face]) -> NDArray[np.float32]:
        """Return calibrated probabilities, shape (faces, 8) in the order of `EMOTIONS`, of faces in an RGB picture.

        The picture is uint8 of shape (height, width, 3). `calm` is never among them: no face shows it apart from
        `neutral`. Raises ValueError for an array of another kind.
        """
        picture = checked(picture)
        return self.of_cut_outs([cut_out(picture, face, self.preprocessing) for face in faces])

    def of_cut_outs(self, pictures: Sequence[Pixels]) -> NDArray[np.float32]:
        """Return calibrated probabilities, shape (pictures, 8), of RGB pictures that hold one aligned face each."""
        if not pictures:
            return np.zeros((0, len(EMOTIONS)), np.float32)
        shape = [size or -1 for size in self.card.input.shape[1:]]
        inputs = np.stack([prepare(picture, self.preprocessing).reshape(shape) for picture in pictures])
        return calibrated(self.model(inputs), self.card)
