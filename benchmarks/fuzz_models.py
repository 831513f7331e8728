"""Models, their cards, and files of Keras: made whole, and read as far as data go."""

from __future__ import annotations

import importlib.util
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np

from benchmarks.fuzz_kind import Kind
from edge_emo.models import card_json, manifest
from edge_emo.models.session import Model

MODELS = Path(__file__).parent.parent / "models_onnx"
_SMALLEST_MODEL = "face-classic.fp32"


def model_kinds() -> list[Kind]:
    """Return the kinds of what lies in a folder of models."""
    words = (b'"sha256"', b'"labels"', b'"preprocessing"', b'"shape"', b'"file"', b"null", b"[]", b"{}", b'"../a"')
    return [
        Kind(
            "card", "json", lambda: [path.read_bytes() for path in sorted(MODELS.glob("*.*.json"))], _read_card, words
        ),
        Kind("manifest", "json", lambda: [(MODELS / "manifest.json").read_bytes()], _read_manifest, words),
        Kind("model", "onnx", lambda: [(MODELS / f"{_SMALLEST_MODEL}.onnx").read_bytes()], _run_model),
    ]


def _read_card(path: Path) -> None:
    card_json.read_card(path)


def _read_manifest(path: Path) -> None:
    shutil.copy(path, path.with_name("manifest.json"))
    for task in ("voice", "face", "detector"):
        manifest.card_path(task, folder=path.parent)


def _run_model(path: Path) -> None:
    """Run a damaged network, whose card knows it: someone else's model, not one that was damaged on the way."""
    import hashlib

    stated = json.loads((MODELS / f"{_SMALLEST_MODEL}.json").read_bytes())
    stated |= {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    path.with_suffix(".json").write_text(json.dumps(stated), encoding="utf-8")
    model = Model(path.with_suffix(".json"))
    model.load()
    model(np.zeros([size or 1 for size in model.card.input.shape], np.float32))


def keras_kinds() -> list[Kind]:
    """Return the kinds of files that Keras writes."""
    words = (b"class_name", b"config", b"layers", b"Lambda", b"module", b"registered_name", b"keras_version", b"PK\1\2")
    kinds_ = [
        Kind("keras", "keras", lambda: [_archive()], _read_keras, words),
        Kind("keras config", "json", lambda: [json.dumps(_ARCHITECTURE).encode()], _read_keras_config, words),
    ]
    if importlib.util.find_spec("h5py"):
        kinds_.append(Kind("keras hdf5", "h5", _hdf5, _read_keras, words))
    return kinds_


_ARCHITECTURE = {
    "class_name": "Sequential",
    "keras_version": "2.9.0",
    "config": {"name": "net", "layers": [{"class_name": "Dense", "config": {"name": "first", "units": 4}}]},
}


def _archive(config: bytes | None = None) -> bytes:
    import io

    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:  # not packed, so that damage reaches the texts
        for name, content in (
            ("config.json", config or json.dumps(_ARCHITECTURE).encode()),
            ("metadata.json", b'{"keras_version": "3.5.0"}'),
            ("model.weights.h5", bytes(200)),
        ):
            file.writestr(zipfile.ZipInfo(name), content)
    return written.getvalue()


def _hdf5() -> list[bytes]:
    import io

    import h5py

    written = io.BytesIO()
    with h5py.File(written, "w") as file:
        file.attrs["model_config"] = json.dumps(_ARCHITECTURE).encode()
        file.attrs["keras_version"] = b"2.9.0"
        file.create_group("model_weights").create_dataset("w", data=np.zeros(50))
    return [written.getvalue()]


def _read_keras(path: Path, weights: Path | None = None) -> None:
    """Ask what a file holds. What is loaded after that is TensorFlow's to read."""
    from export.keras.source import check_is_data, describe

    found = describe(path, weights)
    assert isinstance(found.layers, tuple)
    check_is_data(found)


def _read_keras_config(path: Path) -> None:
    """Read a config as it is, and in an archive whose checksums are right."""
    archived = path.with_suffix(".keras")
    archived.write_bytes(_archive(path.read_bytes()))
    from export.keras.source import SourceError

    try:
        _read_keras(path, archived)
    except SourceError:
        _read_keras(archived)
