"""The network in a Keras file, SavedModel or TFLite file, ready to be called and compared with."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export import saved_model, tflite
from export.keras_config import parts
from export.keras_reader import read_model
from export.keras_source import Description, SourceError, check_is_data, one_line
from export.network import InputShape, Network, fixed, one_of_each

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

BATCH = 64


def load(description: Description, *, input_shape: InputShape | None = None, trust_code: bool = False) -> Network:
    """Return the network in a file that was described. Raises SourceError; ImportError without the extra."""
    check_is_data(description, trust_code=trust_code)
    if description.format == "saved_model":
        return saved_model.load(description.path, input_shape, trust_code=trust_code)
    if description.format == "tflite":
        return tflite.load(description.path)
    model = read_model(description, trust_code=trust_code)
    return from_keras(model, description.path.stem, input_shape, description)


def layer_rows(model: Any) -> Iterator[tuple[str, str, str, int]]:
    """Yield name, class, output shape and parameters of every layer of a Keras model, those of nested models too."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from layer_rows(layer)
            continue
        try:
            shape = getattr(layer, "output_shape", None) or layer.output.shape
        except (AttributeError, ValueError):  # a layer that is used twice
            shape = ""
        yield layer.name, type(layer).__name__, str(shape).replace("None", "?"), int(layer.count_params())


def from_keras(
    model: Any, name: str, input_shape: InputShape | None = None, description: Description | None = None
) -> Network:
    """Return the network of a Keras model, of either Keras. Raises SourceError."""
    if not model.built or input_shape:
        if input_shape is None:
            raise SourceError(f"{name}: the file states no input shape; pass --input-shape, for instance 216,1")
        if not model.built:
            model.build((None, *input_shape))
    one_of_each(name, len(model.inputs), len(model.outputs))
    stated = tuple(model.inputs[0].shape[1:])
    shape = fixed(name, tuple(int(n) if n is not None else None for n in stated), input_shape)
    _check_computes(model, name)
    embeddings = [
        part["config"]["input_dim"]
        for part in parts(description.config if description else {})
        if part["class_name"] == "Embedding"
    ]
    dtype = model.inputs[0].dtype
    twin = _Twin(model)
    return Network(
        name=name,
        input_shape=shape,
        is_open=input_shape is not None and None in shape,
        n_outputs=int(model.outputs[0].shape[-1]),
        n_parameters=int(model.count_params()),
        call=lambda x: model(x, training=False),
        predict=lambda samples: _predict(model, samples),
        model=model,
        input_dtype=getattr(dtype, "name", dtype),
        vocabulary=min(embeddings) if embeddings else None,
        before_activation=_before_activation(model),
        exact=lambda samples: _predict(twin.model, samples.astype(np.float64)),
        exact_before_activation=lambda samples: _before_activation(twin.model)(samples.astype(np.float64)),
    )


def _check_computes(model: Any, name: str) -> None:
    """Raise SourceError for a network whose answers hang on more than its input, or are not numbers in float32."""
    layers = list(_all_layers(model))
    stateful = [layer.name for layer in layers if getattr(layer, "stateful", False) and hasattr(layer, "cell")]
    if stateful:
        raise SourceError(
            f"{name}: the layer {stateful[0]!r} is stateful, it goes on where the input before ended, which a "
            "converted file does not; build the model with stateful=False and an open batch, give it these weights "
            "(set_weights), and save it"
        )
    if model.inputs[0].shape[0] is not None:
        raise SourceError(
            f"{name}: takes {model.inputs[0].shape[0]} inputs at a time; build it with an open batch "
            "(shape= in place of batch_shape=), give it these weights (set_weights), and save it"
        )
    for tensor, way in ((model.inputs[0], "takes"), (model.outputs[0], "gives")):
        if getattr(tensor.dtype, "name", tensor.dtype) == "string":
            raise SourceError(f"{name}: {way} text, {_without_text(model, way)}")
    narrow = {layer.compute_dtype for layer in layers} & {"float16", "bfloat16"}
    if narrow:
        raise SourceError(
            f"{name}: computes in {', '.join(sorted(narrow))}; build it in float32 with these weights, and save it"
        )
    numbers = [w for w in model.weights if np.dtype(getattr(w.dtype, "name", w.dtype)).kind == "f"]
    damaged = [w.name for w in numbers if not np.isfinite(np.asarray(w)).all()]
    if damaged:
        raise SourceError(f"{name}: the weights {', '.join(damaged[:3])} hold NaN or infinity; train or save it again")


def _all_layers(model: Any) -> Iterator[Any]:
    for layer in getattr(model, "layers", ()):
        yield layer
        yield from _all_layers(layer)


def _without_text(model: Any, way: str) -> str:
    if way == "takes":
        return "so it is neither for a voice nor for a face; networks over numbers are converted"
    last = _last_layer(model)
    return (
        f"the layer {last.name!r} turns its numbers into names; save keras.Model(model.inputs, "
        f"model.get_layer({last.name!r}).input) in its place, and give the names to --labels"
    )


def _predict(model: Any, samples: NDArray[Any]) -> NDArray[Any]:
    try:
        return np.asarray(model.predict(samples, batch_size=BATCH, verbose=0))
    except Exception as error:  # TensorFlow raises many kinds
        odd = [layer.name for layer in _all_layers(model) if getattr(layer, "data_format", "") == "channels_first"]
        if not odd:
            raise
        raise SourceError(
            f"{model.name}: TensorFlow cannot compute its layer {odd[0]!r}, which is channels-first, on this processor "
            f"({one_line(error)}); convert it on another, or build it channels-last with the same weights"
        ) from error


def _last_layer(model: Any) -> Any:
    """Return the layer that makes a model's output."""
    while hasattr(model, "outputs") and model.outputs:
        model = model.outputs[0]._keras_history[0]
    return model


def _before_activation(model: Any) -> Callable[[NDArray[Any]], NDArray[Any]] | None:
    """Return a function for a model's output without its last activation, None where it has none, or one of its own."""
    last = _last_layer(model)
    if len(model.outputs[0].shape) != 2 or getattr(last, "activation", None) is None:
        return None
    linear = importlib.import_module(type(last).__module__.partition(".")[0]).activations.linear
    if last.activation is linear:
        return None

    def predict(samples: NDArray[Any]) -> NDArray[Any]:
        saved, last.activation = last.activation, linear
        try:
            batches = [samples[start : start + BATCH] for start in range(0, len(samples), BATCH)]
            return np.concatenate([np.asarray(model(batch, training=False)) for batch in batches])
        finally:
            last.activation = saved

    return predict


class _Twin:
    """A model built again in float64, when it is first asked for."""

    def __init__(self, model: Any) -> None:
        self._model = model

    @cached_property
    def model(self) -> Any:
        config = json.dumps(self._model.get_config()).replace('"float32"', '"float64"')
        twin = type(self._model).from_config(json.loads(config))
        twin.set_weights(self._model.get_weights())
        return twin
