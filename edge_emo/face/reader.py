"""From frames to readings: detect, follow, align, recognise."""

from __future__ import annotations

from collections.abc import Iterator

from edge_emo.face.cuts import CutDetector
from edge_emo.face.detector import Detector, FaceDetector
from edge_emo.face.recognizer import FaceRecognizer
from edge_emo.face.tracking import Tracker
from edge_emo.film import Frame
from edge_emo.timeline import Reading, decide


class FaceReader:
    """The readings of the frames of one source, in order of time. `everyone` also reads faces other than the main one.

    The answer for a frame depends on it and the frames before. `cuts` fills with when the picture was cut, in seconds:
    the starts of the first frames after. Nobody is followed across a cut.
    """

    def __init__(
        self, detector: Detector | None = None, recognizer: FaceRecognizer | None = None, *, everyone: bool = False
    ) -> None:
        self._detector, self._recognizer = detector or FaceDetector(), recognizer or FaceRecognizer()
        self._everyone, self._tracker, self._cut_detector = everyone, Tracker(), CutDetector()
        self.cuts: list[float] = []

    def push(self, frame: Frame) -> Iterator[Reading]:
        """Yield the readings of a frame, the main face first. Raises ValueError for an array that is no picture."""
        if self._cut_detector.push(frame):
            self.cuts.append(frame.start_s)
            self._tracker.cut()
        faces = self._detector.detect(frame.picture)
        height, width = frame.picture.shape[:2]
        followed = self._tracker.follow(faces, frame.start_s, (height, width))
        order = sorted(range(len(faces)), key=lambda i: (not followed[i][1], followed[i][0]))
        chosen = [i for i in order if self._everyone or followed[i][1]]
        threshold = self._recognizer.card.threshold
        found = self._recognizer.probabilities(frame.picture, [faces[i] for i in chosen])
        for i, probabilities in zip(chosen, found.tolist(), strict=True):
            raw, emotion, reason = decide(probabilities, threshold)
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
