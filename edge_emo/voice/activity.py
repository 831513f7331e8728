"""Voice activity: where in a recording somebody speaks.

A frame is active when its energy between 100 Hz and 4 kHz rises above a noise floor that follows the recording.
A stretch of active frames is a voice when `evidence` says so, which tells voices from music and from noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_emo.media.sound import Float32
from edge_emo.voice.evidence import LEAST_EVIDENCE, voice_evidence
from edge_emo.voice.frames import FRAME, HOP, NO_FRAMES, Frames, measure

Floats = NDArray[np.float64]


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
    min_length: int = 8  # shorter stretches are clicks
    max_length: int = 500  # longer stretches are cut
    least_evidence: float = LEAST_EVIDENCE  # of a voice, in log-odds


class ActivityDetector:
    """Find voice in sound that arrives in pieces; the result does not depend on the pieces.

    Input is float32 mono at 16 kHz. A span is reported once it is complete, at most
    `max_length + look_ahead + max_gap` frames (about 12 s) after it began.
    """

    def __init__(
        self, parameters: ActivityParameters | None = None, evidence: Callable[[Frames], float] = voice_evidence
    ) -> None:
        self._p, self._evidence = parameters or ActivityParameters(), evidence
        self._pending = np.zeros(0, np.float32)
        self._frames = NO_FRAMES
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

    @property
    def under_way(self) -> Span | None:
        """What may be a voice that goes on, up to the last frame so far; what comes may show that it is none."""
        start, known = self._begun(), self._first + len(self._frames)
        if start is None:
            return None
        return Span(max(self._previous_stop, (start - self._p.margin) * HOP, 0), (known - 1) * HOP + FRAME)

    @property
    def is_voice_under_way(self) -> bool:
        """Whether it sounds like one so far."""
        start = self._begun()
        return start is not None and self._evidence(self._frames[start - self._first :]) >= self._p.least_evidence

    def push(self, samples: Float32) -> list[Span]:
        """Return the voice spans completed by `samples`."""
        self._n_samples += len(samples)
        self._pending = np.concatenate([self._pending, np.asarray(samples, np.float32)])
        n_frames = 0 if len(self._pending) < FRAME else 1 + (len(self._pending) - FRAME) // HOP
        self._analyze(n_frames)
        return self._decide(last=False)

    def finish(self) -> list[Span]:
        """Return the spans that only the end of the sound completes."""
        if len(self._pending):
            self._pending = np.pad(self._pending, (0, max(0, FRAME - len(self._pending))))
            self._analyze(1 + (len(self._pending) - FRAME) // HOP)
        return self._decide(last=True)

    def _analyze(self, n_frames: int) -> None:
        for start in range(0, n_frames, 256):
            count = min(256, n_frames - start)
            block = self._pending[start * HOP : start * HOP + (count - 1) * HOP + FRAME]
            self._frames += measure(block)
        self._pending = self._pending[n_frames * HOP :]

    def _decide(self, last: bool) -> list[Span]:
        p, spans = self._p, []
        known = self._first + len(self._frames)
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
        around = self._frames.level[lo - self._first : hi - self._first]
        floor, peak = _quantiles(around, 0.1, 0.95)
        floor = max(floor, peak - p.max_range_db)
        level = self._frames.level[self._decided - self._first : stop - self._first]
        if peak - floor < p.min_range_db:
            return np.zeros(len(level), np.bool_)
        rise = np.clip(p.rise_share * (peak - floor), p.rise_min_db, p.rise_max_db)
        return np.asarray((level > floor + rise) & (level > p.silence_db))

    def _begun(self) -> int | None:
        """Return the first frame of what is active up to now, by frames before alone where it is not decided."""
        p, start, last, known = self._p, self._open, self._last_active, self._first + len(self._frames)
        if known > self._decided:
            active = self._active_frames(max(self._first, known - p.look_back), known, known)
            for frame in (self._decided + np.flatnonzero(active)).tolist():
                if start is None or frame - last > p.max_gap or frame - start >= p.max_length:
                    start = frame
                last = frame
        is_over = start is None or known - 1 - last > p.max_gap or known - start < p.min_length
        return None if is_over else start

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
        if stop - start < p.min_length:
            return []
        if self._evidence(self._frames[start - self._first : stop - self._first]) < p.least_evidence:
            return []
        first = max(self._previous_stop, (start - p.margin) * HOP, 0)
        self._previous_stop = min(self._n_samples, (stop - 1 + p.margin) * HOP + FRAME)
        return [Span(first, self._previous_stop)]

    def _forget(self) -> None:
        """Let go of frames that no later decision needs."""
        keep = self._decided - self._p.look_back
        if self._open is not None:
            keep = min(keep, self._open)
        drop = keep - self._first
        if drop > 0:
            self._frames = self._frames[drop:]
            self._first = keep


def find_voice(samples: Float32, parameters: ActivityParameters | None = None) -> list[Span]:
    """Return the voice spans of a whole clip (float32 mono, 16 kHz)."""
    detector = ActivityDetector(parameters)
    return detector.push(samples) + detector.finish()


def _quantiles(values: Floats, *shares: float) -> list[float]:
    """Return order statistics; np.percentile takes ten times as long for so few values."""
    ordered = np.sort(values)
    return [float(ordered[int(share * (len(ordered) - 1))]) for share in shares]
