"""Emotion in voices and faces, and songs for it: offline, with small quantised ONNX models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge_emo.analysis.analyzer import Analyzer, analyze
    from edge_emo.core.emotions import EMOTIONS
    from edge_emo.core.errors import EdgeEmoError
    from edge_emo.core.timeline import Reading, Summary, Timeline
    from edge_emo.face.detector import Detector, Face, FaceDetector
    from edge_emo.face.recognizer import FaceRecognizer
    from edge_emo.media.pictures import read_picture
    from edge_emo.music.ranking.recommend import Recommendation, Recommender, recommend
    from edge_emo.music.store.catalogue import Catalogue
    from edge_emo.music.store.database import UserDatabase
    from edge_emo.music.store.filters import Filters
    from edge_emo.music.store.history import History
    from edge_emo.music.store.song import Song
    from edge_emo.voice.recognizer import VoiceRecognizer

__version__ = "0.2.0"

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
    "Analyzer": "edge_emo.analysis.analyzer",
    "analyze": "edge_emo.analysis.analyzer",
    "Reading": "edge_emo.core.timeline",
    "Summary": "edge_emo.core.timeline",
    "Timeline": "edge_emo.core.timeline",
    "Recommendation": "edge_emo.music.ranking.recommend",
    "Recommender": "edge_emo.music.ranking.recommend",
    "recommend": "edge_emo.music.ranking.recommend",
    "EMOTIONS": "edge_emo.core.emotions",
    "EdgeEmoError": "edge_emo.core.errors",
    "Catalogue": "edge_emo.music.store.catalogue",
    "Song": "edge_emo.music.store.song",
    "UserDatabase": "edge_emo.music.store.database",
    "Filters": "edge_emo.music.store.filters",
    "History": "edge_emo.music.store.history",
    "VoiceRecognizer": "edge_emo.voice.recognizer",
    "Detector": "edge_emo.face.detector",
    "Face": "edge_emo.face.detector",
    "FaceDetector": "edge_emo.face.detector",
    "FaceRecognizer": "edge_emo.face.recognizer",
    "read_picture": "edge_emo.media.pictures",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'edge_emo' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
