import csv
import io
import json

from tests.cli.conftest import document
from tests.music.library.test_lmc import PUBLISHED, write_list


def test_a_list_of_the_lyric_mood_corpus_is_counted_as_published(edge_emo, tmp_path):
    write_list(tmp_path / "list.csv", PUBLISHED)
    done = edge_emo("songs", "import", tmp_path / "list.csv", "--format", "lmc", "--data-dir", tmp_path)
    assert " ".join(done.stdout.decode().split()) == (
        "neutral 1000 calm 1000 happy 1000 sad 1000 angry 772 fearful 1000 disgust 773 surprised 169 total 6714"
    )
    again = edge_emo("songs", "import", tmp_path / "list.csv", "--format", "lmc", "--json", "--data-dir", tmp_path)
    assert document(again, "converted")["converted"]["emotions"]["disgust"] == 773


def test_a_list_goes_in_and_comes_out(edge_emo, tmp_path):
    (tmp_path / "in.csv").write_text(
        'uid,title,artist,moods\nmine:1,"=1+1, or so",שלום 🎵,Calm|Soft\n', encoding="utf-8"
    )
    done = edge_emo("songs", "import", tmp_path / "in.csv", "--data-dir", tmp_path, "--json")
    assert document(done, "imported")["imported"]["songs"] == 1
    assert edge_emo("songs", "export", tmp_path / "out.csv", "--own", "--data-dir", tmp_path).returncode == 0
    [row] = csv.DictReader((tmp_path / "out.csv").open(newline="", encoding="utf-8"))
    assert (row["title"], row["artist"], row["moods"]) == ("'=1+1, or so", "שלום 🎵", "Calm|Soft")
    printed = edge_emo("songs", "export", "-", "--own", "--format", "jsonl", "--data-dir", tmp_path).stdout
    assert json.loads(printed)["title"] == "=1+1, or so"
    shown = edge_emo("songs", "show", "mine:1", "--csv", "--data-dir", tmp_path).stdout.decode()
    assert next(csv.DictReader(io.StringIO(shown)))["title"] == "'=1+1, or so"


def test_own_songs_are_recommended(edge_emo, tmp_path):
    (tmp_path / "in.csv").write_text("uid,title,artist,moods,genre\nmine:1,Mine,Me,Happy,Disco\n")
    edge_emo("songs", "import", tmp_path / "in.csv", "--data-dir", tmp_path)
    done = edge_emo("recommend", "--mood", "happy", "--genre", "disco", "-n", 30, "--jsonl", "--data-dir", tmp_path)
    assert "mine:1" in {item["song"]["uid"] for item in json.loads(done.stdout)["songs"]}


def test_a_wrong_list_ends_with_its_line_and_code_1(edge_emo, tmp_path):
    (tmp_path / "in.csv").write_text("title,artist\na,b\nc,d,e\n")
    done = edge_emo("songs", "import", tmp_path / "in.csv", "--data-dir", tmp_path)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"line 3: more cells than columns; nothing was imported" in done.stderr
    done = edge_emo("songs", "import", tmp_path / "in.csv", "--skip-bad", "--data-dir", tmp_path)
    assert (done.returncode, done.stdout) == (0, b"1 song imported, 1 row skipped\n")
    assert b"line 3: more cells than columns; skipped" in done.stderr


def test_search_takes_conditions(edge_emo):
    options = ["--license", "cc-by", "--max-duration", 180, "--bpm", "60-90"]
    found = document(edge_emo("songs", "search", "calm piano", *options, "--json"), "songs")["songs"]
    assert found
    for song in found:
        assert song["license"] == "CC BY 4.0"
        assert song["duration_s"] <= 180
        assert 60 <= song["bpm"] <= 90
    wrong = edge_emo("songs", "search", "calm", "--bpm", "fast")
    assert (wrong.returncode, b"such as 60-90" in wrong.stderr) == (2, True)
    backwards = edge_emo("songs", "search", "calm", "--bpm", "90-60")
    assert (backwards.returncode, b"is no range" in backwards.stderr) == (2, True)


def test_a_list_that_cannot_be_written_is_named(edge_emo, tmp_path):
    done = edge_emo("songs", "export", tmp_path / "none" / "out.csv")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"write elsewhere" in done.stderr
