"""The manifest: which models ship, which precision is the default, and which model serves each task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from edge_emo.core.errors import ModelNotFoundError
from edge_emo.models.card_json import read_json

Precision = Literal["auto", "fp32", "int8"]


@dataclass(frozen=True, kw_only=True)
class ModelEntry:
    """The cards of one model, by precision, and the precision that measurement made the default."""

    default: Literal["fp32", "int8"]
    cards: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The models that ship, and which one serves each task."""

    format: Literal[1]
    tasks: dict[str, str]
    models: dict[str, ModelEntry]


def models_folder() -> Path:
    """Return the folder of the models that ship: inside the package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "models_onnx"
    return inside if inside.is_dir() else package.parent / "models_onnx"


def read_manifest(folder: Path | None = None) -> Manifest:
    """Return the manifest of the models that ship. Raises ModelNotFoundError or CardError."""
    return read_json(Path(folder or models_folder()) / "manifest.json", Manifest)


def card_path(task: str, precision: Precision = "auto", folder: Path | None = None) -> Path:
    """Return the card that serves `task` at `precision`; "auto" takes the manifest's default."""
    if precision not in get_args(Precision):
        raise ValueError(f"precision is {precision!r}; known are {', '.join(get_args(Precision))}")
    folder = Path(folder or models_folder())
    manifest = read_manifest(folder)
    try:
        entry = manifest.models[manifest.tasks[task]]
        return folder / entry.cards[entry.default if precision == "auto" else precision]
    except KeyError as error:
        raise ModelNotFoundError(f"{folder}: manifest.json names no model for {error}; reinstall edge-emo") from error
