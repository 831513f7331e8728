"""Keras files of every age: what they hold, told without running them.

A file is read as data first. What would run code on loading (Lambda layers, pickles, classes that are not Keras'
own) is refused before TensorFlow sees it.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Literal

Format = Literal["h5", "keras", "architecture", "saved_model", "tflite"]

MAX_UNPACKED_BYTES = 4 << 30
MAX_COMPRESSION = 200
"""How many times larger a member of an archive may get; weights shrink by little, bombs by thousands."""

TRAINING_ONLY = re.compile(r"(Random\w+|\w*Dropout|\w*Noise|ActivityRegularization|AugMix|CutMix|MixUp)$")
"""Layers that do nothing in inference, so that conversion removes them."""

_WRITTEN_BY_KERAS = ("keras", "tensorflow.keras", "tf_keras", "tensorflow.python.keras", "builtins")


class SourceError(ValueError):
    """A file that is not converted. The text names the file, the reason and the next step."""


@dataclass(frozen=True)
class Layer:
    """A layer as its file describes it; `removed` where inference does not need it."""

    name: str
    kind: str
    removed: bool = False


@dataclass(frozen=True)
class Description:
    """What a file says of itself, read without loading a network.

    `config` is the architecture, None where the format has none that Keras reads (SavedModel, TFLite); `training` what
    the file keeps of its training, which ONNX does not.
    """

    path: Path
    format: Format
    keras_version: str | None = None
    config: dict[str, Any] | None = field(default=None, repr=False)
    weights: Path | None = None
    training: tuple[str, ...] = ()

    @property
    def is_legacy(self) -> bool:
        """Whether Keras 2 wrote it, which Keras 3 often cannot read."""
        return (self.keras_version or "2").startswith(("1.", "2"))

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers in the order of the file, those inside wrappers and nested models too."""
        return tuple(_layers(self.config)) if self.config else ()


def describe(path: Path, weights: Path | None = None) -> Description:
    """Return what the file at `path` holds; `weights` belong to an architecture in JSON. Raises SourceError."""
    if not path.exists():
        raise SourceError(f"{path}: no such file; check the path")
    try:
        if path.is_dir():
            return _describe_folder(path)
        with path.open("rb") as file:
            head = file.read(16)
        if not head:
            raise SourceError(f"{path}: is empty (0 bytes); save or copy the model again")
        if head.startswith(b"PK"):
            return _describe_archive(path)
        if head.startswith(b"\x89HDF"):
            return _describe_hdf5(path)
        if head[4:8] == b"TFL3":
            return Description(path, "tflite")
        if head.lstrip()[:1] == b"{":
            return _describe_architecture(path, weights)
    except PermissionError:
        raise SourceError(f"{path}: no permission to read it; change its mode or owner") from None
    if head[:1] == b"\x80":
        raise SourceError(
            f"{path}: is a pickle, which runs code when it is read; load it where you trust it and call model.save()"
        )
    raise SourceError(
        f"{path}: is no Keras file; .keras, .h5, .hdf5, .tflite, a SavedModel folder, or JSON with --weights are read"
    )


def _describe_folder(path: Path) -> Description:
    if not (path / "saved_model.pb").is_file():
        raise SourceError(f"{path}: is a folder without saved_model.pb; name the SavedModel folder itself, or a file")
    metadata = path / "keras_metadata.pb"
    return Description(path, "saved_model", "2" if metadata.exists() else None)


