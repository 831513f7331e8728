"""What `convert` writes: models, cards, evidence and report; and when there is no int8. Needs TensorFlow."""

import re

import pytest

pytest.importorskip("onnx", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tensorflow", reason="needs the extra: pip install '.[export]'")
pytest.importorskip("tf_keras", reason="needs the extra: pip install '.[export]'")

import cv2
import numpy as np
import onnx

from tests.export.command.running import card, convert, network, verify


def test_fp32_and_int8_with_cards_evidence_and_report(exported):
    out, done = exported
    assert done.exit_code == 0, done.output
    assert {path.name for path in out.iterdir()} == {
        "net.fp32.onnx", "net.fp32.json", "net.int8.onnx", "net.int8.json", "net.parity.npz", "net.report.md",
        "net.report.png"
    }  # fmt: skip
    for name in ("net.fp32", "net.int8"):
        onnx.checker.check_model(onnx.load(out / f"{name}.onnx"), full_check=True)
    fp32, int8 = card(out / "net.fp32.json"), card(out / "net.int8.json")
    assert (fp32["preprocessing"], fp32["input"]["shape"], fp32["output"]["shape"]) == (None, [None, 40, 3], [None, 5])
    (parity,) = fp32["parity"]["gates"]
    assert parity["value"] <= parity["maximum"] == 1e-4
    assert parity["samples"] == 500  # 240 real ones, and random ones
    gates = {gate["name"]: gate for gate in int8["parity"]["gates"]}
    assert gates["agreement of labels with fp32"]["value"] >= 0.98
    assert gates["change of accuracy"]["minimum"] == -0.01
    assert all(gate["holds"] for gate in gates.values())
    assert int8["parity"]["chosen"] in {candidate["variant"] for candidate in int8["parity"]["candidates"]}
    assert set(int8["parity"]["versions"]) >= {"onnxruntime", "onnx", "python"}


def test_figures_are_told_after_what_they_are_figures_of_and_a_line_each(exported):
    lines = exported[1].stdout.splitlines()
    assert re.fullmatch(r".*net\.fp32\.onnx: [\d,]+ kB", lines[0])
    parity = r"  largest difference from the source, as a share of its outputs: \S+e-\d+ \(limit 1e-4, 500 inputs\)"
    assert re.fullmatch(parity, lines[1])
    start = next(place for place, line in enumerate(lines) if "net.int8.onnx: " in line)
    assert lines[start + 3] == "  layers that can saturate: 0 (limit 0)"
    assert re.fullmatch(r"  [\d.]+% of labels agree with fp32 \(limit 98%, 160 inputs\)", lines[start + 4])
    assert re.fullmatch(r"  change of accuracy: -?[\d.]+ points \(limit -1 points, 160 inputs\)", lines[start + 5])
    assert "run it with" not in exported[1].stdout  # as nobody said what it is for


def test_the_report_shows_the_graph_and_every_candidate(exported):
    report = (exported[0] / "net.report.md").read_text()
    assert "| Conv | 2 | 2 | 2 |" in report
    assert report.count("| chosen |") == 1
    assert "U16S8 per tensor, Entropy" in report
    picture = cv2.imread(str(exported[0] / "net.report.png"))
    assert picture.shape[0] > 400
    assert picture.std() > 10


def test_what_replaces_the_conversion_of_another_file_says_so(model_file, tmp_path):
    import keras

    again = tmp_path / "net.h5"
    network(keras).save(again)
    for path, words in (
        (model_file, ""),
        (model_file, ""),
        (again, "replaces the conversion of net.keras\n"),
        (model_file, "replaces the conversion of net.h5\n"),
    ):
        done = convert(path, tmp_path / "out")
        assert done.exit_code == 0, done.output
        assert words in done.stderr
        assert ("replaces" in done.stderr) == bool(words)


def test_without_real_inputs_there_is_a_warning_and_no_int8(model_file, tmp_path):
    done = convert(model_file, tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "WARNING: compared on random numbers only, and no int8" in done.stderr
    assert not list((tmp_path / "out").glob("*.int8.*"))
    assert "no int8" in (tmp_path / "out" / "net.report.md").read_text().lower()
    assert verify(tmp_path / "out").exit_code == 0


def test_int8_by_force_from_random_numbers_is_marked(model_file, tmp_path):
    done = convert(model_file, tmp_path / "out", "--force")
    assert done.exit_code == 1
    assert "was written by force" in done.stderr
    assert card(tmp_path / "out" / "net.int8.json")["parity"]["forced"] is True
    assert "Written by force" in (tmp_path / "out" / "net.report.md").read_text()
    checked = verify(tmp_path / "out")
    assert checked.exit_code == 1
    assert "was written by force" in checked.output


@pytest.fixture
def brittle(tmp_path):
    """A network whose labels hang on the seventh digit of its weights, and inputs to see it."""
    import keras

    rng = np.random.default_rng(0)
    model = keras.Sequential([keras.layers.Input((2000,)), keras.layers.Dense(3)])
    weights = np.ones((2000, 3)) + 1e-5 * rng.standard_normal((2000, 3))
    model.set_weights([weights.astype(np.float32), np.zeros(3, np.float32)])
    model.save(tmp_path / "brittle.h5")
    np.savez(tmp_path / "real.npz", inputs=rng.standard_normal((200, 2000)).astype(np.float32))
    return tmp_path / "brittle.h5", tmp_path / "real.npz"


def test_int8_that_fails_its_gates_is_not_written(brittle, tmp_path):
    path, real = brittle
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "brittle.int8.onnx").write_bytes(b"of an earlier export")
    done = convert(path, tmp_path / "out", "--calibrate", real, "--outputs", "logits")
    assert done.exit_code == 1
    assert "no int8: every candidate was refused" in done.stderr
    assert "brittle.int8.onnx, of an earlier export" in done.stderr
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        "brittle.fp32.onnx", "brittle.fp32.json", "brittle.parity.npz", "brittle.report.md"
    }  # fmt: skip
    assert "Nothing was let out" in (tmp_path / "out" / "brittle.report.md").read_text()


def test_force_writes_what_fails_but_nothing_that_saturates(brittle, tmp_path):
    path, real = brittle
    done = convert(path, tmp_path / "out", "--calibrate", real, "--force", "--outputs", "logits")
    assert done.exit_code == 1
    (written,) = (tmp_path / "out").glob("brittle.[!f]*.json")
    found = card(written)["parity"]
    gates = {gate["name"]: gate for gate in found["gates"]}
    assert found["forced"] is True
    assert not gates["agreement of labels with fp32"]["holds"]
    assert gates["layers that can saturate"]["holds"]
