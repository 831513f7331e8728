"""Networks of a few numbers as ONNX files, written as the protocol buffers they are, for tests without `onnx`."""

import hashlib
import json
import struct

import numpy as np


def _varint(value):
    out = b""
    while True:
        value, low = value >> 7, value & 0x7F
        out += bytes([low | (0x80 if value else 0)])
        if not value:
            return out


def _field(number, value):
    """Return a field of onnx.proto: a whole number, text, or a message."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def node(kind, inputs, outputs, **whole_numbers):
    attributes = [_field(1, name) + _field(3, value) + _field(20, 2) for name, value in whole_numbers.items()]
    parts = [*(_field(1, name) for name in inputs), *(_field(2, name) for name in outputs), _field(4, kind)]
    return b"".join([*parts, *(_field(5, attribute) for attribute in attributes)])


def _tensor(name, array):
    values = struct.pack(f"<{array.size}f", *array.ravel().tolist())
    return b"".join([*(_field(1, size) for size in array.shape), _field(2, 1), _field(8, name), _field(9, values)])


def _value(name, shape):
    sizes = [_field(1, _field(2, size) if isinstance(size, str) else _field(1, size)) for size in shape]
    return _field(1, name) + _field(2, _field(1, _field(1, 1) + _field(2, b"".join(sizes))))


def model(nodes, inputs, outputs, constants=None):
    """Return the bytes of a network; `inputs` and `outputs` are shapes by name, text for an open size."""
    graph = b"".join(
        [
            *(_field(1, content) for content in nodes),
            _field(2, "tiny"),
            *(_field(5, _tensor(name, array)) for name, array in (constants or {}).items()),
            *(_field(11, _value(name, shape)) for name, shape in inputs.items()),
            *(_field(12, _value(name, shape)) for name, shape in outputs.items()),
        ]
    )
    return _field(1, 8) + _field(7, graph) + _field(8, _field(1, "") + _field(2, 17))


def lstm():
    """An LSTM of two cells over frames of three numbers, whose state comes and goes by name."""
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(size=(1, 8, size)).astype(np.float32) for name, size in (("w", 3), ("r", 2))}
    state, frames = {"h": (1, 1, 2), "c": (1, 1, 2)}, {"frames": ("n", 1, 3)}
    step = node("LSTM", ["frames", "w", "r", "", "", "h", "c"], ["heard", "h_next", "c_next"], hidden_size=2)
    outputs = {"heard": ("n", 1, 1, 2), "h_next": (1, 1, 2), "c_next": (1, 1, 2)}
    return model([step], frames | state, outputs, weights)


def two_outputs():
    """A network that says two things of one input."""
    nodes = [node("Relu", ["x"], ["positive"]), node("Neg", ["x"], ["turned"])]
    return model(nodes, {"x": ("n", 2)}, {"positive": ("n", 2), "turned": ("n", 2)})


def write_card(folder, content, given, output):
    """Write a network and the card that names one input and one output of it, (name, shape) each."""
    (folder / "tiny.onnx").write_bytes(content)
    tensors = {kind: {"name": name, "shape": shape} for kind, (name, shape) in (("input", given), ("output", output))}
    card = {
        "format": 1, "name": "tiny", "version": "1.0.0", "file": "tiny.onnx", "precision": "fp32",
        "opset": 17, "activation": "logits", "labels": [], "license": "MIT",
        "sha256": hashlib.sha256(content).hexdigest(), **tensors,
    }  # fmt: skip
    (folder / "tiny.json").write_text(json.dumps(card))
    return folder / "tiny.json"
