"""Cue sheets that come back: read, edited by hand, and written again."""

import csv
import json
from dataclasses import replace

import msgspec
import pytest

from edge_emo.app.documents import Scored, ScoreDocument
from edge_emo.app.edited_cues import read
from edge_emo.cli.cue_files import write
from edge_emo.core.errors import CueSheetError, SongNotFoundError
from edge_emo.core.timecode import RATES, timecode
from edge_emo.music.ranking.cues import plan, revised
from edge_emo.music.ranking.recommend import Recommender
from edge_emo.report.cue_sheet import CueSheet
from tests.music.ranking.test_cues import film_of

RATE, FILM_S = RATES["29.97"], 300.0
PARTS = [(0, 60.0171, "happy"), (60.0171, 101.9, "sad?"), (150.0, 190.33, "calm"), (190.33, 240.5, "angry")]


@pytest.fixture(scope="module")
def recommender():
    return Recommender()


@pytest.fixture(scope="module")
def cues(recommender):
    return plan(film_of(*PARTS, duration_s=FILM_S), recommender, seed=5, crossfade_s=1.5, gaps="silence")


@pytest.fixture
def sheet(cues, tmp_path):
    return CueSheet("film.mp4", tmp_path / "film.mp4", FILM_S, RATE, True, True, tuple(cues))


@pytest.fixture
def edited(sheet, tmp_path):
    """Edit the rows of the cue sheet as CSV, and read it: `edited(change)`."""

    def edit(change):
        path, _ = write(sheet, tmp_path / "cues.csv", may_replace=True)
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        rows = change(rows) or rows
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        return read(path, RATE)

    return edit


def again(kept, recommender, **more):
    return revised(kept, recommender, duration_s=FILM_S, seed=9, **more)


def test_a_cue_sheet_in_csv_comes_back_the_same(sheet, recommender, tmp_path):
    first, _ = write(sheet, tmp_path / "a.csv")
    cues = again(read(first, RATE), recommender)
    second, _ = write(replace(sheet, cues=tuple(cues)), tmp_path / "b.csv")
    assert second.read_bytes() == first.read_bytes()


def test_a_cue_sheet_in_json_comes_back_the_same(cues, recommender, tmp_path):
    document = ScoreDocument([Scored("film.mp4", FILM_S, float(RATE), 5, cues, ["a", "b"])], [])
    path = tmp_path / "cues.json"
    path.write_bytes(msgspec.json.encode(document))
    assert again(read(path, RATE), recommender) == cues


def test_one_cue_gets_another_song_and_the_others_keep_theirs(cues, edited, recommender):
    def empty(rows):
        rows[2]["uid"] = ""

    for kept, another in ((edited(empty), ()), (edited(lambda rows: None), (3,))):
        found = again(kept, recommender, another=another)
        assert [new.song == old.song for new, old in zip(found, cues, strict=True)] == [True, True, False, True]
        times = [(c.start_s, c.end_s) for c in cues]
        assert [(c.start_s, c.end_s) for c in found] == [pytest.approx(pair) for pair in times]
        assert [c.found for c in found] == [c.found for c in cues]
        assert len({cue.song.uid for cue in found}) == 4
    assert found[2].song != cues[2].song, "the one it had does not come again"
    assert found[2].song.probabilities[1] > 0.15, "it is for calm"


def test_a_song_that_was_emptied_does_not_come_again_whatever_the_seed(cues, edited, recommender):
    kept = edited(lambda rows: rows[2].update(uid=""))
    found = [revised(kept, recommender, duration_s=FILM_S, seed=seed)[2].song for seed in range(12)]
    assert cues[2].song not in found


def test_times_may_be_moved_as_seconds_or_as_time_codes(cues, edited, recommender):
    def move(rows):
        rows[0]["end"], rows[0]["end_s"] = "", "55.5"
        rows[1]["start"], rows[1]["start_s"] = timecode(1663, RATE), ""
        rows[3]["end"], rows[3]["end_s"] = timecode(6593, RATE).replace(";", ":"), ""

    found = again(edited(move), recommender)
    assert found[0].end_s == found[1].start_s == 55.5, "what is a frame apart follows at once"
    assert found[3].end_s == pytest.approx(float(6593 / RATE))
    assert [c.song for c in found] == [c.song for c in cues]


def test_times_may_be_minutes_and_seconds_and_an_end_the_start_of_the_next(cues, edited, recommender):
    def move(rows):
        rows[0].update(end="", end_s="")
        rows[1].update(start="1:05.5", start_s="")
        rows[3].update(end="3:59,5", end_s="")

    found = again(edited(move), recommender)
    assert found[0].end_s == found[1].start_s == 65.5
    assert found[3].end_s == 239.5


def test_the_last_cue_needs_an_end_of_its_own(edited):
    with pytest.raises(CueSheetError, match="line 5: no end_s and no end; give one of them"):
        edited(lambda rows: rows[3].update(end="", end_s=""))


@pytest.mark.parametrize("uid", ["", None], ids=["another song", "the same song"])
def test_an_emotion_that_was_changed_was_chosen_by_hand(edited, recommender, uid):
    """Nothing is left of how likely the one before it was."""

    def change(rows):
        assert rows[1]["found"].startswith("uncertain (sad")
        rows[1].update(emotion="happy", uid=rows[1]["uid"] if uid is None else uid, found="" if uid is None else "x")

    cue = again(edited(change), recommender)[1]
    assert (cue.emotion, cue.found, cue.by_hand) == ("happy", "happy, chosen by hand", True)
    assert (cue.probability, cue.is_sure, cue.disagree) == (1.0, True, False)


