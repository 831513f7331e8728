"""Damaged inputs of every kind are read or refused: no crash, no hang, no traceback, no 1 GB.

`python -m benchmarks.fuzz --inputs 30000 --seed N` looks for longer.
"""

import subprocess
import sys

import pytest

from benchmarks import fuzz, fuzz_kinds
from benchmarks.fuzz_worker import Inputs, Task

KINDS = [kind.name for kind in fuzz_kinds.kinds()]
N = 840


@pytest.fixture(scope="module")
def results():
    return list(fuzz.fuzz(Task(seed=8, first=0, last=N)))


def test_damaged_inputs_of_every_kind_are_read_or_refused(results):
    assert fuzz.faults(results) == []
    assert [result.number for result in results] == list(range(N))
    assert [result.kind for result in results[: len(KINDS)]] == KINDS


@pytest.mark.parametrize("kind", ["jpg", "wav", "csv", "json lines"])
def test_damage_is_neither_so_small_nor_so_large_that_it_shows_nothing(results, kind):
    assert {result.outcome for result in results if result.kind == kind} >= {"read", "refused"}


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured through Linux's /proc")
def test_every_fault_is_found_and_the_inputs_after_it_are_read(monkeypatch, tmp_path):
    monkeypatch.setattr(fuzz, "LONGEST_S", 3.0)
    task = Task(seed=0, first=0, last=7, most_mb=100, module="tests.benchmarks.odd_kinds")
    found = list(fuzz.fuzz(task))
    named = ["read", "refused", "exception", "crash", "memory", "hang", "read"]
    assert [result.outcome for result in found] == [result.kind for result in found] == named
    assert [result.outcome for result in fuzz.faults(found)] == ["exception", "crash", "memory", "hang"]
    assert "KeyError: 'absent'" in found[2].about
    fuzz.keep(found[2], Inputs(task), tmp_path)
    assert (tmp_path / "exception-2.txt").read_bytes() == Inputs(task)[2][1]
    assert "KeyError" in (tmp_path / "exception-2.txt.why").read_text(encoding="utf-8")


def test_inputs_are_the_same_in_every_process():
    """Else what is kept would not be what showed the fault."""
    code = (
        "import hashlib; from benchmarks.fuzz_worker import Inputs, Task; inputs = Inputs(Task(3, 0, 0))\n"
        f"print(hashlib.sha256(b''.join(inputs[n][1] for n in range({2 * len(KINDS)}))).hexdigest())"
    )
    digests = [subprocess.check_output([sys.executable, "-c", code], cwd=fuzz.ROOT, text=True) for _ in range(2)]
    assert digests[0] == digests[1]


def test_an_input_is_the_same_whichever_were_made_before():
    task = Task(seed=3, first=0, last=0, names=("csv", "wav"))
    one, other = Inputs(task), Inputs(task)
    first = [one[n][1] for n in range(20)]
    assert [other[n][1] for n in reversed(range(20))] == first[::-1]
    assert len(set(first)) > 15
    assert Inputs(Task(seed=4, first=0, last=0, names=("csv", "wav")))[0][1] != first[0]
