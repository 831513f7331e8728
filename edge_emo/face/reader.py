"""From frames to readings: detect, follow, align, recognise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edge_emo.core.timeline import Reading, decide
from edge_emo.face.cuts import CutDetector
from edge_emo.face.detector import Detector, FaceDetector
from edge_emo.face.recognizer import FaceRecognizer
from edge_emo.face.tracking import Tracker
from edge_emo.media.film import Frame


@dataclass(frozen=True)
class FaceModels:
    """What finds faces and what reads them, for many sources; `everyone` also reads faces other than the main one."""

    detector: Detector
    recognizer: FaceRecognizer
    everyone: bool = False

    @property
    def model_names(self) -> dict[str, str]:
        """Name, version and precision of both, by their task."""
        return {"face": self.recognizer.model.name, "detector": self.detector.name}

    def reader(self, *, live: bool = False) -> FaceReader:
        """Return what reads one source, in the same way whether it is `live` or not."""
        return FaceReader(self.detector, self.recognizer, everyone=self.everyone)


class FaceReader:
    """The readings of the frames of one source, in order of time. `everyone` also reads faces other than the main one.

    The answer for a frame depends on it and the frames before, and is there at once, until `settled_s`. `is_cut` tells
    whether the last frame begins a shot; nobody is followed across a cut.
    """

    sample_rate = None
    provisional: tuple[Reading, ...] = ()

    def __init__(
        self, detector: Detector | None = None, recognizer: FaceRecognizer | None = None, *, everyone: bool = False
    ) -> None:
        self._detector, self._recognizer = detector or FaceDetector(), recognizer or FaceRecognizer()
        self._everyone, self._tracker, self._cut_detector = everyone, Tracker(), CutDetector()
        self.is_cut, self.settled_s, self.threshold = False, 0.0, self._recognizer.card.threshold

    def push(self, frame: Frame) -> Iterator[Reading]:
        """Yield the readings of a frame, the main face first. Raises ValueError for an array that is no picture."""
        self.is_cut, self.settled_s = self._cut_detector.push(frame), frame.end_s
        if self.is_cut:
            self._tracker.cut()
        faces = self._detector.detect(frame.picture)
        height, width = frame.picture.shape[:2]
        followed = self._tracker.follow(faces, frame.start_s, (height, width))
        order = sorted(range(len(faces)), key=lambda i: (not followed[i][1], followed[i][0]))
        chosen = [i for i in order if self._everyone or followed[i][1]]
        found = self._recognizer.probabilities(frame.picture, [faces[i] for i in chosen])
        for i, probabilities in zip(chosen, found.tolist(), strict=True):
            raw, emotion, reason = decide(probabilities, self.threshold)
            person, is_main = followed[i]
            yield Reading(
                modality="face",
                start_s=frame.start_s,
                end_s=frame.end_s,
                raw=raw,
                probabilities=tuple(probabilities),
                emotion=emotion,
                reason=reason,
                box=faces[i].box,
                person=person + 1,  # people count from 1
                is_main=is_main,
            )

    def finish(self) -> Iterator[Reading]:
        """Yield the readings that only the end completes: none."""
        return iter(())
