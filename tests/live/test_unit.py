"""The unit for systemd: systemd itself reads it, rates it, and the service runs under what it forbids."""

import ctypes
import json
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from edge_emo.live.unit import hidden, quoted, unit
from tests.live.conftest import until
from tests.live.test_service import SOON_S, children

MOST_EXPOSED = 20
"""Of 100; `systemd-analyze security` calls it 2.0."""
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
SHAPES = {
    "plain": {},
    "broker": {"brokers": ["192.168.1.10", "fd00::/8"]},
    "screen": {"tty": "tty1"},
    "volatile": {"is_volatile": True},
}


def values(text, name):
    """Return what a unit says of a setting, each time that it does."""
    return re.findall(rf"^{name}=(.*)$", text, re.MULTILINE)


@pytest.fixture(params=SHAPES)
def written(request, tmp_path):
    program = tmp_path / "a folder" / "edge-emo"
    program.parent.mkdir()
    program.symlink_to(sys.executable)
    path = tmp_path / "edge-emo.service"
    path.write_text(unit([str(program), "live", "--camera", "a 100% $wide \\camera"], **SHAPES[request.param]))
    return path


@needs_systemd
def test_systemd_understands_every_line(written):
    done = subprocess.run(["systemd-analyze", "verify", written], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert written.name not in done.stderr


@needs_systemd
def test_it_is_shut_in(written):
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", written]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@needs_systemd
def test_a_unit_that_is_not_shut_in_is_noticed(tmp_path):
    path = tmp_path / "open.service"
    path.write_text("[Service]\nExecStart=/bin/true\n")
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", path]
    assert subprocess.run(command, capture_output=True).returncode != 0


@needs_systemd
def test_a_setting_that_there_is_not_is_noticed(tmp_path):
    path = tmp_path / "edge-emo.service"
    path.write_text(unit(["/bin/true"]).replace("ProtectClock=", "ProtectClocks="))
    done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True)
    assert "ProtectClocks" in done.stderr


def test_it_reaches_the_machine_itself_and_the_brokers_that_are_named():
    assert values(unit(["/e"]), "IPAddressAllow") == ["localhost"]
    assert values(unit(["/e"], brokers=["10.0.0.2", "fd00::/8"]), "IPAddressAllow") == ["localhost 10.0.0.2 fd00::/8"]
    assert values(unit(["/e"]), "IPAddressDeny") == ["any"]


def test_what_changes_lies_in_one_folder_that_the_service_is_told():
    lasting, volatile = unit(["/e"]), unit(["/e"], is_volatile=True)
    assert values(lasting, "StateDirectory") == ["edge-emo"]
    assert "EDGE_EMO_HOME=%S/edge-emo" in values(lasting, "Environment")
    assert values(volatile, "StateDirectory") == []
    assert values(volatile, "RuntimeDirectory") == ["edge-emo"]
    assert "EDGE_EMO_HOME=%t/edge-emo" in values(volatile, "Environment")


def test_on_a_screen_no_login_is_in_the_way():
    text = unit(["/e"], tty="tty2")
    assert values(text, "Conflicts") == ["getty@tty2.service"]
    assert values(text, "StandardOutput") == ["tty"]
    assert "/dev/tty2 rw" in values(text, "DeviceAllow")
    assert "tty" not in unit(["/e"])


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("--camera", "--camera"),
        ("/dev/v4l/by-id/usb-Cam_1-video-index0", "/dev/v4l/by-id/usb-Cam_1-video-index0"),
        ("plughw:CARD=Nobody,DEV=0", "plughw:CARD=Nobody,DEV=0"),
        ("a b", '"a b"'),
        ("", '""'),
        (";", '";"'),
        ("100%", '"100%%"'),
        ("$HOME", '"$$HOME"'),
        ("a\\b\"c'", '"a\\\\b\\"c\'"'),
        ("a\nExecStart=/bin/sh", '"a\\x0aExecStart=/bin/sh"'),
    ],
)
def test_words_are_quoted_as_systemd_reads_them(word, text):
    assert quoted(word) == text


