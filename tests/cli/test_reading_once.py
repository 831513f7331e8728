"""A film is opened and read once, whatever is asked for in one go; only drawing onto every frame reads it again."""

import pytest
from click.testing import CliRunner

from edge_emo.cli import main

av = pytest.importorskip("av", reason="films need PyAV: pip install '.[video]'")


@pytest.fixture
def opened(film, monkeypatch):
    """How often a film was opened to be read."""
    count = {"film": 0}
    open_file = av.open

    def counted(file, mode="r", *args, **kwargs):
        count["film"] += mode == "r"
        return open_file(file, mode, *args, **kwargs)

    monkeypatch.setattr(av, "open", counted)
    return count


def ran(*arguments):
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done


@pytest.mark.parametrize("asked", [[], ["--no-face"], ["--no-voice"], ["--plot"], ["--json", "--plot"]], ids=" ".join)
def test_analyze(film, opened, tmp_path, asked):
    path = [tmp_path / "a.png"] if "--plot" in asked else []
    ran("analyze", film, *asked, *path)
    assert opened["film"] == 1
    assert all(each.stat().st_size > 5000 for each in path)


@pytest.mark.parametrize("asked", [[], ["--mood", "calm"]], ids=" ".join)
def test_score(film, opened, tmp_path, asked):
    ran("score", film, "--out", tmp_path / "a.edl", "--min-stretch", "2", *asked)
    assert opened["film"] == 1


def test_recommend(film, opened):
    ran("recommend", film, "--no-history")
    assert opened["film"] == 1


def test_annotate_reads_it_once_more(film, opened, tmp_path):
    ran("analyze", film, "--annotate", tmp_path / "a.mp4", "--plot", tmp_path / "a.png")
    assert opened["film"] == 2
