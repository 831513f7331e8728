"""The architecture in a Keras file, read as data: its layers, and what of it would run code or open other files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

MAX_DEPTH = 200

TRAINING_ONLY = re.compile(r"(Random\w+|\w*Dropout|\w*Noise|ActivityRegularization|AugMix|CutMix|MixUp)$")
"""Layers that do nothing in inference, so that conversion removes them."""

WAY_OUT = "export it where its code is, with model.export('folder'), and convert that folder"

_OF_KERAS = re.compile(
    r"(tf_keras|keras|tensorflow\.keras|tensorflow\.python\.keras)(\.src)?(\.api)?(\._v2\.keras)?"
    r"(\.(layers|models|engine|initializers|regularizers|constraints|activations|ops|random|dtype_policies"
    r"|mixed_precision|optimizers|losses|metrics|legacy|legacy_tf_layers|utils\.generic_utils)(\.\w+)*)?"
)
"""Modules whose classes a network is made of. Others of Keras' load files, or take back what protects from them."""

_NO_LAYERS = ("function", "__lambda__", "DTypePolicy", "Policy")
_CODE = {"Lambda": "a Lambda", "__lambda__": "a lambda"}
_PROGRAMS = {"TorchModuleWrapper": "a pickle of PyTorch", "TFSMLayer": "a SavedModel", "JaxLayer": "a program of JAX"}
_PROGRAMS["FlaxLayer"] = _PROGRAMS["JaxLayer"]
_PROGRAMS |= dict.fromkeys(("TensorFlowOpLayer", "ClassMethod", "InstanceMethod"), "whatever of TensorFlow it names")
_FILE_FIELDS = ("vocabulary", "idf_weights", "filepath", "path", "filename")

_TENSORFLOW_OPS = re.compile(
    r"(compat\.v1\.)?(__operators__|math|nn|linalg|signal|image|keras\.(backend|activations))\.\w+(\.\w+)?"
    r"|reduce_\w+|\w+_like|cast|reshape|transpose|concat|stack|unstack|split|expand_dims|squeeze|tile|pad|gather"
    r"|gather_nd|where|clip_by_value|shape|slice|strided_slice|identity|convert_to_tensor|repeat|reverse|cumsum|abs"
    r"|add|subtract|multiply|divide|exp|sqrt|square|pow|maximum|minimum|sigmoid|tanh|sin|cos|matmul|einsum|tensordot"
    r"|one_hot|argmax|fill|range|broadcast_to|sign|round|boolean_mask|unsqueeze"
)
"""Functions of TensorFlow that a layer of Keras 2 may name; those for files and Python are not among them."""


class ConfigError(ValueError):
    """An architecture that is not one, or holds what is not to be run. The text says what, not in which file."""


@dataclass(frozen=True)
class Layer:
    """A layer as its file describes it; `removed` where inference does not need it."""

    name: str
    kind: str
    removed: bool = False


def read_json(content: str | bytes) -> Any:
    """Return what is written in JSON. Raises ConfigError."""
    try:
        found = json.loads(content)
        if _depth(found) > MAX_DEPTH:
            raise RecursionError
    except RecursionError:
        raise ConfigError(f"is nested more than {MAX_DEPTH} deep, as no network is") from None
    except (ValueError, TypeError) as error:
        raise ConfigError(f"is no JSON ({error})") from error
    return found


