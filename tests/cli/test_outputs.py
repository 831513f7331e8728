"""What commands write: whole or not at all, whatever happens meanwhile, and said as it was."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge_emo.cli import main
from edge_emo.core.errors import CatalogueError
from edge_emo.media.pictures import write_picture
from edge_emo.music.store.bundled import BUNDLED
from edge_emo.music.store.catalogue import Catalogue

ROOT = Path(__file__).parent.parent.parent
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@pytest.fixture(autouse=True)
def usual_signals():
    """A test run may have been started by nohup, which has SIGHUP ignored, here and in what it starts."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS if number != signal.SIGINT}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


on_posix = pytest.mark.skipif(os.name != "posix", reason="signals and limits as POSIX has them")


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def kept(path):
    """Return whether a file is as it was before, and alone."""
    return path.read_text() == "of before" and [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.fixture
def out(tmp_path):
    """Where a file was before, to write to; the ending is given: `out(".csv")`."""
    (tmp_path / "out").mkdir()

    def made(ending):
        path = tmp_path / "out" / f"a{ending}"
        path.write_text("of before")
        return path

    return made


@pytest.fixture
def picture(tmp_path, portrait):
    write_picture(tmp_path / "portrait.png", portrait)
    return tmp_path / "portrait.png"


def outputs(film, picture):
    """Return a command for each kind of file that is written, and the ending of its name."""
    return {
        "songs as CSV": (".csv", ["songs", "export"]),
        "songs as lines": (".jsonl", ["songs", "export"]),
        "printed": (".json", ["songs", "search", "piano", "--json", "-o"]),
        "M3U": (".m3u8", ["recommend", "--mood", "calm", "--seed", 1, "--playlist"]),
        "XSPF": (".xspf", ["recommend", "--mood", "calm", "--seed", 1, "--playlist"]),
        "cue sheet": (".csv", ["score", "sample", "--seed", 1, "--force", "--out"]),
        "edit": (".otio", ["score", "sample", "--seed", 1, "--force", "--out"]),
        "plot": (".png", ["analyze", film, "--fps", 1, "--plot"]),
        "film": (".mp4", ["analyze", film, "--fps", 1, "--annotate"]),
        "picture": (".png", ["analyze", picture, "--annotate"]),
    }


KINDS = list(outputs("", ""))


def limit_files():
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


@on_posix
@pytest.mark.parametrize("kind", KINDS)
def test_on_a_full_disk_what_was_there_stays_and_that_is_told(out, film, picture, kind, tmp_path):
    if kind == "edit":
        pytest.importorskip("opentimelineio")
    ending, arguments = outputs(film, picture)[kind]
    path = out(ending)
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS")}
    done = subprocess.run(  # coverage could not write its data either
        [sys.executable, "-m", "edge_emo", *map(str, arguments), path],
        preexec_fn=limit_files,
        capture_output=True,
        check=False,
        cwd=ROOT,
        env={**unmeasured, "EDGE_EMO_HOME": str(tmp_path / "home"), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    told = done.stderr.decode().splitlines()[-1]
    assert (done.returncode, kept(path)) == (1, True), told
    assert f"{path}: cannot be written (" in told
    assert "Traceback" not in done.stderr.decode()


@pytest.mark.parametrize("kind", KINDS)
def test_ctrl_c_before_all_is_on_the_disk_leaves_what_was_there(out, film, picture, kind, monkeypatch):
    if kind == "edit":
        pytest.importorskip("opentimelineio")
    ending, arguments = outputs(film, picture)[kind]
    path = out(ending)
    monkeypatch.setattr(os, "fsync", lambda _: signal.raise_signal(signal.SIGINT))
    done = run(*arguments, path)
    assert (done.exit_code, kept(path)) == (130, True)
    assert done.stderr.endswith("edge-emo: interrupted\n")


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_in_the_middle_leaves_no_draft_and_its_own_exit_code(out, film, monkeypatch, number):
    from edge_emo.report import annotate

    path, drawn = out(".mp4"), []

    def draw(*_):
        drawn.append(1)
        if len(drawn) == 3:
            assert len(list(path.parent.iterdir())) == 2
            signal.raise_signal(number)

    monkeypatch.setattr(annotate, "draw_bars", draw)
    done = run("analyze", film, "--fps", 1, "--annotate", path)
    assert (done.exit_code, kept(path), len(drawn)) == (128 + number, True, 3)


@on_posix
@pytest.mark.parametrize("number", SIGNALS)
def test_a_process_that_is_told_to_end_tidies_up_and_says_so_by_its_code(out, number):
    path = out(".csv")
    code = (
        "import os, sys, time; from edge_emo.cli import main; from edge_emo.music.store.catalogue import Catalogue\n"
        "def endless(*_):\n"
        "    yield from Catalogue().search('piano')\n"
        "    print('begun', flush=True)\n"
        "    time.sleep(60)\n"
        "Catalogue.all_songs = endless\n"
        "main(sys.argv[1:])\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, "songs", "export", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout.readline() == b"begun\n"
    process.send_signal(number)
    _, told = process.communicate(timeout=30)
    assert (process.returncode, kept(path)) == (128 + number, True)
    assert told.decode().splitlines() == [
        f"edge-emo: {path}: was not written; an existing file is unchanged",
        "edge-emo: interrupted",
    ]


@on_posix
def test_a_signal_that_the_caller_ignores_ends_nothing(out, monkeypatch):
    path = out(".csv")
    every = Catalogue.all_songs

    def hung_up(*arguments):
        signal.raise_signal(signal.SIGHUP)
        return every(*arguments)

    monkeypatch.setattr(Catalogue, "all_songs", hung_up)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run("songs", "export", path).exit_code == 0
    finally:
        signal.signal(signal.SIGHUP, before)
    assert path.read_text().startswith("title,artist")


def test_signals_are_handled_as_before_once_a_command_is_done():
    before = [signal.getsignal(number) for number in SIGNALS]
    run("songs", "info")
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_ctrl_c_is_told_as_such_whatever_a_library_makes_of_it(monkeypatch):
    def interrupted(_):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt as error:
            raise CatalogueError("damaged or not a catalogue; reinstall edge-emo") from error

    monkeypatch.setattr(Catalogue, "info", interrupted)
    done = run("songs", "info")
    assert (done.exit_code, done.stderr) == (130, "edge-emo: interrupted\n")


@pytest.mark.parametrize("number", SIGNALS)
def test_an_interrupted_batch_gives_what_is_done_and_the_code_of_the_signal(monkeypatch, number, tmp_path):
    from edge_emo.analysis.analyzer import Analyzer

    analyze, done = Analyzer.__call__, []

    def second_is_interrupted(self, *arguments):
        done.append(arguments)
        if len(done) == 2:
            signal.raise_signal(number)
        return analyze(self, *arguments)

    monkeypatch.setattr(Analyzer, "__call__", second_is_interrupted)
    copy = tmp_path / "copy.flac"
    copy.write_bytes((ROOT / "edge_emo" / "data" / "sample.flac").read_bytes())
    found = run("analyze", "sample", copy, "--json")
    assert found.exit_code == 128 + number
    assert len(json.loads(found.stdout)["results"]) == 1
    assert "interrupted; 1 of 2 sources were not done" in found.stderr


def test_a_catalogue_damaged_in_the_middle_leaves_the_songs_that_were_exported_before(out, tmp_path):
    content = bytearray(BUNDLED.read_bytes())
    start = len(content) * 2 // 5 // 4096 * 4096
    content[start : start + 16384] = b"\xff" * 16384
    (tmp_path / "damaged.sqlite").write_bytes(content)
    path = out(".csv")
    done = run("songs", "export", path, "--catalogue", tmp_path / "damaged.sqlite")
    assert (done.exit_code, kept(path)) == (3, True)
    assert f"{path}: was not written; an existing file is unchanged" in done.stderr
    assert "damaged.sqlite: damaged" in done.stderr


def test_what_is_printed_can_go_to_a_file(out):
    path = out(".json")
    done = run("songs", "search", "piano", "--json", "-o", path)
    assert (done.exit_code, done.stdout) == (0, "")
    assert path.read_text() == run("songs", "search", "piano", "--json").stdout


def test_sources_that_fail_are_in_the_file_with_those_that_do_not(out):
    path = out(".json")
    done = run("analyze", "sample", "nowhere.wav", "--json", "-o", path)
    found = json.loads(path.read_text())
    assert (done.exit_code, len(found["results"]), len(found["errors"])) == (1, 1, 1)


def test_a_recording_is_not_written_over_by_what_is_heard_in_it(tmp_path):
    copy = tmp_path / "copy.flac"
    copy.write_bytes((ROOT / "edge_emo" / "data" / "sample.flac").read_bytes())
    before = copy.read_bytes()
    done = run("analyze", copy, "--json", "-o", copy)
    assert (done.exit_code, copy.read_bytes() == before) == (2, True)
    assert "give --output another name" in done.stderr


def test_the_history_can_be_exported_to_a_file(out):
    song = run("songs", "search", "piano", "--limit", 1, "--jsonl").stdout
    run("history", "add", "kept", json.loads(song)["uid"])
    path = out(".csv")
    assert run("history", "export", "-o", path).exit_code == 0
    assert path.read_text() == run("history", "export").stdout
    assert path.read_text().count("\n") == 2
