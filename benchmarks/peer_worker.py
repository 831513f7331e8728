"""Both ends of a worker: a process that makes tasks ready and times them, in whatever environment it runs.

    python -m benchmarks.peer_worker MODULE FOLDER

`MODULE.TASKS` holds by name what takes the FOLDER with the inputs and returns what is to be timed. A request is a line
of JSON on standard input, a reply one on standard output: {"prepare": NAME} is answered by {"answers": how many things
the first call returned}, {"run": NAME, "calls": 20, "uncounted": 5} by {"seconds": [...]}, both by {"error": ...}.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sized
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

ROOT = Path(__file__).parent.parent
ALONE = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")} | {
    "CUDA_VISIBLE_DEVICES": "",
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
"""One thread and no GPU, said in the variables that libraries read as they are imported."""

Stage = Callable[[], Sized]
Tasks = dict[str, Callable[[Path], Stage]]


class WorkerError(Exception):
    """A task that failed in its worker, or a worker that ended."""


class Worker:
    """The process of one environment, kept on the cores of the process that starts it."""

    def __init__(self, python: str | os.PathLike[str], module: str, folder: Path) -> None:
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            [os.fspath(python), "-m", "benchmarks.peer_worker", module, os.fspath(folder)],
            cwd=ROOT,
            env=os.environ | ALONE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()
        self._log.close()

    def prepare(self, task: str) -> int:
        """Make a task ready, call it once and return how many things it answered. Raises WorkerError."""
        return int(self._ask({"prepare": task})["answers"])

    def run(self, task: str, calls: int, uncounted: int) -> list[float]:
        """Return the seconds of each of `calls` calls that follow `uncounted` ones. Raises WorkerError."""
        return list(self._ask({"run": task, "calls": calls, "uncounted": uncounted})["seconds"])

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin and self._process.stdout
        try:
            print(json.dumps(request), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            status = self._process.wait()
            self._log.seek(0)
            said = self._log.read().strip().splitlines() or ["nothing"]
            raise WorkerError(f"the worker ended with {status} and said: {said[-1]}")
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise WorkerError(reply["error"])
        return reply


def timed(stage: Stage, calls: int, uncounted: int) -> list[float]:
    """Return the seconds of each of `calls` calls after the first, which fill the caches and are not counted."""
    for _ in range(uncounted):
        stage()
    seconds = []
    for _ in range(calls):
        start = time.perf_counter()
        stage()
        seconds.append(time.perf_counter() - start)
    return seconds


def serve(tasks: Tasks, folder: Path, requests: Iterable[str], replies: TextIO) -> None:
    """Answer requests until there are no more."""
    ready: dict[str, Stage] = {}
    for line in requests:
        request = json.loads(line)
        try:
            if name := request.get("prepare"):
                ready[name] = tasks[name](folder)
                reply: dict[str, Any] = {"answers": len(ready[name]())}
            else:
                reply = {"seconds": timed(ready[request["run"]], request["calls"], request["uncounted"])}
        except Exception as error:
            reply = {
                "error": str(error) if isinstance(error, FileNotFoundError) else f"{type(error).__name__}: {error}"
            }
        print(json.dumps(reply), file=replies, flush=True)


def main() -> None:
    """Serve the tasks of a module; what libraries print goes to standard error."""
    with os.fdopen(os.dup(1), "w") as replies:
        os.dup2(2, 1)
        serve(importlib.import_module(sys.argv[1]).TASKS, Path(sys.argv[2]), sys.stdin, replies)


if __name__ == "__main__":
    main()
