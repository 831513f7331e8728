import numpy as np
import pytest

from benchmarks.scaling import command_row, exponent


@pytest.mark.parametrize("power", [1.0, 1.5])
def test_the_exponent_is_that_of_the_growth_beyond_the_start(power):
    sizes = [1, 10, 100, 1000, 10_000]
    assert exponent(sizes, [0.5 + 0.5 * n**power for n in sizes]) == pytest.approx(power, abs=0.05)


def test_what_does_not_grow_has_no_power():
    assert exponent([1, 10, 100], [2.0, 2.0, 2.0]) == pytest.approx(0)
    assert exponent([1], [2.0]) is None


def test_commands_run_at_the_same_time_and_their_memory_adds_up():
    waits = ["-c", "import time; time.sleep(0.5)"]
    one, two = command_row(waits), command_row(waits, waits)
    assert two["peak_mb"] == pytest.approx(2 * one["peak_mb"], rel=0.2)
    assert np.isfinite(two["seconds"])
