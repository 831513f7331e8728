from dataclasses import replace

import pytest

import edge_emo
from edge_emo.app.learned import learned
from edge_emo.app.library import library
from edge_emo.app.recommending import Recommending
from edge_emo.core.emotions import EMOTIONS
from edge_emo.music.ranking.recommend import Recommender
from edge_emo.music.store.filters import Filters
from edge_emo.music.store.history import History


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
