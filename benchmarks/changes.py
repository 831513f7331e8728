"""What microphones, rooms, cameras and codecs do to voices and faces, in steps."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
import soundfile
from scipy.ndimage import uniform_filter1d
from scipy.signal import fftconvolve

from edge_emo.audio.mfcc import Float32
from edge_emo.media.sound import SAMPLE_RATE, resample
from export.train.face_data import Pictures

VoiceChange = Callable[[Float32], Float32]
FaceChange = Callable[[Pictures], Pictures]


def noise(samples: Float32, snr_db: float) -> Float32:
    """Add white noise."""
    return _mixed(samples, np.random.default_rng(0).standard_normal(len(samples)), snr_db)


def behind(samples: Float32, snr_db: float, other: Float32) -> Float32:
    """Add another sound, such as a crowd or music, which is begun anew where it is too short."""
    return _mixed(samples, np.resize(other, len(samples)), snr_db)


def hall(samples: Float32, reverberation_s: float) -> Float32:
    """Speak in a hall, as far away that its echo, 60 dB down after so many seconds, is as loud as the voice itself."""
    return _echoing(samples, reverberation_s, 0.0)


def laptop(samples: Float32, snr_db: float) -> Float32:
    """Speak to a laptop at arm's length: a room of 0.4 s, no bass below 200 Hz, and its fan so many dB below."""
    heard = _between(_echoing(samples, 0.4, 3.0), 200, SAMPLE_RATE / 2)
    return _mixed(heard, _falling_noise(len(heard)), snr_db)


def clipped(samples: Float32, depth_db: float) -> Float32:
    """Cut off what is above a limit so many dB below the peak."""
    limit = float(np.abs(samples).max()) * 10 ** (-depth_db / 20)
    return np.asarray(np.clip(samples, -limit, limit), np.float32)


