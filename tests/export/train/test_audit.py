"""A leak is told: a person, a sound or a picture on both sides of a split, however it was recorded or shown again."""

import cv2
import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra: pip install '.[export]'")

from edge_emo.media.sound import SAMPLE_RATE
from export.train import audit
from export.train.devices import coded


def side(prints, people=None):
    people = people or [""] * len(prints)
    return audit.Side(np.stack(prints), tuple(people), tuple(f"{i}" for i in range(len(prints))))


def apart(a, b):
    return int((a != b).sum())


def test_the_same_sound_is_known_again_at_another_level_and_from_a_codec(sample, rng):
    speech = sample[: 3 * SAMPLE_RATE]
    own = audit.sound_print(speech)
    assert own.shape == (256,)
    assert apart(own, audit.sound_print(speech * np.float32(0.1))) <= 4
    assert apart(own, audit.sound_print(coded(speech, np.random.default_rng(3)))) <= audit.NEAR
    other = audit.sound_print(sample[4 * SAMPLE_RATE :])
    assert apart(own, other) > 2 * audit.NEAR


def test_the_same_picture_is_known_again_smaller_darker_and_compressed(portrait, rng):
    gray = cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY)
    own = audit.picture_print(gray)
    smaller = cv2.resize((gray * 0.6).astype(np.uint8), (128, 128), interpolation=cv2.INTER_AREA)
    again = cv2.imdecode(cv2.imencode(".jpg", smaller, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_GRAYSCALE)
    assert apart(own, audit.picture_print(again)) <= audit.NEAR
    assert apart(own, audit.picture_print(np.ascontiguousarray(gray[:, ::-1]))) > 2 * audit.NEAR


def test_people_and_copies_on_both_sides_are_counted_and_the_nearest_named(rng):
    prints = [rng.random(256) < 0.5 for _ in range(6)]
    near = prints[1].copy()
    near[:5] ^= True
    left, right = side(prints[:3], ["a 1", "a 2", ""]), side([*prints[3:5], near], ["b 1", "a 2", ""])
    found = audit.compare("made", left, right)
    assert found.people == ("a 2",)  # nobody is not somebody
    assert found.n_near == 1
    assert found.nearest == (("1", "2", 5),)
    assert found.sizes == (3, 3)


def test_a_side_keeps_what_belongs_together(rng):
    whole = side([rng.random(256) < 0.5 for _ in range(4)], ["a 1", "a 2", "a 1", "a 3"])
    rest, part = whole.divided({"a 1"})
    assert (rest.names, part.names) == (("1", "3"), ("0", "2"))
    assert np.array_equal(part.prints, whole.prints[[0, 2]])
    assert audit.together([part, whole]).names == ("0", "2", "0", "1", "2", "3")