@pytest.mark.skipif(sys.platform != "linux", reason="asks where Linux has homes")
def test_a_program_in_a_home_is_hidden_from_the_service(tmp_path):
    assert hidden(str(Path("/home") / "pi" / "bin" / "edge-emo")) == "/home"
    assert hidden("/tmp/clip.mp4") == "/tmp"
    assert hidden("/opt/edge-emo/bin/edge-emo") is None
    assert hidden("/homes") is None


SANDBOX = """
import ctypes, errno, json, os, sys
lib = ctypes.CDLL("libseccomp.so.2")
lib.seccomp_init.restype = ctypes.c_void_p
class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]
LE, EQ, MASKED = 3, 4, 7
ALLOW, REFUSE = 0x7FFF0000, lambda number: 0x00050000 | number

def rule(filter, action, name, *compares):
    number = lib.seccomp_syscall_resolve_name(name.encode())
    if number >= 0:
        array = (Compare * len(compares))(*compares)
        code = lib.seccomp_rule_add_array(ctypes.c_void_p(filter), action, number, len(compares), array)
        assert code == 0, (name, code)

def load(filter):
    assert lib.seccomp_load(ctypes.c_void_p(filter)) == 0

calls, families = json.loads(sys.argv[1])
rest = lib.seccomp_init(ALLOW)
for family in set(range(46)) - set(families):
    rule(rest, REFUSE(errno.EAFNOSUPPORT), "socket", Compare(0, EQ, family, 0))
for name in ("mprotect", "pkey_mprotect"):
    rule(rest, REFUSE(errno.EPERM), name, Compare(2, MASKED, 4, 4))
rule(rest, REFUSE(errno.EPERM), "mmap", Compare(2, MASKED, 6, 6))
rule(rest, REFUSE(errno.EPERM), "shmat", Compare(2, MASKED, 0o100000, 0o100000))
load(rest)
allowed = lib.seccomp_init(REFUSE(errno.EPERM))
for name in calls:
    rule(allowed, ALLOW, name)
load(allowed)
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Forbids what the unit forbids of system calls, families of sockets, and memory that is both written and run."""


def has_seccomp():
    try:
        ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return False
    return True


def calls_of(group, seen=()):
    """Return the system calls of one of systemd's groups."""
    done = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True)
    names = {line.strip() for line in done.stdout.splitlines()[1:]} - {""}
    found = {name for name in names if name[0] not in "@#"}
    return found.union(*(calls_of(name) for name in names if name.startswith("@")))


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    """The words before a command that shut it in as the unit does."""
    import socket

    text = unit(["/e"])
    allow, refuse = values(text, "SystemCallFilter")
    calls = calls_of(allow) - set().union(*(calls_of(group) for group in refuse.removeprefix("~").split()))
    families = [getattr(socket, name) for name in values(text, "RestrictAddressFamilies")[0].split()]
    script = tmp_path_factory.mktemp("sandbox") / "sandbox.py"
    script.write_text(SANDBOX)
    return sys.executable, script, json.dumps([sorted(calls), families])


needs_seccomp = pytest.mark.skipif(not has_seccomp(), reason="needs libseccomp.so.2")


@needs_systemd
@needs_seccomp
def test_the_service_lives_with_what_the_unit_forbids(sandbox, start, quiet):
    service = start(*quiet, before=sandbox)
    opened = set()
    while len(opened) < 2:
        opened.add(until(service, "device", state="open")["device"])
    for pid in (service.pid, *children(service.pid)):
        assert "Seccomp:\t2" in Path(f"/proc/{pid}/status").read_text(), "it is shut in"
    service.terminate()
    _, told = service.communicate(timeout=SOON_S)
    assert told == b""
    assert service.returncode == 143


@needs_systemd
@needs_seccomp
def test_what_the_unit_forbids_is_forbidden_indeed(sandbox):
    code = """
        import mmap, os, socket
        for forbidden in (
            lambda: socket.socket(socket.AF_PACKET),
            lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC),
            lambda: os.chroot("/"),
            lambda: os.nice(1),
        ):
            try:
                forbidden()
            except OSError:
                print("refused")
    """
    command = [*sandbox, sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.split() == ["refused"] * 4, done.stderr
