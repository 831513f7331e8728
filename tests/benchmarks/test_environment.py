import json

import numpy as np
import pytest

from benchmarks import environment
from edge_emo.bench.document import Load


def test_results_are_written_with_their_machine_and_the_models_they_are_about(tmp_path):
    results = {"numpy": np.float64(0.5), "count": np.int64(3), "load": Load("a", 1.0, None), "none": float("nan")}
    environment.write(tmp_path / "new" / "out.json", "test", results, models="face.")
    found = json.loads((tmp_path / "new" / "out.json").read_text())
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
