"""The main job: a source in, a timeline out."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, get_args

from edge_emo.analysis.fusion import segments
from edge_emo.analysis.modalities import MODALITIES, Input, Options, Recognizer, taking
from edge_emo.analysis.session import Session
from edge_emo.core.errors import MediaError, NoPictureError
from edge_emo.core.text import printable
from edge_emo.core.timeline import Person, Reading, Timeline, summarize, summary_of
from edge_emo.media.demuxer import Demuxer
from edge_emo.media.sources import Kind, kind
from edge_emo.models.manifest import Precision

if TYPE_CHECKING:
    from edge_emo.face.detector import Detector
    from edge_emo.media.film import Frame
    from edge_emo.media.playback import Playback
    from edge_emo.media.sound import Float32
    from edge_emo.media.tracks import AudioTrack

Progress = Callable[[float], object]
Watch = Callable[["Float32 | Frame", int], object]
Faces = Literal["main", "all"]

_HOLDS: dict[Kind, tuple[Input, ...]] = {"sound": ("sound",), "picture": ("picture",), "film": ("sound", "picture")}
_SHARES: dict[Input, float] = {"sound": 0.15, "picture": 0.85}
"""Of the time that a film takes."""


class Analyzer:
    """Analyze many sources with models that stay warm; each is made when the first source needs it.

    `voice` and `face`, and `others` by the names of other modalities, tell what to look for. `voice_model` and
    `face_model` are paths of cards, to use models of one's own, and `detector` finds the faces in place of the one that
    ships. `fps` frames of a film are looked at in each second; of several people, the "main" one or "all" are read.
    `audio_track` is the sound track of a film that is listened to in place of the default one, by its number from 1 on
    or its language as the file has it, such as "eng". Threads may share it.
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
        **others: bool,
    ) -> None:
        unknown = others.keys() - MODALITIES.keys()
        if unknown:
            raise TypeError(f"no option is {min(unknown)!r}, and no modality; known are {', '.join(MODALITIES)}")
        asked = {"voice": voice, "face": face, **others}
        self._asked = [name for name in MODALITIES if asked.get(name, True)]
        if not self._asked:
            raise ValueError(f"neither {' nor '.join(MODALITIES)} is asked for; leave one of them on")
        if not 0 < fps <= 240:
            raise ValueError(f"fps is {fps}; more than 0 and up to 240 frames can be looked at in each second")
        if faces not in get_args(Faces):
            raise ValueError(f"faces is {faces!r}; known are {', '.join(get_args(Faces))}")
        cards = {"voice": voice_model, "face": face_model}
        self._options = Options(cards, detector, precision, threads, everyone=faces == "all")
        self._fps, self._audio_track = fps, audio_track
        self._recognizers: dict[str, Recognizer] = {}
        self._lock = Lock()

    def recognizer(self, modality: str) -> Recognizer:
        """Return what recognises a modality, such as "voice". Raises ModelError."""
        with self._lock:
            if modality not in self._recognizers:
                self._recognizers[modality] = MODALITIES[modality].recognizer(self._options)
            return self._recognizers[modality]

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
        return self._session(self._asked, live=True)

    def _session(self, names: Iterable[str], *, live: bool = False) -> Session:
        return Session({name: self.recognizer(name).reader(live=live) for name in names}, live=live)


