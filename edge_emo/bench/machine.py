"""The machine a figure was measured on, and the memory this process holds."""

from __future__ import annotations

import os
import platform
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from edge_emo import __version__
from edge_emo.bench.document import Load, Machine
from edge_emo.models.card_json import read_card
from edge_emo.models.manifest import models_folder, read_manifest

_CPU_FLAGS = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "asimd", "asimddp", "i8mm", "bf16", "sve")


@contextmanager
def loading(name: str, loads: list[Load]) -> Iterator[None]:
    """Add to `loads` what the body of the statement took."""
    start = time.perf_counter()
    yield
    loads.append(Load(name, (time.perf_counter() - start) * 1000, resident_mb()))


def this_machine(threads: int = 1) -> Machine:
    """Return processor, memory, system, library versions and models; networks run on `threads`."""
    cards = [c for entry in read_manifest().models.values() for c in entry.cards.values()]
    return Machine(
        date=date.today().isoformat(),
        cpu=_cpu_name(),
        cpu_flags=cpu_flags(),
        cores=os.cpu_count() or 1,
        memory_gb=_memory_gb(),
        system=platform.platform(),
        python=platform.python_version(),
        versions=_versions(),
        threads=threads,
        models={card: read_card(models_folder() / card).sha256 for card in cards},
    )


def resident_mb() -> float | None:
    """Return the resident memory of this process in MB; None where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def peak_mb() -> float | None:
    """Return the most resident memory this process has held, in MB; None on Windows."""
    try:  # what getrusage tells on Linux counts the memory of the process that started this one
        status = Path("/proc/self/status").read_text()
        if found := re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE):
            return int(found.group(1)) * 1024 / 1e6
    except OSError:
        pass
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def pin() -> None:
    """Keep this process on its last core, which is a fast one where cores differ; does nothing where it cannot."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def cpu_flags() -> list[str]:
    """Return those of the processor's features that matter for inference; none where the system does not say."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return []
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    present = set(found.group(1).split()) if found else set()
    return [flag for flag in _CPU_FLAGS if flag in present]


def _versions() -> dict[str, str]:
    """Return the versions of the package and of what is installed of its dependencies, optional ones too.

    Those of the dependencies are not known in a checkout that is not installed.
    """
    found = {"edge-emo": __version__}
    try:
        stated = requires("edge-emo") or []
    except PackageNotFoundError:
        return found
    for requirement in stated:
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None


def _cpu_name() -> str:
    """Return the processor's name, with that of the board where the system tells it."""
    texts = []
    for path in ("/proc/cpuinfo", "/proc/device-tree/model"):
        try:
            texts.append(Path(path).read_text().replace("\0", "\n"))
        except OSError:
            texts.append("")
    names = re.findall(r"^(?:model name|Model)\s*:\s*(.*)$", texts[0], re.MULTILINE)[:1]
    return ", ".join([*names, *texts[1].split("\n")[:1]]).strip(", ") or platform.processor() or platform.machine()
