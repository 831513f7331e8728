"""Damaged inputs of every kind that the package reads: none may crash, hang, take 1 GB or raise what nobody expects.

    python -m benchmarks.fuzz --inputs 30000 --seed 7 --keep failing

Inputs are read in a process of its own, which is begun anew where an input ended it. Input n of a seed is always the
same: `--first N --inputs 1` reads it again, with the same kinds and the libraries that make the whole ones.
"""

from __future__ import annotations

import argparse
import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any

from benchmarks.fuzz_kinds import kinds
from benchmarks.fuzz_worker import Inputs, Result, Task

ROOT = Path(__file__).parent.parent
LONGEST_S = 10.0
"""Seconds that reading one input may take."""
_START_S = 120.0  # imports, and the making of whole inputs
_EXPECTED = ("read", "refused")


def fuzz(task: Task) -> Iterator[Result]:
    """Yield what came of each input."""
    while task.first < task.last:
        for result in _in_one_process(task):
            task = replace(task, first=result.number + 1)
            yield result


def _in_one_process(task: Task) -> Iterator[Result]:
    """Yield results up to the first input that ends the process."""
    command = [sys.executable, "-m", "benchmarks.fuzz_worker", json.dumps(asdict(task))]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True) as worker,
    ):
        assert worker.stdout is not None
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=_forward, args=(worker.stdout, lines), daemon=True).start()
        begun: dict[str, Any] = {}
        try:
            while line := lines.get(timeout=LONGEST_S if begun else _START_S):
                answer = json.loads(line)
                begun = {} if "outcome" in answer else answer
                if not begun:
                    yield Result(**answer)
            status = worker.wait()
        except queue.Empty:
            if not begun:
                raise RuntimeError("the process that reads inputs does not begin") from None
            yield Result(begun["number"], begun["kind"], "hang", about=f"over {LONGEST_S:.0f} s")
            return
        finally:
            worker.kill()
        errors.seek(0)
        about = f"exit status {status}\n{errors.read()[-2000:].decode(errors='replace')}"
    if begun:
        yield Result(begun["number"], begun["kind"], "crash", about=about)
    elif status:
        raise RuntimeError(f"the process that reads inputs failed between two of them: {about}")


def _forward(stream: IO[str], lines: queue.SimpleQueue[str]) -> None:
    for line in stream:
        lines.put(line)
    lines.put("")


def keep(result: Result, inputs: Inputs, folder: Path) -> None:
    """Write an input, and beside it what came of it."""
    folder.mkdir(parents=True, exist_ok=True)
    kind, content = inputs[result.number]
    path = folder / f"{result.outcome}-{result.number}.{kind.suffix}"
    path.write_bytes(content)
    Path(f"{path}.why").write_text(f"{kind.name}: {result.outcome}\n{result.about}\n", encoding="utf-8")


def table(results: Sequence[Result]) -> str:
    """Return how many inputs of each kind were read, refused or neither, and the most memory that one took."""
    lines = [f"{'kind':<20}{'inputs':>8}{'read':>8}{'refused':>9}{'faults':>8}{'most MB':>9}"]
    for name in dict.fromkeys(result.kind for result in results):
        of_kind = [result for result in results if result.kind == name]
        counts = Counter(result.outcome for result in of_kind)
        faults = sum(n for outcome, n in counts.items() if outcome not in _EXPECTED)
        most = max(result.megabytes for result in of_kind)
        lines.append(f"{name:<20}{len(of_kind):>8}{counts['read']:>8}{counts['refused']:>9}{faults:>8}{most:>9.0f}")
    return "\n".join(lines)


def faults(results: Sequence[Result]) -> list[Result]:
    """Return what should not be."""
    return [result for result in results if result.outcome not in _EXPECTED]


def main() -> None:
    """Read inputs and say what came of them; the exit status is 1 where one of them shows a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=3000, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, metavar="N", help="The number of the first input.")
    parser.add_argument("--kind", action="append", default=[], help="Only this kind; may be repeated.")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="Write inputs that show a fault here.")
    given = parser.parse_args()
    task = Task(given.seed, given.first, given.first + given.inputs, tuple(given.kind))
    if unknown := set(given.kind) - {kind.name for kind in kinds()}:
        parser.error(f"no kind {', '.join(sorted(unknown))}; known are {', '.join(kind.name for kind in kinds())}")
    inputs, started, results = Inputs(task), time.monotonic(), []
    for result in fuzz(task):
        results.append(result)
        if result.outcome not in _EXPECTED:
            print(
                f"input {result.number}, {result.kind}: {result.outcome}\n{result.about}", file=sys.stderr, flush=True
            )
            if given.keep:
                keep(result, inputs, given.keep)
    print(table(results))
    print(f"{len(results)} inputs of seed {given.seed} in {time.monotonic() - started:.0f} s")
    sys.exit(bool(faults(results)))


if __name__ == "__main__":
    main()
