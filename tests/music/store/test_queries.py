import csv

import pytest

from edge_emo.music.store import queries as module
from edge_emo.music.store.catalogue import Catalogue
from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.filters import Filters
from edge_emo.music.store.moods import is_known
from edge_emo.music.store.record import SongRecord
from edge_emo.music.store.writer import SongWriter


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


@pytest.fixture
def own(tmp_path):
    """A catalogue with three songs of one's own, in German."""
    songs = (
        SongRecord(title="Lange Straße", artist="Weiß", moods=("Fröhlich",), genre="Klassik"),
        SongRecord(title="Fluss", artist="Großmann", moods=("Traurig",)),
        SongRecord(title="Regen", artist="Ünal"),
    )
    with UserDatabase(tmp_path / "own.sqlite") as database, database.transaction() as connection:
        for song in songs:
            SongWriter(connection).put(song)
    with Catalogue(own=tmp_path / "own.sqlite") as found:
        yield found


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Straße", "Lange Straße"),
        ("strasse", "Lange Straße"),
        ("STRASSE", "Lange Straße"),
        ("weiss", "Lange Straße"),
        ("großm", "Fluss"),
        ("fluß", "Fluss"),
    ],
)
def test_sharp_s_is_found_however_it_is_spelled(own, text, title):
    assert title in [song.title for song in own.search(text) if song.source == "own"]


@pytest.mark.parametrize(("text", "title"), [("cheerful lange", "Lange Straße"), ("sad großmann", "Fluss")])
def test_a_mood_is_found_in_another_language_than_its_tag(own, text, title):
    assert [song.title for song in own.search(text)] == [title]


def test_moods_and_genres_are_asked_for_in_german_and_russian_too(own):
    assert {"Sad"} <= {mood for song in own.search("traurige", 20) for mood in song.moods}
    classical = {song.uid for song in own.search("", 10_000, Filters(genres=("Classical",)))}
    assert {song.uid for song in own.search("", 10_000, Filters(genres=("klassisch",)))} == classical
    assert own.search("", filters=Filters(genres=("Classical",)), limit=10_000)[-1].artist == "Weiß"


@pytest.mark.parametrize("text", ["", "sad", "happy ukulele", "weiss", "?!"])
def test_as_many_songs_are_counted_as_are_found(own, text):
    assert own.count(text, Filters(min_duration_s=60)) == len(own.search(text, 10_000, Filters(min_duration_s=60)))


def test_songs_that_no_word_is_asked_of_come_by_artist_and_title(own):
    names = [(song.artist.casefold(), song.title.casefold()) for song in own.search("", 30)]
    assert names == sorted(names)
