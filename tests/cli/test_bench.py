import os
from pathlib import Path

from tests.cli.conftest import document

ROOT = Path(__file__).parent.parent.parent
STAGES = (
    "decode",
    "resample",
    "activity",
    "features",
    "voice net",
    "detector",
    "align",
    "expression",
    "fusion",
    "songs",
)


def test_bench_as_json_follows_its_schema(edge_emo):
    done = edge_emo("bench", "--json", "--calls", 20)
    assert done.returncode == 0
    found = document(done, "bench")
    assert 0 < found["processor_share"] < 1.1
    was_busy = found["processor_share"] < 0.9
    assert (b"of its core" in done.stderr) == was_busy
    assert was_busy or done.stderr == b""
    for part in STAGES:
        assert any(name.startswith(part) for name in found["stages"]), part
    for times in found["stages"].values():
        assert 0 < times["p50_ms"] <= times["p90_ms"] <= times["p95_ms"] <= times["p99_ms"]
        assert times["calls"] == 20
    if os.path.exists("/proc/self/statm"):
        resident = [load["resident_mb"] for load in found["loads"]]
        assert resident[0] < resident[-1] <= found["peak_mb"] + 10


def test_bench_as_text(edge_emo):
    done = edge_emo("bench", "--calls", 20, "--threads", 2)
    assert done.returncode == 0
    assert b"2 threads" in done.stdout
    assert b"songs, ten" in done.stdout


def test_too_few_calls_are_refused(edge_emo):
    done = edge_emo("bench", "--calls", 1)
    assert done.returncode == 2
    assert b"20<=x<=10000" in done.stderr
