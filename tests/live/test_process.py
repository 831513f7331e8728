"""Processes of devices: whatever they do, the service goes on, and nothing of them is left."""

import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from edge_emo.live.order import BUSY, DENIED, MISSING, exit_code_of
from edge_emo.live.process import DeviceProcess
from edge_emo.live.wire import Raw

HEAD = """
import os, struct, sys, time
out = sys.stdout.buffer
def block(k, n=1600):
    out.write(struct.pack("<4sBHHddI", b"EEL1", 2, 0, 0, k / 10, (k + 1) / 10, 4 * n) + os.urandom(4 * n))
    out.flush()
"""
SOON_S = 30.0


@pytest.fixture
def start():
    begun = []

    def run(code, **options):
        begun.append(DeviceProcess([sys.executable, "-S", "-c", HEAD + textwrap.dedent(code)], **options))
        return begun[-1]

    yield run
    for process in begun:
        process.kill()


def until(condition):
    """Return what a condition gives once it holds."""
    deadline = time.monotonic() + SOON_S
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
    return found


def taken(process, n):
    packets = []

    def enough():
        packets.extend(process.take())
        return len(packets) >= n

    until(enough)
    return packets


def test_a_flood_is_dropped_and_counted_and_the_newest_is_kept(start):
    process = start("for k in range(1000): block(k)\ntime.sleep(60)", room=8)
    until(lambda: process.dropped == 992)
    assert [packet.start_s for packet in process.take()] == pytest.approx([k / 10 for k in range(992, 1000)])


def test_of_a_file_nothing_is_dropped(start):
    process = start("for k in range(300): block(k)", room=4, is_file=True)
    time.sleep(0.3)
    packets = []

    def all_came():
        packets.extend(process.take())
        return process.ended()

    assert until(all_came) == (0, "")
    assert [packet.start_s for packet in packets] == pytest.approx([k / 10 for k in range(300)])
    assert process.dropped == 0


def test_a_torn_frame_ends_the_device_with_what_came_before_it(start):
    process = start("block(0); out.write(b'torn' * 20); out.flush(); time.sleep(60)")
    assert len(taken(process, 1)) == 1
    assert "no frame and no sound" in until(process.ended)[1]


def test_a_device_that_stutters_loses_nothing(start):
    process = start(
        """
        data = struct.pack("<4sBHHddI", b"EEL1", 2, 0, 0, 0.0, 0.1, 400) + bytes(400)
        for k in range(0, len(data), 50):
            out.write(data[k : k + 50]); out.flush(); time.sleep(0.02)
        """
    )
    assert len(taken(process, 1)[0].payload) == 400


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Device or resource busy", BUSY),
        ("[Errno 13] Permission denied: '/dev/video0'", DENIED),
        ("ALSA lib: cannot get card index for Nobody", MISSING),
        ("ERROR: *** no cameras available ***", MISSING),
    ],
)
def test_why_a_device_cannot_be_opened_is_in_its_last_words(start, said, code):
    process = start(f"print('a line before', file=sys.stderr); print({said!r}, file=sys.stderr); sys.exit(1)")
    assert until(process.ended) == (1, said)
    assert exit_code_of(said) == code


def test_what_a_library_said_before_is_the_reason_where_it_says_more(start):
    process = start(
        """
        print("ALSA lib pcm_hw.c:1829:(_snd_pcm_hw_open) Device or resource busy", file=sys.stderr)
        print("plughw:CARD=Mic: Input/output error", file=sys.stderr); sys.exit(13)
        """
    )
    assert "busy" in until(process.ended)[1]


def test_last_words_cannot_steer_a_terminal(start):
    process = start("sys.stderr.write('\\x1b[2Jbad\\x07\\n'); sys.exit(3)")
    assert until(process.ended) == (3, "[2Jbad")


def test_an_endless_complaint_is_not_kept(start):
    process = start("sys.stderr.write('x' * 5_000_000 + '\\nthe reason\\n'); sys.exit(3)")
    assert until(process.ended) == (3, "the reason")


def test_a_process_that_is_killed_says_so(start):
    process = start("block(0); os.kill(os.getpid(), 9)")
    taken(process, 1)
    assert until(process.ended) == (-9, "ended by signal 9")


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors below /proc")
def test_killing_leaves_no_descriptor_no_thread_and_no_child(start):
    def held():
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count(), children

    before = held()
    for code in ("while True: block(0)", "time.sleep(60)", "sys.exit(1)", "out.close(); os.close(1); time.sleep(60)"):
        process = DeviceProcess([sys.executable, "-S", "-c", HEAD + code], is_file=True, room=1)
        time.sleep(0.1)
        process.kill()
    assert held() == before


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
@pytest.mark.parametrize("order", ["film", "program"])
def test_a_device_ends_with_the_service_however_that_ends(order, film):
    service = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"""
import msgspec, time
from edge_emo.live.order import Order
from edge_emo.live.process import DeviceProcess, child_command
order = Order({order!r}, {str(film)!r}, time.monotonic() + 1000, arguments=("sleep", "1000"))
process = DeviceProcess(child_command(msgspec.json.encode(order).decode()))
time.sleep(2)
print(process.pid, flush=True)
time.sleep(1000)
""",
        ],
        stdout=subprocess.PIPE,
    )
    child = int(service.stdout.readline())
    status = Path(f"/proc/{child}/status")
    assert status.exists()
    service.kill()
    service.wait()
    service.stdout.close()
    until(lambda: not status.exists() or "State:\tZ" in status.read_text())


def test_raw_sound_of_a_program_is_cut_into_blocks(start):
    process = start("out.write(bytes(6400)); out.flush(); time.sleep(60)", reader=Raw("f32", lambda: 0.0, rate=8000))
    assert [len(packet.samples) for packet in taken(process, 2)] == [800, 800]