def architecture(config: Any) -> dict[str, Any]:
    """Return a configuration that names its classes. Raises ConfigError."""
    if not isinstance(config, dict) or "class_name" not in config:
        raise ConfigError("names no class")
    if not isinstance(config.get("config"), (dict, list)):
        raise ConfigError(f"says nothing of its {config['class_name']}")
    for part in parts(config):
        if not isinstance(part["class_name"], str):
            raise ConfigError(f"has {str(part['class_name'])[:80]!r} for the name of a class")
    return config


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every serialised object of a network, outermost first; not of how the whole was trained."""
    left: list[Any] = [value]
    while left:
        item = left.pop()
        if isinstance(item, dict):
            if "class_name" in item:
                yield item
            left += reversed([below for key, below in item.items() if key != "compile_config" or item is not value])
        elif isinstance(item, list):
            left += reversed(item)


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        rows = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, (dict, list))]
        level = [below for row in rows for below in row]
    return depth


def layers(config: dict[str, Any]) -> Iterator[Layer]:
    """Yield the layers in the order of the file, those inside wrappers and nested models too."""
    inner = config.get("config")
    stated = inner if isinstance(inner, list) else (inner or {}).get("layers")  # Keras 2.0 wrote a bare list
    if not isinstance(stated, list):
        settings = inner if isinstance(inner, dict) else {}
        yield Layer(_name(config), config["class_name"], TRAINING_ONLY.match(config["class_name"]) is not None)
        stated = [settings[key] for key in ("layer", "backward_layer", "forward_layer") if settings.get(key)]
    for layer in stated:
        if isinstance(layer, dict) and "class_name" in layer:
            yield from layers(layer)


def _name(part: dict[str, Any]) -> str:
    settings = part.get("config")
    return str(part.get("name") or (settings.get("name", "") if isinstance(settings, dict) else ""))


def check_is_data(config: dict[str, Any], *, trust_code: bool = False) -> None:
    """Raise ConfigError where loading would run code, need code that is not Keras' own, or open another file."""
    owner = ""
    for part in parts(config):
        kind, module, settings = part["class_name"], part.get("module"), part.get("config")
        owner = owner if kind in _NO_LAYERS else _name(part) or owner
        if kind == "function":
            raise ConfigError(f"the layer {owner!r} uses the function {settings!r}, which is not Keras' own; {WAY_OUT}")
        if kind in _CODE and not trust_code:
            raise ConfigError(
                f"the layer {owner!r} is {_CODE[kind]}, which is code; if you trust who made it, pass --trust-code"
            )
        if kind in _PROGRAMS and not trust_code:
            raise ConfigError(
                f"the layer {owner!r} is a {kind}, which runs {_PROGRAMS[kind]}; if you trust who made it, "
                "pass --trust-code"
            )
        if module is not None and not (isinstance(module, str) and _OF_KERAS.fullmatch(module)):
            raise ConfigError(
                f"the layer {owner!r} is {module}.{kind}, a class that is not Keras' own; "
                f"save a model of Keras' layers, or {WAY_OUT}"
            )
        if isinstance(settings, dict):
            _check_settings(owner, kind, settings)


def _check_settings(owner: str, kind: str, settings: dict[str, Any]) -> None:
    function = settings.get("function")
    if kind == "TFOpLambda" and not (isinstance(function, str) and _TENSORFLOW_OPS.fullmatch(function)):
        raise ConfigError(f"the layer {owner!r} calls tf.{function}, which is not known to compute only; {WAY_OUT}")
    for field in _FILE_FIELDS:
        if isinstance(settings.get(field), str):
            raise ConfigError(
                f"the layer {owner!r} reads another file, {settings[field]!r}; save the model with what is in that file"
            )
    for field, value in settings.items():
        if field.endswith("activation") and isinstance(value, dict) and "class_name" not in value:
            raise ConfigError(f"the layer {owner!r} has a lambda for its {field}, which is code; {WAY_OUT}")


def loadable(config: dict[str, Any], module_of: Callable[[str], str | None] | None = None) -> dict[str, Any]:
    """Return the architecture of an HDF5 file as today's Keras reads it, `config` itself where it does.

    Layers for NVIDIA's processors become those that compute the same anywhere. Keras 3 writes an operation such as a
    division into HDF5 by its class alone, which it does not find again, or takes for the layer of that name;
    `module_of` says where it lies.
    """
    changed = json.loads(json.dumps(config))
    for part in parts(changed):
        kind, settings = part["class_name"], part.get("config")
        if kind in ("CuDNNLSTM", "CuDNNGRU") and isinstance(settings, dict):
            part["class_name"] = kind.removeprefix("CuDNN")
            settings |= {"activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": True}
            settings |= {"reset_after": True} if kind == "CuDNNGRU" else {}
        elif module_of and part.get("inbound_nodes") and isinstance(settings, dict) and "trainable" not in settings:
            module = module_of(kind)
            part |= {"module": module, "registered_name": kind} if module else {}
    return config if changed == config else changed
