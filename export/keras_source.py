"""Keras files of every age: what they hold, told without running them, and the network in them.

A file is read as data first. What would run code on loading (Lambda layers, pickles, classes that are not Keras'
own) is refused before TensorFlow sees it.
"""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

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

    `config` is the architecture, None where the format has none that Keras reads (SavedModel, TFLite).
    """

    path: Path
    format: Format
    keras_version: str | None = None
    config: dict[str, Any] | None = field(default=None, repr=False)
    weights: Path | None = None

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
    return Description(path, "keras", metadata.get("keras_version", "3"), _checked(path, config))


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
            holds_weights = "layer_names" in file.attrs or "layers" in file or "_layer_checkpoint_dependencies" in file
    except (OSError, RuntimeError, KeyError) as error:
        raise SourceError(f"{path}: is cut off or damaged ({_one_line(error)}); copy or save it again") from error
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
    return Description(path, "h5", _text(keras_version), _checked(path, config))


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
    for part in _parts(description.config or {}):
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


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every serialised object of a configuration, outermost first."""
    if isinstance(value, dict):
        if "class_name" in value:
            yield value
        for item in value.values():
            yield from _parts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _parts(item)


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


def _one_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


@dataclass(frozen=True)
class Network:
    """A network that was loaded: one input, one output.

    `call` computes TensorFlow tensors; `predict` numpy arrays of shape (samples, *input_shape), in float32.
    `vocabulary` bounds the whole numbers that an embedding takes as input, None where the input is not whole.
    """

    name: str
    input_shape: tuple[int | None, ...]
    n_outputs: int
    n_parameters: int
    call: Any = field(repr=False)
    predict: Any = field(repr=False)
    model: Any = field(default=None, repr=False)
    input_dtype: str = "float32"
    vocabulary: int | None = None

    def random_inputs(self, count: int, seed: int = 0) -> NDArray[Any]:
        """Return inputs that mean nothing but have the right shape, type and range. Raises SourceError."""
        if None in self.input_shape:
            raise SourceError(f"{self.name}: its input has the shape {self.input_shape}; fix it with --input-shape")
        rng = np.random.default_rng(seed)
        shape = (count, *self.input_shape)
        if self.vocabulary:
            return rng.integers(0, self.vocabulary, shape).astype(self.input_dtype)
        return rng.standard_normal(shape).astype(self.input_dtype)


def load(description: Description, *, input_shape: tuple[int, ...] | None = None, trust_code: bool = False) -> Network:
    """Return the network in a file that was described. Raises SourceError; ImportError without the extra."""
    check_is_data(description, trust_code=trust_code)
    if description.format == "saved_model":
        return _load_saved_model(description, input_shape)
    if description.format == "tflite":
        return _load_tflite(description)
    model = _load_keras(description, trust_code)
    return from_keras(model, description.path.stem, input_shape, description)


def _load_keras(description: Description, trust_code: bool) -> Any:
    if description.is_legacy:
        import tf_keras as keras
    else:
        import keras
    path = description.path
    try:
        if description.format == "architecture":
            model = keras.models.model_from_json(path.read_text(encoding="utf-8"))
            model.load_weights(str(description.weights))
            return model
        if description.format == "keras":
            return keras.models.load_model(path, compile=False, safe_mode=not trust_code)
        return keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras raises many kinds, each with pages of text
        unknown = re.search(
            r"Unknown (?:layer|[a-z_ ]*class|object)[^'\"]*['\"]([^'\"]+)|locate class ['\"](\w+)", str(error)
        )
        if unknown:
            raise SourceError(
                f"{path}: the layer class {unknown[1] or unknown[2]} is not Keras' own; save a model of Keras' layers, "
                f"or export it where its code is"
            ) from error
        version = f", written by Keras {description.keras_version}" if description.keras_version else ""
        raise SourceError(
            f"{path}{version}: Keras {keras.__version__} cannot load it ({_one_line(error)}); "
            f"load it where it was made and save it again"
        ) from error


