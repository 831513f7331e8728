"""Exit codes: 2 for wrong usage, 3 for a damaged model or catalogue, 4 for nothing to recognize."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from edge_emo.cli import main
from tests.cli.conftest import document

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "arguments",
    [
        ["recommend"],
        ["recommend", "--mood", "hungry"],
        ["recommend", "--mood", "happy", "sample"],
        ["recommend", "sample", "-n", "0"],
        ["analyze", "sample", "--precision", "int4"],
        ["analyze", "sample", "--fps", "0"],
        ["analyze", "sample", "sample", "--srt"],
        ["analyze", "-", "--plot", "a.png"],
        ["analyze", "sample", "--faces", "none"],
        ["analyze", "sample", "--no-voice", "--no-face"],
        ["recommend", "sample", "--no-face", "--no-voice"],
        ["nonsense"],
    ],
)
def test_wrong_usage_is_exit_code_2(edge_emo, arguments):
    done = edge_emo(*arguments)
    assert done.returncode == 2
    assert b"Usage" in done.stderr
    assert done.stdout == b""


def test_wrong_paths_and_contradictions_are_usage_errors(edge_emo):
    card = ROOT / "models_onnx" / "voice.fp32.json"
    for arguments in (
        ("analyze", "sample", "--voice-model", "nowhere.json"),
        ("recommend", "--mood", "calm", "--catalogue", "nowhere.sqlite"),
        ("models", "list", "--models-dir", "nowhere"),
        ("analyze", "sample", "--voice-model", card, "--precision", "int8"),
    ):
        assert edge_emo(*arguments).returncode == 2, arguments


def test_a_detector_that_is_not_there_is_told(edge_emo, film):
    done = edge_emo("analyze", film, "--detector", "yunet.onnx")
    assert done.returncode == 2
    assert b"yunet.onnx: no such file" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [("songs", "search", "a\0"), ("recommend", "a\0.wav"), ("models", "list", "\0")])
def test_an_argument_with_a_nul_is_wrong_usage(arguments):
    """No shell passes one, but programs that call the command in their own process may."""
    done = CliRunner().invoke(main, arguments)
    assert (done.exit_code, done.exception.__class__) == (2, SystemExit)
    assert "contains a NUL" in done.stderr


def test_a_damaged_model_is_exit_code_3_and_named(edge_emo, models):
    assert edge_emo("models", "verify", "--models-dir", models).returncode == 0
    path = models / "voice.int8.onnx"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(bytes(content))
    done = edge_emo("models", "verify", "--models-dir", models, "--json")
    assert done.returncode == 3
    assert b"voice.int8.onnx" in done.stderr
    states = {Path(row["file"]).name: row["status"] for row in document(done, "models")["models"]}
    assert states.pop("voice.int8.onnx") != "ok"
    assert set(states.values()) == {"ok"}
    done = edge_emo("recommend", "sample", "--voice-model", models / "voice.int8.json")
    assert done.returncode == 3
    assert b"voice.int8.onnx: SHA-256" in done.stderr


def test_a_damaged_catalogue_is_exit_code_3_and_named(edge_emo, tmp_path):
    (tmp_path / "bad.sqlite").write_text("no catalogue" * 1000)
    for arguments in (["recommend", "sample"], ["songs", "search", "piano"], ["songs", "info"]):
        done = edge_emo(*arguments, "--catalogue", "bad.sqlite")
        assert done.returncode == 3
        assert b"bad.sqlite" in done.stderr
        assert b"Traceback" not in done.stderr


def test_no_voice_is_exit_code_4(edge_emo, silence):
    done = edge_emo("recommend", silence)
    assert done.returncode == 4
    assert b"no voice found" in done.stdout
    assert edge_emo("analyze", silence, "--json").returncode == 4
    assert edge_emo("analyze", silence, "sample").returncode == 0


def test_a_picture_without_a_face_is_exit_code_4(edge_emo, tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((90, 90, 3), 128, np.uint8))
    done = edge_emo("recommend", "a.png")
    assert done.returncode == 4
    assert b"no face found" in done.stdout
