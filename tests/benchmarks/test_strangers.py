"""What is said of people whom nobody trained on, from scores that are known."""

import csv
import json

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

pytest.importorskip("sklearn", reason="needs the extra: pip install '.[export]'")

from benchmarks import accuracy, strangers
from edge_emo.core.emotions import EMOTIONS
from edge_emo.media.sound import SAMPLE_RATE
from export.measure.voice_score import Scores
from export.train.corpora import STRANGERS, Clip

SAD, HAPPY, CALM, NEUTRAL = (EMOTIONS.index(name) for name in ("sad", "happy", "calm", "neutral"))


def scores(rows):
    """Scores of clips of one window each: (true emotion, {emotion: probability})."""
    clips = tuple(Clip(None, "made", i % 2, None, EMOTIONS[label]) for i, (label, _) in enumerate(rows))
    windows = []
    for _, probabilities in rows:
        window = np.full(8, (1 - sum(probabilities.values())) / (8 - len(probabilities)))
        window[list(probabilities)] = list(probabilities.values())
        windows.append(window[None])
    return Scores(clips, tuple(windows), tuple(np.ones(1) for _ in rows))


def test_an_emotion_that_a_corpus_lacks_is_wrong_among_eight_and_passed_over_among_its_own():
    rows = [(NEUTRAL, {CALM: 0.5, NEUTRAL: 0.4}), (HAPPY, {HAPPY: 0.9}), (SAD, {HAPPY: 0.6})]
    row = strangers.corpus_row(scores(rows), ("neutral", "happy", "sad"), 0.55)
    assert row["uar"]["value"] == pytest.approx(2 / 3)
    assert row["uar_all"] == pytest.approx(1 / 3)
    assert row["named"] == pytest.approx(2 / 3)
    assert row["named_right"] == pytest.approx(1 / 2)
    assert row["recall"] == {"neutral": 1.0, "happy": 1.0, "sad": 0.0}


def test_a_reader_may_be_neutral_calm_or_uncertain():
    rows = [(NEUTRAL, {NEUTRAL: 0.9}), (NEUTRAL, {CALM: 0.9}), (NEUTRAL, {SAD: 0.4}), (NEUTRAL, {SAD: 0.9})]
    row = strangers.readers_row(scores(rows), 0.5)
    assert row["files_named_otherwise"] == row["windows_named_otherwise"] == 0.25
    assert row["files_neutral_or_calm"] == 0.5
    assert row["files_named"] == 0.75


def test_the_command_scores_each_corpus_and_ordinary_readers(tmp_path, sample):
    for name, emotions in STRANGERS.items():
        (tmp_path / name).mkdir()
        rows = [("file", "speaker", "gender", "emotion")]
        rows += [(f"test-other_{i}.flac", f"{name}-{i}", "f", emotion) for i, emotion in enumerate(emotions[:2])]
        for row in rows[1:]:
            soundfile.write(tmp_path / name / row[0], sample[: 3 * SAMPLE_RATE], SAMPLE_RATE)
        with (tmp_path / name / "manifest.csv").open("w", newline="") as file:
            csv.writer(file).writerows(rows)
    out = tmp_path / "out.json"
    done = CliRunner().invoke(accuracy.main, ["strangers", str(tmp_path), "--json", str(out)])
    assert done.exit_code == 0, done.output
    (table,) = json.loads(out.read_text())["results"].values()
    assert list(table) == ["casia", "urdu", "ased", "bangla", "together", "librispeech"]
    assert table["bangla"]["uar"]["value"] == 0.5  # of two emotions, in the same sound
    assert 0 <= table["together"]["uar"] <= 0.5
    assert table["librispeech"]["n"] == 2
    assert "2 files of ordinary readers" in done.output
