"""The main job: a source in, a timeline out."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, get_args

from edge_emo.analysis.fusion import segments
from edge_emo.analysis.session import Session
from edge_emo.core.errors import MediaError, NoPictureError, TrackNotFoundError
from edge_emo.core.once import once
from edge_emo.core.text import printable
from edge_emo.core.timeline import Modality, Person, Reading, Reason, Summary, Timeline, summarize, summary_of
from edge_emo.media.sources import kind, opened
from edge_emo.models.manifest import Precision

if TYPE_CHECKING:
    from edge_emo.face.detector import Detector
    from edge_emo.face.recognizer import FaceRecognizer
    from edge_emo.media.tracks import AudioTrack
    from edge_emo.voice.recognizer import VoiceRecognizer

Progress = Callable[[float], object]
Faces = Literal["main", "all"]

_NOT_FOUND: dict[Modality, Reason] = {"voice": "no_voice", "face": "no_face"}
_SOUND_SHARE = 0.15
"""Of the time that a film takes."""


class Analyzer:
    """Analyse many sources with models that stay warm; each is made when the first source needs it.

    `voice` and `face` tell what to look for. `voice_model` and `face_model` are paths of cards, to use models of one's
    own, and `detector` finds the faces in place of the one that ships. `fps` frames of a film are looked at in each
    second; of several people, the "main" one or "all" are read. `audio_track` is the sound track of a film that is
    listened to in place of the default one, by its number from 1 on or its language as the file has it, such as "eng".
    Threads may share it.
    """

    def __init__(
        self,
        *,
        voice: bool = True,
        face: bool = True,
        voice_model: str | Path | None = None,
        face_model: str | Path | None = None,
        detector: Detector | None = None,
        precision: Precision = "auto",
        threads: int = 1,
        fps: float = 5.0,
        faces: Faces = "main",
        audio_track: AudioTrack | None = None,
    ) -> None:
        if not (voice or face):
            raise ValueError("neither voice nor face is asked for; leave one of them on")
        if not 0 < fps <= 240:
            raise ValueError(f"fps is {fps}; more than 0 and up to 240 frames can be looked at in each second")
        if faces not in get_args(Faces):
            raise ValueError(f"faces is {faces!r}; known are {', '.join(get_args(Faces))}")
        self._asked: dict[Modality, bool] = {"voice": voice, "face": face}
        self._voice_model, self._face_model, self._detector = voice_model, face_model, detector
        self._precision, self._threads, self._fps, self._everyone = precision, threads, fps, faces == "all"
        self._audio_track = audio_track

    @once
    def voice(self) -> VoiceRecognizer:
        """What recognises voices. Raises ModelError."""
        from edge_emo.voice.recognizer import VoiceRecognizer

        return VoiceRecognizer(self._voice_model, precision=self._precision, threads=self._threads)

    @once
    def face(self) -> FaceRecognizer:
        """What recognises faces. Raises ModelError."""
        from edge_emo.face.recognizer import FaceRecognizer

        return FaceRecognizer(self._face_model, precision=self._precision, threads=self._threads)

    @once
    def detector(self) -> Detector:
        """What finds faces. Raises ModelError."""
        from edge_emo.face.detector import FaceDetector

        return self._detector or FaceDetector(precision=self._precision, threads=self._threads)

    def __call__(self, source: str | os.PathLike[str], on_progress: Progress | None = None) -> Timeline:
        """Return the timeline of a sound, a picture or a film, or of standard input for "-". Raises MediaError.

        `on_progress` is told how far it is, 0 to 1, where the length of the source is known.
        """
        return _Analysis(self, source, self._asked, on_progress).timeline()

    def live_session(self) -> Session:
        """Return a session for sound and frames that come in as they happen, with these models. Raises ModelError."""
        return self._session(**self._asked, live=True)

    def _session(self, *, voice: bool, face: bool, live: bool = False) -> Session:
        if not face:
            return Session(self.voice, live=live)
        from edge_emo.face.reader import FaceReader

        reader = FaceReader(self.detector, self.face, everyone=self._everyone)
        return Session(self.voice if voice else None, reader, live=live)


class _Analysis:
    """One source on its way to a timeline: it drives a session from a file."""

    def __init__(
        self,
        analyzer: Analyzer,
        path: str | os.PathLike[str],
        asked: dict[Modality, bool],
        on_progress: Progress | None,
    ) -> None:
        self._analyzer, self._path, self._name = analyzer, path, printable(os.fspath(path))
        self._source: str | BinaryIO = opened(path)
        self._kind = kind(path, self._source)
        self._asked, self._on_progress = asked, on_progress
        self._readings: dict[Modality, list[Reading]] = {}
        self._models: dict[str, str] = {}
        self._warnings: list[str] = []
        self._duration_s = 0.0

    def timeline(self) -> Timeline:
        """Return the timeline. Raises MediaError where neither voice nor face can be looked for."""
        can: dict[Modality, bool] = {"voice": self._kind != "picture", "face": self._kind != "sound"}
        if not any(self._asked[modality] and can[modality] for modality in can):
            has, flag = ("voice", "--no-face") if self._kind == "picture" else ("face", "--no-voice")
            raise MediaError(f"{self._name}: a {self._kind} has no {has}, and nothing else is asked for; drop {flag}")
        session = self._analyzer._session(**{modality: self._asked[modality] and can[modality] for modality in can})
        parts: dict[Modality, Iterator[Reading]] = {"voice": self._listen(session), "face": self._look(session)}
        failures: dict[Modality, MediaError] = {}
        for modality in tuple(session.thresholds):
            try:
                self._readings[modality] = list(parts[modality])
            except TrackNotFoundError:
                raise
            except MediaError as error:
                failures[modality] = error
                session.withdraw(modality)
        if not self._readings:
            raise next(iter(failures.values()))
        # a sound file in a container for films has no picture, and nobody expects one
        told = [e for e in failures.values() if not isinstance(e, NoPictureError)]
        self._warnings += [str(error) for error in told]
        return self._assembled(session)

    def _listen(self, session: Session) -> Iterator[Reading]:
        from edge_emo.media.sound import Sound

        rate = self._analyzer.voice.sample_rate
        sound = Sound(self._path, self._source, sample_rate=rate, audio_track=self._analyzer._audio_track)
        share = _SOUND_SHARE if "face" in session.thresholds else 1.0
        try:
            for block in sound:
                yield from session.push_sound(block)
                if sound.stated_s:
                    self._tell(share * min(1.0, sound.n_samples / rate / sound.stated_s))
        finally:
            self._warnings += sound.warnings
            self._duration_s = max(self._duration_s, sound.n_samples / rate)
        self._models["voice"] = self._analyzer.voice.model.name

    def _look(self, session: Session) -> Iterator[Reading]:
        from edge_emo.media.film import Film, Frame
        from edge_emo.media.pictures import read_picture

        analyzer = self._analyzer
        if self._kind == "picture":
            yield from session.push_frame(Frame(0.0, 0.0, read_picture(self._path, self._source)))
        else:
            film = Film(self._path, fps=analyzer._fps, source=self._source)
            base = _SOUND_SHARE if self._asked["voice"] else 0.0
            try:
                for frame in film:
                    yield from session.push_frame(frame)
                    self._duration_s = max(self._duration_s, frame.end_s)
                    if film.stated_s:
                        self._tell(base + (1 - base) * min(1.0, frame.end_s / film.stated_s))
            finally:
                self._warnings += film.warnings
        self._models["face"] = analyzer.face.model.name
        self._models["detector"] = analyzer.detector.name

    def _tell(self, share: float) -> None:
        if self._on_progress:
            self._on_progress(share)

    def _assembled(self, session: Session) -> Timeline:
        self._readings.get("voice", []).extend(session.finish())
        readings = sorted((r for found in self._readings.values() for r in found), key=lambda r: (r.start_s, r.end_s))
        steps, threshold = tuple(session.steps()), min(session.thresholds.values())
        each: dict[Modality, Summary] = {
            modality: summarize([r for r in found if r.is_main], session.thresholds[modality], _NOT_FOUND[modality])
            for modality, found in self._readings.items()
        }
        found_s = sum(step.end_s - step.start_s for step in steps)
        return Timeline(
            source=self._name,
            duration_s=self._duration_s,
            readings=tuple(readings),
            steps=steps,
            segments=tuple(segments(steps, threshold, session.cuts)),
            summary=summary_of(
                [step.fused for step in steps],
                [max(step.end_s - step.start_s, 1e-9) for step in steps],
                [max(step.fused) >= threshold for step in steps],
                threshold,
                found_s,
                "nothing_found" if len(each) > 1 else _NOT_FOUND[next(iter(each))],
            ),
            voice=each.get("voice"),
            face=each.get("face"),
            people=tuple(_people(readings, session.thresholds.get("face", 0.0))),
            models=self._models,
            warnings=tuple(dict.fromkeys(self._warnings)),  # sound and picture tell of the same break
            cuts=tuple(session.cuts),
        )


def _people(readings: Sequence[Reading], threshold: float) -> Iterator[Person]:
    """Yield everyone who was read, in the order of their first appearance."""
    of_person: dict[int, list[Reading]] = defaultdict(list)
    for reading in readings:
        if reading.person is not None:
            of_person[reading.person].append(reading)
    for person, own in sorted(of_person.items(), key=lambda item: (item[1][0].start_s, item[0])):
        is_main = any(reading.is_main for reading in own)
        yield Person(person, own[0].start_s, own[-1].end_s, is_main, summarize(own, threshold, "no_face"))


def analyze(source: str | os.PathLike[str], **options: Any) -> Timeline:
    """Return the timeline of one source; `options` are those of `Analyzer`, which is for several.

    Raises MediaError or ModelError.
    """
    return Analyzer(**options)(source)
