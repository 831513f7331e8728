"""Who is there: visits begin with a face or a voice that stays, and end when both have been away for long."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from edge_emo.analysis.analyzer import Analyzer
from edge_emo.core.emotions import UNCERTAIN
from edge_emo.core.timeline import ProvisionalReading, Reading, Segment
from edge_emo.face.reader import FaceModels
from edge_emo.live.events import Event, Feeling, PresenceEvent, ReadingEvent, SegmentEvent, SongsEvent
from edge_emo.live.faces import FaceGate
from edge_emo.live.gates import Motion, is_loud
from edge_emo.live.sitting import LONGEST_GAP_S, Sitting, whole_steps
from edge_emo.live.wire import Packet
from edge_emo.media.film import Frame
from edge_emo.media.sound import Float32
from edge_emo.music.ranking.recommend import Recommendation
from edge_emo.voice.recognizer import VoiceRecognizer

DWELL_S: Final = 1.0
"""A face or a voice is a visitor from then on; a voice is told to be one no sooner, too."""
BEFORE_S: Final = 10.0
"""So much of the sound before it is listened to with a voice: it tells how loud the place is."""
_SAME_FACE_S: Final = 0.7  # a face may be missed for so long
_AWAKE_S: Final = 5.0  # after the last sound or face
_LOOK_S: Final = 2.0  # after something moved
_LEAST_LOOKS_S: Final = 10.0  # also where nothing moves
_HELD_S: Final = 10.0  # readings wait so long for a visit

Propose = Callable[[int, Feeling], tuple[Recommendation, ...]]


@dataclass(frozen=True)
class Habits:
    """How patient the service is: a visit ends `absent_s` after the last face or voice.

    Songs are proposed once an emotion has held for `hold_s`; in one visit again after `every_s`, if that is given.
    With `everyone`, the faces of all are read, and the main one counts.
    """

    absent_s: float = 20.0
    hold_s: float = 3.0
    every_s: float | None = None
    everyone: bool = False


@dataclass
class _Visit:
    number: int
    began_s: float
    proposed_s: float = -math.inf


class Visits:
    """Frames and sound in, events out. `expected` are the modalities whose devices work.

    `emit` takes the events, `wall` gives the seconds since 1970, and `propose` songs for a visit and a feeling.
    """

    def __init__(
        self,
        analyzer: Analyzer,
        emit: Callable[[Event], object],
        propose: Propose,
        *,
        wall: Callable[[], float],
        habits: Habits | None = None,
    ) -> None:
        self.expected: set[str] = set()
        self.visits = 0
        self.feeling: Feeling | None = None
        self._analyzer, self._emit, self._propose, self._wall = analyzer, emit, propose, wall
        self._habits = habits or Habits()
        self._gate, self._motion = FaceGate(_face(analyzer).detector), Motion()
        self._sitting: Sitting | None = None
        self._visit: _Visit | None = None
        self._held: list[Reading] = []  # found before it is known whether somebody is there
        self._told: set[tuple[float, float]] = set()  # provisional readings of the utterance that goes on
        self._before: deque[tuple[float, Float32]] = deque()
        self._free_s = 0.0  # sound before it belongs to a visit that is over
        self._moved_s = self._looked_s = self._loud_s = self._asked_s = -math.inf
        self._face_s = self._face_since_s = self._voice_s = -math.inf

    @property
    def visit(self) -> int | None:
        """The number of the visit that goes on."""
        return self._visit.number if self._visit else None

    @property
    def view(self) -> Literal["ok", "nobody", "turned_away", "too_small", "still", "dark"]:
        """Why no face is read, or "ok"."""
        return "dark" if self._motion.is_dark and self._gate.view != "ok" else self._gate.view

    def see(self, packet: Packet) -> None:
        """Take a frame, which begins no earlier than the one before ended."""
        at_s = packet.start_s
        if self._motion.push(packet.luma):
            self._moved_s = at_s
        latest_s = max(self._moved_s, self._face_s)
        self._gate.is_closed = at_s - latest_s > _LOOK_S and at_s - self._looked_s < _LEAST_LOOKS_S
        self._gate.time_s = at_s
        if not self._gate.is_closed:
            self._looked_s = at_s
        elif self._sitting is None:
            return
        picture = packet.picture
        if self._sitting is None:
            if not self._gate.detect(picture):
                return
            self._sit(at_s, "face")
        elif "face" not in self._sitting.modalities:
            self._sit_anew(at_s, "face")
        assert self._sitting is not None
        readings = self._sitting.push_frame(Frame(at_s, packet.end_s, picture))
        if readings:
            self._face_since_s = at_s if at_s - self._face_s > _SAME_FACE_S else self._face_since_s
            self._face_s = at_s
        self._found(readings)
        if readings and at_s - self._face_since_s >= DWELL_S - 0.01:
            self._come("face", self._face_since_s, at_s)
        self.tick(at_s)

    def hear(self, start_s: float, samples: Float32) -> None:
        """Take a block of float32 mono samples at the voice's rate."""
        now_s = start_s + len(samples) / _voice(self._analyzer).sample_rate
        while self._before and self._before[0][0] < start_s - BEFORE_S - 1:
            self._before.popleft()
        if not np.isfinite(samples).all():
            samples = np.nan_to_num(samples, posinf=0.0, neginf=0.0)
        self._before.append((start_s, samples))
        if is_loud(samples):
            self._loud_s = now_s
        if self._sitting is None:
            if self._loud_s != now_s:
                return
            self._sit(start_s, "voice")
        elif "voice" not in self._sitting.modalities or self._sitting.missing_s(start_s) > LONGEST_GAP_S:
            self._sit_anew(start_s, "voice")
        else:
            self._found(self._sitting.push_sound(start_s, samples))
        self._speak(now_s)
        self.tick(now_s)

    def tick(self, now_s: float) -> None:
        """Let time pass: tell what became final, propose songs, and end a visit from which nothing came for long."""
        sitting = self._sitting
        if sitting is None:
            self.feeling = None
            return
        if now_s - self._asked_s >= 0.5:
            self._asked_s = now_s
            self.feeling = sitting.feeling(now_s)
            self._tell_segments(sitting.segments())
            self._offer(now_s)
        seen_s = max(self._face_s, self._voice_s)
        if self._visit is None:
            self._held = [reading for reading in self._held if reading.end_s > now_s - _HELD_S]
            sitting.forget(now_s - _HELD_S)
            if now_s - max(seen_s, self._loud_s) > _AWAKE_S:
                self._sitting, self._held, self._told = None, [], set()
        elif now_s - seen_s >= self._habits.absent_s:
            self._go("left", now_s)
        elif (
            abs(self._gate.stilled_s - self._face_s) < DWELL_S
            and now_s - self._face_s > DWELL_S
            and now_s - self._voice_s > BEFORE_S
        ):
            self._go("still", now_s)

    def end(self, now_s: float) -> None:
        """End what goes on: the sources have ended, or the service does."""
        if self._visit is not None:
            self._go("ended", now_s)
        self._sitting = None

    def _sit(self, at_s: float, by: str) -> None:
        """Begin to analyze, with the sound before it."""
        analyzer, wanted = self._analyzer, {*self.expected, by}
        base_s = whole_steps(at_s)
        if "voice" in wanted and self._before:
            begun_s = max(self._before[0][0], self._free_s)
            base_s = min(base_s, max(-whole_steps(-begun_s), base_s - BEFORE_S))
        self._sitting = Sitting(
            _voice(analyzer) if "voice" in wanted else None,
            self._gate,
            _face(analyzer).recognizer if "face" in wanted else None,
            base_s,
            everyone=self._habits.everyone,
        )
        if "voice" in wanted:
            for start_s, samples in self._before:
                skipped = max(0, round((base_s - start_s) * _voice(analyzer).sample_rate))
                if skipped < len(samples):
                    self._found(self._sitting.push_sound(max(start_s, base_s), samples[skipped:]))

    def _sit_anew(self, at_s: float, by: str) -> None:
        """Finish what was analyzed so far: a device came back; the visit goes on."""
        self._finish(at_s)
        self._sit(at_s, by)

    def _speak(self, now_s: float) -> None:
        """Follow the utterance that goes on."""
        assert self._sitting is not None
        provisional = self._sitting.provisional_readings
        new = [reading for reading in provisional if (reading.start_s, reading.end_s) not in self._told]
        self._told = {(reading.start_s, reading.end_s) for reading in provisional}
        self._found(new)
        if provisional:
            self._voice_s = max(self._voice_s, provisional[-1].end_s)
            self._come("voice", provisional[0].start_s, now_s)

    def _come(self, by: str, began_s: float, now_s: float) -> None:
        if self._visit is not None:
            return
        self.visits += 1
        self._visit = _Visit(self.visits, began_s)
        self._emit(
            PresenceEvent(at=self._wall(), time_s=now_s, visit=self.visits, is_present=True, by=by, reason="came")
        )
        held, self._held = self._held, []
        self._found(each for each in held if not isinstance(each, ProvisionalReading) or each.end_s >= began_s)

    def _go(self, reason: Literal["left", "still", "ended"], now_s: float) -> None:
        visit = self._visit
        assert visit is not None
        self._finish(now_s)
        self._sitting = self._visit = self.feeling = None
        self._face_since_s = self._face_s = self._voice_s = -math.inf
        self._emit(PresenceEvent(at=self._wall(), time_s=now_s, visit=visit.number, is_present=False, reason=reason))

    def _finish(self, now_s: float) -> None:
        assert self._sitting is not None
        readings, segments = self._sitting.finish()
        self._found(readings)
        self._tell_segments(segments)
        self._free_s, self._told = now_s, set()

    def _found(self, readings: Iterable[Reading]) -> None:
        for reading in readings:
            is_final = not isinstance(reading, ProvisionalReading)
            if reading.modality == "voice" and is_final:
                self._voice_s = max(self._voice_s, reading.end_s)
            if self._visit is None:
                self._held.append(reading)
            else:
                self._emit(
                    ReadingEvent(
                        at=self._wall(),
                        time_s=reading.end_s,
                        visit=self._visit.number,
                        is_final=is_final,
                        reading=reading,
                    )
                )

    def _tell_segments(self, segments: Iterable[Segment]) -> None:
        for segment in segments if self._visit else ():
            assert self._visit is not None
            if segment.end_s > self._visit.began_s - _HELD_S:
                self._emit(
                    SegmentEvent(at=self._wall(), time_s=segment.end_s, visit=self._visit.number, segment=segment)
                )

    def _offer(self, now_s: float) -> None:
        feeling, visit, habits = self.feeling, self._visit, self._habits
        if visit is None or feeling is None or feeling.emotion == UNCERTAIN or feeling.held_s < habits.hold_s:
            return
        if not self._gate.is_alive and self._voice_s < visit.began_s:
            return  # it may be a picture
        if now_s - visit.proposed_s < (math.inf if habits.every_s is None else habits.every_s):
            return
        visit.proposed_s = now_s
        songs = self._propose(visit.number, feeling)
        self._emit(SongsEvent(at=self._wall(), time_s=now_s, visit=visit.number, emotion=feeling.emotion, songs=songs))


def _voice(analyzer: Analyzer) -> VoiceRecognizer:
    recognizer = analyzer.recognizer("voice")
    assert isinstance(recognizer, VoiceRecognizer)
    return recognizer


def _face(analyzer: Analyzer) -> FaceModels:
    models = analyzer.recognizer("face")
    assert isinstance(models, FaceModels)
    return models
