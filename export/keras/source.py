"""Keras files of every age: what they hold, told without running them.

A file is read as data first. What would run code on loading (Lambda layers, pickles, classes that are not Keras'
own) is refused before TensorFlow sees it.
"""

from __future__ import annotations

import lzma
import zipfile
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal

from export.keras import config as keras_config
from export.keras.config import ConfigError, Layer, architecture, layers, read_json
from export.keras.weights import MAX_COMPRESSION, WeightsError, check_group

Format = Literal["h5", "keras", "architecture", "saved_model", "tflite"]

MAX_UNPACKED_BYTES = 4 << 30

MAX_CONFIG_BYTES = 64 << 20


_ZIP_ERRORS = (zipfile.BadZipFile, EOFError, OSError, RuntimeError, ValueError, zlib.error, lzma.LZMAError)
"""What `zipfile` raises for damaged, encrypted and newer archives; NotImplementedError is a RuntimeError."""


class SourceError(ValueError):
    """A file that is not converted. The text names the file, the reason and the next step."""


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
        return tuple(layers(self.config)) if self.config else ()


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
        if head.startswith(b"version https:/"):
            raise SourceError(
                f"{path}: is a pointer of Git LFS, the model itself is elsewhere; fetch it with git lfs pull"
            )
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
            config = _read_json(path, archive.read("config.json"), "config.json")
            metadata = (
                _read_json(path, archive.read("metadata.json"), "metadata.json") if "metadata.json" in names else {}
            )
            if archive.testzip() is not None:
                raise SourceError(f"{path}: is damaged ({archive.testzip()} fails its checksum); copy it again")
            for name in names & {"model.weights.h5"}:
                with archive.open(name) as weights:
                    _check_weights(path, weights, archive.getinfo(name).file_size)
    except SourceError:
        raise
    except _ZIP_ERRORS as error:
        raise SourceError(f"{path}: is cut off or damaged ({error}); copy or save it again") from error
    if not isinstance(metadata, dict):
        raise SourceError(f"{path}: metadata.json says nothing of Keras' version; save the model again")
    config = _checked(path, config)
    training = ("optimizer, loss and metrics",) if config.get("compile_config") else ()
    return Description(path, "keras", str(metadata.get("keras_version", "3")), config, training=training)


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    for member in members:
        parts = PurePosixPath(member.filename.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or ":" in member.filename:
            raise SourceError(f"{path}: holds a file that would land outside its folder ({member.filename}); not read")
        if member.file_size > MAX_COMPRESSION * max(member.compress_size, 1 << 16):
            raise SourceError(f"{path}: {member.filename} unpacks to {member.file_size:,} bytes, a ZIP bomb; not read")
        if member.filename.endswith(".json") and member.file_size > MAX_CONFIG_BYTES:
            raise SourceError(f"{path}: {member.filename} holds {member.file_size:,} bytes, which no network needs")
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
            check_group(file, path.stat().st_size)
    except WeightsError as error:
        raise SourceError(f"{path}: {error}") from error
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise SourceError(f"{path}: is cut off or damaged ({one_line(error)}); copy or save it again") from error
    if stated is None:
        if holds_weights:
            raise SourceError(
                f"{path}: holds weights without an architecture; pass the JSON of model.to_json() as the model, "
                f"and this file as --weights"
            )
        raise SourceError(f"{path}: is HDF5, but holds no Keras model")
    config = _read_json(path, stated, "its architecture")
    return Description(path, "h5", _text(keras_version), _checked(path, config), training=training)


def _check_weights(path: Path, content: IO[bytes], size: int) -> None:
    """Check the weights in HDF5, where h5py is there, without which they cannot be loaded either."""
    try:
        import h5py
    except ImportError:
        return
    try:
        with h5py.File(content, "r") as file:
            check_group(file, size)
    except WeightsError as error:
        raise SourceError(f"{path}: {error}") from error
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise SourceError(f"{path}: its weights are damaged ({one_line(error)}); copy or save it again") from error


def _describe_architecture(path: Path, weights: Path | None) -> Description:
    config = _read_json(path, path.read_bytes(), "it")
    if not isinstance(config, dict) or "class_name" not in config or "config" not in config:
        raise SourceError(f"{path}: is JSON, but not what model.to_json() writes")
    if weights is None:
        raise SourceError(f"{path}: is an architecture without weights; pass them as --weights FILE")
    if not weights.exists():
        raise SourceError(f"{weights}: no such file; check the path")
    version = config.get("keras_version") or ("3" if str(config.get("module", "")).startswith("keras") else "2")
    with weights.open("rb") as content:
        if content.read(4) == b"\x89HDF":
            _check_weights(weights, content, weights.stat().st_size)
    return Description(path, "architecture", str(version), _checked(path, config), weights)


def _read_json(path: Path, content: str | bytes, what: str) -> Any:
    try:
        return read_json(content)
    except ConfigError as error:
        raise SourceError(f"{path}: {what} {error}; save the model again") from error


def _checked(path: Path, config: Any) -> dict[str, Any]:
    try:
        return architecture(config)
    except ConfigError as error:
        raise SourceError(f"{path}: its architecture {error}; save the model again") from error


def check_is_data(description: Description, *, trust_code: bool = False) -> None:
    """Raise SourceError where loading would run code, need code that is not Keras' own, or open another file."""
    try:
        keras_config.check_is_data(description.config or {}, trust_code=trust_code)
    except ConfigError as error:
        raise SourceError(f"{description.path}: {error}") from error


def _text(value: Any) -> str | None:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return None if value is None else str(value)


def one_line(error: Exception) -> str:
    """Return the first line of an error's text."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
