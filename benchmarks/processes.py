"""Processes of their own, and the most memory each held.

The system's own figure for an ended process counts what its parent held when it was started, so each process writes its
peak into a file as it ends.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click

_CODE = """
import runpy, sys
target, code = sys.argv.pop(1), sys.argv.pop(1)
try:
    exec(code) if code else runpy.run_module("edge_emo", run_name="__main__", alter_sys=True)
finally:
    from edge_emo.bench.machine import peak_mb
    open(target, "w").write(str(peak_mb()))
"""


def together(commands: Sequence[Sequence[str]], code: str = "") -> tuple[float, float]:
    """Run `edge-emo` with each of the arguments at the same time, or the `code` in its place.

    Returns the seconds until all are done and the sum of their peak memories in MB. Raises ClickException where one
    fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        peaks = [Path(folder) / str(number) for number in range(len(commands))]
        start = time.perf_counter()
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", _CODE, str(peak), code, *arguments],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for peak, arguments in zip(peaks, commands, strict=True)
        ]
        codes = [process.wait() for process in processes]
        seconds = time.perf_counter() - start
        for arguments, exit_code in zip(commands, codes, strict=True):
            if exit_code:
                raise click.ClickException(f"edge-emo {' '.join(arguments)}: ended with exit code {exit_code}")
        return seconds, sum(float(peak.read_text()) for peak in peaks)
