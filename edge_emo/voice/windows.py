"""Which stretches of sound a network reads: windows over each voice, or over the whole recording, as its card asks."""

from __future__ import annotations

import numpy as np
import soxr

from edge_emo.media.sound import SAMPLE_RATE, Float32
from edge_emo.models.schema import VoicePreprocessing
from edge_emo.voice.activity import ActivityDetector, Span
from edge_emo.voice.provisional import ProvisionalWindows


class Windows:
    """The windows of sound that arrives in pieces, in their order; the result does not depend on the pieces.

    Sound is float32 mono at the card's `sample_rate`; a window is the part of it that the network is given. `live`
    finds provisional ones as well, unless the card's network reads everything, voice or not.
    """

    def __init__(self, voice: VoicePreprocessing, *, live: bool = False) -> None:
        self._voice, self._live = voice, live
        self._activity = None if voice.activity == "off" else _Activity(voice, live)
        self._grid = None if voice.activity == "cut" else _Grid(voice)
        self._waiting: list[Span] = []  # of the grid, until it is known whether they hold a voice
        self._spans: list[Span] = []  # of voice, that windows to come may hold

    @property
    def settled(self) -> int:
        """Samples before this position can no longer become part of a window."""
        of_grid = [] if self._grid is None else [self._grid.settled, *(window.start for window in self._waiting[:1])]
        of_voice = [self._activity.settled] if self._activity and (self._live or self._grid is None) else []
        return min([*of_grid, *of_voice])

    @property
    def provisional(self) -> list[Span]:
        """Windows inside of a voice of which it is not known yet where it ends; those of the whole replace them."""
        found = self._activity.provisional if self._activity else []
        return [part for window in found if (part := self._part(window))]

    def push(self, samples: Float32) -> list[list[Span]]:
        """Return the windows completed by `samples`, those of one stretch of voice together."""
        spans = self._activity.push(samples) if self._activity else []
        return self._chosen(spans, self._grid.push(len(samples)) if self._grid else [])

    def finish(self) -> list[list[Span]]:
        """Return the windows that only the end of the sound completes."""
        spans = self._activity.finish() if self._activity else []
        return self._chosen(spans, self._grid.finish() if self._grid else [])

    def _chosen(self, spans: list[Span], windows: list[Span]) -> list[list[Span]]:
        voice = self._voice
        if self._grid is None:
            groups = [split(span, voice.window_s, voice.hop_s, voice.sample_rate) for span in spans]
            parts = [[part for window in group if (part := self._part(window))] for group in groups]
            return [group for group in parts if group]
        parted = [part for window in windows if (part := self._part(window))]
        if self._activity is None:
            return [[window] for window in parted]
        self._spans += spans
        self._waiting += parted
        chosen = []
        while self._waiting:
            window = self._waiting[0]
            if any(span.start < window.stop and window.start < span.stop for span in self._spans):
                chosen.append([window])
            elif self._activity.settled < window.stop:
                break
            self._waiting.pop(0)
        self._spans = [span for span in self._spans if span.stop > self.settled]
        return chosen

    def _part(self, window: Span) -> Span | None:
        """Return what the network is given of a window; None where it ends before that begins."""
        rate, voice = self._voice.sample_rate, self._voice
        start = window.start + round(voice.offset_s * rate)
        stop = window.stop if voice.duration_s is None else min(window.stop, start + round(voice.duration_s * rate))
        return Span(start, stop) if start < stop else None


def windows(samples: Float32, voice: VoicePreprocessing) -> list[Span]:
    """Return the windows of a whole clip of shape (samples,) at the card's `sample_rate`."""
    cut = Windows(voice)
    return [window for group in (*cut.push(samples), *cut.finish()) for window in group]


def split(span: Span, window_s: float, hop_s: float, sample_rate: int = SAMPLE_RATE) -> list[Span]:
    """Return windows of `window_s` that cover `span` evenly, at most `hop_s` apart; a shorter span is one."""
    length = round(window_s * sample_rate)
    excess = span.stop - span.start - length
    if excess <= 0:
        return [span]
    count = 1 + -(-excess // round(hop_s * sample_rate))
    starts = np.linspace(span.start, span.stop - length, count).round().astype(int)
    return [Span(int(start), int(start) + length) for start in starts]


class _Grid:
    """Windows of `window_s` every `hop_s`; the last ends with the sound, and what is shorter than one is one."""

    def __init__(self, voice: VoicePreprocessing) -> None:
        self._length, self._hop = (round(seconds * voice.sample_rate) for seconds in (voice.window_s, voice.hop_s))
        self._next = 0
        self._n_samples = 0

    @property
    def settled(self) -> int:
        return max(0, min(self._next, self._n_samples - self._length))

    def push(self, n_samples: int) -> list[Span]:
        self._n_samples += n_samples
        found = []
        while self._next + self._length <= self._n_samples:
            found.append(Span(self._next, self._next + self._length))
            self._next += self._hop
        return found

    def finish(self) -> list[Span]:
        covered = self._next - self._hop + self._length if self._next else 0
        start = max(0, self._n_samples - self._length)
        return [Span(start, self._n_samples)] if covered < self._n_samples else []


class _Activity:
    """Voice in sound of any rate, its positions in samples of that rate; it is looked for at 16 kHz."""

    def __init__(self, voice: VoicePreprocessing, live: bool) -> None:
        rate = voice.sample_rate
        self._detector = ActivityDetector()
        self._early = ProvisionalWindows(self._detector, voice.window_s, voice.hop_s) if live else None
        self._ratio = rate / SAMPLE_RATE
        self._resampler = None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, 1)
        self._n_samples = 0

    @property
    def settled(self) -> int:
        return int(self._detector.settled * self._ratio)

    @property
    def provisional(self) -> list[Span]:
        return self._found(self._early.windows) if self._early else []

    def push(self, samples: Float32) -> list[Span]:
        self._n_samples += len(samples)
        return self._found((self._early or self._detector).push(self._resampled(samples)))

    def finish(self) -> list[Span]:
        rest = self._resampled(np.zeros(0, np.float32), last=True) if self._resampler else np.zeros(0, np.float32)
        return self._found([*self._detector.push(rest), *self._detector.finish()])

    def _resampled(self, samples: Float32, last: bool = False) -> Float32:
        return samples if self._resampler is None else self._resampler.resample_chunk(samples, last=last)

    def _found(self, spans: list[Span]) -> list[Span]:
        ratio = self._ratio
        return [Span(int(span.start * ratio), min(int(span.stop * ratio), self._n_samples)) for span in spans]
