"""The command line as a user meets it: processes, streams, exit codes."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from edge_emo.app.documents import DOCUMENTS
from edge_emo.cli import main
from edge_emo.core.emotions import EMOTIONS
from edge_emo.media.sources import sample_path

ROOT = Path(__file__).parent.parent.parent
SCHEMAS = ROOT / "docs" / "schemas"


def document(done, schema):
    """Return the JSON of a command after checking it against its documented schema."""
    found = json.loads(done.stdout)
    jsonschema.validate(found, json.loads((SCHEMAS / f"{schema}.json").read_text()))
    return found


@pytest.fixture
def silence(tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(32000), 16000)
    return tmp_path / "silence.wav"


def test_recommend_the_sample(edge_emo):
    done = edge_emo("recommend", "sample", "--seed", 1)
    text = done.stdout.decode()
    assert done.returncode == 0
    assert done.stderr == b""
    assert text.startswith("sample: ")
    assert text.count("\n    use: ") == 10
    assert text.count("\n    why: ") == 10
    assert text.endswith("the same songs again: --seed 1\n")


def test_recommend_as_json(edge_emo):
    found = document(edge_emo("recommend", "sample", "--json", "--seed", 1), "recommend")
    result = found["results"][0]
    assert result["timeline"]["summary"]["raw"] in EMOTIONS
    assert abs(sum(result["timeline"]["summary"]["probabilities"].values()) - 1) < 1e-5
    assert len(result["songs"]) == 10
    assert all(item["song"]["usage"] and item["reason"] for item in result["songs"])
    again = document(edge_emo("recommend", "sample", "--json", "--seed", 1), "recommend")
    assert again == found


def test_the_seed_that_was_drawn_repeats_the_songs(edge_emo):
    first = document(edge_emo("recommend", "--mood", "calm", "--json"), "recommend")["results"][0]
    again = document(edge_emo("recommend", "--mood", "calm", "--json", "--seed", first["seed"]), "recommend")
    assert again["results"][0]["songs"] == first["songs"]


def test_recommend_as_csv_and_json_lines(edge_emo):
    rows = list(csv.DictReader(io.StringIO(edge_emo("recommend", "sample", "-n", 4, "--csv").stdout.decode())))
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4"]
    assert all(row["title"] and row["usage"] and row["reason"] for row in rows)
    lines = edge_emo("recommend", "sample", str(sample_path()), "-n", 2, "--jsonl").stdout.splitlines()
    assert [len(json.loads(line)["songs"]) for line in lines] == [2]  # the same file named twice is one source


def test_license_filter(edge_emo):
    found = document(edge_emo("recommend", "--mood", "sad", "--license", "cc-by", "--json"), "recommend")
    assert all(item["song"]["credit"] for item in found["results"][0]["songs"])


def test_analyze_in_every_format(edge_emo):
    found = document(edge_emo("analyze", "sample", "--json"), "analyze")["results"][0]
    assert found["readings"]
    assert found["duration_s"] == pytest.approx(5.34, abs=0.02)
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


def test_what_to_look_for(edge_emo, film):
    def found(*options):
        return document(edge_emo("analyze", film, "--json", *options), "analyze")["results"][0]

    assert {r["modality"] for r in found("--no-face")["readings"]} == {"voice"}
    assert {r["modality"] for r in found("--no-voice")["readings"]} == {"face"}
    assert len(found("--no-voice", "--fps", 2)["readings"]) == 8
    assert found("--faces", "all")["people"]
    classic = ROOT / "models_onnx" / "face-classic.fp32.json"
    assert found("--face-model", classic)["models"]["face"].startswith("face-classic")


def test_a_film_gets_songs_by_both_strategies(edge_emo, film):
    for options in ([], ["--strategy", "five-and-five"]):
        found = document(edge_emo("recommend", film, "--json", "--seed", 1, *options), "recommend")
        assert len({item["song"]["uid"] for item in found["results"][0]["songs"]}) == 10


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


def test_a_picture_without_a_face_is_exit_code_4(edge_emo, tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((90, 90, 3), 128, np.uint8))
    done = edge_emo("recommend", "a.png")
    assert done.returncode == 4
    assert b"no face found" in done.stdout


def test_a_detector_that_is_not_there_is_told(edge_emo, film):
    done = edge_emo("analyze", film, "--detector", "yunet.onnx")
    assert done.returncode == 2
    assert b"yunet.onnx: no such file" in done.stderr
    assert b"Traceback" not in done.stderr


def test_folders_globs_and_standard_input(edge_emo, tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    shutil.copy(sample_path(), tmp_path / "in" / "a.flac")
    shutil.copy(sample_path(), tmp_path / "in" / "deep" / "b.flac")
    (tmp_path / "in" / "notes.txt").write_text("no sound")
    for given in (["in"], ["in/**/*.flac"], ["in/a.flac", "in/deep/b.flac"]):
        found = document(edge_emo("analyze", "--json", *given), "analyze")
        assert [Path(result["source"]).name for result in found["results"]] == ["a.flac", "b.flac"]
    found = document(edge_emo("analyze", "-", "--json", stdin=sample_path().read_bytes()), "analyze")
    assert found["results"][0]["source"] == "-"
    assert found["results"][0]["readings"]


def test_a_bad_file_does_not_stop_the_rest(edge_emo, tmp_path):
    (tmp_path / "bad.wav").write_text("no sound")
    done = edge_emo("analyze", "bad.wav", "missing.wav", "sample", "--json")
    found = document(done, "analyze")
    assert done.returncode == 1
    assert len(found["results"]) == 1
    assert [Path(error["source"]).name for error in found["errors"]] == ["bad.wav", "missing.wav"]
    assert b"bad.wav" in done.stderr
    assert b"missing.wav: no such file" in done.stderr
    assert b"Traceback" not in done.stderr


def test_no_voice_is_exit_code_4(edge_emo, silence):
    done = edge_emo("recommend", silence)
    assert done.returncode == 4
    assert b"no voice found" in done.stdout
    assert edge_emo("analyze", silence, "--json").returncode == 4
    assert edge_emo("analyze", silence, "sample").returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["recommend"],
        ["recommend", "--mood", "hungry"],
        ["recommend", "--mood", "happy", "sample"],
        ["recommend", "sample", "-n", "0"],
        ["analyze", "sample", "--precision", "int4"],
        ["analyze", "sample", "--fps", "0"],
        ["analyze", "sample", "sample", "--srt"],
        ["analyze", "-", "--plot", "a.png"],
        ["analyze", "sample", "--faces", "none"],
        ["analyze", "sample", "--no-voice", "--no-face"],
        ["recommend", "sample", "--no-face", "--no-voice"],
        ["nonsense"],
    ],
)
def test_wrong_usage_is_exit_code_2(edge_emo, arguments):
    done = edge_emo(*arguments)
    assert done.returncode == 2
    assert b"Usage" in done.stderr
    assert done.stdout == b""


def test_an_unknown_mood_is_answered_with_the_known_ones(edge_emo):
    stderr = edge_emo("recommend", "--mood", "hungry").stderr.decode()
    assert all(emotion in stderr for emotion in EMOTIONS)


def test_a_damaged_model_is_exit_code_3_and_named(edge_emo, models):
    assert edge_emo("models", "verify", "--models-dir", models).returncode == 0
    path = models / "voice.int8.onnx"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(bytes(content))
    done = edge_emo("models", "verify", "--models-dir", models, "--json")
    assert done.returncode == 3
    assert b"voice.int8.onnx" in done.stderr
    states = {Path(row["file"]).name: row["status"] for row in document(done, "models")["models"]}
    assert states.pop("voice.int8.onnx") != "ok"
    assert set(states.values()) == {"ok"}
    done = edge_emo("recommend", "sample", "--voice-model", models / "voice.int8.json")
    assert done.returncode == 3
    assert b"voice.int8.onnx: SHA-256" in done.stderr


def test_a_damaged_catalogue_is_exit_code_3_and_named(edge_emo, tmp_path):
    (tmp_path / "bad.sqlite").write_text("no catalogue" * 1000)
    for arguments in (["recommend", "sample"], ["songs", "search", "piano"], ["songs", "info"]):
        done = edge_emo(*arguments, "--catalogue", "bad.sqlite")
        assert done.returncode == 3
        assert b"bad.sqlite" in done.stderr
        assert b"Traceback" not in done.stderr


def test_songs(edge_emo):
    found = document(edge_emo("songs", "search", "danse macabre", "--limit", 3, "--json"), "songs")["songs"]
    assert len(found) == 3
    shown = document(edge_emo("songs", "show", found[0]["uid"], "--json"), "songs")["songs"]
    assert shown == found[:1]
    assert b"credit: " in edge_emo("songs", "show", "inc:USUAN1100546").stdout
    missing = edge_emo("songs", "show", "nope")
    assert (missing.returncode, missing.stdout) == (1, b"")
    assert b"nope: no such song" in missing.stderr
    info = document(edge_emo("songs", "info", "--json"), "catalogue")["catalogue"]
    assert info["songs"] == 6047
    assert edge_emo("songs", "info", "--csv").stdout.startswith(b"group,name,songs\n")


def test_models_list(edge_emo):
    rows = document(edge_emo("models", "list", "--json"), "models")["models"]
    names = ("voice", "voice-classic", "face-detector", "face", "face-classic")
    assert {(row["name"], row["precision"]) for row in rows} == {(n, p) for n in names for p in ("fp32", "int8")}
    assert {row["name"] for row in rows if row["default"]} == {"voice", "face-detector", "face"}
    text = edge_emo("models", "list").stdout.decode()
    for row in rows:
        assert row["card"] in text
        assert all(f"{metric['name']} {metric['value']:.3f}" in text for metric in row["metrics"])


def test_doctor(edge_emo, silence):
    done = edge_emo("doctor", "sample", silence, "--json")
    findings = {row["topic"]: row for row in document(done, "doctor")["findings"]}
    assert done.returncode == 0
    assert findings["level of sample"]["state"] in ("ok", "note")
    assert "no voice found" in findings[f"level of {silence}"]["text"]
    assert findings["catalogue"]["text"] == "6047 songs"


def test_doctor_tells_of_files_it_cannot_read(edge_emo):
    assert edge_emo("doctor", "nowhere.wav").returncode == 1


def test_doctor_sees_clipping_of_one_channel_and_an_offset(tmp_path, rng):
    from edge_emo.app.doctor import diagnose

    noise = rng.uniform(-0.1, 0.1, (16000, 2)).astype(np.float32)
    noise[::5, 0] = 1.0
    soundfile.write(tmp_path / "left.wav", noise, 16000)
    soundfile.write(tmp_path / "offset.wav", rng.uniform(-0.1, 0.1, 16000) + 0.2, 16000)
    texts = [f.text for f in diagnose([str(tmp_path / "left.wav"), str(tmp_path / "offset.wav")])[-2:]]
    assert "clipped" in texts[0]
    assert "constant offset of +0.20" in texts[1]


def test_doctor_looks_at_pictures_and_films(edge_emo, film, portrait, tmp_path):
    from edge_emo.app.doctor import diagnose

    cv2.imwrite(str(tmp_path / "good.png"), portrait[..., ::-1])
    cv2.imwrite(str(tmp_path / "dark.png"), np.full((90, 90, 3), 5, np.uint8))
    good, dark, level, tracks, view = diagnose([str(tmp_path / "good.png"), str(tmp_path / "dark.png"), str(film)])[-5:]
    assert (good.state, "512 x 512 pixels" in good.text, "1 face of" in good.text) == ("ok", True, True)
    assert dark.state == "note"
    assert "dark" in dark.text
    assert "no face found" in dark.text
    assert (level.topic, view.topic) == (f"level of {film}", f"view of {film}")
    assert (tracks.topic, tracks.text[:7]) == (f"sound tracks of {film}", "1: aac,")
    (tmp_path / "bad.png").write_bytes(b"\x89PNG no picture")
    assert edge_emo("doctor", "bad.png").returncode == 1


def test_known_bad_releases_are_named():
    from edge_emo.app.doctor import known_bad

    assert known_bad("onnxruntime", "1.21.0")
    assert known_bad("onnxruntime", "1.29.0")
    assert known_bad("onnxruntime", "1.30.2")
    assert known_bad("onnxruntime", "1.28.0") is None
    assert known_bad("numpy", "2.0") is None


def commands(command, path=()):
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*path, name))


def test_every_command_has_help_and_is_in_the_documentation(edge_emo):
    from edge_emo.cli import main

    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md"))
    for path, command in commands(main):
        assert command.help, path
        if not hasattr(command, "commands"):
            assert f"edge-emo {' '.join(path)}" in pages
    assert edge_emo("--help").returncode == 0


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_documented_schemas_are_those_of_the_code(name):
    from export.write_schemas import schema

    assert (SCHEMAS / f"{name}.json").read_bytes() == schema(name)


def test_a_closed_pipe_is_no_error(edge_emo, tmp_path):
    done = subprocess.run(
        f"'{sys.executable}' -m edge_emo songs search a --limit 5000 | head -n 1",
        shell=True,
        capture_output=True,
        cwd=ROOT,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    assert b"Error" not in done.stderr


def test_nothing_is_written(edge_emo, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    env = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "XDG_DATA_HOME": str(home / "data")}
    before = set(tmp_path.rglob("*"))
    assert edge_emo("recommend", "sample", env=env).returncode == 0
    assert edge_emo("songs", "search", "piano", env=env).returncode == 0
    assert set(tmp_path.rglob("*")) == before
    assert not list((ROOT / "edge_emo" / "music" / "data").glob("*-wal"))


@pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are a thing of Linux")
def test_it_works_without_any_network():
    isolated = ["unshare", "--user", "--net"]
    if subprocess.run([*isolated, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system allows no network namespace")
    done = subprocess.run(
        [*isolated, sys.executable, "-m", "edge_emo", "recommend", "sample", "--json"],
        capture_output=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8"])
def test_odd_encodings_do_not_break_the_output(edge_emo, encoding):
    env = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    text = edge_emo("analyze", "sample", env=env)
    assert text.returncode == 0
    assert b"Traceback" not in text.stderr
    data = edge_emo("recommend", "--mood", "calm", "-n", 1000, "--csv", env=env)
    assert data.returncode == 0
    assert len(list(csv.reader(io.StringIO(data.stdout.decode("utf-8"))))) == 1001


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_a_name_that_is_no_utf8_is_heard_and_spares_the_others(edge_emo, tmp_path):
    odd = os.fsdecode(b"odd\xff\xfe.flac")
    shutil.copy(sample_path(), tmp_path / odd)
    shutil.copy(sample_path(), tmp_path / "plain.flac")
    (tmp_path / os.fsdecode(b"bad\xff.wav")).write_text("no sound")
    done = edge_emo("analyze", tmp_path, "--json")
    found = document(done, "analyze")
    assert done.returncode == 1
    assert [Path(result["source"]).name for result in found["results"]] == ["odd\ufffd\ufffd.flac", "plain.flac"]
    assert [Path(error["source"]).name for error in found["errors"]] == ["bad\ufffd.wav"]


def test_json_lines_tell_of_failures_too(edge_emo):
    done = edge_emo("analyze", "nowhere.wav", "sample", "--jsonl")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line.get("exit_code") for line in lines] == [None, 1]
    assert "no such file" in lines[1]["error"]


def test_csv_says_which_recording_and_where_a_song_comes_from(edge_emo):
    rows = list(csv.DictReader(io.StringIO(edge_emo("recommend", "sample", "--csv").stdout.decode())))
    assert {row["source"] for row in rows} == {str(sample_path())}
    assert {row["song_source"] for row in rows} <= {"incompetech", "youtube_audio_library"}


def test_a_folder_gives_its_visible_files_only(edge_emo, tmp_path):
    for name in ("a.flac", ".hidden.flac", ".git/b.flac"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(sample_path(), tmp_path / name)
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "dead.wav").symlink_to(tmp_path / "nowhere.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    found = document(edge_emo("analyze", tmp_path, "--json"), "analyze")
    assert [Path(result["source"]).name for result in found["results"]] == ["a.flac"]
    assert not found["errors"]


def test_what_names_no_file_is_told_apart(edge_emo, tmp_path):
    assert b"is a folder; name a sound, picture or film in it" in edge_emo("analyze", tmp_path).stderr
    assert b"matches no file" in edge_emo("analyze", tmp_path / "*.wav").stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize("arguments", [("analyze", "sample"), ("songs", "info"), ("doctor", "--json")])
def test_a_full_disk_is_told_in_one_line(arguments):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "edge_emo", *arguments], stdout=full, stderr=subprocess.PIPE, cwd=ROOT, check=False
        )
    assert done.returncode == 1
    assert done.stderr.decode().count("\n") == 1
    assert "cannot be written" in done.stderr.decode()


@pytest.mark.parametrize("closed", ["2>&-", "<&-", "<&- 2>&-"])
def test_closed_streams(closed):
    done = subprocess.run(
        f"'{sys.executable}' -m edge_emo analyze sample {closed}",
        shell=True,
        capture_output=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0
    assert b"heard: " in done.stdout


def test_closed_standard_input_is_told():
    done = subprocess.run(
        f"'{sys.executable}' -m edge_emo analyze - <&-", shell=True, capture_output=True, cwd=ROOT, check=False
    )
    assert done.returncode == 1
    assert b"standard input is closed" in done.stderr


def test_wrong_paths_and_contradictions_are_usage_errors(edge_emo):
    card = ROOT / "models_onnx" / "voice.fp32.json"
    for arguments in (
        ("analyze", "sample", "--voice-model", "nowhere.json"),
        ("recommend", "--mood", "calm", "--catalogue", "nowhere.sqlite"),
        ("models", "list", "--models-dir", "nowhere"),
        ("analyze", "sample", "--voice-model", card, "--precision", "int8"),
    ):
        assert edge_emo(*arguments).returncode == 2, arguments


def test_songs_that_fit_nothing_never_come_without_a_word(edge_emo):
    asked = ("recommend", "--mood", "disgust", "--genre", "polka", "-n", 3, "--seed", 1)
    text = edge_emo(*asked).stdout.decode()
    assert text.count("why: does not fit: ") == 3
    assert "0 of 3 songs fit; leave out --genre (" in text
    [result] = document(edge_emo(*asked, "--json"), "recommend")["results"]
    assert [item["fits"] for item in result["songs"]] == [False] * 3
    assert result["advice"]["relax"][0]["condition"] == "genres"
    assert result["advice"]["relax"][0]["songs"] > 500
    fitting = document(edge_emo("recommend", "--mood", "happy", "--json", "--seed", 1), "recommend")["results"][0]
    assert fitting["advice"] is None
    assert all(item["fits"] for item in fitting["songs"])
    nothing = edge_emo("recommend", "--mood", "angry", "--genre", "holiday", "--bpm", "60-62")
    assert "leave out --genre (" in nothing.stdout.decode()


@pytest.mark.parametrize("arguments", [("songs", "search", "a\0"), ("recommend", "a\0.wav"), ("models", "list", "\0")])
def test_an_argument_with_a_nul_is_wrong_usage(arguments):
    """No shell passes one, but programs that call the command in their own process may."""
    done = CliRunner().invoke(main, arguments)
    assert (done.exit_code, done.exception.__class__) == (2, SystemExit)
    assert "holds a NUL" in done.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
@pytest.mark.parametrize("option", [("--annotate", "a.mp4"), ("--plot", "a.png"), ("--srt",)])
def test_what_reads_a_source_twice_is_not_for_a_pipe(edge_emo, tmp_path, option):
    os.mkfifo(tmp_path / "pipe.mp4")
    done = edge_emo("analyze", "pipe.mp4", *option, timeout=60)
    assert done.returncode == 2
    assert b"for one source that is a file" in done.stderr


def test_a_data_folder_whose_name_is_no_utf8_is_printed(edge_emo):
    done = edge_emo("history", "stats", "--json", "--data-dir", os.fsdecode(b"a\xff"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["history"]["path"].startswith("a\N{REPLACEMENT CHARACTER}")
