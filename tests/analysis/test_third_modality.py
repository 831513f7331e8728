"""A modality that nobody thought of is one entry of the registry, and is found, fused and reported like the others."""

import csv
import io
import json

import pytest
from click.testing import CliRunner

import edge_emo
from edge_emo.analysis.modalities import MODALITIES, Modality
from edge_emo.cli import main
from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.timeline import Reading, decide
from edge_emo.media.film import Frame
from edge_emo.music.ranking.recommend import recommend


class Gestures:
    """Sees surprise in every frame, and cannot tell it from fear."""

    sample_rate, threshold, is_cut, provisional, settled_s = None, 0.4, False, (), 0.0

    @property
    def model_names(self):
        return {"gesture": "gesture 1.0.0 fp32"}

    def reader(self, *, live=False):
        return Gestures()

    def push(self, frame):
        self.settled_s = frame.end_s
        probabilities = tuple(0.02 if name != "surprised" else 0.86 for name in EMOTIONS)
        raw, emotion, reason = decide(probabilities, self.threshold)
        yield Reading("gesture", frame.start_s, frame.end_s, raw, probabilities, emotion, reason)

    def finish(self):
        return iter(())


@pytest.fixture
def gesture(monkeypatch):
    entry = Modality(
        "gesture", "picture", lambda options: Gestures(), "shown", "nothing_found", (("fearful", "surprised"),)
    )
    monkeypatch.setitem(MODALITIES, "gesture", entry)


def run(*arguments):
    done = CliRunner().invoke(main, [*map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    return done.stdout


@pytest.mark.usefixtures("gesture")
def test_it_is_read_fused_and_summed_up(film):
    timeline = edge_emo.analyze(film)
    assert list(timeline.by_modality) == ["voice", "face", "gesture"]
    assert timeline.by_modality["gesture"].raw == "surprised"
    assert timeline.models["gesture"] == "gesture 1.0.0 fp32"
    assert any(set(step.labels) == {"voice", "face", "gesture"} for step in timeline.steps)
    without = edge_emo.analyze(film, gesture=False)
    assert list(without.by_modality) == ["voice", "face"]
    p, q = timeline.summary.probabilities, without.summary.probabilities
    assert p["surprised"] + p["fearful"] > q["surprised"] + q["fearful"]
    assert p["surprised"] / p["fearful"] == pytest.approx(q["surprised"] / q["fearful"], rel=0.5)  # left to the others


@pytest.mark.usefixtures("gesture")
def test_alone_it_is_all_there_is(film):
    timeline = edge_emo.analyze(film, voice=False, face=False)
    assert list(timeline.by_modality) == ["gesture"]
    assert {reading.modality for reading in timeline.readings} == {"gesture"}


@pytest.mark.usefixtures("gesture")
def test_a_live_session_takes_it_as_well(portrait):
    session = edge_emo.Analyzer(voice=False, face=False).live_session()
    found = [reading for k in range(10) for reading in session.push_frame(Frame(k / 5, (k + 1) / 5, portrait))]
    session.finish()
    assert len(found) == 10
    assert {label for step in session.steps() for label in step.labels.items()} == {("gesture", "surprised")}


@pytest.mark.usefixtures("gesture")
def test_every_report_has_it(film, tmp_path):
    text = run("analyze", film, "--plot", tmp_path / "a.svg")
    assert "shown: surprised" in text
    assert ">gesture<" in (tmp_path / "a.svg").read_text() or "<!-- gesture -->" in (tmp_path / "a.svg").read_text()
    [result] = json.loads(run("analyze", film, "--json"))["results"]
    assert result["by_modality"]["gesture"]["emotion"] == "surprised"
    assert {step["labels"].get("gesture") for step in result["steps"]} >= {"surprised"}
    rows = list(csv.DictReader(io.StringIO(run("analyze", film, "--csv"))))
    assert {row["modality"] for row in rows} == {"voice", "face", "gesture"}


@pytest.mark.usefixtures("gesture")
def test_songs_are_shared_out_among_all(film):
    songs = recommend(edge_emo.analyze(film), 10, seed=3, strategy="five-and-five")
    assert len({item.song.uid for item in songs}) == 10
