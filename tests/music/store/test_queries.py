import csv

import pytest

from edge_emo.music.store import queries as module
from edge_emo.music.store.catalogue import Catalogue
from edge_emo.music.store.filters import Filters
from edge_emo.music.store.moods import is_known


@pytest.fixture(scope="module")
def catalogue():
    with Catalogue() as found:
        yield found


@pytest.mark.parametrize(
    ("word", "tags"),
    [
        ("joyful", {"Happy", "Bright", "Uplifting", "Bouncy"}),
        ("tense", {"Suspenseful", "Intense", "Unnerving"}),
        ("Gloomy", {"Somber", "Dark", "Sad"}),
        ("laid-back", {"Relaxed", "Grooving", "Calm"}),
        ("scary", {"Unnerving", "Eerie", "Suspenseful"}),
    ],
)
def test_moods_are_found_by_words_that_mean_the_same(catalogue, word, tags):
    found = catalogue.search(word, 50)
    assert len(found) == 50
    assert sum(bool(tags & set(song.moods)) for song in found) >= 40, "some have the word in their title"


@pytest.mark.parametrize(
    ("text", "moods", "instrument"),
    [
        ("happy ukulele", {"Happy", "Bright", "Uplifting", "Bouncy"}, "uk"),
        ("sad piano", {"Sad", "Somber"}, "piano"),
        ("relaxing saxophone", {"Relaxed", "Calm", "Calming"}, "sax"),
    ],
)  # fmt: skip
def test_an_instrument_is_found_together_with_a_mood(catalogue, text, moods, instrument):
    found = catalogue.search(text, 12)
    assert len(found) >= 6
    right = [bool(moods & set(song.moods) and instrument in " ".join(song.instruments).casefold()) for song in found]
    assert sum(right) >= 0.75 * len(found), "the others have the words in their title"


def test_the_word_itself_comes_before_its_synonyms_and_before_words_that_begin_so(catalogue):
    found = catalogue.search("sad", 400)
    place = {name: [i for i, s in enumerate(found) if name in s.moods] for name in ("Sad", "Somber")}
    assert max(place["Sad"]) < max(place["Somber"])
    named = [i for i, song in enumerate(found) if "sad" in song.title.casefold().split() or "Sad" in song.moods]
    assert named == list(range(len(named)))
    assert len({song.uid for song in found}) == len(found)


def test_the_beginning_of_a_word_is_enough_and_conditions_hold_for_synonyms_too(catalogue):
    assert catalogue.search("ukul", 5)
    for song in catalogue.search("joyful", 30, Filters(bpm=(100, 140))):
        assert 100 <= song.bpm <= 140
    assert catalogue.search("?!", 5) == []


def test_every_synonym_names_a_mood_that_is_known_or_an_instrument_of_the_catalogue(catalogue):
    instruments = {name for song in catalogue.all_songs() for name in song.instruments}
    path = module.Path(module.__file__).parents[1] / "data" / "synonyms.csv"
    rows = list(csv.DictReader(path.open(newline="", encoding="utf-8")))
    assert len({row["word"] for row in rows}) == len(rows)
    for row in rows:
        for name in row["names"].split("|"):
            assert is_known(name) or name in instruments, (row["word"], name)
