"""Voice activity: where in a recording somebody speaks.

A frame is active when its energy between 100 Hz and 4 kHz rises above a noise floor that follows the
recording. A stretch of active frames is voice when it holds periodic frames at the pitch of a voice
(normalised autocorrelation; Boersma 1993) and its level moves as speech does. Silence, steady noise and hum
fail the first or the last test, clicks and knocks the second. Whispering, which has no pitch, is not found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_emo.media import SAMPLE_RATE, Float32
from edge_emo.voice.mfcc import power_spectrum

Floats = NDArray[np.float64]

HOP = 320  # 20 ms
FRAME = 512  # 32 ms
_HALF_RATE = FRAME // 2  # points of the autocorrelation: nothing above 4 kHz is left in it


@dataclass(frozen=True)
class Span:
    """A half-open stretch of samples."""

    start: int
    stop: int


@dataclass(frozen=True)
class ActivityParameters:
    """Thresholds of the detector; times in frames of 20 ms, levels in dB."""

    silence_db: float = -120.0  # mean square re full scale; below it nothing is active
    max_range_db: float = 45.0  # between floor and peaks; digital silence counts no lower
    look_back: int = 400
    look_ahead: int = 100
    block: int = 25  # the noise floor is renewed this often
    min_range_db: float = 4.0  # between floor and peaks; steady noise stays under it
    rise_min_db: float = 3.0
    rise_max_db: float = 9.0
    rise_share: float = 0.4  # of the range, between the two bounds above
    max_gap: int = 15  # shorter pauses belong to the utterance
    margin: int = 5  # kept on either side
    max_length: int = 500  # longer stretches are cut
    min_voiced: int = 8
    min_run: int = 3  # of consecutive voiced frames
    voiced_correlation: float = 0.55
    max_pitch_jump: float = 0.15  # from one frame to the next, as a share; a voice glides, knocks leap
    min_modulation_db: float = 4.0
    pitch_hz: tuple[float, float] = (70.0, 500.0)


class ActivityDetector:
    """Find voice in sound that arrives in pieces; the result does not depend on the pieces.

    Input is float32 mono at 16 kHz. A span is reported once it is complete, at most
    `max_length + look_ahead + max_gap` frames (about 12 s) after it began.
    """

    def __init__(self, parameters: ActivityParameters | None = None) -> None:
        self._p = parameters or ActivityParameters()
        self._pending = np.zeros(0, np.float32)
        self._levels: list[NDArray[np.float64]] = []  # of recent frames, one array per piece
        self._level = np.zeros(0)
        self._correlation = np.zeros(0)
        self._lag = np.zeros(0)
        self._first = 0  # index of the first frame still held
        self._decided = 0  # frames with a known activity
        self._open: int | None = None  # first active frame of the span under way
        self._last_active = -1
        self._previous_stop = 0
        self._n_samples = 0

    @property
    def settled(self) -> int:
        """Samples before this position can no longer become part of a span."""
        first = self._open if self._open is not None else self._decided
        return max(0, first - self._p.margin) * HOP

    def push(self, samples: Float32) -> list[Span]:
        """Return the voice spans completed by `samples`."""
        self._n_samples += len(samples)
        self._pending = np.concatenate([self._pending, np.asarray(samples, np.float32)])
        n_frames = 0 if len(self._pending) < FRAME else 1 + (len(self._pending) - FRAME) // HOP
        self._analyse(n_frames)
        return self._decide(last=False)

    def finish(self) -> list[Span]:
        """Return the spans that only the end of the sound completes."""
        if len(self._pending):
            self._pending = np.pad(self._pending, (0, max(0, FRAME - len(self._pending))))
            self._analyse(1 + (len(self._pending) - FRAME) // HOP)
        return self._decide(last=True)

    def _analyse(self, n_frames: int) -> None:
        for start in range(0, n_frames, 256):
            count = min(256, n_frames - start)
            block = self._pending[start * HOP : start * HOP + (count - 1) * HOP + FRAME]
            level, correlation, lag = _measure(block, self._p)
            self._level = np.concatenate([self._level, level])
            self._correlation = np.concatenate([self._correlation, correlation])
            self._lag = np.concatenate([self._lag, lag])
        self._pending = self._pending[n_frames * HOP :]

    def _decide(self, last: bool) -> list[Span]:
        p, spans = self._p, []
        known = self._first + len(self._level)
        while self._decided < known:
            stop = self._decided + p.block
            if not last and stop + p.look_ahead > known:
                break
            stop = min(stop, known)
            lo = max(self._first, self._decided - p.look_back)
            active = self._active_frames(lo, min(known, self._decided + p.block + p.look_ahead), stop)
            spans += self._join(active)
            self._decided = stop
            self._forget()
        if last:
            spans += self._close()
        return spans

    def _active_frames(self, lo: int, hi: int, stop: int) -> NDArray[np.bool_]:
        p = self._p
        around = self._level[lo - self._first : hi - self._first]
        floor, peak = _quantiles(around, 0.1, 0.95)
        floor = max(floor, peak - p.max_range_db)
        level = self._level[self._decided - self._first : stop - self._first]
        if peak - floor < p.min_range_db:
            return np.zeros(len(level), np.bool_)
        rise = np.clip(p.rise_share * (peak - floor), p.rise_min_db, p.rise_max_db)
        return np.asarray((level > floor + rise) & (level > p.silence_db))

    def _join(self, active: NDArray[np.bool_]) -> list[Span]:
        p, spans = self._p, []
        for offset, is_active in enumerate(active):
            frame = self._decided + offset
            if self._open is not None:
                too_long = frame - self._open >= p.max_length
                if too_long or frame - self._last_active > p.max_gap:
                    spans += self._close()
            if is_active:
                if self._open is None:
                    self._open = frame
                self._last_active = frame
        return spans

    def _close(self) -> list[Span]:
        if self._open is None:
            return []
        p, start, stop = self._p, self._open, self._last_active + 1
        self._open = None
        if not self._is_voice(start, stop):
            return []
        first = max(self._previous_stop, (start - p.margin) * HOP, 0)
        self._previous_stop = min(self._n_samples, (stop - 1 + p.margin) * HOP + FRAME)
        return [Span(first, self._previous_stop)]

    def _is_voice(self, start: int, stop: int) -> bool:
        p = self._p
        held = slice(start - self._first, stop - self._first)
        lag = self._lag[held]
        jump = np.abs(np.diff(lag, prepend=lag[0])) > p.max_pitch_jump * lag
        voiced = (self._correlation[held] >= p.voiced_correlation) & ~jump
        if voiced.sum() < p.min_voiced or _longest_run(voiced) < p.min_run:
            return False
        low, high = _quantiles(self._level[held], 0.1, 0.9)
        return bool(high - low >= p.min_modulation_db)

    def _forget(self) -> None:
        """Let go of frames that no later decision needs."""
        keep = self._decided - self._p.look_back
        if self._open is not None:
            keep = min(keep, self._open)
        drop = keep - self._first
        if drop > 0:
            self._level, self._correlation = self._level[drop:], self._correlation[drop:]
            self._lag = self._lag[drop:]
            self._first = keep


def find_voice(samples: Float32, parameters: ActivityParameters | None = None) -> list[Span]:
    """Return the voice spans of a whole clip (float32 mono, 16 kHz)."""
    detector = ActivityDetector(parameters)
    return detector.push(samples) + detector.finish()


def _measure(block: Float32, p: ActivityParameters) -> tuple[Floats, Floats, Floats]:
    """Return each frame's level (dB re full scale), voicing correlation (-1 to 1) and its lag (samples at 8 kHz)."""
    frames = np.lib.stride_tricks.sliding_window_view(block, FRAME)[::HOP]
    power = power_spectrum(frames * _WINDOW)
    power[:, :_LOW] = 0
    power[:, _HIGH:] = 0
    energy = power.sum(axis=1, dtype=np.float64) * _ENERGY_SCALE
    level = 10 * np.log10(np.maximum(energy, 1e-15))
    correlation, lag = np.zeros(len(frames)), np.ones(len(frames))
    loud = np.flatnonzero(level > p.silence_db)
    if len(loud):
        # circular, but the window leaves next to nothing at the lags that meet those of a voice
        # in float64, which numpy transforms three times as fast as float32
        auto = np.fft.irfft(power[loud, : _HALF_RATE // 2 + 1].astype(np.float64), _HALF_RATE)
        shortest, longest = (int(SAMPLE_RATE / 2 / hz) for hz in reversed(p.pitch_hz))
        normalised = auto[:, shortest : longest + 1] / _WINDOW_CORRELATION[shortest : longest + 1]
        best = normalised.argmax(axis=1)
        correlation[loud] = normalised[np.arange(len(loud)), best] / auto[:, 0]
        lag[loud] = best + shortest
    return level, correlation, lag


def _quantiles(values: Floats, *shares: float) -> list[float]:
    """Return order statistics; np.percentile takes ten times as long for so few values."""
    ordered = np.sort(values)
    return [float(ordered[int(share * (len(ordered) - 1))]) for share in shares]


def _longest_run(flags: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))


_WINDOW = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)).astype(np.float32)
_WINDOW_CORRELATION = np.fft.irfft(np.abs(np.fft.rfft(_WINDOW))[: _HALF_RATE // 2 + 1] ** 2, _HALF_RATE)
_WINDOW_CORRELATION = (_WINDOW_CORRELATION / _WINDOW_CORRELATION[0]).astype(np.float32)
_LOW, _HIGH = (round(hz * FRAME / SAMPLE_RATE) for hz in (100, 4000))
_ENERGY_SCALE = 2 / (FRAME * float(np.square(_WINDOW).sum()))  # mean square of a full-scale sine: 0.5
