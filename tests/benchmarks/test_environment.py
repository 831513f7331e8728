import json
import subprocess
import sys

import click
import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks import environment
from edge_emo.bench.document import Load


def test_results_are_written_with_their_machine_and_the_models_they_are_about(tmp_path):
    results = {"numpy": np.float64(0.5), "count": np.int64(3), "load": Load("a", 1.0, None), "none": float("nan")}
    environment.write(tmp_path / "out.json", "test", results, models="face.")
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["benchmark"] == "test"
    assert found["results"] == {
        "numpy": 0.5,
        "count": 3,
        "load": {"name": "a", "ms": 1.0, "resident_mb": None},
        "none": None,
    }
    assert set(found["environment"]["models"]) == {"face.fp32.json", "face.int8.json"}
    assert {"cpu", "cores", "commit", "versions", "threads"} <= set(found["environment"])


def test_what_json_does_not_know_is_refused(tmp_path):
    with pytest.raises(TypeError, match="object cannot be written"):
        environment.write(tmp_path / "out.json", "test", object())


@click.command()
@environment.json_option()
def measure(json_path):
    environment.write(json_path, "test", {})


def test_a_path_for_results_is_tried_before_anything_is_measured(tmp_path):
    done = CliRunner().invoke(measure, ["--json", str(tmp_path / "new" / "out.json")])
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "new" / "out.json").read_text())["benchmark"] == "test"
    (tmp_path / "file").touch()
    done = CliRunner().invoke(measure, ["--json", str(tmp_path / "file" / "out.json")])
    assert done.exit_code == 2
    assert "cannot be written" in done.output
    assert CliRunner().invoke(measure, []).exit_code == 0


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import no_such_library", "No module named 'no_such_library'; pip install -e '.[bench]'"),
        ("from pathlib import Path; Path('nowhere').read_bytes()", "nowhere"),
        ("from edge_emo import analyze; analyze('nowhere.wav')", "nowhere.wav"),
    ],
)
def test_what_a_user_can_mend_is_told_without_a_traceback(code, told):
    done = run(f"import sys; sys.argv[0] = '-m'; import benchmarks\n{code}")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_mistake_of_ours_shows_where_it_is():
    assert "Traceback" in run("import sys; sys.argv[0] = '-m'; import benchmarks\n1 / 0").stderr


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=environment.ROOT, capture_output=True, text=True, check=False
    )
