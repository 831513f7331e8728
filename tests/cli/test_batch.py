"""Progress on a terminal, which must never get into the data."""

import io
import itertools
import sys

import pytest

from edge_emo.analysis.analyzer import Analyzer
from edge_emo.cli import batch
from edge_emo.media.sources import sample_path


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def slow_clock(monkeypatch):
    monkeypatch.setattr(batch.time, "monotonic", itertools.count(0, 10).__next__)


def run(monkeypatch, stderr, stdout):
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(sys, "stdout", stdout)

    def job(source, on_progress):
        on_progress(0.5)
        print("data of", source)
        return source

    return list(batch.Batch(["a.wav", "b.wav"], job))


def test_data_in_a_pipe_stay_there_while_the_bar_is_drawn(monkeypatch, slow_clock):
    stderr, stdout = Terminal(), io.StringIO()
    assert run(monkeypatch, stderr, stdout) == ["a.wav", "b.wav"]
    assert stdout.getvalue() == "data of a.wav\ndata of b.wav\n"
    assert "Analyzing" in stderr.getvalue()
    assert "data" not in stderr.getvalue()


def test_no_bar_for_what_is_done_at_once(monkeypatch):
    monkeypatch.setattr(batch.time, "monotonic", lambda: 0.0)
    stderr = Terminal()
    run(monkeypatch, stderr, io.StringIO())
    assert stderr.getvalue() == ""


def test_no_bar_without_a_terminal(monkeypatch, slow_clock):
    stderr = io.StringIO()
    run(monkeypatch, stderr, io.StringIO())
    assert stderr.getvalue() == ""


def test_analyzer_tells_how_far_it_is():
    told: list[float] = []
    Analyzer()(sample_path(), told.append)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0, abs=0.01)


def test_an_interruption_keeps_what_is_done(monkeypatch, capsys):
    def job(source, on_progress):
        if source == "b.wav":
            raise KeyboardInterrupt
        return source

    found = batch.Batch(["a.wav", "b.wav", "c.wav"], job)
    assert list(found) == ["a.wav"]
    assert found.exit_code(recognized=True) == 130
    assert "2 of 3 sources were not done" in capsys.readouterr().err
