import numpy as np
import pytest

from benchmarks.arm_answers import arrays, difference, front_end_gaps
from benchmarks.arm_variants import saturating
from edge_emo.models.card_json import read_card
from edge_emo.models.manifest import card_path

VOICE = read_card(card_path("voice"))
DETECTOR = read_card(card_path("detector"))


def logits(*labels, surety=4.0):
    """Return outputs of the voice network that are sure of these labels."""
    return [surety * np.eye(8, dtype=np.float32)[label] for label in labels]


def test_equal_outputs_do_not_differ():
    found = difference(VOICE, [], logits(0, 3), logits(0, 3))
    assert (found.other_labels, found.largest, found.mean, found.bit_identical) == (0, 0.0, 0.0, True)


def test_inputs_of_another_label_are_counted():
    found = difference(VOICE, [None] * 3, logits(0, 3, 5), logits(0, 4, 5))
    assert (found.inputs, found.other_labels, found.bit_identical) == (3, 1, False)
    assert found.largest > 0.8


def test_probabilities_are_compared_not_logits():
    found = difference(VOICE, [None], logits(2, surety=40.0), logits(2, surety=50.0))
    assert found.largest < 1e-6
    assert not found.bit_identical


def test_the_mean_is_over_all_labels():
    found = difference(VOICE, [None] * 2, logits(0, 1, surety=100.0), logits(0, 2, surety=100.0))
    assert found.mean == pytest.approx(2 / 16)


def cells(*scores):
    """Return a detector's output of 84 cells for 64 x 64 pixels, with faces far from each other at the first cells."""
    out = np.zeros((84, 15), np.float32)
    out[:, 0] = -9.0
    out[[0, 7, 56, 63][: len(scores)], 0] = scores
    return out


def test_a_detectors_label_is_the_number_of_faces():
    picture = np.zeros((64, 64, 3), np.float32)
    found = difference(DETECTOR, [picture, picture], [cells(5, 5), cells(5)], [cells(5, 5), cells(5, 5)])
    assert (found.inputs, found.other_labels) == (2, 1)
    assert found.largest == pytest.approx(1 / (1 + np.exp(-5)) - 1 / (1 + np.exp(9)))


def test_pictures_of_different_sizes_are_compared():
    wide = np.zeros((64, 128, 3), np.float32)
    found = difference(DETECTOR, [wide], [np.full((168, 15), -9, np.float32)], [np.full((168, 15), -9, np.float32)])
    assert found.bit_identical


def test_gaps_of_front_ends_are_those_of_the_worst_input(tmp_path):
    for name, last in (("here", 0.0), ("there", 0.5)):
        (tmp_path / name).mkdir()
        np.savez(tmp_path / name / "voice.inputs.npz", np.zeros((2, 3)), np.array([0.0, last]))
    found = front_end_gaps(["voice"], tmp_path / "here", tmp_path / "there")
    assert found == {"voice": {"inputs": 2, "largest": 0.5, "mean": 0.125}}


def test_a_front_end_that_makes_fewer_inputs_is_an_error(tmp_path):
    for name, rows in (("here", 1), ("there", 2)):
        (tmp_path / name).mkdir()
        np.savez(tmp_path / name / "voice.inputs.npz", *np.zeros((rows, 4)))
    with pytest.raises(ValueError, match="zip"):
        front_end_gaps(["voice"], tmp_path / "here", tmp_path / "there")


def test_arrays_come_back_in_their_order(tmp_path):
    np.savez(tmp_path / "many.npz", *(np.full(2, number) for number in range(12)))
    assert [row[0] for row in arrays(tmp_path / "many.npz")] == list(range(12))


def test_a_variant_saturates_where_it_is_further_from_fp32_than_on_arm():
    rows = {
        "plain": {"from_fp32_here": 0.02, "from_fp32_on_arm": 0.002},
        "7 bits": {"from_fp32_here": 0.002, "from_fp32_on_arm": 0.002},
    }
    assert saturating(rows) == ["plain"]
