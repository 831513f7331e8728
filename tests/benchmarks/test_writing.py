"""What benchmarks and exports write is written whole or not at all."""

import csv
import errno
import os

import pytest


def benchmark(path):
    from benchmarks.environment import write

    write(path, "a benchmark", {}, models="none")


def figures(path, monkeypatch):
    from click.testing import CliRunner

    from benchmarks import report

    monkeypatch.setattr(report, "PAGES", [path])
    monkeypatch.setattr(report, "ROOT", path.parent)
    monkeypatch.setattr(report, "with_figures", lambda text: text + " and more")
    done = CliRunner().invoke(report.main, catch_exceptions=False)
    assert done.exit_code == 0


def robustness(path):
    from benchmarks.robustness import picture

    row = {"uar": {"value": 0.5, "low": 0.4, "high": 0.6}}
    picture(row, {"noise": {"1": row, "2": row}}, "a title", 0.125, path)


def learning_curves(path):
    from benchmarks.recommender import KINDS, N_LISTS, REGION, draw

    draw({"curves": {kind: [[0.1, 0.0, 0.2]] * (N_LISTS // REGION) for kind in KINDS}}, path)


def catalogue(path):
    from export.assets.catalogue import build

    tracks = path.parent.parent / "tracks.csv"
    row = {"uid": "a:1", "source": "a", "title": "T", "artist": "A", "duration_s": 60, "bpm": "", "genre": "Rock"}
    row |= {"moods": "Sad", "instruments": "", "license": "CC BY 4.0", "license_url": "", "link": ""}
    with tracks.open("w", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow(row)
    build(tracks, path)


def schemas(path, monkeypatch):
    from export.assets import schemas as write_schemas

    monkeypatch.setattr(write_schemas, "FOLDER", path.parent)
    monkeypatch.setattr(write_schemas, "DOCUMENTS", {"analyze": write_schemas.DOCUMENTS["analyze"]})
    monkeypatch.setattr(write_schemas, "csv_schema", lambda: b"{}")
    write_schemas.main()
    (path.parent / "songs_csv.json").unlink()


def songs_by_emotion(path, monkeypatch):
    from click.testing import CliRunner

    from export.assets import songs_by_emotion

    monkeypatch.setattr(songs_by_emotion, "TARGET", path)
    monkeypatch.setattr(songs_by_emotion, "document", lambda: "a page")
    CliRunner().invoke(songs_by_emotion.main, catch_exceptions=False)


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (benchmark, "a.json"), (figures, "a.md"), (robustness, "a.png"), (learning_curves, "a.png"),
        (catalogue, "a.sqlite"), (schemas, "analyze.json"), (songs_by_emotion, "a.md"),
    ],
)  # fmt: skip
def test_where_the_disk_fails_at_the_end_what_was_there_stays(tmp_path, monkeypatch, write, name):
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / name
    path.write_text("of before")
    given = {"monkeypatch": monkeypatch} if write.__code__.co_argcount == 2 else {}
    with monkeypatch.context() as patched:

        def fail(_):
            raise OSError(errno.ENOSPC, "No space left on device")

        patched.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="No space left"):
            write(path, **given)
    assert path.read_text() == "of before"
    assert [file.name for file in path.parent.iterdir()] == [name]
    write(path, **given)
    assert path.read_bytes() != b"of before"
