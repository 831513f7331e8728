"""Fixtures: the sample that ships, real data where there is any, and no network."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge_emo.media import read_sound
from edge_emo.sources import sample_path

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Every test runs with Python's sockets closed."""

    def refuse(*args, **kwargs):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="session")
def sample():
    """The sound of the sample that ships."""
    return read_sound(sample_path())


@pytest.fixture(scope="session")
def data():
    """The folder of real corpora; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("EDGE_EMO_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no corpora at {folder}; set EDGE_EMO_DATA")
    return folder


@pytest.fixture
def models(tmp_path):
    """A copy of the models that ship, to damage."""
    return Path(shutil.copytree(ROOT / "models_onnx", tmp_path / "models_onnx"))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def edge_emo(tmp_path):
    """Run the command line in a process of its own: `edge_emo("recommend", "sample", stdin=b"…")`."""

    def run(*arguments, stdin=b"", env=None, timeout=120):
        return subprocess.run(
            [sys.executable, "-m", "edge_emo", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=timeout,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        )

    return run
