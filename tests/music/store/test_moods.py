import math

import pytest

from edge_emo.core.emotions import EMOTIONS, VALENCE_AROUSAL
from edge_emo.music.library import lmc
from edge_emo.music.store.moods import (
    NOWHERE,
    _csv,
    _known,
    _table,
    contradictions,
    is_known,
    mood_position,
    probabilities_near,
)
from tests.conftest import ROOT


def contradicting(moods, title=""):
    return {name for name, contradiction in zip(EMOTIONS, contradictions(moods, title), strict=True) if contradiction}


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_an_emotions_own_place_has_most_of_its_share(emotion):
    probabilities = probabilities_near(*VALENCE_AROUSAL[emotion])
    assert math.isclose(sum(probabilities), 1)
    assert EMOTIONS[probabilities.index(max(probabilities))] == emotion


def test_moods_count_three_times_as_much_as_the_genre():
    place, found_by = mood_position(("Happy",), "Horror")
    assert found_by == "moods"
    assert place.valence == pytest.approx(0.75 * 0.8 + 0.25 * -0.7)
    assert math.isclose(sum(place.probabilities), 1, abs_tol=1e-3)


@pytest.mark.parametrize(
    "genre", ["Country", "Hip-Hop/Rap", "R&B", "Heavy Metal", "Drum & Bass", "Rock; Jazz", "singer/songwriter", "K-Pop"]
)
def test_genres_of_ordinary_files_are_known(genre):
    assert mood_position((), genre)[1] == "genre"


def test_a_genre_of_several_is_their_mean():
    rock, jazz, both = (mood_position((), name)[0].valence for name in ("Rock", "Jazz", "Rock / Jazz"))
    assert both == pytest.approx((rock + jazz) / 2)


def test_a_genre_alone_counts_half_and_nothing_is_known_of_nothing():
    assert mood_position((), "Horror")[0].valence == pytest.approx(-0.35)
    assert mood_position((), "Horror")[1] == "genre"
    assert mood_position(("no such mood",), "no such genre") == (NOWHERE, "nothing")


def test_moods_are_known_in_any_case():
    assert mood_position(("HAPPY",), "") == mood_position(("happy",), "")
    assert all(is_known(mood) for mood in lmc.MOODS)


@pytest.mark.parametrize(("moods", "title"), [(["Somber"], ""), (["Angry"], ""), ([], "Somber Song"), ([], "ANGRY!")])
def test_sombre_and_angry_songs_clash_with_happy(moods, title):
    assert "happy" in contradicting(moods, title)


def test_nothing_clashes_with_what_it_is():
    for emotion in EMOTIONS:
        assert emotion not in contradicting([emotion])
    assert contradicting(["Happy"]) >= {"sad", "angry", "fearful", "disgust"}
    assert contradicting(["Bright"], "Sad Bright Day") >= {"sad", "happy"}
    assert contradicting([], "An Ordinary Title") == set()


@pytest.mark.parametrize("tag", ["Dark", "Sad", "Angry", "Happy", "Bright", "Dramatic"])
def test_what_is_felt_strongly_is_not_neutral_not_even_on_average(tag):
    assert "neutral" in contradicting([tag])
    assert "neutral" in contradicting(["Grooving", tag])
    assert "neutral" not in contradicting(["Grooving", "Relaxed"], "Calm")


def test_words_of_a_title_that_are_mood_tags_shift_what_a_song_suits_but_not_its_place():
    plain, haunted = (mood_position(("Dark",), "Cinematic", title)[0] for title in ("Corridor", "Haunted Corridor"))
    fearful = EMOTIONS.index("fearful")
    assert haunted.probabilities[fearful] > plain.probabilities[fearful]
    assert sum(haunted.probabilities) == pytest.approx(1, abs=1e-3)
    assert (haunted.valence, haunted.arousal) == (plain.valence, plain.arousal)
    assert mood_position((), "", "Haunted Corridor") == (NOWHERE, "nothing"), "a title alone is too little"


