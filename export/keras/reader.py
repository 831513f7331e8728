"""A Keras file to a model, by the Keras that wrote it, and what it cannot be read for."""

from __future__ import annotations

import contextlib
import importlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from export.keras.config import WAY_OUT, loadable, parts
from export.keras.source import Description, SourceError, one_line

_OPERATIONS = tuple(f"keras.src.ops.{name}" for name in ("numpy", "nn", "core", "math", "image", "linalg"))
_UNKNOWN = re.compile(
    r"(?:Unknown ([\w ]+?)|[Cc]ould not locate (\w+)|Could not interpret ([\w ]+?)(?: identifier)?)"
    r"(?:: ?['\"`]?| ['\"`])([\w.>]+)"
)


def read_model(description: Description, *, trust_code: bool = False) -> Any:
    """Return the model in a file that was checked, of Keras 3 or `tf_keras` as wrote it. Raises SourceError."""
    if description.is_legacy:
        import tf_keras as keras
    else:
        import keras
    path = description.path
    if description.format == "keras" and path.suffix != ".keras":
        raise SourceError(f"{path}: is a .keras file by another name; rename it so that it ends in .keras")
    try:
        if description.format == "architecture":
            if description.is_legacy:
                model = keras.models.model_from_json(json.dumps(description.config))
            else:
                model = keras.saving.deserialize_keras_object(description.config, safe_mode=not trust_code)
            return _with_weights(model, description)
        with _readable(description) as readable:
            return keras.models.load_model(readable, compile=False, safe_mode=not trust_code)
    except SourceError:
        raise
    except Exception as error:  # Keras raises many kinds, each with pages of text
        raise SourceError(f"{path}: {_culprit(error, description, keras.__version__)}") from error


@contextlib.contextmanager
def _readable(description: Description) -> Iterator[Path]:
    """Yield the path of a file, or of a copy with an architecture that today's Keras reads."""
    config = description.config or {}
    changed = loadable(config, None if description.is_legacy else _module_of) if description.format == "h5" else config
    if changed is config:
        yield description.path
        return
    import h5py

    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model.h5"
        shutil.copyfile(description.path, copy)
        with h5py.File(copy, "r+") as file:
            file.attrs["model_config"] = json.dumps(changed).encode()
        yield copy


def _module_of(kind: str) -> str | None:
    """Return where Keras 3 keeps the operation of that name, None where there is none."""
    from keras import Operation

    for name in _OPERATIONS:
        found = getattr(importlib.import_module(name), kind, None)
        if isinstance(found, type) and issubclass(found, Operation):
            return name
    return None


def _culprit(error: Exception, description: Description, installed: str) -> str:
    """Return what a file cannot be loaded for, and the way out."""
    text = str(error).rpartition("Exception encountered: ")[2]
    version = description.keras_version or ""
    unknown = _UNKNOWN.search(text)
    if unknown:
        kind = next(filter(None, unknown.groups()[:3]), "class")
        kind = "layer class" if kind in ("layer", "class") else kind
        owner = _using(description, unknown[4])
        return f"the {kind} {unknown[4]}{owner} is not Keras' own; save a model of Keras' layers, or {WAY_OUT}"
    reason = one_line(ValueError(text)) or type(error).__name__
    if _numbers(version) > _numbers(installed):
        return (
            f"was written by Keras {version}, and the one here is {installed}, which does not know all that is in it "
            f"({reason}); install that Keras here, or {WAY_OUT}"
        )
    written = f"was written by Keras {version}, and " if version else ""
    return f"{written}Keras {installed} cannot load it ({reason}); load it where it was made and save it again"


def _using(description: Description, name: str) -> str:
    """Return which layer a name stands in, for a message."""
    for part in parts(description.config or {}):
        settings = part.get("config")
        if isinstance(settings, dict) and name in (value for value in settings.values() if isinstance(value, str)):
            return f" of the layer {settings.get('name', part.get('name'))!r}" if settings.get("name") != name else ""
    return ""


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:3]]


def _with_weights(model: Any, description: Description) -> Any:
    try:
        model.load_weights(str(description.weights))
    except Exception as error:  # Keras raises many kinds, each with pages of text
        raise SourceError(
            f"{description.weights}: its weights are not those of {description.path} ({one_line(error)}); "
            "pass the two that belong together"
        ) from error
    return model
