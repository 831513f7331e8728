"""Cards and manifests as JSON: read, and refused where a field is none of ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar, get_args

import msgspec

from edge_emo.core.errors import CardError, ModelError, ModelNotFoundError
from edge_emo.core.files import read_bytes
from edge_emo.models.schema import Card, Preprocessing, check_card, task_of

T = TypeVar("T")

_LARGEST = 4 << 20  # bytes of a card
_CONVERTIBLE = {".keras": "a Keras", ".h5": "a Keras", ".hdf5": "a Keras", ".tflite": "a TensorFlow Lite"}


def read_card(path: Path) -> Card:
    """Return a checked card. Raises ModelNotFoundError or CardError, which names the field."""
    suffix = Path(path).suffix.lower()
    if suffix == ".onnx":
        raise CardError(f"{path}: is the model itself; give its card instead, {Path(path).with_suffix('.json').name}")
    if suffix in _CONVERTIBLE:
        raise CardError(f"{path}: is {_CONVERTIBLE[suffix]} file; convert it first with `python -m export convert`")
    card = read_json(path, Card)
    check_card(card, str(path))
    return card


def decoded(content: bytes, kind: type[T]) -> T:
    """Return what is written in JSON. Raises msgspec.DecodeError or ValueError, which name the field."""
    found = msgspec.json.decode(content, type=kind)
    unknown = list(_unknown_fields(msgspec.json.decode(content), msgspec.to_builtins(found)))
    if unknown:
        raise ValueError(f"has no field {', '.join(unknown)}; a newer release may, or it is misspelt")
    return found


def _unknown_fields(stated: Any, known: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of fields in `stated` that `known`, which holds every field there is, does not have."""
    if isinstance(stated, dict) and isinstance(known, dict):
        for name, value in stated.items():
            if name in known:
                yield from _unknown_fields(value, known[name], f"{path}{name}.")
            else:
                yield path + name


def read_json(path: Path, kind: type[T]) -> T:
    """Return what a file holds. Raises ModelNotFoundError, ModelError or CardError, which names the field."""
    try:
        return decoded(read_bytes(path, _LARGEST), kind)
    except FileNotFoundError:
        raise ModelNotFoundError(f"{path}: no such file; reinstall edge-emo, or give the path of a card") from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
        told = str(error)
        if told.endswith("`$.preprocessing.task`"):
            told += f"; known are {', '.join(map(task_of, get_args(Preprocessing)))}; a newer release may know more"
        raise CardError(f"{path}: {told}") from error
