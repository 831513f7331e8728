"""What a picture of a timeline shows of its source: a few frames spread over it, and the envelope of its sound."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_emo.core.errors import MediaError
from edge_emo.core.timeline import Timeline
from edge_emo.media.film import DEFAULT_FPS, Film, Frame
from edge_emo.media.sound import SAMPLE_RATE, Sound
from edge_emo.media.tracks import AudioTrack

N_FRAMES = 10
N_COLUMNS = 2000
"""Of the envelope."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Excerpts:
    """Up to `n_frames` frames, one for each equal part of the duration, and the lowest and highest sample of columns.

    There are no frames where no face was looked for, and no envelope (`N_COLUMNS`,) where no voice was.
    """

    n_frames: int
    frames: tuple[Frame, ...]
    envelope: tuple[Floats, Floats] | None


def excerpts(timeline: Timeline, source: str | os.PathLike[str], *, audio_track: AudioTrack | None = None) -> Excerpts:
    """Return the excerpts of the film or sound `source`, which `timeline` is of. Raises MediaError.

    Frames that cannot be decoded are left out, as the timeline says of them.
    """
    if timeline.duration_s <= 0:
        raise MediaError(f"{timeline.source}: a still picture has no timeline to plot; use --annotate")
    count = min(N_FRAMES, max(1, int(timeline.duration_s * DEFAULT_FPS)))
    frames = tuple(_frames(source, count / timeline.duration_s)) if timeline.face is not None else ()
    envelope = _envelope(source, timeline.duration_s, audio_track) if timeline.voice is not None else None
    return Excerpts(count, frames, envelope)


def _frames(source: str | os.PathLike[str], per_s: float) -> Iterator[Frame]:
    try:
        yield from Film(source, fps=per_s)
    except MediaError:
        return


def _envelope(source: str | os.PathLike[str], duration_s: float, track: AudioTrack | None) -> tuple[Floats, Floats]:
    low, high = np.zeros(N_COLUMNS), np.zeros(N_COLUMNS)
    start = 0
    for block in Sound(source, audio_track=track):
        place = (np.arange(start, start + len(block)) / SAMPLE_RATE / duration_s * N_COLUMNS).astype(int)
        place = np.minimum(place, N_COLUMNS - 1)
        np.minimum.at(low, place, block)
        np.maximum.at(high, place, block)
        start += len(block)
    return low, high
