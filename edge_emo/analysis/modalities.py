"""The modalities: all that differs between a voice, a face, and what else emotions may be read from.

A new one is an entry of `MODALITIES`; sessions, fusion, summaries, reports and commands go through them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from edge_emo.core.timeline import Reading, Reason, Timeline

if TYPE_CHECKING:
    from edge_emo.face.detector import Detector
    from edge_emo.models.manifest import Precision

Input = Literal["sound", "picture"]


class Reader(Protocol):
    """Reads one source, whose sound or frames are pushed in their order, such as `VoiceStream` and `FaceReader`."""

    @property
    def sample_rate(self) -> int | None:
        """Rate, in Hz, of the sound that is pushed; None for frames."""

    @property
    def threshold(self) -> float:
        """Probability from which on it is sure."""

    @property
    def settled_s(self) -> float:
        """No reading to come begins before it."""

    @property
    def provisional(self) -> Sequence[Reading]:
        """Readings that others will replace."""

    @property
    def is_cut(self) -> bool:
        """Whether the last frame begins a shot."""

    def push(self, piece: Any, /) -> Iterator[Reading]:
        """Yield the readings that a block of sound or a frame completes."""

    def finish(self) -> Iterator[Reading]:
        """Yield the readings that only the end completes."""


class Recognizer(Protocol):
    """The models of a modality, which stay warm for many sources."""

    @property
    def model_names(self) -> Mapping[str, str]:
        """Name, version and precision of each, by its task."""

    def reader(self, *, live: bool) -> Reader:
        """Return what reads one source."""


@dataclass(frozen=True)
class Options:
    """With which models is read: `cards` by task, in place of those that ship, and the `detector` of faces.

    `everyone` tells that of several people not only the main one is read.
    """

    cards: Mapping[str, str | Path | None] = field(default_factory=dict)
    detector: Detector | None = None
    precision: Precision = "auto"
    threads: int = 1
    everyone: bool = False


@dataclass(frozen=True)
class Modality:
    """Something that emotions are read from, and what is particular to it.

    `recognizer` makes what reads it, of what it `takes`. Reports say that it was `perceived` so; `not_found` is the
    reason where it was looked for in vain. What it finds is one vote of that `weight`, but between emotions that are
    `indistinguishable` to it. With `is_cut_by_picture`, what it finds before a cut of the picture says nothing of what
    comes after it.
    """

    name: str
    takes: Input
    recognizer: Callable[[Options], Recognizer]
    perceived: str
    not_found: Reason
    indistinguishable: tuple[tuple[str, ...], ...] = ()
    weight: float = 1.0
    is_cut_by_picture: bool = False


def _voice(options: Options) -> Recognizer:
    from edge_emo.voice.recognizer import VoiceRecognizer

    return VoiceRecognizer(options.cards.get("voice"), precision=options.precision, threads=options.threads)


def _face(options: Options) -> Recognizer:
    from edge_emo.face.detector import FaceDetector
    from edge_emo.face.reader import FaceModels
    from edge_emo.face.recognizer import FaceRecognizer

    precision, threads = options.precision, options.threads
    detector = options.detector or FaceDetector(precision=precision, threads=threads)
    recognizer = FaceRecognizer(options.cards.get("face"), precision=precision, threads=threads)
    return FaceModels(detector, recognizer, everyone=options.everyone)


MODALITIES: dict[str, Modality] = {
    modality.name: modality
    for modality in (
        Modality("voice", "sound", _voice, "heard", "no_voice"),
        Modality(
            "face",
            "picture",
            _face,
            "seen",
            "no_face",
            indistinguishable=(("neutral", "calm"),),
            is_cut_by_picture=True,
        ),
    )
}
"""By name, in the order in which they are named."""


def taking(kind: Input, names: Iterable[str]) -> list[str]:
    """Return those modalities that take sound, or frames."""
    return [name for name in names if MODALITIES[name].takes == kind]


def took(timeline: Timeline, kind: Input) -> bool:
    """Return whether the sound, or the picture, of a source was read, whatever was found in it."""
    return bool(taking(kind, timeline.by_modality))


def cut_by_picture(names: Iterable[str]) -> bool:
    """Return whether a cut of the picture ends what one of these modalities shows."""
    return any(MODALITIES[name].is_cut_by_picture for name in names)
