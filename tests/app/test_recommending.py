from collections import Counter
from dataclasses import replace

import pytest

import edge_emo
from edge_emo.app.learned import learned
from edge_emo.app.library import library
from edge_emo.app.recommending import Recommending
from edge_emo.core.emotions import EMOTIONS
from edge_emo.music.ranking.recommend import USUAL, Recommender
from edge_emo.music.store.filters import Filters
from edge_emo.music.store.history import History
from edge_emo.report import text
from tests.music.ranking.test_cues import film_of


@pytest.fixture(scope="module")
def heard():
    return edge_emo.analyze("edge_emo/data/sample.flac")


@pytest.fixture(scope="module")
def asking():
    return Recommending(Recommender(), 5, 7, Filters())


def test_songs_for_a_source_are_those_of_the_library_call(asking, heard):
    found = asking.for_timeline(heard)
    assert found.songs == edge_emo.recommend(heard, 5, seed=7, filters=Filters())
    assert (found.timeline, found.mood, found.seed, found.uses_history) == (heard, None, 7, False)


def test_songs_for_a_mood_have_no_timeline(asking):
    found = asking.for_mood("sad")
    assert (found.timeline, found.mood, len(found.songs)) == (None, "sad", 5)
    assert found.advice is None


def test_where_nothing_was_found_there_is_neither_song_nor_advice(asking, heard):
    found = asking.for_timeline(replace(heard, readings=()))
    assert (found.songs, found.advice) == ([], None)


def test_advice_says_what_to_ask_less_of_and_is_not_given_for_random_songs(asking):
    narrow = Filters(min_duration_s=3600.0)
    assert replace(asking, filters=narrow).for_mood("sad").advice.relax[0].condition == "min_duration_s"
    assert replace(asking, filters=narrow, strategy="random").for_mood("sad").advice is None


def test_what_is_shown_is_kept_in_the_history_and_learned_from():
    told = []
    with library(None, None, told.append, history=True) as opened:
        asking = Recommending(Recommender(opened.catalogue, History(opened.database)), 3, 7, Filters())
        found = asking.for_mood(EMOTIONS[2])
        History(opened.database).add("kept", found.songs[0].song.uid)
        known = learned(opened.catalogue, opened.database)
    assert found.uses_history and not told
    assert known.history.by_action["shown"] == 3
    assert known.history.by_action["kept"] == 1
    assert max(known.likes, key=lambda like: like.weight).weight > 0


def test_what_a_film_asks_for_is_said_with_the_share_of_each_part(heard):
    asking = Recommending(Recommender(), 6, 1, USUAL)
    film = replace(film_of((0, 30, "happy"), (30, 50, "sad"), (50, 60, "angry")), readings=heard.readings)
    found = asking.for_timeline(film)
    assert [(wish.emotion, round(wish.share, 2)) for wish in found.asked_for] == [
        ("happy", 0.5),
        ("sad", 0.33),
        ("angry", 0.17),
    ]
    assert Counter(item.asked_for for item in found.songs) == {"happy": 3, "sad": 2, "angry": 1}
    printed = text.recommended(found)
    assert "shares of the list: happy 50%, sad 33%, angry 17%" in printed
    for item in found.songs:
        line = next(line for line in printed.splitlines() if item.song.title in line)
        assert line.endswith(f"  {item.asked_for}")
    alone = asking.for_mood("calm")
    assert [(wish.emotion, wish.share) for wish in alone.asked_for] == [("calm", 1.0)]
    assert "ask for" not in text.recommended(alone)
