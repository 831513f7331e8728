"""systemd is told how the service is: by real sockets, and by a clock that the tests set."""

import os
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace

import pytest

from edge_emo.live.events import DeviceStatus, Feeling, Heat, StatusEvent
from edge_emo.live.notify import LATE_S, STUCK_S, Watch, watched
from edge_emo.live.supervisor import LEAST_UNCHANGED, OPENING_S, SILENT_S, Supervisor
from tests.live.conftest import until
from tests.live.test_service import SOON_S
from tests.live.test_turns import Run

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="sockets between processes")


def device(kind, state="open", since_s=0.0, seen_s=None):
    return DeviceStatus(
        device=kind, name="cam", state=state, reason="", since_s=since_s, seen_s=seen_s, dropped=0, reopened=0
    )


class Stub:
    """A service whose clock, loop and devices are what a test says."""

    def __init__(self, *devices):
        self.now_s, self.turn_s, self.devices, self.visits, self.sent, self.told = 0.0, 0.0, devices, 0, [], []
        self.feeling = None

    def status(self):
        return StatusEvent(
            at=1e9,
            time_s=self.now_s,
            visit=None,
            visits=self.visits,
            feeling=self.feeling,
            view="nobody",
            fps=5,
            heat=Heat(),
            devices=self.devices,
        )

    def watch(self, **options):
        return Watch(self, self.sent.append, tell=self.told.append, **options)

    def pings(self, watch):
        """Let it beat, and return how often systemd was pinged."""
        self.sent.clear()
        watch.beat()
        return self.sent.count("WATCHDOG=1")


def at(stub, now_s, *devices):
    """Set the clock of a service whose loop turns, and its devices."""
    stub.now_s = stub.turn_s = now_s
    stub.devices = devices or stub.devices


def test_it_is_ready_once_and_not_before_its_first_turn():
    stub = Stub(device("camera"))
    watch = stub.watch()
    stub.now_s = 120.0  # a slow board loads its models
    watch.beat()
    assert stub.sent == []
    at(stub, 121.0, device("camera", since_s=120, seen_s=121))
    watch.beat()
    assert stub.sent == ["READY=1", "WATCHDOG=1", "STATUS=camera works; 0 visitors so far"]
    watch.beat()
    assert stub.sent[3:] == ["WATCHDOG=1"], "what has not changed is not said again"


def test_a_loop_that_is_late_is_not_pinged_for_until_it_turns_again():
    stub = Stub(device("camera", seen_s=5))
    watch = stub.watch()
    at(stub, 5.0)
    assert stub.pings(watch) == 1
    stub.now_s = 5 + LATE_S
    assert stub.pings(watch) == 1
    stub.now_s += 0.1
    assert stub.pings(watch) == 0
    assert stub.sent == ["STATUS=the service hangs"]
    assert stub.pings(watch) == 0
    assert len(stub.told) == 1, "the log says it once"
    at(stub, stub.now_s, device("camera", seen_s=stub.now_s))
    assert stub.pings(watch) == 1


@pytest.mark.parametrize("kind", ["camera", "microphone"])
@pytest.mark.parametrize("state", ["opening", "open"])
def test_a_device_that_makes_no_progress_is_not_pinged_for(kind, state):
    stub = Stub()
    watch = stub.watch()
    at(stub, 10 + STUCK_S, device(kind, state, since_s=10, seen_s=10 if state == "open" else None))
    assert stub.pings(watch) == 1
    at(stub, 10.1 + STUCK_S)
    assert stub.pings(watch) == 0
    assert f"the {kind} hangs" in stub.told[0]


def test_a_device_may_take_as_long_as_its_supervisor_gives_it():
    assert STUCK_S >= OPENING_S
    assert STUCK_S > LEAST_UNCHANGED * SILENT_S, "as slow as a device may be, and as often the same as it may give"


@pytest.mark.parametrize("state", ["off", "lost", "ended"])
def test_what_is_off_lost_or_over_needs_no_new_start(state):
    stub = Stub()
    watch = stub.watch()
    at(stub, 1e6, device("camera", state, since_s=10, seen_s=10), device("microphone", seen_s=1e6))
    assert stub.pings(watch) == 1


def test_a_device_that_was_switched_on_again_has_its_time():
    stub = Stub()
    watch = stub.watch()
    at(stub, 1e6, device("camera", "opening", since_s=1e6 - 1, seen_s=10))
    assert stub.pings(watch) == 1


def test_a_file_may_hold_silence_for_as_long_as_it_likes():
    stub = Stub()
    watch = stub.watch(live=())
    at(stub, 1e6, device("microphone", "open", since_s=10, seen_s=10))
    assert stub.pings(watch) == 1


def test_an_hour_that_the_wall_clock_jumps_changes_nothing():
    stub = Stub(device("camera", seen_s=50))
    watch = stub.watch()
    at(stub, 50)
    before = stub.status
    for jump_s in (-3600, 3600):
        stub.status = lambda jump_s=jump_s: replace(before(), at=1e9 + jump_s)
        assert stub.pings(watch) == 1


