"""The network in a Keras file, SavedModel or TFLite file, ready to be called and compared with."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.keras_source import Description, SourceError, check_is_data, one_line, parts

InputShape = tuple[int | None, ...]

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@dataclass(frozen=True)
class Network:
    """A network that was loaded: one input, one output.

    `call` computes TensorFlow tensors; `predict` numpy arrays of shape (samples, *input_shape), in float32.
    `vocabulary` bounds the whole numbers that an embedding takes as input, None where the input is not whole.
    `is_open` says that sizes of the input which the file leaves open were asked to stay so.
    """

    name: str
    input_shape: InputShape
    n_outputs: int
    n_parameters: int
    call: Any = field(repr=False)
    predict: Any = field(repr=False)
    model: Any = field(default=None, repr=False)
    input_dtype: str = "float32"
    vocabulary: int | None = None
    is_open: bool = False

    def random_inputs(self, count: int, seed: int = 0, length: int = 64) -> NDArray[Any]:
        """Return inputs that mean nothing but have the right shape, type and range. Raises SourceError.

        Sizes that stay open become `length`.
        """
        if None in self.input_shape and not self.is_open:
            raise SourceError(
                f"{self.name}: its input has the shape {self.input_shape}; fix it with --input-shape, "
                "or keep it open with ? for None"
            )
        rng = np.random.default_rng(seed)
        shape = (count, *(size or length for size in self.input_shape))
        if self.vocabulary:
            return rng.integers(0, self.vocabulary, shape).astype(self.input_dtype)
        return rng.standard_normal(shape).astype(self.input_dtype)


def load(description: Description, *, input_shape: InputShape | None = None, trust_code: bool = False) -> Network:
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
    if description.format == "keras" and path.suffix != ".keras":
        raise SourceError(f"{path}: is a .keras file by another name; rename it so that it ends in .keras")
    try:
        if description.format == "architecture":
            model = keras.models.model_from_json(path.read_text(encoding="utf-8"))
            return _with_weights(model, description)
        if description.format == "keras":
            return keras.models.load_model(path, compile=False, safe_mode=not trust_code)
        return keras.models.load_model(path, compile=False)
    except SourceError:
        raise
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
            f"{path}{version}: Keras {keras.__version__} cannot load it ({one_line(error)}); "
            f"load it where it was made and save it again"
        ) from error


def _with_weights(model: Any, description: Description) -> Any:
    try:
        model.load_weights(str(description.weights))
    except Exception as error:  # Keras raises many kinds, each with pages of text
        raise SourceError(
            f"{description.weights}: its weights are not those of {description.path} ({one_line(error)}); "
            "pass the two that belong together"
        ) from error
    return model


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
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise SourceError(
            f"{name}: has {len(model.inputs)} inputs and {len(model.outputs)} outputs; "
            "networks of one each are converted"
        )
    stated = tuple(model.inputs[0].shape[1:])
    shape = _fixed(name, tuple(int(n) if n is not None else None for n in stated), input_shape)
    narrow = {layer.compute_dtype for layer in model.layers} & {"float16", "bfloat16"}
    if narrow:
        raise SourceError(
            f"{name}: computes in {', '.join(sorted(narrow))}; build it in float32 with these weights, and save it"
        )
    for part in parts(description.config if description else {}):
        if isinstance(part.get("config"), dict) and part["config"].get("data_format") == "channels_first":
            raise SourceError(
                f"{name}: the layer {part['config'].get('name')} is channels-first, which TensorFlow cannot compute "
                "on a CPU; build the model channels-last with the same weights, and save it again"
            )
    damaged = [w.name for w in model.weights if not np.isfinite(np.asarray(w)).all()]
    if damaged:
        raise SourceError(f"{name}: the weights {', '.join(damaged[:3])} hold NaN or infinity; train or save it again")
    embeddings = [
        part["config"]["input_dim"]
        for part in parts(description.config if description else {})
        if part["class_name"] == "Embedding"
    ]

    def predict(samples: NDArray[Any]) -> NDArray[np.float32]:
        return np.asarray(model.predict(samples, batch_size=64, verbose=0), np.float32)

    dtype = model.inputs[0].dtype
    return Network(
        name=name,
        input_shape=shape,
        is_open=input_shape is not None and None in shape,
        n_outputs=int(model.outputs[0].shape[-1]),
        n_parameters=int(model.count_params()),
        call=lambda x: model(x, training=False),
        predict=predict,
        model=model,
        input_dtype=getattr(dtype, "name", dtype),
        vocabulary=min(embeddings) if embeddings else None,
    )


def _fixed(name: str, stated: InputShape, wanted: InputShape | None) -> InputShape:
    if wanted is None:
        return stated
    if len(wanted) != len(stated) or any(s is not None and s != w for s, w in zip(stated, wanted, strict=False)):
        raise SourceError(f"{name}: takes inputs of shape {stated}, which {wanted} is not")
    return wanted


def _load_saved_model(description: Description, input_shape: InputShape | None) -> Network:
    import tensorflow as tf

    path = description.path
    try:
        loaded = tf.saved_model.load(str(path))
        signature = loaded.signatures["serving_default"]
    except KeyError:
        raise SourceError(f"{path}: has no signature 'serving_default'; save it with model.export()") from None
    except Exception as error:  # TensorFlow raises many kinds
        raise SourceError(f"{path}: TensorFlow {tf.__version__} cannot load it ({one_line(error)})") from error
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
        is_open=input_shape is not None and None in shape,
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
        raise SourceError(f"{path}: is cut off or damaged ({one_line(error)}); copy or convert it again") from error
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
