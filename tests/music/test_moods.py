import math

import pytest

from edge_emo.emotions import EMOTIONS, VALENCE_AROUSAL
from edge_emo.music import lmc
from edge_emo.music.moods import NOWHERE, clashes, is_known, placed, shares_near


def clashing(moods, title=""):
    return {name for name, clash in zip(EMOTIONS, clashes(moods, title), strict=True) if clash}


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_an_emotions_own_place_has_most_of_its_share(emotion):
    shares = shares_near(*VALENCE_AROUSAL[emotion])
    assert math.isclose(sum(shares), 1)
    assert EMOTIONS[shares.index(max(shares))] == emotion


def test_moods_count_three_times_as_much_as_the_genre():
    place, found_by = placed(("Happy",), "Horror")
    assert found_by == "moods"
    assert place.valence == pytest.approx(0.75 * 0.8 + 0.25 * -0.7)
    assert math.isclose(sum(place.shares), 1, abs_tol=1e-3)


@pytest.mark.parametrize(
    "genre", ["Country", "Hip-Hop/Rap", "R&B", "Heavy Metal", "Drum & Bass", "Rock; Jazz", "singer/songwriter", "K-Pop"]
)
def test_genres_of_ordinary_files_are_known(genre):
    assert placed((), genre)[1] == "genre"


def test_a_genre_of_several_is_their_mean():
    rock, jazz, both = (placed((), name)[0].valence for name in ("Rock", "Jazz", "Rock / Jazz"))
    assert both == pytest.approx((rock + jazz) / 2)


def test_a_genre_alone_counts_half_and_nothing_is_known_of_nothing():
    assert placed((), "Horror")[0].valence == pytest.approx(-0.35)
    assert placed((), "Horror")[1] == "genre"
    assert placed(("no such mood",), "no such genre") == (NOWHERE, "nothing")


def test_moods_are_known_in_any_case():
    assert placed(("HAPPY",), "") == placed(("happy",), "")
    assert all(is_known(mood) for mood in lmc.MOODS)


@pytest.mark.parametrize(("moods", "title"), [(["Somber"], ""), (["Angry"], ""), ([], "Somber Song"), ([], "ANGRY!")])
def test_sombre_and_angry_songs_clash_with_happy(moods, title):
    assert "happy" in clashing(moods, title)


def test_nothing_clashes_with_what_it_is():
    for emotion in EMOTIONS:
        assert emotion not in clashing([emotion])
    assert clashing(["Happy"]) >= {"sad", "angry", "fearful", "disgust"}
    assert clashing(["Bright"], "Sad Bright Day") >= {"sad", "happy"}
    assert clashing([], "An Ordinary Title") == set()
