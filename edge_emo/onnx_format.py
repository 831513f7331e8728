"""What of an ONNX file has to be known before ONNX Runtime gets it, read without the `onnx` package.

The file is a protocol buffer (https://protobuf.dev/programming-guides/encoding), its messages are those of onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _64_BIT, _BYTES, _32_BIT = 0, 1, 2, 5
_MESSAGES: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""By message, the fields that lead to tensors, and the messages they hold."""
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # of a tensor


def has_external_data(content: bytes) -> bool:
    """Return whether numbers of an ONNX model are in other files than this one. Raises ValueError for no ONNX file."""
    waiting = [("model", 0, len(content))]
    while waiting:
        message, start, stop = waiting.pop()
        fields = _MESSAGES[message]
        for number, kind, value, end in _fields(content, start, stop):
            if message == "tensor":
                # what decoders keep of a longer number is its lower half
                if number == _EXTERNAL_DATA or (number == _DATA_LOCATION and kind == _VARINT and value & 0xFFFFFFFF):
                    return True
            elif kind == _BYTES and number in fields:
                waiting.append((fields[number], value, end))
    return False


def _fields(content: bytes, start: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield number and kind of each field in a part of a message, its value or where it starts, and where it ends."""
    at = start
    while at < stop:
        tag, at = _varint(content, at, stop)
        number, kind, value = (tag & 0xFFFFFFFF) >> 3, tag & 7, at
        if kind == _VARINT:
            value, at = _varint(content, at, stop)
        elif kind == _BYTES:
            length, value = _varint(content, at, stop)
            at = value + length
        elif kind in (_64_BIT, _32_BIT):
            at += 8 if kind == _64_BIT else 4
        else:
            raise ValueError("no ONNX file")
        if at > stop or number == 0:
            raise ValueError("no ONNX file, or cut off")
        yield number, kind, value, at


def _varint(content: bytes, at: int, stop: int) -> tuple[int, int]:
    """Return the number of variable length at a place, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= stop:
            break
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
    raise ValueError("no ONNX file, or cut off")
