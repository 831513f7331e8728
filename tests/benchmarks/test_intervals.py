import numpy as np
import pytest

pytest.importorskip("scipy")

from benchmarks.intervals import accuracy, interval, mean_recall, with_interval


def test_the_interval_of_a_share_is_that_of_the_binomial_distribution(rng):
    right = rng.random(400) < 0.7
    low, high = interval(range(400), lambda drawn: float(right[drawn].mean()))
    share, half = right.mean(), 1.96 * np.sqrt(right.mean() * (1 - right.mean()) / 400)
    assert low == pytest.approx(share - half, abs=0.012)
    assert high == pytest.approx(share + half, abs=0.012)


def test_people_are_drawn_whole():
    """Ten people who are always right or always wrong: a thousand clips say no more than ten would."""
    people = np.repeat(np.arange(10), 100)
    right = people < 5
    wide = interval(people, lambda drawn: float(right[drawn].mean()))
    narrow = interval(range(1000), lambda drawn: float(right[drawn].mean()))
    assert wide[1] - wide[0] > 5 * (narrow[1] - narrow[0])


def test_one_person_has_no_interval():
    assert np.isnan(interval(["a", "a"], lambda drawn: 1.0)).all()


def test_mean_recall_is_that_of_scikit_learn(rng):
    metrics = pytest.importorskip("sklearn.metrics")
    labels = rng.integers(0, 5, 200)
    labels[labels == 3] = 2  # a label that never occurs
    predictions = np.where(rng.random(200) < 0.5, labels, rng.integers(-1, 5, 200))
    expected = metrics.recall_score(labels, predictions, labels=np.unique(labels), average="macro", zero_division=0)
    assert mean_recall(labels, predictions) == pytest.approx(expected)
    assert accuracy(labels, predictions) == pytest.approx(metrics.accuracy_score(labels, predictions))


def test_a_value_lies_in_its_interval(rng):
    labels = rng.integers(0, 3, 90)
    predictions = np.where(rng.random(90) < 0.6, labels, 0)
    found = with_interval(accuracy, labels, predictions, range(90))
    assert found["low"] < found["value"] < found["high"]
