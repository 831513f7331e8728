"""Pictures and films that benchmarks look at, made around a public-domain portrait."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_emo.face.detector import Pixels
from edge_emo.media.sound import SAMPLE_RATE, read_sound

FRAME_RATE = 25
SPEECH = Path(__file__).parents[1] / "tests" / "golden" / "speech.flac"
"""Two utterances of a synthetic voice in 5.3 s."""


def camera_frame(width: int, height: int, shift: int = 0) -> Pixels:
    """Return a frame with a public-domain portrait in the middle of noise, RGB."""
    from skimage.data import astronaut

    frame: Pixels = np.random.default_rng(0).integers(90, 130, (height, width, 3), np.uint8)
    left = (width - height) // 2 + shift
    frame[:, left : left + height] = cv2.resize(astronaut(), (height, height), interpolation=cv2.INTER_CUBIC)
    return frame


def unsmiling(portrait: Pixels) -> Pixels:
    """Return the public-domain portrait with its mouth upside down: what smiled looks neutral."""
    changed: Pixels = portrait.copy()
    mouth = (slice(127, 167), slice(189, 257))
    mask: NDArray[Any] = np.zeros((40, 68), np.float32)
    cv2.ellipse(mask, (34, 20), (30, 17), 0, 0, 360, 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 3)[..., None]
    changed[mouth] = portrait[mouth][::-1] * mask + portrait[mouth] * (1 - mask)
    return changed


def write_film(path: Path, seconds: int, width: int, height: int) -> None:
    """Write a film in which the portrait moves, with speech over and over."""
    import av

    sound = np.resize(read_sound(SPEECH), seconds * SAMPLE_RATE)
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=FRAME_RATE, options={"preset": "veryfast"})
        picture.width, picture.height, picture.pix_fmt = width, height, "yuv420p"
        track = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        shown = [camera_frame(width, height, round(40 * np.sin(k / 8))) for k in range(50)]
        for number in range(seconds * FRAME_RATE):
            container.mux(picture.encode(av.VideoFrame.from_ndarray(shown[number % 50], "rgb24")))
        frame = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        container.mux(track.encode(frame))
        for stream in (picture, track):
            container.mux(stream.encode(None))
