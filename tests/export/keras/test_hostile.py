"""Keras and TFLite files made to do harm: each is refused by its reason, none runs code, none crashes."""

import json
import zipfile

import pytest
from click.testing import CliRunner

h5py = pytest.importorskip("h5py", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tensorflow", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tf_keras", reason="needs the extra: pip install '.[export]'")

from export.__main__ import main

DENSE = {"class_name": "Dense", "config": {"name": "last", "units": 2}}
INPUT = {"class_name": "InputLayer", "config": {"name": "in", "batch_input_shape": [None, 4]}}


def sequential(*layers):
    return {"class_name": "Sequential", "config": {"name": "net", "layers": [INPUT, *layers, DENSE]}}


def layer(kind, module=None, **config):
    return {"class_name": kind, "config": {"name": "odd", **config}} | ({"module": module} if module else {})


def function(name, module="builtins"):
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def keras_file(path, config, metadata='{"keras_version": "3.5.0"}', weights=None):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", config if isinstance(config, str) else json.dumps(config))
        file.writestr("metadata.json", metadata)
        if weights:
            file.write(weights, "model.weights.h5")
    return path


def hdf5(path, config=None, version="3.5.0", fill=lambda file: None):
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config or sequential())
        file.attrs["keras_version"] = version
        fill(file)
    return path


def with_virtual(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "w", (4,))
    file.create_virtual_dataset("w", layout)


CONFIGS = {
    "a Lambda": (layer("Lambda"), "the layer 'odd' is a Lambda, which is code"),
    "a Lambda in a wrapper": (layer("TimeDistributed", layer=layer("Lambda")), "is a Lambda, which is code"),
    "a lambda for an activation": (layer("Dense", activation={"value": ["4wE="]}), "has a lambda for its activation"),
    "a serialised lambda": (layer("Dense", activation=layer("__lambda__")), "is a lambda, which is code"),
    "a program of the system": (layer("Dense", activation=function("system", "os")), "uses the function 'system'"),
    "eval": (layer("Dense", kernel_initializer=function("eval")), "uses the function 'eval'"),
    "a download": (layer("get_file", "keras.utils", origin="http://a"), "keras.utils.get_file, a class that is not"),
    "no more safe mode": (layer("enable_unsafe_deserialization", "keras.config"), "a class that is not Keras' own"),
    "a package by a like name": (layer("Dense", "keras_evil.layers"), "keras_evil.layers.Dense, a class that is not"),
    "a pickle of PyTorch": (layer("TorchModuleWrapper", "keras.layers"), "which runs a pickle of PyTorch"),
    "a SavedModel": (layer("TFSMLayer", "keras.layers", filepath="/tmp/x"), "which runs a SavedModel"),
    "a vocabulary elsewhere": (layer("StringLookup", vocabulary="/etc/passwd"), "reads another file, '/etc/passwd'"),
    "a file to write": (layer("TFOpLambda", function="io.write_file"), "calls tf.io.write_file"),
    "Python in TensorFlow": (layer("TFOpLambda", function="py_function"), "calls tf.py_function"),
    "any operator": (layer("TensorFlowOpLayer", node_def="op: WriteFile"), "whatever of TensorFlow it names"),
    "a class by no name": ({"class_name": {"a": 1}, "config": {}}, "for the name of a class"),
}


