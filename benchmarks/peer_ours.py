"""What this package does beside its peers, and OpenCV's detectors, which need no other environment."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import cv2
import numpy as np
import soundfile

from benchmarks.faces import HaarDetector
from benchmarks.media import SPEECH, camera_frame
from benchmarks.peer_tasks import NETWORKS, inputs
from benchmarks.peer_worker import Stage, Tasks
from benchmarks.speech_features import SPEECH_FEATURES
from edge_emo.analysis.analyzer import Analyzer
from edge_emo.audio import mfcc
from edge_emo.audio.network_input import normalize
from edge_emo.face import network_input as face_input
from edge_emo.face.align import cut_out
from edge_emo.face.backends import YuNetDetector
from edge_emo.face.detector import Detector, FaceDetector
from edge_emo.face.recognizer import FaceRecognizer
from edge_emo.media.sound import SAMPLE_RATE, read_sound, resample
from edge_emo.models.calibration import calibrated
from edge_emo.models.manifest import models_folder
from edge_emo.models.schema import FacePreprocessing, VoicePreprocessing
from edge_emo.models.session import Model
from edge_emo.voice.recognizer import VoiceRecognizer, network_input

CLIP_S = 3.0
PRECISIONS = ("fp32", "int8")


def write_inputs(folder: Path, yunet: Path | None) -> None:
    """Write what all tasks start from: 3 s of the sample, a frame with a face, the input of each network."""
    samples = read_sound(SPEECH)[: int(CLIP_S * SAMPLE_RATE)]
    soundfile.write(folder / "clip.wav", samples, SAMPLE_RATE, subtype="PCM_16")
    frame = camera_frame(640, 480)
    found = FaceDetector().detect(frame)[0]
    arrays = {"samples": samples, "samples_22050": resample(samples, SAMPLE_RATE, 22050), "frame": frame}
    for name in NETWORKS:
        card = _model(name, "fp32").card
        shape = [size or 1 for size in card.input.shape[1:]]
        stated = card.preprocessing
        if isinstance(stated, VoicePreprocessing):
            arrays[name] = network_input(samples, stated, shape)[None]
        elif isinstance(stated, FacePreprocessing):
            arrays[name] = face_input.prepare(cut_out(frame, found, stated), stated).reshape([1, *shape])
    np.savez(folder / "inputs.npz", **arrays)  # type: ignore[arg-type]  # numpy types its one named flag alone
    if yunet:
        (folder / "yunet.onnx").write_bytes(yunet.read_bytes())


def speech_features(folder: Path) -> Stage:
    """The same MFCCs as python_speech_features."""
    samples = inputs(folder)["samples"]
    return lambda: mfcc.compute(samples, SPEECH_FEATURES)


def librosa_mfcc(folder: Path, mean: bool = False) -> Stage:
    """The same MFCCs as librosa, or their mean over time."""
    samples = inputs(folder)["samples_22050"]
    spec = VoiceRecognizer(models_folder() / "voice-classic.fp32.json").preprocessing.input.features
    return lambda: mfcc.mean(samples, spec) if mean else mfcc.compute(samples, spec)


def network(folder: Path, name: str, precision: str) -> Stage:
    """Calibrated probabilities from a network's input; for `voice` from the features on, which are levelled first."""
    model, batch = _model(name, precision), inputs(folder)[name]
    stated = model.card.preprocessing
    if isinstance(stated, VoicePreprocessing) and stated.input.reduce == "frames":
        spec = stated.input
        features = mfcc.compute(inputs(folder)["samples"], spec.features)
        return lambda: calibrated(model(normalize(features, spec)[None]), model.card)
    return lambda: calibrated(model(batch), model.card)


def detect(folder: Path, precision: str) -> Stage:
    """The faces of the frame."""
    return _detection(folder, FaceDetector(models_folder() / f"face-detector.{precision}.json"))


def detect_and_recognize(folder: Path, precision: str) -> Stage:
    """The default detector, then one face aligned and recognised."""
    frame, detector = inputs(folder)["frame"], FaceDetector()
    recognizer = FaceRecognizer(models_folder() / f"face.{precision}.json")
    cv2.setNumThreads(1)
    return lambda: recognizer.probabilities(frame, detector.detect(frame)[:1])


def file_to_emotion(folder: Path) -> Stage:
    """A sound file to one emotion, with the default model."""
    analyzer, path = Analyzer(), folder / "clip.wav"
    return lambda: [analyzer(path).summary.emotion]


def haar(folder: Path) -> Stage:
    """OpenCV's cascade."""
    return _detection(folder, HaarDetector())


def yunet(folder: Path) -> Stage:
    """YuNet through OpenCV, where its file is given."""
    if not (folder / "yunet.onnx").exists():
        raise FileNotFoundError("give its file with --yunet")
    return _detection(folder, YuNetDetector(folder / "yunet.onnx"))


def _detection(folder: Path, detector: Detector) -> Stage:
    frame = inputs(folder)["frame"]
    cv2.setNumThreads(1)
    return lambda: detector.detect(frame)


def _model(name: str, precision: str) -> Model:
    return Model(models_folder() / f"{name}.{precision}.json")


TASKS: Tasks = {
    "mfcc": speech_features,
    "librosa mfcc": librosa_mfcc,
    "librosa mfcc, mean": partial(librosa_mfcc, mean=True),
    "file to emotion": file_to_emotion,
    "OpenCV Haar": haar,
    "YuNet": yunet,
}
for _precision in PRECISIONS:
    TASKS |= {f"{name} {_precision}": partial(network, name=name, precision=_precision) for name in NETWORKS}
    TASKS[f"detect {_precision}"] = partial(detect, precision=_precision)
    TASKS[f"detect and recognise {_precision}"] = partial(detect_and_recognize, precision=_precision)
