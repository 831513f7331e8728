"""Model files, and the one place where an ONNX Runtime session is made."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_emo.core.errors import CardError, ModelDamagedError, ModelError, ModelNotFoundError
from edge_emo.core.files import read_bytes
from edge_emo.core.once import once
from edge_emo.models.card_json import read_card
from edge_emo.models.onnx_format import has_external_data
from edge_emo.models.schema import Card

if TYPE_CHECKING:
    import numpy as np
    import onnxruntime
    from numpy.typing import NDArray


LARGEST_MODEL = 512 << 20
"""Bytes of a model file; the largest that ships has 1.5 million."""
_TYPES = {"float32": "tensor(float)", "int32": "tensor(int32)", "int64": "tensor(int64)"}
"""What ONNX Runtime calls the types that a card may state."""


class Model:
    """A verified model: `card`, and a call with a batch. The session is made on first use."""

    def __init__(self, card_path: Path, threads: int = 1) -> None:
        self.card_path = Path(card_path)
        self.card = read_card(self.card_path)
        self.path = self.card_path.parent / self.card.file
        self._threads = threads
        verified(self.path, self.card)

    def __repr__(self) -> str:
        c = self.card
        return (
            f"Model({self.name}: {c.input.name} {c.input.shape} -> "
            f"{c.output.name} {c.output.shape}, {', '.join(c.labels)})"
        )

    @property
    def name(self) -> str:
        """Name, version and precision, as reports state them."""
        return f"{self.card.name} {self.card.version} {self.card.precision}"

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the card's output, shape (batch, labels), for `batch` of the card's input shape. Raises ModelError."""
        stated = self.card.output.name
        return self.run({self.card.input.name: batch.astype(self.card.input.dtype, copy=False)}, [stated])[stated]

    def run(self, inputs: Mapping[str, NDArray[Any]], outputs: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
        """Return the network's `outputs`, None for all of them, by name, for `inputs` by name.

        A network may take and give more than the card's input and output, such as the state of an LSTM, which is given
        back with the next batch. Raises ModelError.
        """
        try:
            names = outputs or [output.name for output in self._session.get_outputs()]
            return dict(zip(names, self._session.run(names, dict(inputs)), strict=True))
        except (ModelError, MemoryError):
            raise
        except Exception as error:  # ONNX Runtime's own error classes derive from Exception alone
            shapes = ", ".join(f"{name} {tuple(value.shape)}" for name, value in inputs.items())
            raise ModelError(
                f"{self.path}: cannot be run on inputs of the shapes {shapes}: {error}; "
                "the card describes another network, or the file is damaged"
            ) from error

    def load(self) -> None:
        """Make the session now, with every check of the card against the network. Raises ModelError."""
        _ = self._session

    @once
    def _session(self) -> onnxruntime.InferenceSession:
        session = _make_session(self.path, verified(self.path, self.card), self._threads)
        _check_session(session, self.card, self.path)
        return session


def verified(path: Path, card: Card) -> bytes:
    """Return the model file, which is the one that its card's SHA-256 stands for, and all there is of the model.

    Raises ModelNotFoundError, ModelDamagedError or ModelError.
    """
    try:
        content = read_bytes(path, LARGEST_MODEL)
    except FileNotFoundError:
        raise ModelNotFoundError(
            f"{path}: the model file is missing; put it back, or reinstall edge-emo if it came with it"
        ) from None
    except OSError as error:
        raise ModelError(f"{path}: the model file cannot be read ({error.strerror})") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != card.sha256:
        raise ModelDamagedError(
            f"{path}: SHA-256 is {digest[:16]}…, the card says {card.sha256[:16]}…; "
            "the file is damaged or was exchanged; put it back, or reinstall edge-emo if it came with it"
        )
    try:
        is_part = has_external_data(content)
    except ValueError as error:
        raise ModelError(f"{path}: {error}; export the model again") from error
    if is_part:
        raise ModelError(
            f"{path}: keeps its weights in a file of their own, which the card's SHA-256 does not cover; "
            "save the model as one file (onnx.save with save_as_external_data=False)"
        )
    return content


def onnxruntime_module() -> Any:
    """Import ONNX Runtime with its telemetry off, which must be said before the import."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    return onnxruntime


def _make_session(path: Path, content: bytes, threads: int) -> onnxruntime.InferenceSession:
    ort = onnxruntime_module()
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4  # what goes wrong is raised
    try:
        return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own error classes derive from Exception alone
        raise ModelError(f"{path}: ONNX Runtime {ort.__version__} cannot load it: {error}") from error


def _check_session(session: onnxruntime.InferenceSession, card: Card, path: Path) -> None:
    for kind, found, stated in (
        ("input", session.get_inputs(), card.input),
        ("output", session.get_outputs(), card.output),
    ):
        tensor = next((t for t in found if t.name == stated.name), None)
        if tensor is None:
            names = ", ".join(t.name for t in found)
            raise CardError(f"{path}: the card's {kind}.name is {stated.name!r}, the model has {names}")
        shape = [None if isinstance(size, str) else size for size in tensor.shape]
        if shape != stated.shape:
            raise CardError(f"{path}: the card's {kind}.shape is {stated.shape}, the model's is {shape}")
        if tensor.type != _TYPES[stated.dtype]:
            raise CardError(
                f"{path}: the card's {kind}.dtype is {stated.dtype}, the model's is {tensor.type}; convert it again"
            )
