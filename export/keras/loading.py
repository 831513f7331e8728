"""The network in a Keras file, SavedModel or TFLite file, ready to be called and compared with."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.keras import saved_model, tflite
from export.keras.config import parts
from export.keras.network import InputShape, Network, Predict, fixed, one_of_each
from export.keras.reader import read_model
from export.keras.source import Description, SourceError, check_is_data, one_line

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
    before_activation = _before_activation(model)

    @cache
    def in_float64() -> tuple[Predict, Predict | None]:
        twin = _twin(model)
        return _computing(twin), _before_activation(twin)

    return Network(
        name=name,
        input_shape=shape,
        is_open=input_shape is not None and None in shape,
        n_outputs=int(model.outputs[0].shape[-1]),
        n_parameters=int(model.count_params()),
        call=lambda x: model(x, training=False),
        predict=_computing(model),
        model=model,
        input_dtype=_dtype(model.inputs[0]),
        vocabulary=min(embeddings) if embeddings else None,
        before_activation=before_activation,
        exact=in_float64,
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
    if _dtype(model.inputs[0]) == "string":
        raise SourceError(f"{name}: takes text, so it is neither for a voice nor for a face; its input must be numbers")
    if _dtype(model.outputs[0]) == "string" or len(model.outputs[0].shape) < 2:
        numbers = [layer.name for layer in model.layers if len(layer.output.shape) > 1] or [model.layers[0].name]
        raise SourceError(
            f"{name}: gives a name or a single number in place of a number for each label; save keras.Model("
            f"model.inputs, model.get_layer({numbers[-1]!r}).output), and give the names to --labels"
        )
    narrow = {layer.compute_dtype for layer in layers} & {"float16", "bfloat16"}
    if narrow:
        raise SourceError(
            f"{name}: computes in {', '.join(sorted(narrow))}; build it in float32 with these weights, and save it"
        )
    floats = [weight for weight in model.weights if "float" in _dtype(weight)]
    damaged = [w.name for w in floats if not np.isfinite(np.asarray(w)).all()]
    if damaged:
        raise SourceError(f"{name}: the weights {', '.join(damaged[:3])} hold NaN or infinity; train or save it again")


def _dtype(tensor: Any) -> str:
    return str(getattr(tensor.dtype, "name", tensor.dtype))


def _all_layers(model: Any) -> Iterator[Any]:
    for layer in getattr(model, "layers", ()):
        yield layer
        yield from _all_layers(layer)


def _computing(model: Any) -> Predict:
    """Return a function that computes a model on samples in batches, compiled when it is first called."""
    import tensorflow as tf

    signature = [tf.TensorSpec((None, *model.inputs[0].shape[1:]), _dtype(model.inputs[0]))]
    function = tf.function(lambda x: model(x, training=False), input_signature=signature)

    def predict(samples: NDArray[Any]) -> NDArray[Any]:
        samples = samples.astype(_dtype(model.inputs[0]), copy=False)
        try:
            return np.concatenate([function(samples[k : k + BATCH]) for k in range(0, len(samples), BATCH)])
        except Exception as error:  # TensorFlow raises many kinds
            odd = [layer.name for layer in _all_layers(model) if getattr(layer, "data_format", "") == "channels_first"]
            if not odd:
                raise
            raise SourceError(
                f"{model.name}: TensorFlow cannot compute its layer {odd[0]!r}, which is channels-first, on this "
                f"processor ({one_line(error)}); convert it on another, or build it channels-last with the same weights"
            ) from error

    return predict


def _last_layer(model: Any) -> Any:
    """Return the layer that makes a model's output."""
    while hasattr(model, "outputs") and model.outputs:
        model = model.outputs[0]._keras_history[0]
    return model


def _before_activation(model: Any) -> Predict | None:
    """Return a function for a model's output without its last activation, None where it has none, or one of its own."""
    last = _last_layer(model)
    is_fixed = isinstance(getattr(type(last), "activation", None), property)  # that of a recurrent layer's cell
    if len(model.outputs[0].shape) != 2 or is_fixed or getattr(last, "activation", None) is None:
        return None
    linear = importlib.import_module(type(last).__module__.partition(".")[0]).activations.linear
    if last.activation is linear:
        return None
    computing = _computing(model)

    def predict(samples: NDArray[Any]) -> NDArray[Any]:
        saved, last.activation = last.activation, linear
        try:
            return computing(samples)
        finally:
            last.activation = saved

    return predict


def _twin(model: Any) -> Any:
    """Return a model built again in float64."""
    config = json.dumps(model.get_config()).replace('"float32"', '"float64"')
    twin = type(model).from_config(json.loads(config))
    twin.set_weights(model.get_weights())
    return twin
