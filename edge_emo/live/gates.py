"""What is looked at while nobody is there: whether the picture changes, and whether there is any sound.

Both cost next to nothing, and open the way for what costs more: the detector of faces, and the voice gate.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_emo.media.sound import Float32

SIZE: Final = (80, 60)
CHANGED: Final = 12
"""Levels of 255 by which a cell of the small picture changes where something moves; noise of a camera averages out."""
LEAST_CELLS: Final = 12
"""Cells that have to change: a face of 32 of 640 pixels covers sixteen."""
LEAST_DB: Final = -65.0
"""Root mean square of a block, re full scale, below which nobody is heard."""
DARK: Final = 0.1
"""Share of full brightness below which expressions are hard to tell."""


class Motion:
    """Tells whether a frame differs from what the camera has seen lately."""

    def __init__(self) -> None:
        self._usual: NDArray[np.float32] | None = None
        self.is_dark = False

    def push(self, luma: NDArray[np.uint8]) -> bool:
        """Return whether something moves in a frame, given how bright it is: uint8 of shape (height, width)."""
        step = max(1, luma.shape[1] // (4 * SIZE[0]))  # 16 pixels tell the mean of a cell
        small = cv2.resize(luma[::step, ::step], SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)
        self.is_dark = float(small.mean()) < DARK * 255
        before, self._usual = self._usual, small
        if before is None:
            return True
        self._usual = before + np.float32(0.5) * (small - before)
        difference = small - before
        difference -= difference.mean()  # a lamp, or the exposure
        return int(np.count_nonzero(np.abs(difference) > CHANGED)) >= LEAST_CELLS


def is_loud(samples: Float32) -> bool:
    """Return whether there is any sound in a block of shape (samples,); a constant offset is none."""
    return bool(cv2.meanStdDev(samples)[1] > 10 ** (LEAST_DB / 20))
