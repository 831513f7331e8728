"""What a voice model's front end does to its accuracy: recordings as the card reads them, against recordings whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace
from onnx import ModelProto

from edge_emo.core.errors import MediaError
from edge_emo.models.schema import VoicePreprocessing
from export.measure.chance import is_near_guessing, is_noise
from export.measure.inference import Outputs, session
from export.measure.samples import voice_windows

LONGEST_S = 30.0
"""What is longer is no clip, so nobody trained on it whole."""
MAX_RECORDINGS = 240
MAX_LOSS = 0.02
"""What a front end may cost against the best of the others before one is warned."""
_UNCHANGED: dict[str, Any] = {
    "activity": "off",
    "offset_s": 0.0,
    "duration_s": None,
    "pad": False,
    "dc": "kept",
    "decode_rate": None,
}


@dataclass(frozen=True)
class Way:
    """A way from recordings to inputs, and whether the model is right on each recording by it."""

    name: str
    voice: VoicePreprocessing
    right: tuple[bool, ...]

    @property
    def accuracy(self) -> float:
        """Share of recordings that the model is right on."""
        return sum(self.right) / len(self.right)


@dataclass(frozen=True)
class Comparison:
    """The ways that were tried on recordings of these labels, that of the card first."""

    ways: tuple[Way, ...]
    labels: tuple[str, ...]

    @property
    def stated(self) -> Way:
        """The way of the card."""
        return self.ways[0]

    @property
    def warning(self) -> str:
        """What the card's front end costs, and what to say in its place; empty where it costs nothing.

        It is empty too where luck explains the difference, or all that the model is right on.
        """
        best = max(self.ways, key=lambda way: way.accuracy)
        loss = best.accuracy - self.stated.accuracy
        if loss <= MAX_LOSS or is_near_guessing(best.accuracy, self.labels) or is_noise(self.stated.right, best.right):
            return ""
        changes = ", ".join(f'"{name}": {json.dumps(value)}' for name, value in _changes(self.stated.voice, best.voice))
        return (
            f"this front end COSTS {100 * loss:.1f} POINTS of accuracy: fp32 is right on {self.stated.accuracy:.1%} of "
            f"recordings, on {best.accuracy:.1%} {best.name}; if the model was trained so, say {changes} in --front-end"
        )

    def record(self) -> list[dict[str, Any]]:
        """Return it for a card."""
        n = len(self.labels)
        return [{"front_end": way.name, "accuracy": round(way.accuracy, 4), "recordings": n} for way in self.ways]


def compare(
    model: ModelProto,
    outputs: Outputs,
    recordings: Sequence[tuple[Path, str]],
    voice: VoicePreprocessing,
    shape: Sequence[int | None],
) -> Comparison | None:
    """Return how often the model is right on recordings, each with its label, by the card's front end and by others.

    Counts only recordings that every way finds something to read in. None where there are none.
    """
    ready = session(model)
    name = ready.get_inputs()[0].name
    whole = replace(voice, window_s=LONGEST_S, hop_s=LONGEST_S, **_UNCHANGED)
    ways = {
        "as the card reads them": voice,
        "with their pauses": replace(voice, activity="off"),
        f"whole, at {whole.sample_rate:,} Hz, nothing cut": whole,
    }
    ways = {way: other for way, other in ways.items() if other is voice or other != voice}
    right: dict[str, list[bool]] = {way: [] for way in ways}
    labels: list[str] = []
    for path, label in recordings:
        if len(labels) == MAX_RECORDINGS:
            break
        try:
            if len(voice_windows(path, whole, shape)) != 1:
                continue  # no clip
            found = {way: voice_windows(path, other, shape) for way, other in ways.items()}
        except MediaError:
            continue  # told where the inputs are read
        if not all(found.values()):
            continue  # told there too
        labels.append(label)
        for way, windows in found.items():
            rows = [outputs.probabilities(ready.run(None, {name: window[None]})[0])[0] for window in windows]
            right[way].append(outputs.classes[int(np.mean(rows, axis=0).argmax())] == label)
    tried = tuple(Way(way, voice, tuple(right[way])) for way, voice in ways.items())
    return Comparison(tried, tuple(labels)) if labels else None


def _changes(old: VoicePreprocessing, new: VoicePreprocessing) -> Iterator[tuple[str, Any]]:
    for name in ("activity", "window_s", "hop_s", "offset_s", "duration_s", "pad", "dc", "decode_rate"):
        if getattr(old, name) != getattr(new, name):
            yield name, getattr(new, name)
