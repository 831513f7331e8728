import sys

import numpy as np
import pytest

from benchmarks.peer_environments import EnvironmentMissingError, make
from benchmarks.peer_worker import Worker, WorkerError


@pytest.fixture
def worker(tmp_path):
    (tmp_path / "word").write_text("four")
    with Worker(sys.executable, "tests.benchmarks.simple_tasks", tmp_path) as started:
        yield started


def test_a_worker_says_how_many_answers_and_how_long_each_call_takes(worker):
    assert worker.prepare("letters") == 4
    seconds = worker.run("letters", 7, 2)
    assert len(seconds) == 7 and min(seconds) > 0


def test_a_task_that_fails_says_why_and_the_worker_goes_on(worker, tmp_path):
    with pytest.raises(WorkerError, match="KeyError: 'numbers'"):
        worker.prepare("numbers")
    (tmp_path / "word").unlink()
    with pytest.raises(WorkerError, match="No such file"):
        worker.prepare("letters")
    (tmp_path / "word").write_text("six")
    assert worker.prepare("letters") == 3


def test_a_worker_that_cannot_start_says_why(tmp_path):
    with (
        Worker(sys.executable, "tests.benchmarks.no_such_module", tmp_path) as worker,
        pytest.raises(WorkerError, match=r"No module named 'tests\.benchmarks\.no_such_module'"),
    ):
        worker.prepare("letters")


def test_what_does_not_install_is_told_with_pips_reason(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(EnvironmentMissingError, match="No matching distribution found for no-such-peer"):
        make("peer", ["no-such-peer"], tmp_path)


def test_a_complete_environment_is_used_again(tmp_path):
    place = tmp_path / f"peer-{sys.version_info.major}.{sys.version_info.minor}"
    place.mkdir()
    (place / "complete.json").write_text('{"requirements": ["peer<2"], "installed": ["other==3", "peer==1.0"]}')
    python, releases = make("peer", ["peer<2"], tmp_path)
    assert python.is_relative_to(place) and releases == ["peer==1.0"]


def test_ratio_is_the_median_over_rounds_within_its_interval():
    peers = pytest.importorskip("benchmarks.peers")
    ours = np.linspace(1, 2, 25)
    assert peers.ratio(3 * ours, ours) == pytest.approx((3, 3, 3))
    middle, low, high = peers.ratio(ours * np.linspace(2, 4, 25), ours)
    assert middle == pytest.approx(3) and 2 < low < middle < high < 4


def test_a_peer_that_fails_is_left_out_and_told(worker):
    peers = pytest.importorskip("benchmarks.peers")
    others = {"here": (("other", "letters"),), "failing": (("other", "numbers"),), "absent": (("absent", "letters"),)}
    told = {}
    workers = {peers.OURS: worker, "other": worker}
    (row,) = peers.measure(peers.Comparison("words", ("letters",), others), workers, 3, told.__setitem__)
    assert row["peer"] == "here" and row["answers"] == [4, 4]
    assert told == {"words: failing": "KeyError: 'numbers'"}


class Steady:
    """A worker whose task always takes as long."""

    def __init__(self, seconds):
        self.seconds = seconds

    def prepare(self, task):
        return 1

    def run(self, task, calls, uncounted):
        return [self.seconds] * calls


def test_the_times_of_a_chain_are_added():
    peers = pytest.importorskip("benchmarks.peers")
    workers = {peers.OURS: Steady(0.003), "first": Steady(0.002), "second": Steady(0.004)}
    chain = peers.Comparison("chain", ("whole",), {"halves": (("first", "a"), ("second", "b"))})
    (row,) = peers.measure(chain, workers, 3, pytest.fail)
    assert row["ours_ms"] == pytest.approx(3) and row["peer_ms"] == pytest.approx(6)
    assert (row["ratio"], *row["interval_95"]) == pytest.approx((2, 2, 2))
