"""The machine a figure was measured on, and how results are written."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from edge_emo.card import models_folder, read_card, read_manifest
from edge_emo.diagnosis import cpu_flags

ROOT = Path(__file__).parent.parent
PACKAGES = ("edge-emo", "onnxruntime", "numpy", "soundfile", "soxr", "click", "msgspec", "av", "python_speech_features")


def environment(threads: int = 1) -> dict[str, Any]:
    """Return processor, memory, system, library versions, commit and models."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    cards = [c for entry in read_manifest().models.values() for c in entry.cards.values()]
    return {
        "date": date.today().isoformat(),
        "cpu": _cpu_name(),
        "cpu_flags": cpu_flags(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": versions,
        "threads": threads,
        "commit": commit.stdout.strip(),
        "models": {c: read_card(models_folder() / c).sha256 for c in cards},
    }


def write(path: Path | None, benchmark: str, results: Any, threads: int = 1) -> None:
    """Write results with their environment, where a path is given."""
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        document = {"benchmark": benchmark, "environment": environment(threads), "results": results}
        path.write_text(json.dumps(document, indent=1) + "\n")


def pin() -> None:
    """Keep this process on one core, so that stages are compared on the same one."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _cpu_name() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    found = re.search(r"^(?:model name|Model)\s*:\s*(.*)$", text, re.MULTILINE)
    return found.group(1) if found else platform.machine()
