"""What the commands print as JSON; `docs/schemas/` is generated from these classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge_emo import __version__
from edge_emo.bench.document import BenchDocument
from edge_emo.core.timeline import Timeline
from edge_emo.models.schema import Metric
from edge_emo.music.library.exchange import Imported
from edge_emo.music.library.folder import Added
from edge_emo.music.library.lmc import Converted
from edge_emo.music.ranking.cues import Cue
from edge_emo.music.ranking.recommend import Advice, Recommendation
from edge_emo.music.ranking.taste import Like
from edge_emo.music.store.history import Event, HistoryStats
from edge_emo.music.store.song import CatalogueInfo, Song

VERSION: Final = 1
"""Of all documents; it rises when a key is renamed, removed, or changes its meaning."""


@dataclass(frozen=True)
class Failure:
    """A source that could not be used, why, and the exit code it asks for."""

    source: str
    error: str
    exit_code: int


@dataclass(frozen=True)
class Wish:
    """An emotion that songs are asked for, and the share of the list that is for it, 0 to 1."""

    emotion: str
    share: float


@dataclass(frozen=True)
class Recommended:
    """Songs for one source, or for a mood chosen by hand (then `timeline` is null).

    `uses_history` tells that the choice also depends on what was shown before, and is kept there; `advice` which
    conditions to drop where too few songs fit; `asked_for` what the parts of a film, or of a mixed or uncertain
    finding, ask for, the largest first.
    """

    timeline: Timeline | None
    mood: str | None
    seed: int
    uses_history: bool
    songs: list[Recommendation]
    advice: Advice | None = None
    asked_for: tuple[Wish, ...] = ()


@dataclass(frozen=True)
class AnalyzeDocument:
    """Output of `edge-emo analyze --json`."""

    results: list[Timeline]
    errors: list[Failure]
    version: int = VERSION
    edge_emo: str = __version__


@dataclass(frozen=True)
class RecommendDocument:
    """Output of `edge-emo recommend --json`."""

    results: list[Recommended]
    errors: list[Failure]
    version: int = VERSION
    edge_emo: str = __version__


@dataclass(frozen=True)
class Scored:
    """The songs of a film in order of time, and the files that were written; `frame_rate` in frames a second."""

    source: str
    duration_s: float
    frame_rate: float
    seed: int
    cues: list[Cue]
    files: list[str]


@dataclass(frozen=True)
class ScoreDocument:
    """Output of `edge-emo score --json`."""

    results: list[Scored]
    errors: list[Failure]
    version: int = VERSION
    edge_emo: str = __version__


@dataclass(frozen=True)
class SongsDocument:
    """Output of `edge-emo songs search --json` and `songs show --json`."""

    songs: list[Song]
    version: int = VERSION
    edge_emo: str = __version__


@dataclass(frozen=True)
class CatalogueDocument:
    """Output of `edge-emo songs info --json`."""

    catalogue: CatalogueInfo
    version: int = VERSION
    edge_emo: str = __version__


@dataclass(frozen=True)
class AddedDocument:
    """Output of `edge-emo songs add --json`."""

    added: Added
    version: int = VERSION
    edge_emo: str = __version__


@dataclass(frozen=True)
class ImportedDocument:
    """Output of `edge-emo songs import --json`."""

    imported: Imported
    version: int = VERSION
    edge_emo: str = __version__


@dataclass(frozen=True)
class ConvertedDocument:
    """Output of `edge-emo songs import --format lmc --json`."""

    converted: Converted
    version: int = VERSION
    edge_emo: str = __version__


@dataclass(frozen=True)
class HistoryDocument:
    """Output of `edge-emo history stats --json`."""

    history: HistoryStats
    likes: list[Like]
    version: int = VERSION
    edge_emo: str = __version__


@dataclass(frozen=True)
class EventsDocument:
    """Output of `edge-emo history export --json`."""

    events: list[Event]
    version: int = VERSION
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
    version: int = VERSION
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
    version: int = VERSION
    edge_emo: str = __version__


DOCUMENTS = {
    "analyze": AnalyzeDocument,
    "recommend": RecommendDocument,
    "score": ScoreDocument,
    "songs": SongsDocument,
    "catalogue": CatalogueDocument,
    "added": AddedDocument,
    "imported": ImportedDocument,
    "converted": ConvertedDocument,
    "history": HistoryDocument,
    "events": EventsDocument,
    "models": ModelsDocument,
    "doctor": DoctorDocument,
    "bench": BenchDocument,
}
