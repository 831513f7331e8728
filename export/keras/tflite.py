"""TFLite files, which are read in a child process: a damaged one crashes TensorFlow's reader.

The functions that take text for a path run there; `load` runs here.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.keras.child import Child, ChildError
from export.keras.network import Network, one_of_each
from export.keras.source import SourceError


def load(path: Path) -> Network:
    """Return the network in a TFLite file. Raises SourceError."""
    place = str(path.absolute())

    def asked(function: str, *arguments: Any) -> Any:
        try:
            return _reader().call(f"export.keras.tflite:{function}", place, *arguments)
        except ChildError as error:
            raise SourceError(f"{path}: is cut off or damaged ({error}); copy or convert it again") from error

    stated = asked("describe")
    if not stated["inputs"] or not stated["outputs"]:
        raise SourceError(f"{path}: is cut off or damaged (it names no input or no output); copy or convert it again")
    one_of_each(str(path), stated["inputs"], stated["outputs"])
    if stated["dtype"] != "float32":
        raise SourceError(f"{path}: takes {stated['dtype']}, it is quantised already; convert its float original")
    return Network(
        name=path.stem,
        input_shape=tuple(stated["input_shape"]),
        n_outputs=stated["n_outputs"],
        n_parameters=stated["n_parameters"],
        call=None,
        predict=lambda samples: np.asarray(asked("predict", np.asarray(samples, np.float32))),
        to_onnx=lambda opset: asked("converted", opset),
    )


@cache
def _reader() -> Child:
    """Return the child that reads every file, so that TensorFlow is imported once."""
    return Child()


def describe(path: str) -> dict[str, Any]:
    """Return what a file says of its input and output."""
    interpreter = _interpreter(path)
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    stated: dict[str, Any] = {"inputs": len(inputs), "outputs": len(outputs)}
    if len(inputs) != 1 or len(outputs) != 1:
        return stated
    tensors = interpreter.get_tensor_details()
    weights = [tensor for tensor in tensors if "weight" in tensor["name"] or "kernel" in tensor["name"]]
    return stated | {
        "dtype": np.dtype(inputs[0]["dtype"]).name,
        "input_shape": [int(size) for size in inputs[0]["shape"][1:]],
        "n_outputs": int(outputs[0]["shape"][-1]),
        "n_parameters": sum(int(np.prod(tensor["shape"])) for tensor in weights),
    }


def predict(path: str, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the output for `samples`, (samples, *input)."""
    interpreter = _interpreter(path)
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    rows = []
    for sample in samples:
        interpreter.set_tensor(source, sample[None])
        interpreter.invoke()
        rows.append(interpreter.get_tensor(target)[0].copy())
    return np.stack(rows)


def converted(path: str, opset: int) -> bytes:
    """Return the network in ONNX."""
    import tf2onnx

    return bytes(tf2onnx.convert.from_tflite(path, opset=opset)[0].SerializeToString())


def _interpreter(path: str) -> Any:
    return _loaded(path, os.stat(path).st_mtime_ns)


@cache
def _loaded(path: str, changed_ns: int) -> Any:
    import tensorflow as tf

    try:
        interpreter = tf.lite.Interpreter(path)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise SourceError(f"{path}: is cut off or damaged ({error}); copy or convert it again") from error
    return interpreter
