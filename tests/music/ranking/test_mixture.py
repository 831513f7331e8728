from collections import Counter

import numpy as np
import pytest

from edge_emo.core.emotions import EMOTIONS, VALENCE_AROUSAL
from edge_emo.music.ranking.mixture import parts, turns
from edge_emo.music.ranking.recommend import Recommender, Relaxed, for_timeline, one_hot
from edge_emo.music.ranking.scores import MAX_PER_ARTIST
from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.filters import Filters
from edge_emo.music.store.history import History
from tests.music.ranking.test_cues import film_of, mostly

THIRDS = [0, 0, 1 / 3, 1 / 3, 1 / 3, 0, 0, 0]


@pytest.fixture(scope="module")
def recommender():
    return Recommender()


def best_fitting(recommender, found, among):
    """How many songs fit each emotion best."""
    keys = recommender.catalogue.keys([item.song.uid for item in found])
    places = [int(recommender.ranking.indices([keys[item.song.uid]])[0]) for item in found]
    scores = np.array([recommender.ranking.scores(np.array(one_hot(name)))[places] for name in among])
    return [among[i] for i in scores.argmax(0)], scores.max(0)


@pytest.mark.parametrize("seed", range(5))
def test_a_film_of_several_moods_gets_songs_for_each_and_not_for_their_average(recommender, seed):
    film = film_of((0, 20, "happy"), (20, 40, "sad"), (40, 60, "angry"))
    for found in (for_timeline(recommender, film, 10, seed=seed), recommender(THIRDS, 10, seed=seed)):
        emotions, scores = best_fitting(recommender, found, ["happy", "sad", "angry"])
        assert sorted(Counter(emotions).values()) == [3, 3, 4]
        assert len(set(emotions[:3])) == 3
        assert scores.min() > 0.6
        assert not all("Dramatic" in item.song.moods for item in found)


@pytest.mark.parametrize("seed", range(3))
def test_a_part_gets_songs_of_its_own_and_not_what_is_left_of_the_others(recommender, seed):
    """Most of the best for neutral are by one artist, so the best for sad came, which hardly suit it."""
    among = {item.song.uid: item.score for item in recommender(one_hot("neutral"), 30, seed=seed)}
    for found in recommender([0.4, 0.3, 0, 0.3, 0, 0, 0, 0], 10, seed=seed):
        if "neutral" in found.reason:
            assert found.score >= min(among.values()), found.reason


def test_a_short_part_of_a_film_gets_its_share_of_the_songs(recommender):
    film = film_of((0, 60, "happy"), (60, 90, "sad"), (90, 100, "angry"))
    emotions, _ = best_fitting(recommender, for_timeline(recommender, film, 10, seed=1), ["happy", "sad", "angry"])
    assert Counter(emotions) == {"happy": 6, "sad": 3, "angry": 1}


def test_a_film_of_one_mood_gets_songs_for_it_alone_whatever_doubt_is_left(recommender):
    film = film_of((0, 60, "happy"), (60, 90, "happy"))
    found = for_timeline(recommender, film, 10, seed=1)
    assert found == recommender(mostly("happy"), 10, seed=1)
    assert [item.song for item in found] == [item.song for item in recommender(one_hot("happy"), 10, seed=1)]


def test_doubt_is_no_part_and_a_clear_second_is():
    [alone] = parts([(1.0, [0.02, 0.01, 0.7, 0.03, 0.1, 0.1, 0.02, 0.02])])
    assert list(alone.wanted) == one_hot("happy")
    assert alone.whole[4] == pytest.approx(0.1)
    found = parts([(1.0, [0.0, 0.1, 0.6, 0.2, 0.1, 0.0, 0.0, 0.0])])
    assert [(part.emotion, part.share) for part in found] == [
        ("happy", pytest.approx(0.75)),
        ("sad", pytest.approx(0.25)),
    ]
    assert len(parts([(1.0, [1 / 8] * 8)])) == 8


