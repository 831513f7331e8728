"""The wheel as people get it: built, installed into a bare environment, and run there."""

import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_what_it_needs_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "edge_emo/py.typed",
        "edge_emo/models_onnx/manifest.json",
        "edge_emo/models_onnx/voice.int8.onnx",
        "edge_emo/models_onnx/voice.int8.json",
        "edge_emo/models_onnx/face.int8.onnx",
        "edge_emo/models_onnx/face-detector.int8.onnx",
        "edge_emo/music/data/catalogue.sqlite",
        "edge_emo/data/sample.flac",
        "edge_emo/models_onnx/LICENSE.md",
    ):
        assert needed in names
    outside = [n for n in names if not n.startswith("edge_emo/") and ".dist-info/" not in n]
    assert outside == []
    assert any(name.endswith("licenses/LICENSE") for name in names)


@pytest.mark.slow
def test_the_wheel_runs_in_a_bare_environment(wheel, tmp_path):
    venv.create(tmp_path / "bare", with_pip=True)
    binaries = tmp_path / "bare" / ("Scripts" if sys.platform == "win32" else "bin")
    run(binaries / "python", "-m", "pip", "install", "--quiet", wheel)
    found = json.loads(run(binaries / "edge-emo", "recommend", "sample", "--json", cwd=tmp_path))
    assert len(found["results"][0]["songs"]) == 10
    run(binaries / "edge-emo", "models", "verify", cwd=tmp_path)
    installed = {
        row["name"].lower() for row in json.loads(run(binaries / "python", "-m", "pip", "list", "--format", "json"))
    }
    assert not installed & {"tensorflow", "torch", "scipy", "pytest", "librosa", "opencv-python"}
    size = sum(
        path.stat().st_size for path in (tmp_path / "bare").rglob("*") if path.is_file() and not path.is_symlink()
    )
    assert size < 380e6  # 355 MB, of which OpenCV takes 162
