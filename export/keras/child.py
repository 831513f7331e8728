"""Functions run in a child process, so that a file which crashes its reader, or runs code, harms nothing else."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import weakref
from typing import IO, Any

import msgspec
import numpy as np

from export.keras.source import SourceError, one_line

TIMEOUT_S = 600.0
GRACE_S = 10.0
MAX_BYTES = 16 << 30
"""Address space, of which TensorFlow takes some gigabytes without using them."""
MAX_ANSWER_BYTES = 4 << 30

_START = (
    "import sys; from export.keras.confinement import confine; confine(sys.argv[1], int(sys.argv[2])); "
    "from export.keras.child import serve; serve()"
)


class ChildError(SourceError):
    """A child process that died, took too long, or raised; the text says which, and by what signal or error."""


class Child:
    """A child process that opens no socket, writes into a folder of its own alone, and takes bounded memory and time.

    It starts with the first call and ends with `close`, with a call that fails, or with this object; until then it
    keeps what it has imported. What exactly is shut off stands in `export.keras.confinement`.
    """

    def __init__(self, *, timeout_s: float = TIMEOUT_S, max_bytes: int = MAX_BYTES) -> None:
        self._timeout_s, self._max_bytes = timeout_s, max_bytes
        self._process: subprocess.Popen[bytes] | None = None

    def call(self, function: str, *arguments: Any) -> Any:
        """Return what a function, named as "module:name", returns for `arguments`, paths among them absolute.

        Both are text, bytes, numbers, None, numpy arrays, and lists and dicts of these (a tuple arrives as a list).
        Raises SourceError where the function does, with its text; ChildError where it raises anything else, or the
        child dies or takes longer than `timeout_s`.
        """
        process = self._process or self._started()
        overdue = threading.Event()

        def stop() -> None:
            overdue.set()
            process.kill()

        timer = threading.Timer(self._timeout_s, stop)
        timer.start()
        try:
            assert process.stdin is not None and process.stdout is not None
            _send(process.stdin, _packed([function, *arguments]))
            kind, value = _receive(process.stdout)
        except (EOFError, BrokenPipeError):
            end = _end_of(process)
            self.close()
            if overdue.is_set():
                raise ChildError(f"the process that reads it took longer than {self._timeout_s:g} s") from None
            raise ChildError(f"the process that reads it {end}") from None
        except BaseException:
            self.close()
            raise
        finally:
            timer.cancel()
        if kind == "source":
            raise SourceError(value)
        if kind == "error":
            raise ChildError(value)
        return value

    def close(self) -> None:
        """End the process and remove its folder."""
        if self._process is not None:
            self._process = None
            self._finalize()

    def _started(self) -> subprocess.Popen[bytes]:
        folder = tempfile.TemporaryDirectory(prefix="edge-emo-child-")
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, folder.name, str(self._max_bytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder.name,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, map(os.path.abspath, sys.path))),
                "KERAS_BACKEND": "tensorflow",  # whatever trains in this process
            },
            start_new_session=True,
        )
        self._finalize = weakref.finalize(self, _end, self._process, folder)
        return self._process


def _end(process: subprocess.Popen[bytes], folder: tempfile.TemporaryDirectory[str]) -> None:
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):  # what was not yet sent
                pipe.close()
    process.wait()
    folder.cleanup()


def _end_of(process: subprocess.Popen[bytes]) -> str:
    try:
        code = process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        return "stopped to answer"
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def serve() -> None:
    """Run what is asked for on standard input until it ends; whatever else is printed goes to standard error."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            function, *arguments = _receive(requests)
        except EOFError:
            return
        module, _, name = function.partition(":")
        try:
            answer = _packed(["value", getattr(importlib.import_module(module), name)(*arguments)])
        except SourceError as error:
            answer = _packed(["source", str(error)])
        except Exception as error:  # whatever a library raises
            answer = _packed(["error", f"{type(error).__name__}: {one_line(error)}"])
        _send(answers, answer)


def _send(pipe: IO[bytes], content: bytes) -> None:
    pipe.write(struct.pack("Q", len(content)) + content)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> Any:
    head = pipe.read(8)
    size = struct.unpack("Q", head)[0] if len(head) == 8 else 0
    content = pipe.read(size) if 0 < size <= MAX_ANSWER_BYTES else b""
    if len(content) < size or not size:
        raise EOFError
    return msgspec.msgpack.decode(content, ext_hook=_array)


def _packed(value: Any) -> bytes:
    return msgspec.msgpack.encode(value, enc_hook=_ext)


def _ext(value: Any) -> msgspec.msgpack.Ext:
    if not isinstance(value, (np.ndarray, np.generic)):
        raise TypeError(f"{type(value).__name__} cannot be passed between processes")
    content = io.BytesIO()
    np.save(content, value, allow_pickle=False)
    return msgspec.msgpack.Ext(0, content.getvalue())


def _array(code: int, content: memoryview) -> Any:
    return np.load(io.BytesIO(content), allow_pickle=False)
