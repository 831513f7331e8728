"""The files that the commands of the documentation name: clips, a photo, a film of four scenes, a folder of music.

Made from the synthetic voice that ships and a public-domain portrait; nobody else is heard or seen.
"""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from benchmarks.media import camera_frame, unsmiling
from edge_emo.media.sound import SAMPLE_RATE, read_sound
from edge_emo.media.sources import sample_path

FRAME_RATE = 25
_SIZE = (480, 360)


def write_all(folder: Path) -> None:
    """Write every file into a folder."""
    sound, rate = soundfile.read(sample_path())
    soundfile.write(folder / "clip.wav", sound, rate)
    soundfile.write(folder / "interview.flac", sound, rate)
    (folder / "talks").mkdir()
    for name in ("monday.wav", "tuesday.wav"):
        soundfile.write(folder / "talks" / name, sound, rate)
    write_photo(folder / "photo.jpg")
    write_film(folder / "movie.mp4")
    write_music(folder / "Music")


def write_photo(path: Path) -> None:
    """Write a portrait."""
    cv2.imwrite(str(path), cv2.cvtColor(camera_frame(*_SIZE), cv2.COLOR_RGB2BGR))


def write_music(folder: Path) -> None:
    """Write two tagged songs of 35 s, one of them in a folder of its own."""
    from mutagen.flac import FLAC

    for name, title, mood in (("First Light.flac", "First Light", "Happy"), ("Old/Low Tide.flac", "Low Tide", "Sad")):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        times = np.arange(35 * SAMPLE_RATE) / SAMPLE_RATE
        soundfile.write(path, 0.2 * np.sin(2 * np.pi * 220 * times), SAMPLE_RATE)
        tags = FLAC(path)
        tags.update({"title": title, "artist": "The Example Band", "genre": "Pop", "mood": mood})
        tags.save()


def write_film(path: Path, scene_s: int = 4) -> None:
    """Write a film of four scenes, with sound: a smiling face, the same face at rest, an evening sky, and a sunset.

    The voice that ships speaks in each, played back at another speed, so that it sounds like another mood.
    """
    smiling = camera_frame(*_SIZE)
    left = (_SIZE[0] - _SIZE[1]) // 2
    at_rest = smiling.copy()
    at_rest[:, left : left + _SIZE[1]] = cv2.resize(unsmiling(_portrait()), (_SIZE[1], _SIZE[1]))
    scenes = [smiling, at_rest, _sky((24, 38, 70), (196, 120, 80)), _sky((60, 8, 8), (250, 150, 40))]
    spoken = [_spoken(0.9), _spoken(1.2), _spoken(0.7, after_s=3.4), _spoken(1.55)]
    sound = np.concatenate([np.resize(voice, scene_s * SAMPLE_RATE) for voice in spoken]).astype(np.float32)
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=FRAME_RATE, options={"preset": "veryfast"})
        picture.width, picture.height, picture.pix_fmt = *_SIZE, "yuv420p"
        track = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        for scene in scenes:
            for number in range(scene_s * FRAME_RATE):
                moved = np.roll(scene, round(6 * np.sin(number / 8)), axis=1)
                container.mux(picture.encode(av.VideoFrame.from_ndarray(moved, "rgb24")))
        frame = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        container.mux(track.encode(frame))
        for stream in (picture, track):
            container.mux(stream.encode(None))


def _portrait() -> NDArray[np.uint8]:
    from skimage.data import astronaut

    return astronaut()


def _sky(top: tuple[int, int, int], bottom: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Return a frame of a sky between two colors, with a sun above a hill."""
    frame = np.repeat(np.linspace(top, bottom, _SIZE[1])[:, None], _SIZE[0], axis=1).astype(np.uint8)
    cv2.circle(frame, (_SIZE[0] // 2, 150), 34, (250, 240, 220), -1, cv2.LINE_AA)
    cv2.ellipse(frame, (_SIZE[0] // 2, 420), (_SIZE[0], 170), 0, 0, 360, (16, 20, 28), -1, cv2.LINE_AA)
    return frame


def _spoken(speed: float, after_s: float = 0) -> NDArray[np.float32]:
    """Return the voice that ships from a time on, at another speed and pitch, and a pause after it."""
    voice = read_sound(sample_path())[round(after_s * SAMPLE_RATE) :]
    return np.pad(soxr.resample(voice, SAMPLE_RATE * speed, SAMPLE_RATE), (0, round(0.5 * SAMPLE_RATE)))
