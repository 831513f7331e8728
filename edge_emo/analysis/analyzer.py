"""The main job: a source in, a timeline out."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from edge_emo.analysis.fusion import segments
from edge_emo.analysis.session import Session
from edge_emo.core.errors import MediaError, NoPictureError
from edge_emo.core.once import once
from edge_emo.core.text import printable
from edge_emo.core.timeline import Modality, Person, Reading, Reason, Summary, Timeline, summarize, summary_of
from edge_emo.media.demuxer import Demuxer
from edge_emo.media.sources import kind
from edge_emo.models.manifest import Precision

if TYPE_CHECKING:
    from edge_emo.face.detector import Detector
    from edge_emo.face.recognizer import FaceRecognizer
    from edge_emo.media.film import Frame
    from edge_emo.media.playback import Part, Playback
    from edge_emo.media.sound import Float32
    from edge_emo.media.tracks import AudioTrack
    from edge_emo.voice.recognizer import VoiceRecognizer

Progress = Callable[[float], object]
Watch = Callable[["Float32 | Frame", int], object]
Faces = Literal["main", "all"]

_NOT_FOUND: dict[Modality, Reason] = {"voice": "no_voice", "face": "no_face"}
_PARTS: dict[Modality, Part] = {"voice": "sound", "face": "picture"}
_SHARES: dict[Modality, float] = {"voice": 0.15, "face": 0.85}
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

    def __call__(
        self,
        source: str | os.PathLike[str],
        on_progress: Progress | None = None,
        *,
        watch: Watch | None = None,
        film: Demuxer | None = None,
    ) -> Timeline:
        """Return the timeline of a sound, a picture or a film, or of standard input for "-". Raises MediaError.

        `on_progress` is told how far it is, 0 to 1, where the length of the source is known. `watch` is shown what is
        looked at and listened to, in the order of the file: each frame, and each block with its rate in Hz. `film` is
        the demuxer of a `source` that was opened before.
        """
        return _Analysis(self, source, self._asked, on_progress, watch, film).timeline()

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
    """One source on its way to a timeline: it drives a session from a file, which is read once."""

    def __init__(
        self,
        analyzer: Analyzer,
        path: str | os.PathLike[str],
        asked: dict[Modality, bool],
        on_progress: Progress | None,
        watch: Watch | None,
        film: Demuxer | None,
    ) -> None:
        self._analyzer, self._path, self._name = analyzer, path, printable(os.fspath(path))
        self._film = film or Demuxer(path)
        self._kind = kind(path, self._film.source)
        self._asked, self._on_progress, self._watch = asked, on_progress, watch
        self._readings: dict[Modality, list[Reading]] = {}
        self._warnings: list[str] = []
        self._duration_s = 0.0
        self._done: dict[Modality, float] = {}  # shares of the sound and of the picture

    def timeline(self) -> Timeline:
        """Return the timeline. Raises MediaError where neither voice nor face can be looked for."""
        can: dict[Modality, bool] = {"voice": self._kind != "picture", "face": self._kind != "sound"}
        if not any(self._asked[modality] and can[modality] for modality in can):
            has, flag = ("voice", "--no-face") if self._kind == "picture" else ("face", "--no-voice")
            raise MediaError(f"{self._name}: a {self._kind} has no {has}, and nothing else is asked for; drop {flag}")
        session = self._analyzer._session(**{modality: self._asked[modality] and can[modality] for modality in can})
        self._readings = {modality: [] for modality in session.thresholds}
        failures = self._see(session) if self._kind == "picture" else self._play(session)
        for modality in failures:
            session.withdraw(modality)
            del self._readings[modality]
        if not self._readings:
            raise next(iter(failures.values()))
        # a sound file in a container for films has no picture, and nobody expects one
        told = [e for e in failures.values() if not isinstance(e, NoPictureError)]
        self._warnings += [str(error) for error in told]
        return self._assembled(session)

    def _see(self, session: Session) -> dict[Modality, MediaError]:
        """Take a still; of one that cannot be read, nothing is left."""
        from edge_emo.media.film import Frame
        from edge_emo.media.pictures import read_picture

        self._readings["face"] += session.push_frame(Frame(0.0, 0.0, read_picture(self._path, self._film.source)))
        return {}

    def _play(self, session: Session) -> dict[Modality, MediaError]:
        """Take all blocks and frames of a film or a sound; return what is looked for in vain in it, and why."""
        import numpy as np

        from edge_emo.media.playback import Playback

        analyzer, n_samples = self._analyzer, 0
        has_sound, has_picture = "voice" in session.thresholds, "face" in session.thresholds
        rate = analyzer.voice.sample_rate if has_sound else 0
        playback = Playback(
            self._path,
            self._film,
            has_sound=has_sound,
            has_picture=has_picture,
            sample_rate=rate,
            audio_track=analyzer._audio_track,
            fps=analyzer._fps,
        )
        with closing(iter(playback)) as items:
            for item in items:
                if isinstance(item, np.ndarray):
                    self._readings["voice"] += session.push_sound(item)
                    n_samples += len(item)
                    self._reached("voice", n_samples / rate, playback)
                else:
                    self._readings["face"] += session.push_frame(item)
                    self._reached("face", item.end_s, playback)
                if self._watch:
                    self._watch(item, rate)
        self._warnings += playback.warnings
        return {m: playback.failures[part] for m, part in _PARTS.items() if part in playback.failures}

    def _reached(self, modality: Modality, until_s: float, playback: Playback) -> None:
        """Note up to where sound or picture was taken, and tell how far that is of both."""
        self._duration_s = max(self._duration_s, until_s)
        part = playback.sound if modality == "voice" else playback.picture
        stated_s = part.stated_s if part else None
        self._done[modality] = min(1.0, until_s / stated_s) if stated_s else 1.0
        if self._on_progress and stated_s:
            failed = {m: 1.0 for m, part in _PARTS.items() if part in playback.failures}
            done = {m: _SHARES[m] * {**self._done, **failed}.get(m, 0.0) for m in self._readings}
            self._on_progress(sum(done.values()) / sum(_SHARES[m] for m in done))

    def _models(self) -> dict[str, str]:
        analyzer, models = self._analyzer, {}
        if "voice" in self._readings:
            models["voice"] = analyzer.voice.model.name
        if "face" in self._readings:
            models |= {"face": analyzer.face.model.name, "detector": analyzer.detector.name}
        return models

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
            models=self._models(),
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
