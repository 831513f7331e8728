import json

import numpy as np
import pytest

from edge_emo.media.sources import sample_path
from tests.golden.make import FILE, SPEECH, golden, golden_face

EVERYTHING = json.loads(FILE.read_text())
EXPECTED, FACE = EVERYTHING["voice"], EVERYTHING["face"]
SOUNDS = {"voice": SPEECH, "sample": sample_path()}


@pytest.fixture(scope="module", params=SOUNDS)
def found_and_expected(request):
    return golden(SOUNDS[request.param]), EVERYTHING[request.param]


def test_voice_is_where_it_was(found_and_expected):
    found, expected = found_and_expected
    assert found["spans"] == expected["spans"]


@pytest.mark.parametrize("name", EXPECTED["inputs"])
def test_network_inputs_are_what_they_were(found_and_expected, name):
    found, expected = found_and_expected
    assert np.abs(np.subtract(found["inputs"][name], expected["inputs"][name])).max() < 2e-3


@pytest.mark.parametrize("name", EXPECTED["probabilities"])
def test_probabilities_are_what_they_were(found_and_expected, name):
    found, expected = found_and_expected
    # int8 rounds differently where a processor sums in another order
    tolerance = 0.03 if "int8" in name else 5e-3
    assert np.abs(np.subtract(found["probabilities"][name], expected["probabilities"][name])).max() < tolerance


@pytest.fixture(scope="module")
def face():
    return golden_face()


@pytest.mark.parametrize("precision", FACE["faces"])
def test_faces_are_where_they_were(face, precision):
    # pixels, and percent of the score; int8 rounds differently where a processor sums in another order
    tolerance = 4.0 if precision == "int8" else 0.5
    assert np.abs(np.subtract(face["faces"][precision], FACE["faces"][precision])).max() < tolerance


@pytest.mark.parametrize("name", FACE["probabilities"])
def test_expressions_are_what_they_were(face, name):
    tolerance = 0.03 if "int8" in name else 5e-3
    assert np.abs(np.subtract(face["probabilities"][name], FACE["probabilities"][name])).max() < tolerance