def files(folder):
    """Yield what is done, the file, and a word of the message."""
    for name, (odd, words) in CONFIGS.items():
        yield f"{name} in .keras", keras_file(folder / "net.keras", sequential(odd)), words
        yield f"{name} in .h5", hdf5(folder / "net.h5", sequential(odd)), words
        yield f"{name} in .h5 of Keras 2", hdf5(folder / "net.h5", sequential(odd), "2.4.0"), words
    deep = '{"class_name": "A", "config": ' + '{"a":' * 20_000 + "1" + "}" * 20_001
    yield "a deep architecture", keras_file(folder / "net.keras", deep), "nested more than 200 deep"
    nested = sequential()
    for _ in range(90):
        nested = sequential(nested)
    yield "a model in a model in a model", keras_file(folder / "net.keras", nested), "nested more than 200 deep"
    yield "a list", keras_file(folder / "net.keras", sequential(), "[1]"), "metadata.json says nothing of Keras"
    yield "no architecture", keras_file(folder / "net.keras", {"class_name": "A", "config": 5}), "says nothing of its A"

    for name, fill, words in (
        ("a link to another file", lambda f: f.update({"w": h5py.ExternalLink("/etc/passwd", "/")}), "in another file"),
        ("arrays of another file", with_virtual, "lies in another file, '/etc/hostname'"),
        (
            "bytes of another file",
            lambda f: f.create_dataset("w", (4,), "f4", external=[("/etc/hostname", 0, 16)]),
            "lies in another file, '/etc/hostname'",
        ),
        ("a bomb", lambda f: f.create_dataset("w", (1 << 40,), "f4", chunks=True), "claims 4,398,046,511,104 bytes"),
    ):
        path = hdf5(folder / "net.h5", fill=fill)
        yield f"{name} in .h5", path, words
        yield f"{name} in .keras", keras_file(folder / "net.keras", sequential(), weights=path), words
    (folder / "net.tflite").write_bytes(b"\x1c\0\0\0TFL3" + bytes(range(256)) * 4)
    yield "a TFLite file of noise", folder / "net.tflite", "is cut off or damaged"


def test_files_that_would_do_harm_are_refused_by_their_reason(tmp_path):
    count = 0
    for name, path, words in files(tmp_path):
        for command in (["inspect", str(path)], ["convert", str(path), "--out", str(tmp_path / "out")]):
            done = CliRunner().invoke(main, command)
            assert isinstance(done.exception, SystemExit), (name, done.exception)
            assert done.exit_code == 1, name
            assert words in done.stderr, (name, done.stderr)
            assert str(path) in done.stderr, name
        count += 1
    assert count > 16
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("version", ["keras", "tf_keras"])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_the_code_of_a_lambda_runs_only_for_who_trusts_it(version, suffix, tmp_path):
    keras = pytest.importorskip(version)
    marker = str(tmp_path / "ran")
    model = keras.Sequential(
        [
            keras.layers.Input((4,)),
            keras.layers.Lambda(lambda x: (__import__("os").makedirs(marker, exist_ok=True), x)[1]),
        ]
    )
    path = tmp_path / f"net{suffix}"
    model.save(path)
    (tmp_path / "ran").rmdir()
    for command in (["inspect", str(path)], ["convert", str(path), "--out", str(tmp_path / "out")]):
        done = CliRunner().invoke(main, command)
        assert done.exit_code == 1
        assert "pass --trust-code" in done.stderr
        assert not (tmp_path / "ran").exists()
    done = CliRunner().invoke(main, ["convert", str(path), "--out", str(tmp_path / "out"), "--trust-code"])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "ran").exists()


def test_a_version_that_is_a_number_is_read_as_one(tmp_path):
    import keras

    keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3)]).save(tmp_path / "whole.keras")
    with zipfile.ZipFile(tmp_path / "whole.keras") as whole, zipfile.ZipFile(tmp_path / "net.keras", "w") as changed:
        for name in whole.namelist():
            changed.writestr(name, '{"keras_version": 3}' if name == "metadata.json" else whole.read(name))
    done = CliRunner().invoke(main, ["inspect", str(tmp_path / "net.keras")])
    assert done.exit_code == 0, done.output
    assert "Keras 3" in done.stdout


def test_a_tflite_file_that_crashes_its_reader_is_told_by_the_signal(tmp_path):
    """The reader runs in a child process; a whole file is read after it."""
    import numpy as np
    import tensorflow as tf

    from export.keras import tflite
    from export.keras.source import SourceError

    model = tf.keras.Sequential([tf.keras.layers.Input((4,)), tf.keras.layers.Dense(3)])
    whole = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    (tmp_path / "wild.tflite").write_bytes(b"\0\0\0\x70" + whole[4:])  # the first table lies far behind its end
    with pytest.raises(SourceError, match=r"wild\.tflite: is cut off or damaged .*was killed by SIG"):
        tflite.load(tmp_path / "wild.tflite")
    (tmp_path / "whole.tflite").write_bytes(whole)
    found = tflite.load(tmp_path / "whole.tflite").predict(np.ones((1, 4)))
    assert np.allclose(found, model(np.ones((1, 4), np.float32)), atol=1e-5)
