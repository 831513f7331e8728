import pytest

from edge_emo.core.emotions import EMOTIONS
from edge_emo.music.ranking.recommend import Recommender, one_hot
from edge_emo.music.ranking.taste import Taste, attributes
from edge_emo.music.store.catalogue import Catalogue
from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.filters import Filters
from edge_emo.music.store.history import History


@pytest.fixture(scope="module")
def catalogue():
    with Catalogue() as opened:
        yield opened


@pytest.fixture
def history(tmp_path):
    with UserDatabase(tmp_path / "own.sqlite") as database:
        yield History(database)


@pytest.fixture
def recommender(catalogue, history):
    return Recommender(catalogue, history)


def test_what_is_liked_gains_and_what_is_not_loses():
    taste = Taste()
    for _ in range(5):
        taste.learn([("genre", "Jazz")], 1, is_liked=True)
        taste.learn([("genre", "Rock")], 1, is_liked=False)
    jazz, rock, unknown = (taste.weight(("genre", name)) for name in ("Jazz", "Rock", "Polka"))
    assert jazz.mean > 0.2 > 0 > -0.2 > rock.mean
    assert unknown.mean == 0
    assert jazz.variance < unknown.variance


def test_low_on_a_list_counts_for_less():
    """A song that was passed over at the end of a list may not have been seen."""
    first, last = Taste(), Taste()
    for _ in range(5):
        first.learn([("genre", "Jazz")], 1, is_liked=False)
        last.learn([("genre", "Jazz")], 10, is_liked=False)
    assert first.weight(("genre", "Jazz")).mean < last.weight(("genre", "Jazz")).mean < 0


def test_the_first_update_is_the_one_of_the_paper():
    """Graepel et al. 2010: variances .25, .5 and .05 about 0, with noise 1; a success."""
    taste = Taste()
    taste.learn([("genre", "Jazz")], 1, is_liked=True)
    weight = taste.weight(("genre", "Jazz"))
    assert weight.mean == pytest.approx(0.25 / 1.8**0.5 * (2 / 3.141592653589793) ** 0.5)
    assert weight.variance == pytest.approx(0.25 * (1 - 0.25 / 1.8 * 2 / 3.141592653589793))


def test_attributes_hold_for_all_emotions_and_for_one():
    found = attributes("X", "Jazz", ["Calm"], "sad")
    assert ("genre", "Jazz") in found
    assert ("genre", "Jazz", "sad") in found
    assert ("mood", "Calm", "sad") in found
    assert attributes("X", "", [], None) == [("artist", "X")]


def genres(found):
    return [item.song.genre for item in found]


def test_ten_clicks_bring_more_of_what_was_kept(recommender, history):
    wanted = one_hot("happy")
    liked = "Funk"
    n_clicks, before = 0, []
    while n_clicks < 10:
        history.session = f"{n_clicks}-{len(before)}"
        found = recommender(wanted, 10, seed=len(before))
        before.append(genres(found).count(liked))
        for item in found:
            if item.song.genre == liked:
                history.add("kept", item.song.uid)
                n_clicks += 1
    history.session = "after"
    found = recommender(wanted, 10, seed=99)
    stateless = Recommender(recommender.catalogue)(wanted, 10, seed=99)
    assert genres(found).count(liked) > genres(stateless).count(liked)
    kept = next(item for item in found if item.song.genre == liked)
    assert kept.taste > 0
    assert any(f"you like {name}" in kept.reason for name in (liked, kept.song.artist, *kept.song.moods))


def test_lists_that_nobody_answered_teach_nothing(recommender, history):
    for number in range(3):
        history.session = str(number)
        recommender(one_hot("sad"), 10, seed=number)
    recommender.memory.refresh()
    assert not recommender.memory.knows_something


def test_no_song_comes_twice_in_a_sitting(recommender, history):
    history.session = "one"
    seen = [item.song.uid for number in range(5) for item in recommender(one_hot("angry"), 10, seed=number)]
    assert len(set(seen)) == 50


@pytest.mark.parametrize("strategy", ["together", "random"])
def test_songs_come_again_once_there_are_no_others(recommender, history, strategy):
    """A kiosk that is never told of a new sitting must not fall silent."""
    history.session = "for weeks"
    few = Filters(genres=("Polka",))
    lists = [
        [item.song.uid for item in recommender(one_hot("happy"), 8, seed=i, filters=few, strategy=strategy)]
        for i in range(4)
    ]
    assert [len(set(uids)) for uids in lists] == [8] * 4
    assert not set(lists[0]) & set(lists[1][:4])


def test_songs_shown_lately_come_later_and_later_return(catalogue, tmp_path):
    clock = [0.0]
    with UserDatabase(tmp_path / "fresh.sqlite") as database:
        history = History(database, now=lambda: clock[0])
        recommender = Recommender(catalogue, history, learns=False)
        first = {item.song.uid for item in recommender(one_hot("sad"), 10, seed=1)}
        history.session, clock[0] = "next day", 86400.0
        tomorrow = {item.song.uid for item in recommender(one_hot("sad"), 10, seed=1)}
        history.session, clock[0] = "next year", 366 * 86400.0
        later = {item.song.uid for item in recommender(one_hot("sad"), 10, seed=1)}
    assert not first & tomorrow
    assert later == first


def test_what_is_learned_survives_the_process_and_can_be_reset_and_forgotten(catalogue, recommender, history):
    found = recommender(one_hot("calm"), 10, seed=0)
    history.add("kept", found[0].song.uid)
    recommender.memory.refresh()
    likes = recommender.memory.likes()
    assert likes[0].weight > 0
    assert {like.emotion for like in likes} == {None, "calm"}
    again = Recommender(catalogue, history).memory
    again.refresh()
    assert again.likes() == likes
    history.learn_anew()
    recommender.memory.refresh()
    assert not recommender.memory.knows_something
    assert history.stats().events == 11
    history.add("kept", found[1].song.uid)
    recommender.memory.refresh()
    assert recommender.memory.knows_something
    history.forget()
    recommender.memory.refresh()
    assert not recommender.memory.knows_something


def test_an_answer_that_comes_late_counts(recommender, history):
    found = recommender(one_hot("calm"), 5, seed=0)
    history.add("kept", found[0].song.uid)
    recommender.memory.refresh()
    before = recommender.memory.taste.weight(("artist", found[3].song.artist)).mean
    history.add("kept", found[3].song.uid)
    recommender.memory.refresh()
    assert recommender.memory.taste.weight(("artist", found[3].song.artist)).mean > before


def test_taste_never_brings_what_contradicts_the_emotion(catalogue, recommender, history):
    horror = [song for song in catalogue.all_songs() if song.genre == "Horror"][:30]
    history.shown([song.uid for song in horror], "happy", "match")
    for song in horror:
        history.add("kept", song.uid)
    history.session = "next"
    index = EMOTIONS.index("happy")
    found = recommender(one_hot("happy"), 10, seed=0)
    assert all(not recommender.ranking.songs.contradictions[index][recommender.ranking.indices([key])].any()
               for key in catalogue.keys([item.song.uid for item in found]).values())  # fmt: skip
