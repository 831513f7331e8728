"""A scene, ten quiet minutes, and the whole service in its own process, with a film in the place of its devices."""

import contextlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from benchmarks.live_world import OneFace
from edge_emo.analysis.analyzer import Analyzer
from tests.conftest import ROOT, write_film


@pytest.fixture(scope="session")
def scene(tmp_path_factory, portrait, sample):
    """A film of 9 s: somebody comes after 1 s, moves a little, speaks, and goes at 7.5 s."""
    wide = np.full((240, 320, 3), 90, np.uint8)
    pictures = []
    for k in range(90):
        picture = wide.copy()
        if 10 <= k < 75:
            down, right = round(4 * np.sin(k / 5)), round(8 * np.sin(k / 7))
            picture[10 + down : 230 + down, 60 + right : 260 + right] = portrait[20:240, 130:330]
        pictures.append(picture)
    rng = np.random.default_rng(0)
    sound = (1e-4 * rng.standard_normal(9 * 16000)).astype(np.float32)
    sound[2 * 16000 : 2 * 16000 + len(sample)] += sample
    return write_film(tmp_path_factory.mktemp("scene") / "scene.mp4", pictures, 10, sound)


@pytest.fixture(scope="session")
def quiet(tmp_path_factory):
    """The options for ten minutes in which nobody comes."""
    folder = tmp_path_factory.mktemp("quiet")
    soundfile.write(folder / "quiet.flac", np.zeros(600 * 16000, np.float32), 16000)
    film = write_film(folder / "quiet.mp4", [np.full((64, 64, 3), 90, np.uint8)] * 600, 1)
    return "--camera", film, "--microphone", folder / "quiet.flac"


@pytest.fixture
def start(tmp_path):
    """Start a service, and kill it at the end."""
    begun = []

    def run(*arguments, before=(), env=None):
        command = [*before, sys.executable, "-m", "edge_emo", "live", "--jsonl", *map(str, arguments)]
        env = {**os.environ, "PYTHONPATH": str(ROOT), "EDGE_EMO_HOME": str(tmp_path / "home"), **(env or {})}
        service = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, cwd=tmp_path)
        begun.append(service)
        return service

    yield run
    for service in begun:
        with contextlib.suppress(ProcessLookupError):
            service.kill()
        service.communicate()


@pytest.fixture
def control(edge_emo, tmp_path):
    return lambda *words: edge_emo("live", "--control", *words, env={"EDGE_EMO_HOME": str(tmp_path / "home")})


@pytest.fixture(scope="module")
def analyzer():
    return Analyzer(detector=OneFace())


def until(service, kind, **about):
    """Read events up to one of a kind, and return it."""
    for line in service.stdout:
        event = json.loads(line)
        if event["event"] == kind and about.items() <= event.items():
            return event
    raise AssertionError(f"no {kind} with {about} came: {service.stderr.read()}")
