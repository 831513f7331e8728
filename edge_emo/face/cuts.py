"""Where the picture of a film was cut: one frame is no more like the one before than another film's would be.

Frames are compared where they are looked at anyway, a few a second, as small pictures of 32 pixels across: by the
largest normalised correlation over small shifts (Lewis 1995, Fast Normalized Cross-Correlation), which a turning head,
a moving camera and a change of light leave high. A frame of black cuts too, as what follows a slow fade is another
scene.
"""

from __future__ import annotations

from collections import deque
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_emo.film import Frame
from edge_emo.pictures import Pixels

_WIDTH = 32  # pixels of the small pictures
_SHIFT = 0.12  # of their sides, up to which the frame before is moved
_UNLIKE = 0.5  # 1 less the correlation, from which on a frame is of another shot
_RESTLESS = 2.0  # times as unlike as usual a frame has to be where everything moves
_REMEMBERED = 5  # frames that tell what is usual
_FARTHEST_S = 1.0  # frames farther apart are unlike each other without a cut
_BLACK = 32  # brightest value of a frame of black
_FLAT = 2.0  # standard deviation of a picture in which there is nothing to compare


class CutDetector:
    """Tells of frames in order of time which of them begin a shot."""

    def __init__(self) -> None:
        self._before: tuple[float, NDArray[np.float32]] | None = None
        self._usual: deque[float] = deque(maxlen=_REMEMBERED)

    def push(self, frame: Frame) -> bool:
        """Return whether the picture was cut between the frame before and this one."""
        small = _small(frame.picture)
        before, self._before = self._before, (frame.start_s, small)
        if before is None or frame.start_s - before[0] > _FARTHEST_S or before[1].shape != small.shape:
            return False
        if _is_black(before[1]) or _is_black(small):
            return _is_black(before[1]) != _is_black(small)
        unlike = 1 - _likeness(before[1], small)
        is_cut = unlike > max(_UNLIKE, _RESTLESS * median(self._usual or [0.0]))
        self._usual.append(unlike)
        return is_cut


def _small(picture: Pixels) -> NDArray[np.float32]:
    height, width = picture.shape[:2]
    across, down = _WIDTH, min(64, max(8, round(_WIDTH * height / width)))
    thinned = cv2.resize(picture, (4 * across, 4 * down), interpolation=cv2.INTER_NEAREST)  # 16 pixels tell a mean
    return np.asarray(cv2.resize(thinned, (across, down), interpolation=cv2.INTER_AREA), np.float32)


def _is_black(small: NDArray[np.float32]) -> bool:
    return bool(small.max() < _BLACK)


def _likeness(before: NDArray[np.float32], small: NDArray[np.float32]) -> float:
    """Return the correlation of the middle of a small picture with the most similar part of another, -1 to 1."""
    down, across = (int(side * _SHIFT) for side in small.shape[:2])
    middle = before[down : len(before) - down, across : before.shape[1] - across]
    (mean, spread), (other_mean, other_spread) = cv2.meanStdDev(middle), cv2.meanStdDev(small)
    if min(spread.max(), other_spread.max()) < _FLAT:
        return float(np.abs(mean - other_mean).max() < _BLACK)
    return float(cv2.matchTemplate(small, middle, cv2.TM_CCOEFF_NORMED).max())
