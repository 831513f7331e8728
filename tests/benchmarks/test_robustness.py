"""What the curves of robustness say, from scores that are known."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra: pip install '.[export]'")

from benchmarks.robustness import crowd, voice_row
from edge_emo.core.emotions import EMOTIONS
from export.measure.voice_score import Scores
from export.train.corpora import Clip


def scores(predictions):
    clips = tuple(
        Clip(None, "made", speaker, speaker % 2 == 0, EMOTIONS[label]) for speaker in range(10) for label in range(8)
    )
    windows = tuple(np.eye(8)[[g]] if g >= 0 else np.zeros((0, 8)) for g in predictions)
    return Scores(clips, windows, tuple(np.ones(len(w)) for w in windows))


def test_a_row_says_what_changed_and_how_sure_it_is():
    labels = np.tile(np.arange(8), 10)
    worse = labels.copy()
    worse[::8] = 3  # every neutral one is taken for sad
    worse[1] = -1  # and in one clip no voice is found
    row = voice_row(scores(worse), scores(labels))
    assert row["labels_changed"] == 11
    assert row["without_voice"] == 1
    assert row["n"] == 80
    assert row["uar"]["value"] == pytest.approx((0 + 0.9 + 6) / 8)
    assert row["accuracy"]["value"] == pytest.approx(69 / 80)
    assert row["uar"]["low"] <= row["uar"]["value"] <= row["uar"]["high"]


def test_a_crowd_is_many_voices_at_once(data):
    from export.train.corpora import corpus_folder, ravdess

    sound = crowd(ravdess(corpus_folder(data, "ravdess")))
    assert sound.shape == (80_000,)
    assert 1 < np.sqrt(np.mean(sound**2)) < 4
