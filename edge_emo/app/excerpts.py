"""What a picture of a timeline shows of its source: a few frames spread over it, and the envelope of its sound.

Both are kept while the source is analyzed, so that it is read once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_emo.analysis.modalities import took
from edge_emo.core.errors import MediaError
from edge_emo.core.timeline import Timeline
from edge_emo.media.film import DEFAULT_FPS, Frame
from edge_emo.media.looks import Looks
from edge_emo.media.pictures import Pixels
from edge_emo.media.sound import Float32

N_FRAMES = 10
N_COLUMNS = 2000
"""Of the envelope."""

_N_THUMBNAILS = 100  # at most, of which those that are shown are taken: 25 MB
_THUMBNAIL_SIDE = 180  # pixels of the shorter side, at least
_FIRST_SPACING_S = 0.1
_N_BINS = 8 * N_COLUMNS

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Thumbnail:
    """A frame from `start_s` on, RGB, of which every `step`-th pixel is left."""

    start_s: float
    picture: Pixels
    step: int


@dataclass(frozen=True)
class Excerpts:
    """Up to `n_frames` frames, one for each equal part of the duration, and the lowest and highest sample of columns.

    There are no frames where no picture was looked at, and no envelope (`N_COLUMNS`,) where no sound was listened to.
    """

    n_frames: int
    frames: tuple[Thumbnail, ...]
    envelope: tuple[Floats, Floats] | None


class Excerpter:
    """Keeps what may be shown of a source whose length is not known yet: let an `Analyzer` show it all as `watch`."""

    def __init__(self) -> None:
        self._thumbnails: list[Thumbnail] = []
        self._spacing_s = 0.0
        self._low, self._high = np.zeros(_N_BINS), np.zeros(_N_BINS)
        self._n_samples, self._per_bin, self._rate = 0, 1, 1

    def __call__(self, item: Float32 | Frame, rate: int) -> None:
        """Take the next frame, or block of samples at `rate`."""
        if isinstance(item, Frame):
            self._see(item)
        else:
            self._hear(item, rate)

    def excerpts(self, timeline: Timeline) -> Excerpts:
        """Return what is shown, given the timeline of the source. Raises MediaError for that of a still."""
        if timeline.duration_s <= 0:
            raise MediaError(f"{timeline.source}: a still picture has no timeline to plot; use --annotate")
        count = min(N_FRAMES, max(1, int(timeline.duration_s * DEFAULT_FPS)))
        looks = Looks(count / timeline.duration_s)
        frames = [thumbnail for thumbnail in self._thumbnails if looks.is_due(thumbnail.start_s)]
        envelope = self._envelope(timeline.duration_s) if took(timeline, "sound") else None
        return Excerpts(count, tuple(frames) if took(timeline, "picture") else (), envelope)

    def _see(self, frame: Frame) -> None:
        if self._is_near(frame.start_s, self._thumbnails):
            return
        step = max(1, min(frame.picture.shape[:2]) // _THUMBNAIL_SIDE)
        self._thumbnails.append(Thumbnail(frame.start_s, frame.picture[::step, ::step].copy(), step))
        if len(self._thumbnails) > _N_THUMBNAILS:
            self._spacing_s = 2 * self._spacing_s or _FIRST_SPACING_S
            kept: list[Thumbnail] = []
            for thumbnail in self._thumbnails:
                if not self._is_near(thumbnail.start_s, kept):
                    kept.append(thumbnail)
            self._thumbnails = kept

    def _is_near(self, start_s: float, before: list[Thumbnail]) -> bool:
        return bool(before) and start_s - before[-1].start_s < self._spacing_s - 1e-3

    def _hear(self, block: Float32, rate: int) -> None:
        while self._n_samples + len(block) > _N_BINS * self._per_bin:
            rest = np.zeros(_N_BINS // 2)
            self._low = np.concatenate([self._low.reshape(-1, 2).min(axis=1), rest])
            self._high = np.concatenate([self._high.reshape(-1, 2).max(axis=1), rest])
            self._per_bin *= 2
        bins = np.arange(self._n_samples, self._n_samples + len(block)) // self._per_bin
        starts = np.flatnonzero(np.diff(bins, prepend=-1))
        at = bins[starts]
        self._low[at] = np.minimum(self._low[at], np.minimum.reduceat(block, starts))
        self._high[at] = np.maximum(self._high[at], np.maximum.reduceat(block, starts))
        self._n_samples, self._rate = self._n_samples + len(block), rate

    def _envelope(self, duration_s: float) -> tuple[Floats, Floats]:
        bins = np.arange(min(_N_BINS, -(-self._n_samples // self._per_bin)))
        columns = (bins * self._per_bin / self._rate / duration_s * N_COLUMNS).astype(int).clip(max=N_COLUMNS - 1)
        low, high = np.zeros(N_COLUMNS), np.zeros(N_COLUMNS)
        np.minimum.at(low, columns, self._low[: len(bins)])
        np.maximum.at(high, columns, self._high[: len(bins)])
        return low, high
