"""What the command says where the extra is not installed. Runs without TensorFlow."""

import sys

import pytest
from click.testing import CliRunner

from export.__main__ import main


@pytest.mark.parametrize("arguments", [["inspect"], ["convert", "--out", "out"]])
def test_a_file_that_needs_the_extra_is_answered_with_how_to_install_it(arguments, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "voice.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    done = CliRunner().invoke(main, [*arguments, "voice.h5"])
    assert done.exit_code == 1
    assert done.stderr == "Error: h5py is missing; run `pip install '.[export]'` in your clone of edge-emo\n"