def from_keras(
    model: Any, name: str, input_shape: tuple[int, ...] | None = None, description: Description | None = None
) -> Network:
    """Return the network of a Keras model, of either Keras. Raises SourceError."""
    if not model.built or input_shape:
        if input_shape is None:
            raise SourceError(f"{name}: the file states no input shape; pass --input-shape, for instance 216,1")
        if not model.built:
            model.build((None, *input_shape))
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise SourceError(
            f"{name}: has {len(model.inputs)} inputs and {len(model.outputs)} outputs; "
            "networks of one each are converted"
        )
    stated = tuple(model.inputs[0].shape[1:])
    shape = _fixed(name, tuple(int(n) if n is not None else None for n in stated), input_shape)
    damaged = [w.name for w in model.weights if not np.isfinite(np.asarray(w)).all()]
    if damaged:
        raise SourceError(f"{name}: the weights {', '.join(damaged[:3])} hold NaN or infinity; train or save it again")
    embeddings = [
        part["config"]["input_dim"]
        for part in _parts(description.config if description else {})
        if part["class_name"] == "Embedding"
    ]

    def predict(samples: NDArray[Any]) -> NDArray[np.float32]:
        return np.asarray(model.predict(samples, batch_size=64, verbose=0), np.float32)

    dtype = model.inputs[0].dtype
    return Network(
        name=name,
        input_shape=shape,
        n_outputs=int(model.outputs[0].shape[-1]),
        n_parameters=int(model.count_params()),
        call=lambda x: model(x, training=False),
        predict=predict,
        model=model,
        input_dtype=getattr(dtype, "name", dtype),
        vocabulary=min(embeddings) if embeddings else None,
    )


def _fixed(name: str, stated: tuple[int | None, ...], wanted: tuple[int, ...] | None) -> tuple[int | None, ...]:
    if wanted is None:
        return stated
    if len(wanted) != len(stated) or any(s not in (None, w) for s, w in zip(stated, wanted, strict=False)):
        raise SourceError(f"{name}: takes inputs of shape {stated}, which {wanted} is not")
    return wanted


def _load_saved_model(description: Description, input_shape: tuple[int, ...] | None) -> Network:
    import tensorflow as tf

    path = description.path
    try:
        loaded = tf.saved_model.load(str(path))
        signature = loaded.signatures["serving_default"]
    except KeyError:
        raise SourceError(f"{path}: has no signature 'serving_default'; save it with model.export()") from None
    except Exception as error:  # TensorFlow raises many kinds
        raise SourceError(f"{path}: TensorFlow {tf.__version__} cannot load it ({_one_line(error)})") from error
    inputs = signature.structured_input_signature[1]
    outputs = signature.structured_outputs
    if len(inputs) != 1 or len(outputs) != 1:
        raise SourceError(
            f"{path}: has {len(inputs)} inputs and {len(outputs)} outputs; networks of one each are converted"
        )
    (input_name, spec), (output_name, output) = *inputs.items(), *outputs.items()
    shape = _fixed(path.name, tuple(spec.shape[1:]), input_shape)

    def call(x: Any) -> Any:
        return signature(**{input_name: x})[output_name]

    return Network(
        name=path.name,
        input_shape=shape,
        n_outputs=int(output.shape[-1]),
        n_parameters=int(sum(np.prod(v.shape) for v in signature.variables)),
        call=call,
        predict=lambda samples: np.asarray(call(tf.constant(samples)), np.float32),
        model=loaded,  # keeps the variables alive
        input_dtype=spec.dtype.name,
    )


def _load_tflite(description: Description) -> Network:
    import tensorflow as tf

    path = description.path
    try:
        interpreter = tf.lite.Interpreter(str(path))
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise SourceError(f"{path}: is cut off or damaged ({_one_line(error)}); copy or convert it again") from error
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    if len(inputs) != 1 or len(outputs) != 1:
        raise SourceError(
            f"{path}: has {len(inputs)} inputs and {len(outputs)} outputs; networks of one each are converted"
        )
    if inputs[0]["dtype"] is not np.float32:
        raise SourceError(
            f"{path}: takes {inputs[0]['dtype'].__name__}, it is quantised already; convert its float original"
        )

    def predict(samples: NDArray[Any]) -> NDArray[np.float32]:
        rows = []
        for sample in samples:
            interpreter.set_tensor(inputs[0]["index"], sample[None])
            interpreter.invoke()
            rows.append(interpreter.get_tensor(outputs[0]["index"])[0].copy())
        return np.stack(rows)

    constants = interpreter.get_tensor_details()
    return Network(
        name=path.stem,
        input_shape=tuple(int(n) for n in inputs[0]["shape"][1:]),
        n_outputs=int(outputs[0]["shape"][-1]),
        n_parameters=sum(int(np.prod(t["shape"])) for t in constants if "weight" in t["name"] or "kernel" in t["name"]),
        call=None,
        predict=predict,
        model=path,
    )
