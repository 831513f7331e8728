"""Keras to ONNX, with the comparison that lets a file out."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from dataclasses import dataclass

import keras
import numpy as np
from onnx import ModelProto

from edge_emo.runtime import onnxruntime_module
from edge_emo.voice.mfcc import Float32
from export.graph import clean

OPSET = 17
TOLERANCE = 1e-4
"""Largest absolute difference of the output that Keras and fp32 ONNX may show."""


class ParityError(ValueError):
    """A converted model that does not compute what its source computes."""


@dataclass(frozen=True)
class Conversion:
    """A converted model and the largest difference from its source, before and after cleaning."""

    model: ModelProto
    converted_difference: float
    cleaned_difference: float
    nodes_before: int
    nodes_after: int


def to_onnx(model: keras.Model, samples: Float32, opset: int = OPSET) -> Conversion:
    """Convert a Keras model with one input and one output, clean the graph, and compare both on `samples`.

    Input and output are named "features" and "logits", the first dimension of both "batch". Raises ParityError.
    """
    import tensorflow as tf
    import tf2onnx

    # from_keras fails on Keras 3 models; a function with a signature does not
    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="features")]
    function = tf.function(lambda features: {"logits": model(features, training=False)}, input_signature=signature)
    converted, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=opset)
    cleaned = clean(converted)
    expected = np.asarray(model.predict(samples, batch_size=64, verbose=0))
    differences = [float(np.abs(run(proto, samples) - expected).max()) for proto in (converted, cleaned)]
    if max(differences) > TOLERANCE:
        raise ParityError(
            f"{model.name}: Keras and ONNX differ by {differences[0]:.2g}, cleaned {differences[1]:.2g}; "
            f"at most {TOLERANCE} is let out"
        )
    return Conversion(cleaned, *differences, len(converted.graph.node), len(cleaned.graph.node))


def run(model: ModelProto, samples: Float32) -> Float32:
    """Return the output of an ONNX model for `samples`, in batches of one, as the runtime calls it."""
    ort = onnxruntime_module()
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {name: sample[None]})[0] for sample in samples])
