"""What rooms, microphones, sound cards and codecs do to a recording, drawn at random, in the sound itself."""

from __future__ import annotations

import io

import numpy as np
import soundfile
from numpy.random import Generator

from edge_emo.media.sound import SAMPLE_RATE, Float32, resample


def recorded_elsewhere(samples: Float32, rng: Generator) -> Float32:
    """Return the recording as another device in another room would have made it, as long as it was, and no later."""
    changes = [(room, 0.5), (background, 0.3), (levelled, 0.3), (clipped, 0.2), (coded, 0.35)]
    for change, share in changes:
        if rng.random() < share:
            samples = change(samples, rng)
    return samples


def room(samples: Float32, rng: Generator) -> Float32:
    """Add the echo of a room: decaying noise after the direct sound, 60 dB down after 0.15 to 1.2 s."""
    reverberation_s = np.exp(rng.uniform(np.log(0.15), np.log(1.2)))
    times = np.arange(round(reverberation_s * SAMPLE_RATE)) / SAMPLE_RATE
    tail = rng.standard_normal(len(times)) * 10 ** (-3 * times / reverberation_s)
    tail = np.cumsum(tail) * 0.3 + tail if rng.random() < 0.5 else tail  # walls take the highs first
    tail[: rng.integers(16, 160)] = 0  # the first wall is half a metre away, or more
    tail -= tail.mean()
    tail *= 10 ** (-rng.uniform(-4, 12) / 20) / np.sqrt(np.sum(np.square(tail)) + 1e-12)
    tail[0] = 1.0
    size = 1 << int(len(samples) + len(tail) - 1).bit_length()
    echoed = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail, size), size)[: len(samples)]
    return np.asarray(echoed, np.float32)


def background(samples: Float32, rng: Generator) -> Float32:
    """Add a fan or a street: noise that falls by 0 to 12 dB an octave, 3 to 25 dB below the recording."""
    size = 1 << int(len(samples) - 1).bit_length()
    white = np.fft.rfft(rng.standard_normal(size))
    hz = np.maximum(np.fft.rfftfreq(size, 1 / SAMPLE_RATE), 40)
    noise = np.fft.irfft(white * (hz / 1000) ** -rng.uniform(0, 2), size)[: len(samples)]
    gain = np.sqrt(np.mean(np.square(samples, dtype=np.float64)) / np.mean(np.square(noise)))
    return np.asarray(samples + gain * 10 ** (-rng.uniform(3, 25) / 20) * noise, np.float32)


def levelled(samples: Float32, rng: Generator) -> Float32:
    """Even out the level as compressors and the gain control of calls do."""
    hop = SAMPLE_RATE // 100
    count = -(-len(samples) // hop)
    frames = np.pad(samples, (0, count * hop - len(samples))).reshape(count, hop)
    level = 10 * np.log10(np.mean(np.square(frames, dtype=np.float64), axis=1) + 1e-12)
    width = int(rng.integers(2, 100))
    smooth = np.convolve(np.pad(level, width, mode="edge"), np.ones(width) / width, "same")[width:-width]
    gain_db = np.clip((1 - 1 / rng.uniform(1.5, 6)) * (smooth.max() - smooth), 0, 25)
    places = (np.arange(count) + 0.5) * hop
    return np.asarray(samples * 10 ** (np.interp(np.arange(len(samples)), places, gain_db) / 20), np.float32)


def clipped(samples: Float32, rng: Generator) -> Float32:
    """Cut off what is louder than the loudest 0.2 to 15 % of the samples that hold sound."""
    loud = np.abs(samples[np.abs(samples) > 0.02 * np.abs(samples).max()])
    limit = np.quantile(loud, 1 - np.exp(rng.uniform(np.log(0.002), np.log(0.15)))) if len(loud) else 1.0
    return np.asarray(np.clip(samples, -limit, limit), np.float32)


def coded(samples: Float32, rng: Generator) -> Float32:
    """Send the recording through a telephone, MP3 or Opus."""
    kind = rng.choice(["telephone", "MP3", "OPUS", "telephone MP3"])
    if "telephone" in kind:
        samples = _telephone(samples)
    if kind == "telephone":
        return samples
    buffer = io.BytesIO()
    level = np.float32(0.5 / max(float(np.abs(samples).max()), 1e-6))
    holder, subtype = ("OGG", "OPUS") if kind == "OPUS" else ("MP3", "MPEG_LAYER_III")
    much = rng.uniform(0.7, 0.99)  # Opus of 86 to 10 kbit/s, MP3 of 25 to 20
    soundfile.write(buffer, samples * level, SAMPLE_RATE, format=holder, subtype=subtype, compression_level=much)
    buffer.seek(0)
    found = soundfile.read(buffer, dtype="float32")[0] / level
    shift = _shift(samples, found)
    return np.asarray(np.pad(found[shift:], (0, len(samples)))[: len(samples)], np.float32)


def _telephone(samples: Float32) -> Float32:
    """Return what 8 kHz, 300 to 3,400 Hz and 8 bits by the mu-law leave."""
    given = resample(samples, SAMPLE_RATE, 8000)
    spectrum = np.fft.rfft(given)
    hz = np.fft.rfftfreq(len(given), 1 / 8000)
    spectrum[(hz < 300) | (hz > 3400)] *= 0.03
    narrow = np.fft.irfft(spectrum, len(given))
    peak = max(float(np.abs(narrow).max()), 1e-9)
    x = narrow / peak
    steps = np.round(np.sign(x) * np.log1p(255 * np.abs(x)) / np.log(256) * 127) / 127
    x = np.sign(steps) * np.expm1(np.abs(steps) * np.log(256)) / 255
    wide = resample((x * peak).astype(np.float32), 8000, SAMPLE_RATE)
    return np.asarray(np.pad(wide, (0, len(samples)))[: len(samples)], np.float32)


def _shift(samples: Float32, later: Float32) -> int:
    """Return by how many samples a codec has delayed a recording, at most a tenth of a second."""
    most, heard = SAMPLE_RATE // 10, 2 * SAMPLE_RATE
    samples, later = samples[:heard], later[:heard]
    size = 1 << int(2 * heard - 1).bit_length()
    match = np.fft.irfft(np.fft.rfft(later, size) * np.conj(np.fft.rfft(samples, size)), size)[:most]
    return int(match.argmax())
