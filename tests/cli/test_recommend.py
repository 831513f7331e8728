"""`edge-emo recommend` as a user meets it: songs, why they come, and how to get them again."""

import csv
import io
import json
from pathlib import Path

import pytest

from edge_emo.core.emotions import EMOTIONS
from edge_emo.media.sources import sample_path
from tests.cli.conftest import document

ROOT = Path(__file__).parents[2]


def test_recommend_the_sample(edge_emo):
    done = edge_emo("recommend", "sample", "--seed", 1)
    text = done.stdout.decode()
    assert done.returncode == 0
    assert done.stderr == b""
    head, *songs, blank, _, _, _, _, seed = text.splitlines()
    assert head.startswith("sample: happy (")
    assert [line[:4] for line in songs] == [f"{number:2d}. " for number in range(1, 11)]
    assert all(line.endswith(("  Audio Library", "  CC BY")) for line in songs)
    assert (blank, seed) == ("", "The same songs again: --seed 1")


def test_details_say_why_each_song_came_and_how_it_may_be_used(edge_emo):
    text = edge_emo("recommend", "sample", "--seed", 1, "--details").stdout.decode()
    for label in ("UID ", "licence: ", "why: "):
        assert text.count(f"\n    {label}") == 10
    assert text.count("YouTube Audio Library (") == 0, "how to find songs is said once, below"
    assert text.count("youtube.com/audiolibrary") == 1


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


def test_csv_says_which_recording_and_where_a_song_comes_from(edge_emo):
    rows = list(csv.DictReader(io.StringIO(edge_emo("recommend", "sample", "--csv").stdout.decode())))
    assert {row["source"] for row in rows} == {str(sample_path())}
    assert {row["song_source"] for row in rows} <= {"incompetech", "youtube_audio_library"}


def test_license_filter(edge_emo):
    found = document(edge_emo("recommend", "--mood", "sad", "--license", "cc-by", "--json"), "recommend")
    assert all(item["song"]["credit"] for item in found["results"][0]["songs"])


def test_a_film_gets_songs_by_both_strategies(edge_emo, film):
    for options in ([], ["--strategy", "five-and-five"]):
        found = document(edge_emo("recommend", film, "--json", "--seed", 1, *options), "recommend")
        assert len({item["song"]["uid"] for item in found["results"][0]["songs"]}) == 10


@pytest.mark.slow
def test_songs_that_fit_nothing_never_come_without_a_word(edge_emo):
    asked = ("recommend", "--mood", "disgust", "--genre", "polka", "-n", 3, "--seed", 1)
    text = edge_emo(*asked).stdout.decode()
    assert text.count("  does not fit\n") == 3
    assert "0 of 3 songs fit; drop --genre (" in text
    [result] = document(edge_emo(*asked, "--json"), "recommend")["results"]
    assert [item["fits"] for item in result["songs"]] == [False] * 3
    assert result["advice"]["relax"][0]["condition"] == "genres"
    assert result["advice"]["relax"][0]["songs"] > 500
    fitting = document(edge_emo("recommend", "--mood", "happy", "--json", "--seed", 1), "recommend")["results"][0]
    assert fitting["advice"] is None
    assert all(item["fits"] for item in fitting["songs"])
    nothing = edge_emo("recommend", "--mood", "angry", "--genre", "holiday", "--bpm", "60-62")
    assert "drop --genre (" in nothing.stdout.decode()


def test_an_unknown_mood_is_answered_with_the_known_ones(edge_emo):
    stderr = edge_emo("recommend", "--mood", "hungry").stderr.decode()
    assert all(emotion in stderr for emotion in EMOTIONS)
