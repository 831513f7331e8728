"""The stages of the package, from file to songs, on a sample that ships and a picture that is made here."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import cv2
import numpy as np
import soundfile
from numpy.typing import NDArray

from edge_emo.analysis.analyzer import Analyzer
from edge_emo.analysis.fusion import Fusion, segments
from edge_emo.bench.document import BenchDocument, Load
from edge_emo.bench.machine import loading, peak_mb, this_machine
from edge_emo.bench.timing import Stage, interleaved
from edge_emo.core.timeline import Reading, decide
from edge_emo.face.align import cut_out
from edge_emo.face.detector import Face, FaceDetector
from edge_emo.face.network_input import prepare
from edge_emo.face.recognizer import FaceRecognizer
from edge_emo.media.pictures import read_picture
from edge_emo.media.sound import SAMPLE_RATE, read_sound, resample
from edge_emo.media.sources import sample_path
from edge_emo.models.manifest import models_folder, read_manifest
from edge_emo.music.ranking.recommend import Recommender
from edge_emo.music.store.catalogue import Catalogue
from edge_emo.voice.activity import find_voice
from edge_emo.voice.recognizer import VoiceRecognizer, network_input

MINUTE_S, FPS, THRESHOLD = 60, 5, 0.4
POINTS = ((280.0, 200.0), (360.0, 200.0), (320.0, 250.0), (290.0, 300.0), (350.0, 300.0))
FACE = Face((230.0, 120.0, 410.0, 360.0), 1.0, POINTS)
"""Said to be in the picture of 640 x 480."""


@dataclass
class Bench:
    """Loads everything that ships, in every precision, and times it; networks run on `threads`."""

    threads: int = 1
    loads: list[Load] = field(default_factory=list)

    def __call__(
        self, calls: int, limit_s: float = float("inf"), on_progress: Callable[[float], object] = lambda share: None
    ) -> BenchDocument:
        """Return what was measured. Raises ModelError or CatalogueError where the installation is damaged."""
        stages = self.stages()
        began, worked = time.perf_counter(), time.process_time()
        times = interleaved(stages, calls, limit_s=limit_s, on_progress=on_progress)
        share = (time.process_time() - worked) / (time.perf_counter() - began)
        return BenchDocument(this_machine(self.threads), self.loads, times, share, peak_mb())

    def stages(self) -> dict[str, Stage]:
        """Load everything, and return what is to be timed by name."""
        cv2.setNumThreads(self.threads)
        return {**self._sound(), **self._picture(), **self._rest()}

    def _sound(self) -> dict[str, Stage]:
        """Return the stages of a voice; the sample holds one utterance of 3.6 s, FLAC at 16 kHz."""
        path = str(sample_path())
        samples = read_sound(path)
        recorded = resample(samples, SAMPLE_RATE, 48_000)
        stages: dict[str, Stage] = {
            "decode, 3.7 s of FLAC": partial(soundfile.read, path, dtype="float32"),
            "resample, 3.7 s of 48 kHz": partial(resample, recorded, 48_000, SAMPLE_RATE),
            "activity, 3.7 s": partial(find_voice, samples),
        }
        window = samples[: 3 * SAMPLE_RATE]
        for precision, card in read_manifest().models["voice"].cards.items():
            with loading(f"voice, {precision}", self.loads):
                recognizer = VoiceRecognizer(models_folder() / card, threads=self.threads)
                recognizer.model.load()
            make = partial(network_input, window, recognizer.preprocessing, recognizer.card.input.shape[1:])
            stages.setdefault("features, 3 s", make)
            stages[f"voice net, {precision}"] = partial(recognizer.model, make()[None])
        stages["sample, file to emotion"] = partial(Analyzer(threads=self.threads), path)
        return stages

    def _picture(self) -> dict[str, Stage]:
        """Return the stages of a picture and of one face that is said to be in it."""
        frame = made_picture(640, 480)
        jpeg = cv2.imencode(".jpg", frame[..., ::-1])[1].tobytes()
        stages: dict[str, Stage] = {"decode, 640 x 480 JPEG": lambda: read_picture("-", io.BytesIO(jpeg))}
        models = read_manifest().models
        for precision, card in models["face-detector"].cards.items():
            with loading(f"detector, {precision}", self.loads):
                detector = FaceDetector(models_folder() / card, threads=self.threads)
                detector.model.load()
            stages[f"detector, {precision}"] = partial(detector.detect, frame)
        for precision, card in models["face"].cards.items():
            with loading(f"expression, {precision}", self.loads):
                recognizer = FaceRecognizer(models_folder() / card, threads=self.threads)
                recognizer.model.load()
            align = partial(_aligned, frame, recognizer)
            stages.setdefault("align, one face", align)
            stages[f"expression net, {precision}"] = partial(recognizer.model, align()[None])
        finder, best = FaceDetector(threads=self.threads), FaceRecognizer(threads=self.threads)
        stages["frame, to one emotion"] = lambda: (finder.detect(frame), best.probabilities(frame, [FACE]))
        return stages

    def _rest(self) -> dict[str, Stage]:
        """Return fusion of a minute of voice and face, and ten songs out of the catalogue."""
        readings = [*made_readings("voice", 2.0), *made_readings("face", 1 / FPS)]

        def fuse() -> None:
            fusion = Fusion({"voice": THRESHOLD, "face": THRESHOLD})
            fusion.push(readings)
            list(segments(list(fusion.steps()), fusion.threshold))

        with loading("catalogue, and the first songs", self.loads):
            recommender = Recommender(Catalogue())
            recommender([1 / 8] * 8, 10, seed=0)
        rng = np.random.default_rng(0)

        def songs() -> None:
            recommender([float(p) for p in rng.dirichlet(np.full(8, 0.5))], 10, seed=0)

        return {"fusion, a minute of both": fuse, "songs, ten": songs}


def made_picture(width: int, height: int) -> NDArray[np.uint8]:
    """Return an RGB picture of soft shapes under a little noise; how long a network takes does not depend on it."""
    rng = np.random.default_rng(0)
    soft = cv2.resize(rng.integers(0, 256, (12, 16, 3), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(soft + rng.normal(0, 4, soft.shape), 0, 255), np.uint8)


def made_readings(modality: str, step_s: float) -> list[Reading]:
    """Return a reading of changing emotions every `step_s` seconds of a minute."""
    rng = np.random.default_rng(0)
    found = []
    for start in np.arange(0, MINUTE_S, step_s):
        probabilities = tuple(float(p) for p in rng.dirichlet(np.full(8, 0.5)))
        raw, emotion, reason = decide(probabilities, THRESHOLD)
        found.append(Reading(modality, float(start), float(start + step_s), raw, probabilities, emotion, reason))
    return found


def _aligned(frame: NDArray[np.uint8], recognizer: FaceRecognizer) -> NDArray[np.float32]:
    return prepare(cut_out(frame, FACE, recognizer.preprocessing), recognizer.preprocessing)
