"""Temperature and threshold, and that a named answer is right as often as is promised."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra: pip install '.[export]'")

from edge_emo.core.emotions import EMOTIONS
from export.measure.voice_score import Scores, fit_temperature, fit_threshold
from export.train.corpora import Clip


def answers(rng, n, sharpness, right_from=0.0):
    """Probabilities (n, 8) and labels that they are right about as often as they say, or less."""
    logits = rng.normal(size=(n, 8)) * 2
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(8, p=row) for row in probabilities])
    wrong = rng.random(n) < right_from
    labels[wrong] = rng.integers(0, 8, wrong.sum())
    sharp = np.exp(logits * sharpness)
    return sharp / sharp.sum(axis=1, keepdims=True), labels


def test_named_answers_are_right_in_the_share_that_is_asked_for(rng):
    probabilities, labels = answers(rng, 20000, 1.0, 0.25)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    half, most = fit_threshold(probabilities, labels), fit_threshold(probabilities, labels, share=0.65)
    assert half < most
    assert right[confidence >= most].mean() == pytest.approx(0.65, abs=0.02)
    assert fit_threshold(probabilities, labels, share=0.99) == 1.0  # never so sure: nothing is named


def test_corpora_count_alike_whatever_their_size(rng):
    sure, doubtful = answers(rng, 4000, 1.0), answers(rng, 200, 1.0, 0.8)
    probabilities, labels = (np.concatenate(pair) for pair in zip(sure, doubtful, strict=True))
    weights = np.concatenate([np.full(4000, 1 / 4000), np.full(200, 1 / 200)])
    assert fit_threshold(probabilities, labels, weights, 0.65) > fit_threshold(probabilities, labels, None, 0.65)

    def temperature_scaled(temperature):
        scores = np.log(probabilities) / temperature
        return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)

    assert fit_temperature(temperature_scaled, labels, weights) > fit_temperature(temperature_scaled, labels) + 0.2


def test_a_clip_of_a_speaker_whose_sex_is_not_known_counts_for_neither():
    sexes = [True, False, None, None]
    clips = tuple(Clip(None, "made", i, sex, EMOTIONS[0]) for i, sex in enumerate(sexes))
    windows = tuple(np.eye(8)[[k]] for k in (0, 1, 1, 1))
    report = Scores(clips, windows, tuple(np.ones(1) for _ in clips)).report()
    assert (report["uar_women"], report["uar_men"], report["accuracy"]) == (1.0, 0.0, 0.25)