@pytest.mark.parametrize(
    ("genre", "row"),
    [
        ("Progressive Metal", "Metal"), ("Post-Metal", "Metal"), ("Melodic Death Metal", "Death Metal"),
        ("Rock argentino", "Rock"), ("Russian Hard Rock", "Hard Rock"), ("Progressive House", "House"),
        ("Klassik", "Classical"), ("Klassische Musik", "Classical"), ("deutsche Volksmusik", "Folk"),
        ("Рок", "Rock"), ("Русский рок", "Rock"), ("ТАНЦЕВАЛЬНАЯ МУЗЫКА", "Dance"), ("Рок-н-ролл", "Rock and Roll"),
        ("Колыбельные", "Lullaby"), ("Хэви-метал", "Heavy Metal"), ("поп-музыка", "Pop"),
    ],
)  # fmt: skip
def test_a_genre_is_known_by_its_last_known_words_in_english_german_and_russian(genre, row):
    found, by = mood_position((), genre)
    expected = mood_position((), row)[0]
    assert by == "genre"
    assert (found.valence, found.arousal) == (expected.valence, expected.arousal)
    assert found.probabilities == pytest.approx(expected.probabilities, abs=2e-4)


def test_each_part_of_a_genre_of_several_is_known_by_its_last_words():
    mixed, plain = mood_position((), "Progressive Metal; Русский джаз")[0], mood_position((), "Metal; Jazz")[0]
    assert mixed == plain


@pytest.mark.parametrize(
    ("mood", "tag"),
    [
        ("traurig", "Sad"), ("TRAURIGE", "Sad"), ("fröhlicher", "Cheerful"), ("Fröhlich", "Cheerful"),
        ("heitere", "Cheerful"), ("wütend", "Angry"), ("ruhiges", "Calm"), ("Angst", "Angst"), ("Wut", "Rage"),
        ("грустный", "Sad"), ("Грустная", "Sad"), ("грустно", "Sad"), ("весёлые", "Cheerful"), ("веселая", "Cheerful"),
        ("злая", "Angry"), ("спокойное", "Calm"), ("тёмный", "Dark"), ("радость", "Joy"), ("страх", "Fear"),
    ],
)  # fmt: skip
def test_moods_are_known_in_german_and_russian_in_each_gender_and_number(mood, tag):
    assert mood_position((mood,), "") == mood_position((tag,), "")
    assert mood_position((mood,), "")[1] == "moods"
    assert contradictions([mood], "") == contradictions([tag], "")


def test_every_translation_names_a_row_and_none_an_english_word_of_another_meaning():
    for table, language, name, row in _csv("translations"):
        assert language in ("de", "ru")
        assert row.casefold() in _table(table), name
        assert _known(table, name) == row.casefold(), name


def test_words_of_a_title_are_looked_up_in_english_alone():
    assert contradicting(["Calm"], "Wut") == contradicting(
        ["Calm"]
    )  # "toll" and "hell" mean other things in other languages


def test_of_a_genre_of_hundreds_of_words_the_last_ones_are_looked_at():
    assert mood_position((), "ab " * 600 + "unknown")[1] == "nothing"
    assert mood_position((), "ab " * 600 + "metal")[1] == "genre"


def test_the_mood_words_of_the_documentation_stand_first_of_all_for_their_emotion():
    page = (ROOT / "docs" / "how-to" / "own-music.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines()]
    words = {row[0]: row[1].split(", ") for row in rows if len(row) == 2 and row[0] in EMOTIONS}
    assert tuple(words) == EMOTIONS
    for emotion, tags in words.items():
        for tag in tags:
            assert is_known(tag), tag
            shares = mood_position((tag,), "")[0].probabilities
            assert shares.index(max(shares)) == EMOTIONS.index(emotion), tag
