"""What the peers do, each in its own environment: every function imports no more than its peer."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peer_features import features
from benchmarks.peer_worker import Stage, Tasks

NETWORKS = ("voice", "voice-classic", "face", "face-classic")
N_CALIBRATION = 50


@lru_cache
def inputs(folder: Path) -> dict[str, np.ndarray]:
    """Return the arrays that every task starts from."""
    with np.load(folder / "inputs.npz") as file:
        return dict(file)


def speech_features(folder: Path) -> Stage:
    """MFCCs as python_speech_features makes them by itself."""
    import python_speech_features

    samples = inputs(folder)["samples"]
    return lambda: python_speech_features.mfcc(samples, 16000)


def librosa_mfcc(folder: Path, mean: bool = False) -> Stage:
    """The 100 MFCCs of the original system, or their mean over time."""
    import librosa

    samples = inputs(folder)["samples_22050"]
    mfcc = partial(librosa.feature.mfcc, y=samples, sr=22050, n_mfcc=100)
    return (lambda: mfcc().mean(axis=1)) if mean else (lambda: mfcc().T)


@lru_cache
def network(name: str) -> Any:
    """Return a network of the architecture that ships, with weights of a seed, on one thread."""
    import tensorflow

    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    import keras

    from export import families

    keras.utils.set_random_seed(0)
    return families.load(name).network()


@lru_cache
def compiled(name: str) -> Any:
    """Return a network as one TensorFlow graph for a batch of one."""
    import tensorflow

    model = network(name)
    shape = tensorflow.TensorSpec((1, *model.input.shape[1:]), tensorflow.float32)
    return tensorflow.function(lambda batch: model(batch, training=False), input_signature=[shape])


def keras_predict(folder: Path, name: str) -> Stage:
    """Keras's own way to an answer."""
    model, batch = network(name), inputs(folder)[name]
    return lambda: model.predict(batch, verbose=0)


def keras_graph(folder: Path, name: str) -> Stage:
    """The network called as a TensorFlow graph."""
    import tensorflow

    graph, batch = compiled(name), inputs(folder)[name]
    return lambda: graph(tensorflow.constant(batch)).numpy()


def tflite(folder: Path, name: str, int8: bool) -> Stage:
    """The network in TensorFlow Lite; int8 in whatever it has int8 for, calibrated on noise."""
    import tensorflow
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    batch = inputs(folder)[name]
    frozen = convert_variables_to_constants_v2(compiled(name).get_concrete_function())
    converter = tensorflow.lite.TFLiteConverter.from_concrete_functions([frozen])
    if int8:
        noise = np.random.default_rng(0).standard_normal((N_CALIBRATION, *batch.shape), np.float32)
        sets = tensorflow.lite.OpsSet
        converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([sample] for sample in noise)
        converter.target_spec.supported_ops = [sets.TFLITE_BUILTINS_INT8, sets.TFLITE_BUILTINS]
    interpreter = tensorflow.lite.Interpreter(model_content=converter.convert(), num_threads=1)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def answer() -> np.ndarray:
        interpreter.set_tensor(source, batch)
        interpreter.invoke()
        return np.asarray(interpreter.get_tensor(target))

    return answer


def mediapipe_faces(folder: Path, full_range: bool) -> Stage:
    """MediaPipe's face detection; its threads cannot be set, so they share the core."""
    import mediapipe

    frame = inputs(folder)["frame"]
    detection = mediapipe.solutions.face_detection.FaceDetection(
        model_selection=int(full_range), min_detection_confidence=0.5
    )
    return lambda: detection.process(frame).detections or []


def functionals(folder: Path, feature_set: str) -> Stage:
    """Sound file to openSMILE features; the linear classifier after them takes no time."""
    path = str(folder / "clip.wav")
    return lambda: [features(path, feature_set)]


WAYS: dict[str, Callable[..., Stage]] = {
    "Keras predict": keras_predict,
    "Keras in tf.function": keras_graph,
    "TFLite fp32": partial(tflite, int8=False),
    "TFLite int8": partial(tflite, int8=True),
}

TASKS: Tasks = {
    "mfcc": speech_features,
    "librosa mfcc": librosa_mfcc,
    "librosa mfcc, mean": partial(librosa_mfcc, mean=True),
    **{f"{name}, {way}": partial(task, name=name) for name in NETWORKS for way, task in WAYS.items()},
    "MediaPipe short range": partial(mediapipe_faces, full_range=False),
    "MediaPipe full range": partial(mediapipe_faces, full_range=True),
    "eGeMAPSv02": partial(functionals, feature_set="eGeMAPSv02"),
    "emobase": partial(functionals, feature_set="emobase"),
}
