import numpy as np
import pytest
from click import ClickException

from benchmarks.processes import together
from benchmarks.scaling import exponent


@pytest.mark.parametrize("power", [1.0, 1.5])
def test_the_exponent_is_that_of_the_growth_beyond_the_start(power):
    sizes = [1, 10, 100, 1000, 10_000]
    assert exponent(sizes, [0.5 + 0.5 * n**power for n in sizes]) == pytest.approx(power, abs=0.05)


def test_what_does_not_grow_has_no_power():
    assert exponent([1, 10, 100], [2.0, 2.0, 2.0]) == pytest.approx(0)
    assert exponent([1], [2.0]) is None


def test_processes_run_at_the_same_time_and_their_memory_is_their_own():
    held = np.ones(30_000_000)  # which the processes that are started do not hold
    code = "import numpy; held = numpy.ones(10_000_000)"
    one, two = together([[]], code), together([[], []], code)
    assert 80 < one[1] < 180
    assert two[1] == pytest.approx(2 * one[1], rel=0.1)
    assert held.sum() == 30_000_000


def test_a_process_that_fails_is_told():
    with pytest.raises(ClickException, match="exit code 2"):
        together([["no-such-command"]])
