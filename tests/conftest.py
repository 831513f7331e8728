"""Fixtures: a synthetic voice, real data where there is any, and no network."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from edge_emo.media.sound import read_sound

ROOT = Path(__file__).parent.parent
SPEECH = ROOT / "tests" / "golden" / "speech.flac"


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Every test runs with Python's sockets closed, but for those between processes of this machine."""
    connect = socket.socket.connect

    def refuse(*args, **kwargs):
        raise AssertionError("a socket was opened")

    def within_the_machine(self, address):
        return connect(self, address) if self.family == getattr(socket, "AF_UNIX", None) else refuse()

    monkeypatch.setattr(socket.socket, "connect", within_the_machine)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(autouse=True)
def own_data(monkeypatch, tmp_path_factory):
    """No test reads or writes the history and songs of whoever runs it."""
    monkeypatch.setenv("EDGE_EMO_HOME", str(tmp_path_factory.mktemp("edge-emo")))


@pytest.fixture(scope="session")
def sample():
    """The sound of two utterances of a synthetic voice, spoken by espeak-ng."""
    return read_sound(SPEECH)


@pytest.fixture(scope="session")
def librosa():
    """librosa as Python that is not compiled: in a new environment numba takes 45 s for what is not used here."""
    import numba

    def as_it_is(*given, **_):
        return given[0] if given and callable(given[0]) else lambda function: function

    with mock.patch.multiple(numba, guvectorize=as_it_is, jit=as_it_is, stencil=as_it_is, vectorize=as_it_is):
        import librosa

        # its parts are loaded on first use, which is to be here
        _ = librosa.feature.mfcc, librosa.filters.mel, librosa.load, librosa.util.fix_length
    return librosa


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


@pytest.fixture(scope="session")
def portrait():
    """A public-domain portrait, NASA's of Eileen Collins: RGB, (512, 512, 3), one smiling face in the upper middle."""
    from skimage.data import astronaut

    return astronaut()


@pytest.fixture(scope="session")
def film(tmp_path_factory, portrait, sample):
    """A film of 4 s, 10 frames a second: the portrait, and the sample's voice from 0 to 3 s."""
    return write_film(tmp_path_factory.mktemp("film") / "film.mp4", [portrait[:256, 96:352]] * 40, 10, sample[:48000])


def write_film(path, pictures, fps, sound=None, times=None, codec="libx264"):
    """Write RGB pictures (None of them for no picture) and float32 sound at 16 kHz as a film."""
    import av

    with av.open(str(path), "w") as container:
        if pictures:
            stream = container.add_stream(codec, rate=fps)
            stream.height, stream.width = pictures[0].shape[:2]
            stream.pix_fmt = "rgb8" if codec == "gif" else "yuv420p"
            if codec != "gif":
                stream.codec_context.time_base = Fraction(1, 1000)
        if sound is not None:
            track = container.add_stream("aac", rate=16000, layout="mono")
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
            if codec != "gif":
                frame.pts = round(1000 * (times[number] if times else number / fps))
                frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        if pictures:
            container.mux(stream.encode(None))
        if sound is not None:
            frame = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
            frame.sample_rate = 16000
            container.mux(track.encode(frame))
            container.mux(track.encode(None))
    return path


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
