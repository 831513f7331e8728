"""A voice made of nothing but numbers: pulses, breath and hiss, through the formants of a mouth that moves.

A source and a filter (Fant 1960): the pulse is that of Klatt and Klatt (1990), the formants of the vowels are those of
Peterson and Barney (1952). It speaks syllables of a small set of sounds, each with its own pitch, length and effort.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SAMPLE_RATE = 16_000
_HOP = 80  # samples from one shape of the mouth to the next
_FRAME, _N_FFT = 4 * _HOP, 1024
_OVERSAMPLING = 4  # of the pulses, whose edges would alias
_HIGHER_FORMANTS = (3400.0, 4300.0, 5300.0, 6400.0)
_BANDWIDTHS = (70.0, 90.0, 130.0, 200.0, 280.0, 360.0, 450.0)
_REST_S = 0.16


@dataclass(frozen=True)
class Sound:
    """Three formants of a man's mouth in Hz, the length in ms, and how loud voice, breath and hiss are."""

    formants: tuple[float, float, float]
    ms: float
    voice: float = 1.0
    breath: float = 0.0
    hiss: float = 0.0


SOUNDS = {
    "w": Sound((300, 610, 2200), 70, 0.5),
    "y": Sound((270, 2250, 3000), 60, 0.5),
    "r": Sound((350, 1100, 1550), 70, 0.6),
    "l": Sound((360, 1050, 2700), 70, 0.5),
    "n": Sound((250, 1450, 2500), 80, 0.3),
    "h": Sound((500, 1500, 2500), 60, 0.0, 0.5),
    "s": Sound((320, 1600, 2600), 120, 0.0, 0.0, 0.25),
    "d": Sound((250, 1700, 2600), 60, 0.08),
    "t": Sound((300, 1750, 2700), 55, 0.0, 0.05, 0.12),
    "iy": Sound((270, 2290, 3010), 130),
    "ih": Sound((390, 1990, 2550), 100),
    "eh": Sound((530, 1840, 2480), 140),
    "ah": Sound((640, 1190, 2390), 130),
    "aa": Sound((730, 1090, 2440), 150),
    "ao": Sound((570, 840, 2410), 150),
    "ow": Sound((480, 900, 2350), 110),
    "uw": Sound((310, 870, 2240), 90),
}
"""What it can say."""


@dataclass(frozen=True)
class Voice:
    """Whose voice it is: its mean pitch in Hz, the formants' factor over a man's, and how pulse and breath are.

    `open_quotient` is the part of a period for which the glottis is open, `tilt_hz` where its spectrum begins to fall,
    `breath` the level of breath beside the voice, `jitter` the deviation of the periods in octaves.
    """

    pitch_hz: float = 210.0
    tract: float = 1.17
    open_quotient: float = 0.6
    tilt_hz: float = 2500.0
    breath: float = 0.03
    jitter: float = 0.01


@dataclass(frozen=True)
class Syllable:
    """Sounds said at a pitch that glides, in semitones from the mean; with their length and effort, 1 as usual.

    After it the voice may rest for a moment.
    """

    sounds: tuple[str, ...]
    start: float
    end: float
    length: float = 1.0
    effort: float = 1.0
    rests: bool = False


def speak(syllables: Sequence[Syllable], voice: Voice, seed: int = 0) -> Floats:
    """Return the sound, shape (samples,), between -1 and 1, at `SAMPLE_RATE`; the same for the same arguments."""
    rng = np.random.default_rng(seed)
    tracks = _tracks(syllables)
    n_samples = len(tracks) * _HOP
    formants, pitch, effort, voicing, breath, hiss = np.split(tracks, [3, 4, 5, 6, 7], axis=1)
    wander = _smoothed(rng.normal(size=(len(tracks), 1)), 3) * voice.jitter
    pulses = _pulses(voice.pitch_hz * 2 ** (pitch / 12 + wander)[:, 0], voice.open_quotient)
    noise = rng.normal(size=n_samples)
    hertz: Floats = np.fft.rfftfreq(_N_FFT, 1 / SAMPLE_RATE).astype(np.float64)
    tilt = 1 / np.sqrt(1 + (hertz / (voice.tilt_hz * effort)) ** 2)
    mouth = _mouth(formants * voice.tract, voice.tract, hertz)
    teeth = np.exp(-(((hertz - 5800) / 1300) ** 2))
    open_share = _per_sample(voicing[:, 0]) * (0.5 + 0.5 * np.sign(pulses))  # breath comes while the glottis is open
    spoken = _filtered(pulses * _per_sample(voicing[:, 0] * effort[:, 0]), mouth * tilt)
    spoken += _filtered(noise * (_per_sample(breath[:, 0]) * 0.3 + open_share * voice.breath), mouth)
    spoken += 0.5 * _filtered(noise * _per_sample(hiss[:, 0]), np.broadcast_to(teeth, mouth.shape))
    spoken += 1e-4 * np.abs(spoken).max() * rng.normal(size=n_samples)  # a room is never quite still
    return np.asarray(0.7 * spoken / np.abs(spoken).max())