def test_every_beginning_of_a_list_is_in_proportion(rng):
    for _ in range(20):
        probabilities = rng.dirichlet(np.ones(rng.integers(1, 7)))
        order = turns(list(probabilities), 40)
        for n in range(1, 41):
            assert np.abs(np.bincount(order[:n], minlength=len(probabilities)) - n * probabilities).max() < 1.5


@pytest.mark.parametrize("wrong", [[], [(0.0, one_hot("sad"))], [(float("inf"), one_hot("sad"))], [(1.0, [0.5] * 8)]])
def test_what_is_no_mixture_is_refused(recommender, wrong):
    with pytest.raises(ValueError, match=r"give one|numbers that sum to 1"):
        recommender.for_mixture(wrong)


def test_no_artist_comes_more_than_twice_in_any_ten_of_several_moods(recommender):
    artists = [r.song.artist for r in recommender(THIRDS, 60, seed=3)]
    assert len(artists) == 60
    for start in range(51):
        assert max(Counter(artists[start : start + 10]).values()) <= MAX_PER_ARTIST


def test_each_song_is_kept_under_the_mood_it_was_chosen_for(recommender, tmp_path):
    with UserDatabase(tmp_path / "own.sqlite") as database:
        history = History(database)
        found = Recommender(recommender.catalogue, history)(THIRDS, 9, seed=0)
        rows = list(history.events())
    assert [row.uid for row in rows] == [item.song.uid for item in found]
    assert Counter(row.emotion for row in rows) == {"happy": 3, "sad": 3, "angry": 3}
    for row, item in zip(rows, found, strict=True):
        place = VALENCE_AROUSAL[row.emotion]
        assert np.hypot(item.song.valence - place[0], item.song.arousal - place[1]) < 0.6


def test_songs_that_fit_nothing_say_so_and_what_to_relax(recommender):
    only_polka = Filters(genres=("polka",), min_duration_s=30)
    found = recommender(one_hot("disgust"), 4, seed=1, filters=only_polka)
    assert found
    assert not any(item.fits for item in found)
    assert all(item.reason.startswith("does not fit: ") for item in found)
    advice = recommender.advice(found, 4, [(1.0, one_hot("disgust"))], only_polka)
    [relaxed] = advice.relax
    assert (advice.asked, advice.fitting, relaxed.condition) == (4, 0, "genres")
    less = Filters(min_duration_s=30)
    assert relaxed.songs > 500
    assert all(item.fits for item in recommender(one_hot("disgust"), 100, seed=1, filters=less))


def test_a_list_that_is_too_short_says_what_to_relax(recommender):
    narrow = Filters(genres=("jazz",), bpm=(60, 62))
    found = recommender(one_hot("calm"), 10, seed=0, filters=narrow)
    assert len(found) < 10
    advice = recommender.advice(found, 10, [(1.0, one_hot("calm"))], narrow)
    assert advice.fitting == sum(item.fits for item in found)
    assert [each.songs for each in advice.relax] == sorted((each.songs for each in advice.relax), reverse=True)
    for each in advice.relax:
        less = {"genres": Filters(bpm=(60, 62)), "bpm": Filters(genres=("jazz",))}[each.condition]
        everything = recommender(one_hot("calm"), 2000, seed=0, filters=less)
        assert each == Relaxed(each.condition, sum(item.fits for item in everything))


def test_a_mood_of_which_no_song_passes_is_named(recommender):
    only = Filters(genres=("polka",))
    mixture = [(1.0, [0, 0, 0.5, 0, 0, 0, 0.5, 0])]
    found = recommender.for_mixture(mixture, 2, seed=0, filters=only)
    advice = recommender.advice(found, 2, mixture, only)
    assert advice.unmet == ("disgust",)
    assert "genres" in [each.condition for each in advice.relax]


def test_songs_that_fit_need_no_advice(recommender):
    for wanted in (*map(one_hot, EMOTIONS), THIRDS):
        found = recommender(wanted, 10, seed=0)
        assert all(item.fits for item in found)
        assert recommender.advice(found, 10, [(1.0, wanted)]) is None
