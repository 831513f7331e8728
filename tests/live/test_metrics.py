"""What Prometheus reads of a service, over loopback."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.errors import ExtraMissingError
from edge_emo.live.metrics import registry_of
from tests.live.conftest import until

pytest.importorskip("prometheus_client", reason="needs the extra [metrics]")

READ = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=20).read().decode())"
SOON_S = 60.0


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def read(port):
    """Return what a process of its own reads, as {name with labels: value}."""
    page = subprocess.run(
        [sys.executable, "-c", READ, f"http://127.0.0.1:{port}/metrics"], capture_output=True, text=True, check=True
    ).stdout
    return {
        name: float(value) for name, value in (line.rsplit(" ", 1) for line in page.splitlines() if line[:1] not in "#")
    }


def test_all_is_counted_and_only_devices_of_kinds_and_emotions_are_labels(start, scene, quiet, port):
    service = start("--camera", scene, *quiet[2:], "--metrics", port)  # the sound lasts longer than the film
    until(service, "device", device="camera", state="ended")
    until(service, "presence", is_present=False)
    until(service, "status")
    found = read(port)
    assert found["edge_emo_visits_total"] == 1
    assert found["edge_emo_present"] == 0
    assert found['edge_emo_readings_total{modality="face"}'] > 10
    assert found['edge_emo_readings_total{modality="voice"}'] == 0
    segments = {name: value for name, value in found.items() if name.startswith("edge_emo_segments_total")}
    assert set(segments) == {f'edge_emo_segments_total{{emotion="{name}"}}' for name in (*EMOTIONS, "uncertain")}
    assert sum(segments.values()) >= 1
    assert found['edge_emo_device_state{device="camera",state="ended"}'] == 1
    assert found['edge_emo_device_state{device="microphone",state="open"}'] == 1
    assert sum(value for name, value in found.items() if name.startswith("edge_emo_device_state")) == 2
    assert found['edge_emo_device_dropped_total{device="camera"}'] == 0
    assert found['edge_emo_device_reopened_total{device="microphone"}'] == 0
    assert found["edge_emo_frames_per_second"] == 5
    assert found["edge_emo_throttled"] in (0, 1)
    assert 0 <= found["edge_emo_last_turn_age_seconds"] < SOON_S
    if sys.platform == "linux":
        assert found["process_resident_memory_bytes"] > 1e7
        assert found["process_cpu_seconds_total"] > 0
    assert not [name for name in found if name.startswith(("python_", "edge_emo_visits_created"))]
    assert not [name for name in found if str(scene.parent) in name or "quiet" in name]


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_it_listens_to_this_machine_alone(start, quiet, port):
    service = start(*quiet, "--metrics", port)
    until(service, "device", state="open")
    listening = [
        words[1].split(":")[0]
        for table in ("tcp", "tcp6")
        for words in map(str.split, Path(f"/proc/{service.pid}/net/{table}").read_text().splitlines()[1:])
        if words[3] == "0A" and int(words[1].split(":")[1], 16) == port
    ]
    assert listening == ["0100007F"], "127.0.0.1, as the kernel writes it"


def test_a_port_that_is_taken_is_told_before_anything_begins(edge_emo, quiet, port):
    with socket.create_server(("127.0.0.1", port)):
        done = edge_emo("live", *quiet, "--jsonl", "--metrics", port)
    assert done.returncode == 1
    assert f"--metrics {port}: cannot be used".encode() in done.stderr
    assert b"Traceback" not in done.stderr
    assert done.stdout == b""


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ExtraMissingError, match=r"pip install '\.\[metrics\]'"):
        registry_of(None)
