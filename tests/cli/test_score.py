"""`edge-emo score` as a user meets it."""

import csv
import importlib.util
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge_emo.media.sound import read_sound
from edge_emo.media.sources import sample_path
from tests.cli.conftest import document
from tests.conftest import write_film

ROOT = Path(__file__).parent.parent.parent

needs_otio = pytest.mark.skipif(
    not importlib.util.find_spec("opentimelineio"), reason="OpenTimelineIO has no wheel for this Python"
)


@needs_otio
def test_a_film_gets_a_cue_sheet_and_its_credits(edge_emo, film, tmp_path):
    import opentimelineio as otio

    done = edge_emo("score", film, "--out", "cues.otio", "--seed", 1, "--license", "cc-by", "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    found = document(done, "score")
    [result] = found["results"]
    [cue] = result["cues"]
    assert (cue["start_s"], cue["end_s"]) == (0, result["duration_s"])
    assert result["files"] == ["cues.otio", "cues.otio.credits.txt"]
    assert cue["song"]["credit"] in (tmp_path / "cues.otio.credits.txt").read_text(encoding="utf-8")
    timeline = otio.adapters.read_from_file(str(tmp_path / "cues.otio"))
    picture, sound, song = timeline.find_clips()
    assert picture.media_reference.target_url == sound.media_reference.target_url == film.as_uri()
    assert song.metadata["edge_emo"]["uid"] == cue["song"]["uid"]
    assert {path.name for path in tmp_path.iterdir()} == {"cues.otio", "cues.otio.credits.txt"}


def test_time_codes_count_the_frames_of_the_film(edge_emo, film, tmp_path):
    rates = {}
    for name, options in (("own", []), ("asked", ["--frame-rate", "29.97"])):
        done = edge_emo("score", film, "--out", f"{name}.csv", "--seed", 1, "--json", *options)
        rates[name] = json.loads(done.stdout)["results"][0]["frame_rate"]
    assert rates == {"own": 25, "asked": pytest.approx(29.97, abs=1e-3)}  # the film has 10, at which nobody edits


def test_the_output_says_which_songs_want_a_credit_and_how_to_get_the_same_again(edge_emo, film, tmp_path):
    text = edge_emo("score", film, "--out", "a.csv", "--license", "cc-by").stdout.decode()
    assert "The song needs a credit line: copy the line from a.csv.credits.txt into the video's description." in text
    seed = text.split("--seed ")[1].strip()
    again = edge_emo("score", film, "--out", "b.csv", "--license", "cc-by", "--seed", seed)
    assert again.returncode == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_csv_and_json_lines_have_a_row_for_each_cue(edge_emo, film, tmp_path):
    done = edge_emo("score", film, "--out", "a.csv", "--seed", 1, "--csv")
    [row] = csv.DictReader(io.StringIO(done.stdout.decode()))
    [written] = csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text(encoding="utf-8")))
    assert row == written
    [line] = edge_emo("score", film, "--out", "b.csv", "--seed", 1, "--jsonl").stdout.splitlines()
    assert json.loads(line)["uid"] == row["uid"]


def test_a_recording_is_scored_too(edge_emo, tmp_path):
    assert edge_emo("score", sample_path(), "--out", "labels.txt").returncode == 0
    [line] = (tmp_path / "labels.txt").read_text(encoding="utf-8").splitlines()
    assert line.startswith("0.000000\t3.6")


def test_an_unknown_format_is_told_before_the_film_is_looked_at(edge_emo):
    done = edge_emo("score", "nowhere.mp4", "--out", "cues.aaf")
    assert done.returncode == 2
    assert b"cues.aaf is not a known kind of cue sheet; let its name end in one of .otio, .edl" in done.stderr
    assert b"nowhere.mp4" not in done.stderr


def test_nothing_is_replaced_unless_asked(edge_emo, film, tmp_path):
    (tmp_path / "cues.csv").write_text("mine")
    done = edge_emo("score", "nowhere.mp4", "--out", "cues.csv")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"cues.csv: already exists; choose another name, or overwrite it with --force" in done.stderr
    assert (tmp_path / "cues.csv").read_text() == "mine"
    assert edge_emo("score", film, "--out", "cues.csv", "--force").returncode == 0
    assert (tmp_path / "cues.csv").read_text(encoding="utf-8").startswith("cue,start,end")


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["film", "--out", "nowhere/cues.csv"], 1, "its folder does not exist"),
        (["film", "--out", "cues.csv", "--bpm", "1-2"], 1, "no song is left for 0 to 4 s of the film"),
        (["nowhere.mp4", "--out", "cues.csv"], 1, "nowhere.mp4: no such file"),
        (["-", "--out", "cues.csv"], 2, "exactly one film, as a file"),
        ([".", "--out", "cues.csv"], 2, "exactly one film, as a file"),
        (["film"], 2, "--out"),
        (["film", "-o", "cues.otio"], 2, "name the cue sheet with --out cues.otio"),
        (["film", "--out", "cues.csv", "--another", "1"], 2, "name that sheet with --cues"),
        (
            ["film", "--out", "cues.csv", "--cues", sample_path()],
            1,
            "not a cue sheet to read back; name a .csv or .json",
        ),
        (["film", "--out", "cues.csv", "--cues", sample_path(), "--mood", "calm"], 2, "drop one of them"),
    ],
)
def test_what_cannot_be_scored_is_told(edge_emo, film, tmp_path, arguments, code, text):
    done = edge_emo("score", *[film if argument == "film" else argument for argument in arguments])
    assert (done.returncode, done.stdout) == (code, b"")
    assert text in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_film_in_which_nothing_is_found_is_exit_code_4(edge_emo, tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(32000), 16000)
    done = edge_emo("score", "silence.wav", "--out", "cues.csv")
    assert (done.returncode, done.stdout) == (4, b"")
    assert b"silence.wav: no voice and no face was found, so no song can be chosen" in done.stderr
    assert b"--mood" in done.stderr
    assert not (tmp_path / "cues.csv").exists()
    done = edge_emo("score", "silence.wav", "--out", "cues.csv", "--mood", "calm")
    assert done.returncode == 0, done.stderr
    [row] = csv.DictReader(io.StringIO((tmp_path / "cues.csv").read_text(encoding="utf-8")))
    assert (row["start_s"], row["end_s"], row["found"]) == ("0.0", "2.0", "calm, chosen by hand")