def test_a_spreadsheet_may_have_written_semicolons_and_decimal_commas(sheet, recommender, tmp_path):
    first, _ = write(sheet, tmp_path / "a.csv")
    with first.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row |= {name: row[name].replace(".", ",") for name in row if name.endswith("_s") or name == "probability"}
    with (tmp_path / "b.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    assert read(tmp_path / "b.csv", RATE) == read(first, RATE)


def test_rows_may_go_and_new_ones_come(cues, edited, recommender):
    def change(rows):
        new = dict.fromkeys(rows[0], "") | {"start_s": "250", "end_s": "290", "emotion": "surprised"}
        mine = new | {"start_s": "101.9", "end_s": "150", "uid": cues[1].song.uid, "emotion": ""}
        return [rows[0], mine, new]

    found = again(edited(change), recommender, crossfade_s=4.0)
    assert [(c.start_s, c.end_s) for c in found] == [pytest.approx(t) for t in [(0, 60.0171), (101.9, 150), (250, 290)]]
    assert [c.song for c in found[:2]] == [c.song for c in cues[:2]]
    assert [c.found for c in found[1:]] == [", chosen by hand", "surprised, chosen by hand"]
    assert found[1].fade_out_s == found[2].fade_out_s == 4.0, "as asked, where nothing is said"
    assert found[0].fade_out_s == pytest.approx(1.5), "as it was"


def test_a_row_that_needs_several_songs_gets_them(edited, recommender):
    def change(rows):
        return [dict.fromkeys(rows[0], "") | {"start_s": "0", "end_s": "300", "emotion": "calm"}]

    from edge_emo.music.store.filters import Filters

    found = again(edited(change), recommender, filters=Filters(min_duration_s=60, max_duration_s=90))
    assert len(found) >= 4
    assert (found[0].start_s, found[-1].end_s) == (0, 300)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"uid": "", "emotion": ""}, "cue 2: no song and no emotion to choose one for"),
        ({"uid": "no:such"}, "no:such: no such song"),
        ({"emotion": "bored"}, r"line 3: emotion 'bored' is unknown; use one of neutral"),
        ({"start_s": "", "start": ""}, "line 3: no start_s and no start; give one of them"),
        ({"start_s": "70"}, r"line 3: start 00:00:59;29 and start_s 70 differ"),
        ({"start_s": "abc"}, "line 3: column start_s: 'abc' is not a number of seconds"),
        ({"start_s": "nan", "start": ""}, "cue 2: from nan to"),
        (
            {"start": "1:60", "start_s": ""},
            "line 3: '1:60' is no time code at 29.97 .* or as minutes and seconds, such as 1:05.5",
        ),
        ({"start": "1:01"}, r"line 3: start 1:01 and start_s 60\.0171 differ"),
        (
            {"title": "Another Song"},
            "cue 2: its row says Another Song by .*, but its uid .* is .*The uid chooses",
        ),
        ({"artist": "The Band"}, r"cue 2: its row says .* by The Band, .*songs search .The Band. --details"),
        ({"fade_in_s": "much"}, r"line 3: .*fade_in_s"),
        ({"start_s": "30", "start": ""}, r"cue 2: begins at 30 s, before 60\.0171 s, where the one before it ends"),
        ({"end_s": "900", "end": ""}, r"cue 2: from 60\.0171 to 900 s of a film of 300 s; correct its times"),
        ({"end_s": "60", "end": ""}, "correct its times"),
        ({"source_in_s": "100000"}, r"the cue at 60\.0171 s asks for .* and it lasts"),
    ],
)
def test_what_cannot_be_kept_is_told_with_its_place(edited, recommender, change, message):
    with pytest.raises((CueSheetError, SongNotFoundError), match=message):
        again(edited(lambda rows: rows[1].update(change)), recommender)


def test_another_song_for_a_cue_that_is_not_there_is_told(edited, recommender):
    for keep, message in ((4, "no cue 7; there are only 4 cues"), (1, "no cue 7; there is only 1 cue$")):
        with pytest.raises(CueSheetError, match=message):
            again(edited(lambda rows, keep=keep: rows[:keep]), recommender, another=[7])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("cues.otio", b"{}", r"not a cue sheet to read back; name a \.csv or \.json"),
        ("cues.csv", b"title,artist\na,b\n", "no column uid and no column emotion"),
        ("cues.csv", b"uid,emotion,start_s,end_s\na,calm,0,1,2,3\n", "line 2: more cells than columns"),
        ("cues.csv", b"uid;emotion;start_s;end_s\na;calm;0;1;2;3\n", "line 2: .* contains the delimiter in quotes"),
        ("cues.csv", b"uid,emotion,start_s,end_s\n", "no cue is left"),
        ("cues.csv", b"\xff\xfe\x00", "not utf-8"),
        ("cues.json", b"[]", "not the output of `edge-emo score --json`"),
        ("cues.json", b"[" * 100_000, "not the output of"),
        ("cues.json", json.dumps({"results": []}).encode(), "contains the cues of 0 films"),
        ("cues.json", b'{"results": [{"cues": [{"end_s": 3}]}]}', "cue 1: no start_s and no start"),
        ("cues.json", b'{"results": [{"cues": [{"start_s": [], "end_s": 3}]}]}', "cue 1: .*start_s"),
    ],
)
def test_what_is_no_cue_sheet_is_told(recommender, tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CueSheetError, match=message):
        again(read(tmp_path / name, RATE), recommender)


def test_a_folder_and_a_file_without_end_are_no_cue_sheets(tmp_path):
    (tmp_path / "a.csv").mkdir()
    with (tmp_path / "b.json").open("wb") as file:
        file.truncate(10**9)
    for name in ("a.csv", "b.json", "nowhere.csv"):
        with pytest.raises(CueSheetError, match="no such file, or too large for a cue sheet"):
            read(tmp_path / name, RATE)
