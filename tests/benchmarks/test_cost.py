"""Costs that no clock is needed for do not grow unseen: `python -m benchmarks.cost` renews what is kept."""

import numpy as np
import pytest

from benchmarks import cost, environment
from edge_emo.bench.stages import Bench

KEPT = environment.read("cost")["results"]
ALLOWED = 1.15
"""Releases of Python and numpy differ by less."""


@pytest.fixture(scope="module")
def stages():
    return Bench().stages()


@pytest.mark.parametrize("name", KEPT["stages"])
def test_a_stage_calls_and_allocates_no_more_than_is_kept(stages, name):
    kept = KEPT["stages"][name]
    assert cost.calls_of(stages[name]) <= kept["calls"] * ALLOWED + 10
    assert cost.peak_kilobytes(stages[name]) <= kept["peak_kb"] * ALLOWED + 20


def test_every_stage_is_kept(stages):
    assert set(stages) == set(KEPT["stages"])


def test_calls_and_memory_are_counted():
    def work():
        return [abs(number) for number in (1, -2, 3)], np.ones(1_000_000)

    assert 4 <= cost.calls_of(work) <= 12
    assert 8000 <= cost.peak_kilobytes(work) < 8100
