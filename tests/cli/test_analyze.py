"""`edge-emo analyze` as a user meets it: formats, models, films, and what is drawn."""

import csv
import io
import json
import os
from pathlib import Path

import pytest

from edge_emo.core.emotions import EMOTIONS
from tests.cli.conftest import document

ROOT = Path(__file__).parents[2]


def test_analyze_in_every_format(edge_emo):
    found = document(edge_emo("analyze", "sample", "--json"), "analyze")["results"][0]
    assert found["readings"]
    assert found["duration_s"] == pytest.approx(3.7, abs=0.1)
    rows = list(csv.DictReader(io.StringIO(edge_emo("analyze", "sample", "--csv").stdout.decode())))
    assert len(rows) == len(found["readings"])
    for row, reading in zip(rows, found["readings"], strict=True):
        assert [float(row[name]) for name in EMOTIONS] == pytest.approx(reading["probabilities"], abs=1e-5)
    assert json.loads(edge_emo("analyze", "sample", "--jsonl").stdout) == found
    assert b"heard: " in edge_emo("analyze", "sample").stdout


@pytest.mark.parametrize("options", [["--precision", "fp32"], ["--precision", "int8"], ["--threads", "2"]])
def test_precision_and_threads(edge_emo, options):
    found = document(edge_emo("analyze", "sample", "--json", *options), "analyze")["results"][0]
    if options[0] == "--precision":
        assert found["models"]["voice"].endswith(options[1])


def test_a_voice_model_of_ones_own(edge_emo):
    card = ROOT / "models_onnx" / "voice-classic.fp32.json"
    found = document(edge_emo("analyze", "sample", "--json", "--voice-model", card), "analyze")["results"][0]
    assert found["models"]["voice"].startswith("voice-classic")


def test_a_film_in_every_format(edge_emo, film):
    found = document(edge_emo("analyze", film, "--json"), "analyze")["results"][0]
    assert {reading["modality"] for reading in found["readings"]} == {"voice", "face"}
    assert found["steps"]
    assert found["segments"]
    text = edge_emo("analyze", film).stdout.decode()
    assert "heard: " in text
    assert "seen: " in text
    assert edge_emo("analyze", film, "--srt").stdout.startswith(b"1\n00:00:0")
    rows = list(csv.DictReader(io.StringIO(edge_emo("analyze", film, "--csv").stdout.decode())))
    assert {row["modality"] for row in rows} == {"voice", "face"}


@pytest.mark.slow
def test_what_to_look_for(edge_emo, film):
    def found(*options):
        return document(edge_emo("analyze", film, "--json", *options), "analyze")["results"][0]

    assert {r["modality"] for r in found("--no-face")["readings"]} == {"voice"}
    assert {r["modality"] for r in found("--no-voice")["readings"]} == {"face"}
    assert len(found("--no-voice", "--fps", 2)["readings"]) == 8
    assert found("--faces", "all")["people"]
    classic = ROOT / "models_onnx" / "face-classic.fp32.json"
    assert found("--face-model", classic)["models"]["face"].startswith("face-classic")


def test_annotated_films_and_plots_are_written(edge_emo, film, tmp_path):
    done = edge_emo("analyze", film, "--annotate", "out.mp4", "--plot", "out.png")
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "out.mp4").stat().st_size > 5000
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")


def test_the_sample_is_plotted(edge_emo, tmp_path):
    assert edge_emo("analyze", "sample", "--plot", "out.png").returncode == 0
    assert (tmp_path / "out.png").exists()


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (["--plot", "no/out.png"], b"its folder is not there"),
        (["--plot", "out.xyz"], b"end the name in .png"),
        (["--annotate", "no/out.mp4"], b"its folder is not there"),
        (["--annotate", "out.txt"], b"end its name in .mp4"),
    ],
)
def test_an_output_that_cannot_be_written_is_told_before_the_film_is_read(edge_emo, film, output, reason):
    done = edge_emo("analyze", film, *output)
    assert (done.returncode, done.stdout) == (1, b"")
    assert reason in done.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
@pytest.mark.parametrize("option", [("--annotate", "a.mp4"), ("--plot", "a.png"), ("--srt",)])
def test_what_reads_a_source_twice_is_not_for_a_pipe(edge_emo, tmp_path, option):
    os.mkfifo(tmp_path / "pipe.mp4")
    done = edge_emo("analyze", "pipe.mp4", *option, timeout=60)
    assert done.returncode == 2
    assert b"for one source that is a file" in done.stderr
