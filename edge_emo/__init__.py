"""Emotion in voices and faces, and songs for it: offline, with small quantised ONNX models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge_emo.analyzer import Analyzer, analyze
    from edge_emo.emotions import EMOTIONS
    from edge_emo.errors import EdgeEmoError
    from edge_emo.face.detector import Detector, Face, FaceDetector
    from edge_emo.face.recognizer import FaceRecognizer
    from edge_emo.music.catalogue import Catalogue, Song
    from edge_emo.music.database import UserDatabase
    from edge_emo.music.filters import Filters
    from edge_emo.music.history import History
    from edge_emo.music.recommend import Recommendation, Recommender, recommend
    from edge_emo.pictures import read_picture
    from edge_emo.timeline import Reading, Summary, Timeline
    from edge_emo.voice.recognizer import VoiceRecognizer

__version__ = "0.1.0"

__all__ = [
    "EMOTIONS",
    "Analyzer",
    "Catalogue",
    "Detector",
    "EdgeEmoError",
    "Face",
    "FaceDetector",
    "FaceRecognizer",
    "Filters",
    "History",
    "Reading",
    "Recommendation",
    "Recommender",
    "Song",
    "Summary",
    "Timeline",
    "UserDatabase",
    "VoiceRecognizer",
    "__version__",
    "analyze",
    "read_picture",
    "recommend",
]

# Imported on first use, so that `import edge_emo` loads neither numpy nor onnxruntime.
_HOMES = {
    "Analyzer": "edge_emo.analyzer",
    "analyze": "edge_emo.analyzer",
    "Reading": "edge_emo.timeline",
    "Summary": "edge_emo.timeline",
    "Timeline": "edge_emo.timeline",
    "Recommendation": "edge_emo.music.recommend",
    "Recommender": "edge_emo.music.recommend",
    "recommend": "edge_emo.music.recommend",
    "EMOTIONS": "edge_emo.emotions",
    "EdgeEmoError": "edge_emo.errors",
    "Catalogue": "edge_emo.music.catalogue",
    "Song": "edge_emo.music.catalogue",
    "UserDatabase": "edge_emo.music.database",
    "Filters": "edge_emo.music.filters",
    "History": "edge_emo.music.history",
    "VoiceRecognizer": "edge_emo.voice.recognizer",
    "Detector": "edge_emo.face.detector",
    "Face": "edge_emo.face.detector",
    "FaceDetector": "edge_emo.face.detector",
    "FaceRecognizer": "edge_emo.face.recognizer",
    "read_picture": "edge_emo.pictures",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'edge_emo' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