def _tracks(syllables: Sequence[Syllable]) -> Floats:
    """Return (frames, 8): three formants, pitch in semitones, effort, voice, breath and hiss, which glide."""
    rows: list[list[float]] = [[500, 1500, 2500, syllables[0].start, 1, 0, 0, 0]] * _frames(_REST_S)
    for syllable in syllables:
        sounds = [SOUNDS[name] for name in syllable.sounds]
        lengths = [_frames(sound.ms / 1000 * syllable.length) for sound in sounds]
        glide = iter(np.linspace(syllable.start, syllable.end, sum(lengths)))
        for sound, length in zip(sounds, lengths, strict=True):
            for _ in range(length):
                levels = (sound.voice, sound.breath, sound.hiss)
                rows.append([*sound.formants, float(next(glide)), syllable.effort, *levels])
        if syllable.rests or syllable is syllables[-1]:
            rows += [[*rows[-1][:5], 0, 0, 0]] * _frames(_REST_S)
    tracks = np.array(rows)
    tracks[:, :3] = np.exp(_smoothed(np.log(tracks[:, :3]), 12))
    tracks[:, 3:5] = _smoothed(tracks[:, 3:5], 24)
    tracks[:, 5:] = _smoothed(tracks[:, 5:], 6)
    return tracks


def _frames(seconds: float) -> int:
    return max(1, round(seconds * SAMPLE_RATE / _HOP))


def _smoothed(values: Floats, width: int) -> Floats:
    """Return the columns smoothed over that many frames to either side of the middle."""
    kernel = np.hanning(width + 2)[1:-1]
    padded = np.pad(values, ((width // 2, width - 1 - width // 2), (0, 0)), mode="edge")
    return np.stack([np.convolve(column, kernel / kernel.sum(), "valid") for column in padded.T], axis=1)


def _per_sample(values: Floats, times: int = _HOP) -> Floats:
    return np.interp(np.arange(len(values) * times) / times, np.arange(len(values)), values)


def _pulses(pitch_hz: Floats, open_quotient: float) -> Floats:
    """Return the derivative of the air's flow through a glottis: u(t) = t² - t³ while it is open."""
    fine = _HOP * _OVERSAMPLING
    phase = np.cumsum(_per_sample(pitch_hz, fine)) / (SAMPLE_RATE * _OVERSAMPLING) % 1 / open_quotient
    flow = np.where(phase < 1, 2 * phase - 3 * phase**2, 0)
    return np.fft.irfft(np.fft.rfft(flow)[: len(pitch_hz) * _HOP // 2 + 1], len(pitch_hz) * _HOP) / _OVERSAMPLING


def _mouth(formants: Floats, tract: float, hertz: Floats) -> NDArray[np.complex128]:
    """Return (frames, frequencies): resonators in a row, one for each formant, as Klatt (1980) has them."""
    response = np.ones((len(formants), len(hertz)), np.complex128)
    delay = np.exp(-2j * np.pi * hertz / SAMPLE_RATE)
    higher = [np.full(len(formants), tract * value) for value in _HIGHER_FORMANTS]
    for center, bandwidth in zip([*formants.T, *higher], _BANDWIDTHS, strict=True):
        radius = np.exp(-np.pi * bandwidth / SAMPLE_RATE)
        b = 2 * radius * np.cos(2 * np.pi * np.minimum(center, 7800) / SAMPLE_RATE)[:, None]
        response *= (1 - b + radius**2) / (1 - b * delay + radius**2 * delay**2)
    return response


def _filtered(samples: Floats, response: NDArray[np.complex128] | Floats) -> Floats:
    """Return samples through a filter that changes from frame to frame, by overlapping and adding."""
    padded = np.pad(samples, (_FRAME // 2, _FRAME))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::_HOP][: len(response)]
    parts = np.fft.irfft(np.fft.rfft(frames * (np.hanning(_FRAME + 1)[:-1] / 2), _N_FFT) * response)
    found = np.zeros(len(padded) + _N_FFT)
    for start, part in zip(range(0, len(samples), _HOP), parts, strict=True):
        found[start : start + _N_FFT] += part
    return found[_FRAME // 2 :][: len(samples)]
