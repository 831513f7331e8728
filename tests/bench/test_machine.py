import hashlib
from importlib.metadata import version

import numpy as np
import pytest

from edge_emo.bench import machine
from edge_emo.models.card_json import read_card
from edge_emo.models.manifest import models_folder


def test_the_machine_names_what_ran():
    found = machine.this_machine(threads=3)
    assert found.threads == 3
    assert found.cores >= 1
    assert found.cpu
    assert found.versions["onnxruntime"] == version("onnxruntime")
    assert {"edge-emo", "numpy", "soundfile", "opencv-python-headless"} <= set(found.versions)
    for card, sha256 in found.models.items():
        file = models_folder() / read_card(models_folder() / card).file
        assert hashlib.sha256(file.read_bytes()).hexdigest() == sha256


def test_memory_grows_with_what_is_held():
    before = machine.resident_mb()
    if before is None:
        pytest.skip("this system does not tell resident memory")
    loads = []
    with machine.loading("an array", loads):
        held = np.ones(8_000_000)
    assert loads[0].name == "an array"
    assert loads[0].ms > 0
    assert 50 < loads[0].resident_mb - before < 80
    assert machine.peak_mb() >= loads[0].resident_mb - 10
    assert held.sum() == 8_000_000


def test_a_board_tells_its_name(monkeypatch):
    texts = {
        "/proc/cpuinfo": "processor\t: 0\nFeatures\t: fp asimd asimddp\nModel\t\t: Raspberry Pi 5 Model B\n",
        "/proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
    }
    monkeypatch.setattr(machine.Path, "read_text", lambda self, *args, **kwargs: texts[str(self)])
    assert "Raspberry Pi 5 Model B Rev 1.0" in machine._cpu_name()
    assert machine.cpu_flags() == ["asimd", "asimddp"]


def test_a_checkout_that_is_not_installed_still_names_its_version(monkeypatch):
    def not_installed(name):
        raise machine.PackageNotFoundError(name)

    monkeypatch.setattr(machine, "requires", not_installed)
    assert machine.this_machine().versions == {"edge-emo": version("edge-emo")}
