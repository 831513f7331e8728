"""A child process: what it is kept from, and that its end is told. Nothing here needs TensorFlow."""

import os
import sys

import numpy as np
import pytest

from export.keras.child import Child, ChildError
from export.keras.confinement import landlock_version
from export.keras.source import SourceError

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="sockets are shut off by the Linux kernel")
with_landlock = pytest.mark.skipif(landlock_version() < 1, reason="the kernel has no Landlock, which bounds writing")


@pytest.fixture(scope="module")
def child():
    child = Child()
    yield child
    child.close()


def test_arrays_text_and_numbers_pass_both_ways(child):
    rows = np.arange(6, dtype=np.int32).reshape(2, 3)
    assert child.call("numpy:transpose", rows).tolist() == rows.T.tolist()
    assert child.call("operator:add", "é", "\n") == "é\n"
    assert child.call("builtins:dict", [["a", None], ["b", 1.5]]) == {"a": None, "b": 1.5}


def test_it_is_another_process_that_stays(child):
    assert child.call("os:getpid") == child.call("os:getpid") != os.getpid()


def test_what_it_prints_is_no_answer(child):
    assert child.call("builtins:print", "noise") is None


def test_what_a_function_raises_is_told(child):
    with pytest.raises(ChildError, match="ZeroDivisionError: division by zero"):
        child.call("operator:truediv", 1, 0)
    with pytest.raises(SourceError, match="nowhere: no such file") as caught:
        child.call("tests.export.keras.test_child:described", "nowhere")
    assert not isinstance(caught.value, ChildError)
    with pytest.raises(ChildError, match="PosixPath cannot be passed"):
        child.call("pathlib:PosixPath", "x")


def described(path):
    from pathlib import Path

    from export.keras.source import describe

    return describe(Path(path))


@on_linux
def test_it_opens_no_socket(child):
    with pytest.raises(ChildError, match="PermissionError"):
        child.call("socket:socket")


@with_landlock
def test_it_writes_into_its_own_folder_alone(child, tmp_path):
    with pytest.raises(ChildError, match="PermissionError"):
        child.call("os:mkdir", str(tmp_path / "made"))
    with pytest.raises(ChildError, match="PermissionError"):
        child.call("tests.export.keras.test_child:write", str(tmp_path / "written"))
    assert not list(tmp_path.iterdir())
    own = child.call("tempfile:mkdtemp")
    assert os.path.isdir(own)
    assert own.startswith(child.call("os:getcwd"))


def write(path):
    with open(path, "w") as file:
        file.write("text")


def test_a_crash_is_told_by_its_signal_and_the_next_call_starts_anew():
    child = Child()
    folder = child.call("os:getcwd")
    with pytest.raises(ChildError, match="was killed by SIGABRT"):
        child.call("os:abort")
    assert not os.path.exists(folder)
    with pytest.raises(ChildError, match="ended with exit code 3"):
        child.call("os:_exit", 3)
    assert child.call("operator:add", 1, 2) == 3


def test_it_takes_bounded_memory_and_time():
    with pytest.raises(ChildError, match="MemoryError"):
        Child(max_bytes=4 << 30).call("numpy:zeros", 1 << 30)
    with pytest.raises(ChildError, match=r"took longer than 0\.5 s"):
        Child(timeout_s=0.5).call("time:sleep", 60)
