"""An environment for each peer, made once from the package index that pip is configured for."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PEERS = {
    "python_speech_features": ["python_speech_features==0.6", "scipy"],
    "librosa": ["librosa>=0.10.2,<1"],
    # the last two are what the module with the networks imports
    "tensorflow": ["tensorflow>=2.19,<2.22", "msgspec", "opencv-python-headless>=4.10,<5"],
    "mediapipe": ["mediapipe>=0.10.18,<=0.10.21"],
    "opensmile": ["opensmile", "soundfile"],
}
"""What each peer needs. MediaPipe's are the last releases that hold their models (Python up to 3.12)."""


class EnvironmentMissingError(Exception):
    """An environment that cannot be made, with the reason."""


def make(name: str, requirements: Sequence[str], folder: Path) -> tuple[Path, list[str]]:
    """Return the Python of a peer's environment in `folder` and the releases in it that were asked for.

    It is made where it is not complete. Raises EnvironmentMissingError with pip's reason.
    """
    place = folder / f"{name}-{sys.version_info.major}.{sys.version_info.minor}"
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    marker = place / "complete.json"
    if not marker.exists() or json.loads(marker.read_text())["requirements"] != list(requirements):
        marker.unlink(missing_ok=True)
        _run([sys.executable, "-m", "venv", "--clear", str(place)])
        _run([str(python), "-m", "pip", "install", "--quiet", *requirements])
        installed = _run([str(python), "-m", "pip", "freeze"]).splitlines()
        marker.write_text(json.dumps({"requirements": list(requirements), "installed": installed}, indent=1))
    wanted = {re.split("[<>=]", requirement)[0] for requirement in requirements}
    return python, [line for line in json.loads(marker.read_text())["installed"] if line.split("==")[0] in wanted]


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or [f"{command[0]} ended with {done.returncode}"]
        raise EnvironmentMissingError(next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1]))
    return done.stdout