def test_a_film_without_a_voice_and_a_face_is_scored_by_a_mood(edge_emo, tmp_path):
    write_film(tmp_path / "a.mp4", [np.full((64, 64, 3), 90, np.uint8)] * 50, 10)
    for number, option in enumerate((["--mood", "sad"], ["--gaps", "sad", "--no-voice"])):
        done = edge_emo("score", "a.mp4", "--out", f"{number}.csv", "--jsonl", "--seed", 1, *option)
        assert done.returncode == 0, done.stderr
        [cue] = map(json.loads, done.stdout.splitlines())
        assert (cue["start_s"], cue["end_s"], cue["emotion"], cue["by_hand"]) == (0, pytest.approx(5), "sad", True)


@pytest.mark.parametrize("format", ["csv", "json"])
def test_edited_cues_are_kept_and_one_gets_another_song(edge_emo, film, tmp_path, format):
    done = edge_emo("score", film, "--out", "a.csv", "--seed", 1, "--mood", "happy", "--json")
    (tmp_path / "a.json").write_bytes(done.stdout)
    kept = edge_emo("score", film, "--out", "b.csv", "--cues", f"a.{format}", "--seed", 1)
    assert kept.returncode == 0, kept.stderr
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    again = edge_emo("score", film, "--out", "c.csv", "--cues", f"a.{format}", "--another", 1, "--seed", 1)
    assert again.returncode == 0, again.stderr
    before, after = ((tmp_path / name).read_text(encoding="utf-8") for name in ("a.csv", "c.csv"))
    [old], [new] = (list(csv.DictReader(io.StringIO(text))) for text in (before, after))
    assert old["uid"] != new["uid"]
    assert {name: old[name] for name in ("start", "end", "emotion", "found")} == {
        name: new[name] for name in ("start", "end", "emotion", "found")
    }


def test_a_film_is_as_long_with_its_cues_as_it_was_without(edge_emo, tmp_path):
    sound = np.resize(read_sound(sample_path()), 81_000)  # 5.0625 s, which a codec pads to a whole frame
    write_film(tmp_path / "a.mp4", [np.full((64, 64, 3), 90, np.uint8)] * 50, 10, sound)
    lengths = []
    for number, more in enumerate(([], ["--cues", "0.csv"])):
        done = edge_emo("score", "a.mp4", "--out", f"{number}.csv", "--seed", 1, "--json", *more)
        [result] = json.loads(done.stdout)["results"]
        lengths.append((result["duration_s"], result["cues"][-1]["end_s"]))
    assert lengths[0] == lengths[1]
    assert lengths[0][0] == lengths[0][1]


@needs_otio
@pytest.mark.parametrize("format", ["otio", "xml", "fcpxml"])
def test_the_film_is_named_by_a_path_without_detours(edge_emo, film, tmp_path, format):
    (tmp_path / "folder").mkdir()
    (tmp_path / "b.mp4").write_bytes(film.read_bytes())
    done = edge_emo("score", "folder/../b.mp4", "--out", f"folder/../cues.{format}", "--mood", "calm")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / f"cues.{format}").read_text(encoding="utf-8")
    assert (tmp_path.resolve() / "b.mp4").as_uri() in text
    assert "/../" not in text


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_full_disk_leaves_nothing_half_written(film, tmp_path):
    (tmp_path / "cues.csv").write_text("the one before")
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); "
        "from edge_emo.cli import main; main(sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, "score", film, "--out", tmp_path / "cues.csv", "--force"],
        capture_output=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 1
    assert b"cannot be written (File too large); make room, or choose another folder" in done.stderr
    assert b"Traceback" not in done.stderr
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"cues.csv": "the one before"}


@pytest.mark.parametrize(("name", "code"), [("cues.edl", 1), ("cues.csv", 0)])
def test_without_the_library_the_extra_is_named_and_text_still_works(film, tmp_path, name, code):
    without = "import sys; sys.modules['opentimelineio'] = None; from edge_emo.cli import main; main(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", without, "score", film, "--out", tmp_path / name],
        capture_output=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == code
    assert (b"pip install '.[score]'" in done.stderr) == bool(code)
