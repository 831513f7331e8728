import numpy as np
import pytest

from edge_emo.face.network_input import prepare
from edge_emo.models.schema import FacePreprocessing

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def plain(color, height=30, width=20):
    return np.full((height, width, 3), color, np.uint8)


@pytest.mark.parametrize(("color", "luma"), [(RED, 0.299), (GREEN, 0.587), (BLUE, 0.114)])
def test_grey_is_luma(color, luma):
    made = prepare(plain(color), FacePreprocessing(width=8, height=6))
    assert made.shape == (6, 8, 1)
    assert made.dtype == np.float32
    assert np.allclose(made, luma, atol=0.003)


def test_colours_keep_the_order_that_the_card_states():
    assert prepare(plain(RED), FacePreprocessing(width=4, height=4, color="rgb"))[0, 0].tolist() == [1, 0, 0]
    assert prepare(plain(RED), FacePreprocessing(width=4, height=4, color="bgr"))[0, 0].tolist() == [0, 0, 1]


def test_each_colour_has_its_own_mean_and_deviation_and_may_come_first():
    spec = FacePreprocessing(
        width=5, height=3, color="rgb", layout="chw", mean=(255.0, 100.0, 0.0), std=(1.0, 2.0, 4.0)
    )
    made = prepare(plain((250, 120, 40)), spec)
    assert made.shape == spec.shape == (3, 3, 5)
    assert made[:, 0, 0].tolist() == [-5, 10, 10]


def test_a_picture_that_shrinks_is_averaged_not_sampled():
    stripes = np.zeros((48, 48, 3), np.uint8)
    stripes[:, ::2] = 200
    made = prepare(stripes, FacePreprocessing(width=24, height=24, std=(1.0,)))
    assert np.allclose(made, 100, atol=1)


@pytest.mark.parametrize("changes", [{"mean": (1.0, 2.0)}, {"std": (0.0,)}, {"std": (-1.0,)}])
def test_a_front_end_that_makes_no_sense_is_refused(changes):
    with pytest.raises(ValueError, match=r"mean|std"):
        FacePreprocessing(width=4, height=4, **changes)
