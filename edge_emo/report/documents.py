"""What the commands print as JSON; `docs/schemas/` is generated from these classes."""

from __future__ import annotations

from dataclasses import dataclass

from edge_emo import __version__
from edge_emo.card import Metric
from edge_emo.music.catalogue import CatalogueInfo, Song
from edge_emo.music.recommend import Recommendation
from edge_emo.timeline import Timeline


@dataclass(frozen=True)
class Failure:
    """A source that could not be used, why, and the exit code it asks for."""

    source: str
    error: str
    exit_code: int


@dataclass(frozen=True)
class Recommended:
    """Songs for one source, or for a mood chosen by hand (then `timeline` is null)."""

    timeline: Timeline | None
    mood: str | None
    seed: int
    songs: list[Recommendation]


@dataclass(frozen=True)
class AnalyzeDocument:
    """Output of `edge-emo analyze --json`."""

    results: list[Timeline]
    errors: list[Failure]
    edge_emo: str = __version__


@dataclass(frozen=True)
class RecommendDocument:
    """Output of `edge-emo recommend --json`."""

    results: list[Recommended]
    errors: list[Failure]
    edge_emo: str = __version__


@dataclass(frozen=True)
class SongsDocument:
    """Output of `edge-emo songs search --json` and `songs show --json`."""

    songs: list[Song]
    edge_emo: str = __version__


@dataclass(frozen=True)
class CatalogueDocument:
    """Output of `edge-emo songs info --json`."""

    catalogue: CatalogueInfo
    edge_emo: str = __version__


@dataclass(frozen=True)
class ModelRow:
    """A model file: what its card says, and whether the file is the one the card describes.

    `default` is the model that runs where none is named.
    """

    name: str
    version: str
    task: str
    precision: str
    default: bool
    card: str
    file: str
    kilobytes: float
    sha256: str
    license: str
    metrics: list[Metric]
    status: str


@dataclass(frozen=True)
class ModelsDocument:
    """Output of `edge-emo models list --json` and `models verify --json`."""

    models: list[ModelRow]
    edge_emo: str = __version__


@dataclass(frozen=True)
class Finding:
    """One line of `edge-emo doctor`; `state` is "ok", "note" or "bad"."""

    topic: str
    state: str
    text: str


@dataclass(frozen=True)
class DoctorDocument:
    """Output of `edge-emo doctor --json`."""

    findings: list[Finding]
    edge_emo: str = __version__


DOCUMENTS = {
    "analyze": AnalyzeDocument,
    "recommend": RecommendDocument,
    "songs": SongsDocument,
    "catalogue": CatalogueDocument,
    "models": ModelsDocument,
    "doctor": DoctorDocument,
}