def evened(samples: Float32, ratio: float) -> Float32:
    """Even out the level as the gain control of a video call does: `ratio` dB of change become one, within 0.3 s."""
    hop, width = SAMPLE_RATE // 100, 30
    count = -(-len(samples) // hop)
    power = (
        np.square(np.pad(samples, (0, count * hop - len(samples))), dtype=np.float64).reshape(count, hop).mean(axis=1)
    )
    level = 10 * np.log10(uniform_filter1d(power, width, mode="nearest") + 1e-12)
    gain_db = np.clip((1 - 1 / ratio) * (level.max() - level), 0, 25)
    gain = np.interp(np.arange(len(samples)), (np.arange(count) + 0.5) * hop, gain_db)
    return np.asarray(samples * 10 ** (gain / 20), np.float32)


def telephone(samples: Float32, kbit: float) -> Float32:
    """Send through a telephone's band, 300 to 3,400 Hz, and then through MP3."""
    return mp3(_between(samples, 300, 3400), kbit)


def recorded(samples: Float32, gain_db: float) -> Float32:
    """Record at another level in 16 bits, which clips what is too loud."""
    scaled = np.round(samples * np.float32(10 ** (gain_db / 20) * 32768))
    return np.asarray(np.clip(scaled, -32768, 32767) / 32768, np.float32)


def band(samples: Float32, limit_khz: float) -> Float32:
    """Take away what lies above a frequency."""
    rate = round(2000 * limit_khz)
    return resample(resample(samples, SAMPLE_RATE, rate), rate, SAMPLE_RATE)


def mp3(samples: Float32, kbit: float) -> Float32:
    """Compress and decompress."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp3") as container:
        stream = container.add_stream("mp3", rate=SAMPLE_RATE, layout="mono")
        stream.bit_rate = round(1000 * kbit)
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    buffer.seek(0)
    return np.asarray(soundfile.read(buffer, dtype="float32")[0])


def _echoing(samples: Float32, reverberation_s: float, direct_db: float) -> Float32:
    times = np.arange(round(reverberation_s * SAMPLE_RATE)) / SAMPLE_RATE
    tail = np.random.default_rng(0).standard_normal(len(times)) * 10 ** (-3 * times / reverberation_s)
    tail[:80] = 0  # the first 5 ms
    tail *= 10 ** (-direct_db / 20) / np.sqrt(np.sum(np.square(tail)))
    tail[0] = 1
    return np.asarray(fftconvolve(samples, tail)[: len(samples)], np.float32)


def _between(samples: Float32, low_hz: float, high_hz: float) -> Float32:
    spectrum = np.fft.rfft(samples)
    hz = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    spectrum[(hz < low_hz) | (hz > high_hz)] = 0
    return np.asarray(np.fft.irfft(spectrum, len(samples)), np.float32)


def _falling_noise(length: int) -> np.ndarray:
    """Return noise that falls by 6 dB an octave, as fans and streets do."""
    white = np.fft.rfft(np.random.default_rng(0).standard_normal(length))
    return np.fft.irfft(white / np.maximum(np.fft.rfftfreq(length, 1 / SAMPLE_RATE), 40), length)


def _mixed(samples: Float32, other: np.ndarray, snr_db: float) -> Float32:
    power, other_power = (float(np.mean(np.square(x, dtype=np.float64))) for x in (samples, other))
    return np.asarray(samples + np.sqrt(power / other_power) * 10 ** (-snr_db / 20) * other, np.float32)


def voice_changes(crowd: Float32, music: Float32) -> dict[str, dict[float, VoiceChange]]:
    """Return for each axis, named with its unit, its steps from mild to strong, the sounds behind as given."""
    return {
        "white noise, dB below the voice": _steps(noise, "snr_db", (30, 20, 15, 10, 5, 0)),
        "other voices, dB below the voice": _steps(partial(behind, other=crowd), "snr_db", (30, 20, 15, 10, 5, 0)),
        "music, dB below the voice": _steps(partial(behind, other=music), "snr_db", (15, 10, 5, 0)),
        "level, dB": _steps(recorded, "gain_db", (-50, -40, -30, -20, -10, 6, 12, 18)),
        "upper limit, kHz": _steps(band, "limit_khz", (6, 4, 3, 2, 1.5)),
        "MP3, kbit/s": _steps(mp3, "kbit", (128, 64, 32, 16, 8)),
        "telephone and MP3, kbit/s": _steps(telephone, "kbit", (32, 16, 8)),
        "echo of a hall, s": _steps(hall, "reverberation_s", (0.3, 0.5, 1, 1.5)),
        "a laptop's room, its fan dB below the voice": _steps(laptop, "snr_db", (20, 10, 5)),
        "clipping, dB below the peak": _steps(clipped, "depth_db", (6, 12, 18, 24)),
        "gain control, dB for one": _steps(evened, "ratio", (2, 4, 8)),
    }


def smaller(picture: Pictures, side: float) -> Pictures:
    """Show a face of so many pixels, enlarged again."""
    small = cv2.resize(picture, (round(side), round(side)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, picture.shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)


def blurred(picture: Pictures, percent: float) -> Pictures:
    """Put a face out of focus by a Gaussian of so many hundredths of its side."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), percent / 100 * len(picture)), np.uint8)


def lit(picture: Pictures, stops: float) -> Pictures:
    """Expose by so many stops more."""
    return np.asarray(cv2.convertScaleAbs(picture, alpha=2.0**stops), np.uint8)


def turned(picture: Pictures, degrees: float) -> Pictures:
    """Turn a face that alignment did not set upright."""
    middle = len(picture) / 2 - 0.5
    matrix = cv2.getRotationMatrix2D((middle, middle), degrees, 1.0)
    return np.asarray(cv2.warpAffine(picture, matrix, picture.shape[::-1], borderMode=cv2.BORDER_REPLICATE), np.uint8)


def covered(picture: Pictures, percent: float, *, from_below: bool) -> Pictures:
    """Cover a part of a face in grey, from the chin up as masks do, or from the forehead down as hats do."""
    rows = round(len(picture) * percent / 100)
    changed: Pictures = picture.copy()
    changed[slice(len(picture) - rows, None) if from_below else slice(rows)] = 128
    return changed


def _steps(change: Callable[..., np.ndarray], name: str, levels: tuple[float, ...]) -> dict[float, Callable[..., Any]]:
    return {float(level): partial(change, **{name: level}) for level in levels}


FACE_CHANGES: dict[str, dict[float, FaceChange]] = {
    "side of the face, pixels": _steps(smaller, "side", (32, 24, 16, 12, 8)),
    "blur, % of the side": _steps(blurred, "percent", (1, 2, 3, 4, 6, 8)),
    "light, stops": _steps(lit, "stops", (-4, -3, -2, -1, 1, 2)),
    "turned, degrees": _steps(turned, "degrees", (-45, -30, -20, -10, 10, 20, 30, 45)),
    "covered from below, %": _steps(partial(covered, from_below=True), "percent", (10, 20, 30, 40, 50)),
    "covered from above, %": _steps(partial(covered, from_below=False), "percent", (10, 20, 30, 40, 50)),
}
"""For each axis, named with its unit, its steps from mild to strong."""
