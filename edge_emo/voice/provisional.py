"""Windows inside of an utterance that goes on, for those who cannot wait until it is known where it ends."""

from __future__ import annotations

from typing import Final

from edge_emo.media.sound import SAMPLE_RATE, Float32
from edge_emo.voice.activity import ActivityDetector, Span
from edge_emo.voice.frames import FRAME, HOP

FIRST_S: Final = 1.0
"""So long after a voice begins its first window ends."""

_LOOK = 10 * HOP  # samples between two looks: a window comes at most 0.2 s after it could be had


class ProvisionalWindows:
    """Hands sound on to a detector of activity in step with its frames, so that the pieces change nothing.

    The windows are in samples at 16 kHz: the first ends one second after a voice begins, and each further one `hop_s`
    after the one before.
    """

    def __init__(self, detector: ActivityDetector, window_s: float, hop_s: float) -> None:
        self._detector = detector
        self._windows: list[Span] = []
        self._length, self._hop, self._first = (round(s * SAMPLE_RATE) for s in (window_s, hop_s, FIRST_S))
        self._until_look = FRAME + _LOOK - HOP
        self._last_stop = 0

    @property
    def windows(self) -> list[Span]:
        """Those in order of time whose utterance is not decided yet."""
        settled = self._detector.settled  # a window may begin a little before what turns out to be the utterance
        return [window for window in self._windows if (window.start + window.stop) // 2 > settled]

    def push(self, samples: Float32) -> list[Span]:
        """Return the voice spans completed by `samples`."""
        spans = []
        while len(samples) >= self._until_look:
            spans += self._detector.push(samples[: self._until_look])
            samples, self._until_look = samples[self._until_look :], _LOOK
            self._look()
        self._until_look -= len(samples)
        return spans + self._detector.push(samples)

    def _look(self) -> None:
        self._windows = self.windows
        voice = self._detector.under_way
        if voice is None:
            return
        is_first = self._last_stop <= voice.start
        due = voice.start + self._first if is_first else self._last_stop + self._hop
        if voice.stop >= due and self._detector.is_voice_under_way:
            self._windows.append(Span(max(voice.start, voice.stop - self._length), voice.stop))
            self._last_stop = voice.stop
