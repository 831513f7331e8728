"""The process in which inputs are read: `python -m benchmarks.fuzz_worker '{"seed": 0, …}'`, started by the fuzzer.

It says on standard output which input it begins, as a line of JSON, and then what came of it.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import shutil
import sys
import tempfile
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.fuzz_kind import Kind
from edge_emo.core.errors import EdgeEmoError, MediaError

Outcome = Literal["read", "refused", "exception", "memory", "hang", "crash"]

_GUARD_MB = 4096  # of addresses: where the system refuses, so that no input takes the machine's memory


@dataclass(frozen=True)
class Task:
    """Inputs `first` to `last` (not included) of `seed`, of the kinds named; none named means all.

    Each may add `most_mb` to the memory of the process. `module` holds `kinds`.
    """

    seed: int
    first: int
    last: int
    names: tuple[str, ...] = ()
    most_mb: int = 1024
    module: str = "benchmarks.fuzz_kinds"


@dataclass(frozen=True)
class Result:
    """What came of an input; `about` tells of what should not be: a traceback, or megabytes."""

    number: int
    kind: str
    outcome: Outcome
    megabytes: float = 0.0
    about: str = ""


class Inputs:
    """The inputs of a seed: input n is the same in every process, the m-th of a kind whichever other kinds there are.

    The bytes of whole ones follow the libraries that make them.
    """

    def __init__(self, task: Task) -> None:
        self._seed = task.seed
        known: list[Kind] = importlib.import_module(task.module).kinds()
        self._kinds = [kind for kind in known if not task.names or kind.name in task.names]
        self._made: dict[str, list[bytes]] = {}

    def __getitem__(self, number: int) -> tuple[Kind, bytes]:
        of_kind, place = divmod(number, len(self._kinds))
        kind = self._kinds[place]
        if kind.name not in self._made:
            self._made[kind.name] = kind.make()
        rng = random.Random(f"{self._seed}:{kind.name}:{of_kind}")
        content = kind.mutate(self._made[kind.name], kind.words, rng)
        return kind, kind.mend(content) if rng.random() < 0.7 else content


def main(arguments: Sequence[str]) -> None:
    """Read the inputs of a task."""
    task = Task(**json.loads(arguments[0]))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for libraries that print
    inputs = Inputs(task)
    for number in range(task.first, task.last):
        kind, content = inputs[number]
        _guard()
        print(json.dumps({"number": number, "kind": kind.name}), file=answers, flush=True)
        print(json.dumps(asdict(_result(number, kind, content, task.most_mb))), file=answers, flush=True)


def _result(number: int, kind: Kind, content: bytes, most_mb: int) -> Result:
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    path = folder / f"input.{kind.suffix}"
    path.write_bytes(content)
    os.chdir(folder)
    before = _reset_peak()
    try:
        outcome, about = _outcome(kind, path)
    finally:
        os.chdir("/")
        shutil.rmtree(folder, ignore_errors=True)
    megabytes = _peak_mb() - before
    if megabytes > most_mb and outcome != "exception":
        outcome, about = "memory", f"{megabytes:.0f} MB, then {outcome}"
    return Result(number, kind.name, outcome, round(megabytes, 1), about)


def _outcome(kind: Kind, path: Path) -> tuple[Outcome, str]:
    try:
        kind.read(path)
    except EdgeEmoError as error:
        if isinstance(error, MediaError) and str(path) not in str(error):
            return "exception", f"the error does not name the file: {error}"
        return "refused", ""
    except MemoryError:
        return "memory", traceback.format_exc()
    except Exception as error:
        if type(error).__module__ == "export.keras.source":  # SourceError, of a package that imports this one's
            return "refused", ""
        return "exception", traceback.format_exc()
    return "read", ""


def _guard() -> None:
    """Bound the addresses of this process, once it holds what it needs."""
    if sys.platform == "linux":
        import resource

        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        most = resource.getrlimit(resource.RLIMIT_AS)[1]
        bound = size + (_GUARD_MB << 20)
        resource.setrlimit(resource.RLIMIT_AS, (bound if most == resource.RLIM_INFINITY else min(bound, most), most))


def _reset_peak() -> float:
    """Begin to measure the peak of memory anew where that can be done, and return what is held now."""
    if sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5")
    return _peak_mb()


def _peak_mb() -> float:
    if sys.platform != "linux":
        return 0.0
    status: dict[str, Any] = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


if __name__ == "__main__":
    main(sys.argv[1:])