def test_the_status_is_one_line_about_devices_and_never_about_what_somebody_feels():
    stub = Stub()
    stub.visits = 1
    stub.feeling = Feeling(
        emotion="happy",
        raw="happy",
        probability=1,
        probabilities=(0, 0, 1, 0, 0, 0, 0, 0),
        valence=1,
        arousal=0,
        held_s=9,
    )
    watch = stub.watch()
    at(stub, 9, device("camera", "lost"), device("microphone", "open", seen_s=9))
    watch.beat()
    assert stub.sent[-1] == "STATUS=camera is lost, and waited for; microphone works; 1 visitor so far"


def test_a_service_that_loses_its_devices_again_and_again_is_never_started_anew(analyzer):
    run = Run(analyzer)
    sent = []
    watch = Watch(run.service, sent.append)
    for k in range(300):
        kind = ("camera", "microphone")[k % 2]
        if run.world.is_there[kind]:
            run.world.unplug(kind)
        else:
            run.world.plug(kind)
        run.live(3 + k % 17)
        watch.beat()
        assert sent.count("WATCHDOG=1") == k + 1


def test_a_supervisor_that_does_not_act_is_found_out(analyzer, monkeypatch):
    run = Run(analyzer)
    sent = []
    watch = Watch(run.service, sent.append)
    run.live(60)
    monkeypatch.setattr(Supervisor, "_fail", lambda *_: None)
    monkeypatch.setattr(Supervisor, "_look", lambda *_: None)
    run.world.unplug("camera")
    run.world.way["camera"] = "repeats itself"
    run.live(STUCK_S - 1)
    watch.beat()
    assert "WATCHDOG=1" in sent, "it has its time"
    run.live(3)
    sent.clear()
    watch.beat()
    assert sent == ["STATUS=the camera hangs"]


def hear(listener):
    """Return what was sent, up to the next pause."""
    found = []
    try:
        while True:
            found += listener.recv(4096).decode().splitlines()
    except TimeoutError:
        return found


@pytest.fixture(params=["path", "abstract"])
def systemd(request, tmp_path):
    """A socket as systemd has it, and what it puts into the environment."""
    if request.param == "abstract" and sys.platform != "linux":
        pytest.skip("Linux alone has abstract sockets")
    name = str(tmp_path / "n@1") if request.param == "path" else f"@edge-emo-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name.replace("@", "\0", 1) if request.param == "abstract" else name)
        listener.settimeout(1.0)
        yield SimpleNamespace(listener=listener, environment={"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "300000"})


def test_a_real_socket_hears_all_of_it(systemd):
    stub = Stub(device("camera", seen_s=1e6))
    at(stub, 5)
    with watched(stub, ["camera"], stub.told.append, systemd.environment):
        deadline = time.monotonic() + SOON_S
        heard = []
        while heard.count("WATCHDOG=1") < 3:
            assert time.monotonic() < deadline, heard
            heard += systemd.listener.recv(4096).decode().splitlines()
        stub.now_s = 5 + 2 * LATE_S
        heard = hear(systemd.listener)
    assert systemd.environment == {}, "processes of devices have nothing to tell"
    assert heard[-1] == "STATUS=the service hangs"
    assert hear(systemd.listener) == ["STOPPING=1"]


@pytest.mark.parametrize("other", [{"WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "often"}])
def test_a_watchdog_that_is_none_or_meant_for_another_process_is_not_fed_in_haste(systemd, monkeypatch, other):
    monkeypatch.setattr("edge_emo.live.notify._BEAT_S", 3600.0)
    stub = Stub(device("camera", seen_s=1e6))
    at(stub, 5)
    with watched(stub, ["camera"], stub.told.append, systemd.environment | other):
        heard = hear(systemd.listener)
    assert heard.count("READY=1") == heard.count("WATCHDOG=1") == 1


@pytest.mark.parametrize("address", ["", "vsock:2:1234", "/no/such/socket", "@nobody-listens-here"])
def test_where_nobody_listens_the_service_goes_on(address):
    stub = Stub(device("camera", seen_s=1e6))
    at(stub, 5)
    with watched(stub, ["camera"], stub.told.append, {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000"}):
        time.sleep(0.3)
    assert stub.told == []


def test_a_manager_that_hangs_does_not_hold_the_service(systemd):
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sender.setblocking(False)
    with sender, suppress(BlockingIOError):
        while True:  # until its queue is full, as nobody reads it
            sender.sendto(b"X=1", systemd.listener.getsockname())
    stub = Stub(device("camera", seen_s=1e6))
    at(stub, 5)
    with watched(stub, ["camera"], stub.told.append, systemd.environment):
        pass
    assert stub.told == []


def test_the_whole_service_is_ready_pings_and_says_that_it_stops(systemd, start, quiet, monkeypatch):
    for name, value in {**systemd.environment, "WATCHDOG_USEC": "900000"}.items():
        monkeypatch.setenv(name, value)
    service = start(*quiet)
    until(service, "device", state="open")
    systemd.listener.settimeout(SOON_S)
    heard = []
    while heard.count("WATCHDOG=1") < 3:
        heard += systemd.listener.recv(4096).decode().splitlines()
    assert heard[0] == "READY=1"
    assert any(line.startswith("STATUS=camera") for line in heard)
    service.send_signal(signal.SIGTERM)
    while heard[-1] != "STOPPING=1":
        heard += systemd.listener.recv(4096).decode().splitlines()
    service.communicate(timeout=SOON_S)
    assert service.returncode == 143