class _Analysis:
    """One source on its way to a timeline: it drives a session from a file, which is read once."""

    def __init__(
        self,
        analyzer: Analyzer,
        path: str | os.PathLike[str],
        asked: Sequence[str],
        on_progress: Progress | None,
        watch: Watch | None,
        film: Demuxer | None,
    ) -> None:
        self._analyzer, self._path, self._name = analyzer, path, printable(os.fspath(path))
        self._film = film or Demuxer(path)
        self._kind = kind(path, self._film.source)
        self._asked, self._on_progress, self._watch = asked, on_progress, watch
        self._readings: list[Reading] = []
        self._warnings: list[str] = []
        self._duration_s = 0.0
        self._done: dict[Input, float] = {}  # of what is stated of the sound and of the picture

    def timeline(self) -> Timeline:
        """Return the timeline. Raises MediaError where nothing that is asked for can be looked for."""
        can = [name for part in _HOLDS[self._kind] for name in taking(part, MODALITIES)]
        asked = [name for name in self._asked if name in can]
        if not asked:
            lacking = " or ".join(self._asked)
            flags = " or ".join(f"--no-{name}" for name in can)
            raise MediaError(
                f"{self._name}: a {self._kind} has no {lacking}, and nothing else is asked for; drop {flags}"
            )
        session = self._analyzer._session(asked)
        failures = self._see(session) if self._kind == "picture" else self._play(session)
        for part in failures:
            for name in taking(part, session.thresholds):
                session.withdraw(name)
        if not session.thresholds:
            raise next(iter(failures.values()))
        # a sound file in a container for films has no picture, and nobody expects one
        told = [e for e in failures.values() if not isinstance(e, NoPictureError)]
        self._warnings += [str(error) for error in told]
        return self._assembled(session)

    def _see(self, session: Session) -> dict[Input, MediaError]:
        """Take a still; of one that cannot be read, nothing is left."""
        from edge_emo.media.film import Frame
        from edge_emo.media.pictures import read_picture

        self._readings += session.push_frame(Frame(0.0, 0.0, read_picture(self._path, self._film.source)))
        return {}

    def _play(self, session: Session) -> dict[Input, MediaError]:
        """Take all blocks and frames of a film or a sound; return what is looked for in vain in it, and why."""
        import numpy as np

        from edge_emo.media.playback import Playback

        rate, n_samples = session.sample_rate or 0, 0
        playback = Playback(
            self._path,
            self._film,
            has_sound=bool(taking("sound", session.thresholds)),
            has_picture=bool(taking("picture", session.thresholds)),
            sample_rate=rate,
            audio_track=self._analyzer._audio_track,
            fps=self._analyzer._fps,
        )
        with closing(iter(playback)) as items:
            for item in items:
                if isinstance(item, np.ndarray):
                    self._readings += session.push_sound(item)
                    n_samples += len(item)
                    self._reached("sound", n_samples / rate, session, playback)
                else:
                    self._readings += session.push_frame(item)
                    self._reached("picture", item.end_s, session, playback)
                if self._watch:
                    self._watch(item, rate)
        self._warnings += playback.warnings
        return dict(playback.failures)

    def _reached(self, part: Input, until_s: float, session: Session, playback: Playback) -> None:
        """Note up to where sound or picture was taken, and tell how far that is of both."""
        self._duration_s = max(self._duration_s, until_s)
        source = playback.sound if part == "sound" else playback.picture
        stated_s = source.stated_s if source else None
        self._done[part] = min(1.0, until_s / stated_s) if stated_s else 1.0
        if self._on_progress and stated_s:
            done = self._done | dict.fromkeys(playback.failures, 1.0)
            shares = {each: share for each, share in _SHARES.items() if taking(each, session.thresholds)}
            self._on_progress(sum(share * done.get(each, 0.0) for each, share in shares.items()) / sum(shares.values()))

    def _assembled(self, session: Session) -> Timeline:
        self._readings += session.finish()
        steps, thresholds = tuple(session.steps()), session.thresholds
        threshold = min(thresholds.values())
        found = {name: [r for r in self._readings if r.modality == name] for name in thresholds}
        readings = sorted((r for own in found.values() for r in own), key=lambda r: (r.start_s, r.end_s))
        by_modality = {
            name: summarize([r for r in own if r.is_main], thresholds[name], MODALITIES[name].not_found)
            for name, own in found.items()
        }
        models: dict[str, str] = {}
        for name in thresholds:
            models |= self._analyzer.recognizer(name).model_names
        not_found = {MODALITIES[name].not_found for name in thresholds}
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
                not_found.pop() if len(not_found) == 1 else "nothing_found",
            ),
            by_modality=by_modality,
            people=tuple(_people(readings, thresholds)),
            models=models,
            warnings=tuple(dict.fromkeys(self._warnings)),  # sound and picture tell of the same break
            cuts=tuple(session.cuts),
        )


def _people(readings: Sequence[Reading], thresholds: Mapping[str, float]) -> Iterator[Person]:
    """Yield everyone who was read, in the order of their first appearance."""
    of_person: dict[int, list[Reading]] = defaultdict(list)
    for reading in readings:
        if reading.person is not None:
            of_person[reading.person].append(reading)
    for person, own in sorted(of_person.items(), key=lambda item: (item[1][0].start_s, item[0])):
        is_main = any(reading.is_main for reading in own)
        modality = MODALITIES[own[0].modality]
        summary = summarize(own, thresholds[modality.name], modality.not_found)
        yield Person(person, own[0].start_s, own[-1].end_s, is_main, summary)


def analyze(source: str | os.PathLike[str], **options: Any) -> Timeline:
    """Return the timeline of one source; `options` are those of `Analyzer`, which is for several.

    Raises MediaError or ModelError.
    """
    return Analyzer(**options)(source)