def _describe_archive(path: Path) -> Description:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_members(path, members)
            names = {member.filename for member in members}
            if "config.json" not in names:
                raise SourceError(f"{path}: is a ZIP archive without config.json, so it is no .keras file")
            config = json.loads(archive.read("config.json"))
            metadata = json.loads(archive.read("metadata.json")) if "metadata.json" in names else {}
            if archive.testzip() is not None:
                raise SourceError(f"{path}: is damaged ({archive.testzip()} fails its checksum); copy it again")
    except (zipfile.BadZipFile, EOFError, OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: is cut off or damaged ({error}); copy or save it again") from error
    config = _checked(path, config)
    training = ("optimizer, loss and metrics",) if config.get("compile_config") else ()
    return Description(path, "keras", metadata.get("keras_version", "3"), config, training=training)


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    for member in members:
        parts = PurePosixPath(member.filename.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or ":" in member.filename:
            raise SourceError(f"{path}: holds a file that would land outside its folder ({member.filename}); not read")
        if member.file_size > MAX_COMPRESSION * max(member.compress_size, 1 << 16):
            raise SourceError(f"{path}: {member.filename} unpacks to {member.file_size:,} bytes, a ZIP bomb; not read")
    if sum(member.file_size for member in members) > MAX_UNPACKED_BYTES:
        raise SourceError(f"{path}: unpacks to more than {MAX_UNPACKED_BYTES >> 30} GB; not read")


def _describe_hdf5(path: Path) -> Description:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            stated = file.attrs.get("model_config")
            keras_version = file.attrs.get("keras_version")
            if stated is None and "model_weights" in file:
                keras_version = keras_version or file["model_weights"].attrs.get("keras_version")
            training = ("optimizer, loss and metrics",) * ("training_config" in file.attrs)
            training += ("state of the optimizer",) * ("optimizer_weights" in file)
            holds_weights = "layer_names" in file.attrs or "layers" in file or "_layer_checkpoint_dependencies" in file
    except (OSError, RuntimeError, KeyError) as error:
        raise SourceError(f"{path}: is cut off or damaged ({one_line(error)}); copy or save it again") from error
    if stated is None:
        if holds_weights:
            raise SourceError(
                f"{path}: holds weights without an architecture; pass the JSON of model.to_json() as the model, "
                f"and this file as --weights"
            )
        raise SourceError(f"{path}: is HDF5, but holds no Keras model")
    try:
        config = json.loads(stated)
    except (json.JSONDecodeError, UnicodeDecodeError, TypeError) as error:
        raise SourceError(f"{path}: its architecture is no JSON ({error}); save the model again") from error
    return Description(path, "h5", _text(keras_version), _checked(path, config), training=training)


def _describe_architecture(path: Path, weights: Path | None) -> Description:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: is no JSON ({error})") from error
    if "class_name" not in config or "config" not in config:
        raise SourceError(f"{path}: is JSON, but not what model.to_json() writes")
    if weights is None:
        raise SourceError(f"{path}: is an architecture without weights; pass them as --weights FILE")
    if not weights.exists():
        raise SourceError(f"{weights}: no such file; check the path")
    version = config.get("keras_version") or ("3" if config.get("module", "").startswith("keras") else "2")
    return Description(path, "architecture", version, _checked(path, config), weights)


def _checked(path: Path, config: Any) -> dict[str, Any]:
    if not isinstance(config, dict) or "class_name" not in config:
        raise SourceError(f"{path}: its architecture names no class; save the model again")
    return config


def check_is_data(description: Description, *, trust_code: bool = False) -> None:
    """Raise SourceError where loading would run code of the file's, or need a class that is not Keras' own."""
    for part in parts(description.config or {}):
        kind, settings = part["class_name"], part.get("config")
        name = settings.get("name", "") if isinstance(settings, dict) else ""
        if kind == "Lambda" and not trust_code:
            raise SourceError(
                f"{description.path}: the layer {name!r} is a Lambda, which is code; if you trust who made it, "
                f"pass --trust-code"
            )
        module = part.get("module")
        if module and not module.startswith(_WRITTEN_BY_KERAS):
            raise SourceError(
                f"{description.path}: the layer {name!r} is {module}.{kind}, a class that is not Keras' own; "
                f"save a model of Keras' layers, or export it where its code is"
            )


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every serialised object of a configuration, outermost first."""
    if isinstance(value, dict):
        if "class_name" in value:
            yield value
        for item in value.values():
            yield from parts(item)
    elif isinstance(value, list):
        for item in value:
            yield from parts(item)


_CONTAINERS = ("Sequential", "Functional", "Model")


def _layers(config: dict[str, Any]) -> Iterator[Layer]:
    inner = config.get("config")
    stated = inner if isinstance(inner, list) else (inner or {}).get("layers")  # Keras 2.0 wrote a bare list
    if stated is None:
        settings = inner if isinstance(inner, dict) else {}
        kind = str(config["class_name"])
        yield Layer(str(config.get("name") or settings.get("name", "")), kind, TRAINING_ONLY.match(kind) is not None)
        stated = [settings[key] for key in ("layer", "backward_layer", "forward_layer") if settings.get(key)]
    for layer in stated:
        if isinstance(layer, dict) and "class_name" in layer:
            yield from _layers(layer)


def _text(value: Any) -> str | None:
    return value.decode() if isinstance(value, bytes) else value


def one_line(error: Exception) -> str:
    """Return the first line of an error's text."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
