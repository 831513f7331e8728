"""One analysis session on the service's clock: begun when somebody may be there, given up when nobody is."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final, TypeVar

import numpy as np

from edge_emo.analysis.fusion import STEP_S
from edge_emo.analysis.modalities import Reader
from edge_emo.analysis.session import Session
from edge_emo.core.timeline import Reading, Segment, decide
from edge_emo.face.reader import FaceReader
from edge_emo.face.recognizer import FaceRecognizer
from edge_emo.live.events import Feeling
from edge_emo.live.faces import FaceGate
from edge_emo.live.segmenting import Segmenter
from edge_emo.media.film import Frame
from edge_emo.media.sound import Float32
from edge_emo.voice.recognizer import VoiceRecognizer

LONGEST_GAP_S: Final = 60.0
"""Sound that is missing for so long is filled with silence; after more, a session begins anew."""
_FEELING_S: Final = 2.0
"""So long after the last reading is told what was felt."""

T = TypeVar("T", Reading, Segment)


class Sitting:
    """Frames and sound in, readings, segments and the feeling out, all on the service's clock.

    The session inside begins at `base_s`, a whole number of steps, so that it gives the steps of a film that begins at
    0. `voice` or `recognizer` are None where no sound, or no picture, is expected.
    """

    def __init__(
        self,
        voice: VoiceRecognizer | None,
        gate: FaceGate,
        recognizer: FaceRecognizer | None,
        base_s: float,
        *,
        everyone: bool = False,
    ) -> None:
        self.base_s = base_s
        self._reader = FaceReader(gate, recognizer, everyone=everyone) if recognizer is not None else None
        readers: dict[str, Reader] = {"voice": voice.reader(live=True)} if voice is not None else {}
        if self._reader is not None:
            readers["face"] = self._reader
        self._session = Session(readers, live=True)
        self._segmenter = Segmenter(self._session.thresholds)
        self._threshold = min(self._session.thresholds.values())
        self.modalities: set[str] = set(self._session.thresholds)
        self._rate = voice.sample_rate if voice is not None else 0
        self._n_samples = 0
        self._emotion, self._since_s = "", 0.0

    def push_frame(self, frame: Frame) -> list[Reading]:
        """Return the readings of a frame."""
        assert self._reader is not None
        local = replace(frame, start_s=frame.start_s - self.base_s, end_s=frame.end_s - self.base_s)
        readings = self._session.push_frame(local)
        self._segmenter.push(readings, [local.start_s] if self._reader.is_cut else [])
        return [self._on_clock(reading) for reading in readings]

    def push_sound(self, start_s: float, samples: Float32) -> list[Reading]:
        """Return the readings that a block completes; what is missing before it is silence."""
        missing = round(self.missing_s(start_s) * self._rate)
        if missing > 0:
            samples = np.concatenate([np.zeros(missing, np.float32), samples])
        elif missing < 0:
            samples = samples[-missing:]
        self._n_samples += len(samples)
        readings = self._session.push_sound(samples) if len(samples) else []
        self._segmenter.push(readings)
        return [self._on_clock(reading) for reading in readings]

    def missing_s(self, start_s: float) -> float:
        """Return the seconds of sound that are missing before a block, below 0 for those that came already."""
        return start_s - self.base_s - self._n_samples / self._rate

    @property
    def provisional_readings(self) -> list[Reading]:
        """The readings of an utterance that goes on."""
        return [self._on_clock(reading) for reading in self._session.provisional_readings]

    def segments(self) -> list[Segment]:
        """Return the segments that became final since this was last asked."""
        return [self._on_clock(segment) for segment in self._segmenter.segments(self._session.settled_s)]

    def forget(self, before_s: float) -> None:
        """Let go of what was found before."""
        self._segmenter.forget(before_s - self.base_s)

    def feeling(self, now_s: float) -> Feeling | None:
        """Return what is found by now, None where that is nothing; ask twice a second, as long as it goes on."""
        steps = [*self._session.steps(), *self._session.provisional_steps()]
        if not steps or steps[-1].end_s + self.base_s < now_s - _FEELING_S:
            self._emotion = ""
            return None
        step = steps[-1]
        raw, emotion, _ = decide(step.probabilities, self._threshold)
        if emotion != self._emotion:
            self._emotion, self._since_s = emotion, step.start_s + self.base_s
        return Feeling(
            emotion=emotion,
            raw=raw,
            probability=max(step.probabilities),
            probabilities=step.probabilities,
            valence=step.valence,
            arousal=step.arousal,
            held_s=max(0.0, now_s - self._since_s),
        )

    def finish(self) -> tuple[list[Reading], list[Segment]]:
        """Return the readings and segments that only the end completes."""
        readings = self._session.finish()
        self._segmenter.push(readings)
        segments = self._segmenter.segments(math.inf)
        return [self._on_clock(reading) for reading in readings], [self._on_clock(segment) for segment in segments]

    def _on_clock(self, found: T) -> T:
        return replace(found, start_s=found.start_s + self.base_s, end_s=found.end_s + self.base_s)


def whole_steps(time_s: float) -> float:
    """Return the last time before, or at, `time_s` at which a step begins."""
    return math.floor(time_s / STEP_S) * STEP_S
