import sqlite3

import pytest

from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.errors import CatalogueError, SongNotFoundError
from edge_emo.music.store.catalogue import _SELECT, Catalogue
from edge_emo.music.store.filters import Filters
from edge_emo.music.store.licenses import in_a_word


@pytest.fixture(scope="module")
def catalogue():
    with Catalogue() as opened:
        yield opened


def test_all_tracks_are_there_with_their_licences(catalogue):
    info = catalogue.info()
    assert info.songs == 6047
    assert info.by_license == {"YouTube Audio Library licence": 3934, "CC BY 4.0": 2113}
    assert sum(info.by_emotion.values()) == 6047
    catalogue.check()


def test_every_emotion_has_a_hundred_playable_songs(catalogue):
    counts = dict.fromkeys(EMOTIONS, 0)
    for song in catalogue.all_songs():
        assert sum(song.probabilities) == pytest.approx(1, abs=1e-3)
        if song.duration_s >= 30:
            counts[EMOTIONS[song.probabilities.index(max(song.probabilities))]] += 1
    assert min(counts.values()) >= 100, counts


def test_every_song_says_how_it_may_be_used(catalogue):
    for song in catalogue.all_songs():
        assert song.usage
        if song.license == "CC BY 4.0":
            assert song.title in song.credit
            assert song.artist in song.credit
            assert "https://creativecommons.org/licenses/by/4.0/" in song.credit
        else:
            assert song.credit is None


def test_a_known_song(catalogue):
    song = catalogue.song("inc:USUAN1100546")
    assert (song.title, song.artist, song.moods) == (
        "Danse Macabre",
        "Kevin MacLeod",
        ("Epic", "Intense", "Mysterious"),
    )
    assert song.credit == (
        '"Danse Macabre" Kevin MacLeod (incompetech.com) Licensed under Creative Commons: '
        "By Attribution 4.0 License https://creativecommons.org/licenses/by/4.0/"
    )
    assert song.arousal > 0.3


def test_search_finds_words_their_beginnings_and_artists(catalogue):
    assert catalogue.search("danse macabre")[0].title.startswith("Danse Macabre")
    assert catalogue.search("DANSE maca")
    assert {song.artist for song in catalogue.search("aakash gandhi", limit=5)} == {"Aakash Gandhi"}
    assert len(catalogue.search("the", limit=7)) == 7


def test_a_long_search_is_cut_short(catalogue):
    """The time of a search grows with every word, and a page may have been pasted."""
    words = " ".join(f"a{i}" for i in range(5000))
    assert catalogue.search(words) == []
    assert catalogue.search("danse " * 5000)


@pytest.mark.parametrize(
    "text", ["", "   ", '"', "NEAR(", "a AND", "*", "title:", "'; DROP TABLE tracks", "\0", "é" * 500]
)
def test_no_search_text_is_an_error(catalogue, text):
    assert isinstance(catalogue.search(text), list)


def test_an_unknown_song_is_named(catalogue):
    with pytest.raises(SongNotFoundError, match="nope: no such song"):
        catalogue.song("nope")


def test_the_catalogue_cannot_be_written(catalogue):
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        catalogue._connection.execute("DELETE FROM tracks")


def test_a_missing_catalogue_is_named(tmp_path):
    with pytest.raises(CatalogueError, match="no such catalogue"):
        Catalogue(tmp_path / "none.sqlite")


def test_a_file_that_is_no_catalogue_is_named(tmp_path):
    path = tmp_path / "text.sqlite"
    path.write_text("no database" * 1000)
    with pytest.raises(CatalogueError, match="damaged or not a catalogue"):
        Catalogue(path)


def test_a_catalogue_of_another_schema_is_named(tmp_path):
    path = tmp_path / "old.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.execute("CREATE TABLE t (x)")
    connection.commit()
    connection.close()
    with pytest.raises(CatalogueError, match="schema 99"):
        Catalogue(path)


def test_a_damaged_catalogue_is_noticed(tmp_path, catalogue):
    content = bytearray(catalogue.path.read_bytes())
    for start in range(8192, len(content), 65536):
        content[start : start + 2000] = b"\xff" * 2000
    path = tmp_path / "damaged.sqlite"
    path.write_bytes(bytes(content))

    def use():
        with Catalogue(path) as opened:
            opened.check()
            list(opened.all_songs())

    with pytest.raises(CatalogueError):
        use()


@pytest.mark.parametrize(
    ("sql", "index"),
    [
        (f"{_SELECT.format(schema='bundled')} WHERE t.uid IN ('x', 'y')", "sqlite_autoindex_tracks_1"),
        (f"SELECT id FROM bundled.tracks t WHERE {Filters(bpm=(60, 61)).conditions('bundled')[0]}", "tracks_bpm"),
        (f"SELECT id FROM bundled.tracks t WHERE {Filters(genres=('Jazz',)).conditions('bundled')[0]}", "tracks_genre"),
        (
            f"SELECT id FROM bundled.tracks t WHERE {Filters(instruments=('Piano',)).conditions('bundled')[0]}",
            "track_instruments_instrument",
        ),
        ("SELECT track_id FROM bundled.files WHERE path = 'x'", "sqlite_autoindex_files_1"),
        ("SELECT track_id FROM bundled.files WHERE sha256 = 'x'", "files_content"),
    ],
)
def test_queries_use_the_indexes(catalogue, sql, index):
    values = [1] * sql.count("?")
    plan = " ".join(str(row) for row in catalogue._connection.execute(f"EXPLAIN QUERY PLAN {sql}", values))
    assert index in plan
    assert "SCAN t" not in plan


def test_moods_and_texts_are_read_by_key(catalogue):
    plan = catalogue._connection.execute(f"EXPLAIN QUERY PLAN {_SELECT.format(schema='bundled')} WHERE t.id = 1")
    scans = [str(row) for row in plan if "SCAN" in str(row) and "CONSTANT" not in str(row)]
    assert scans == []


def test_what_is_no_utf8_is_looked_for_and_not_found(catalogue):
    odd = "a\udcff\0"
    with pytest.raises(SongNotFoundError, match="no such song"):
        catalogue.song(odd)
    assert catalogue.keys([odd]) == {}
    assert len(catalogue.keys_of(Filters(genres=("\udcff",)))) == 0
    assert catalogue.search("\udcff") == []
    assert catalogue.search("evening\udcff", 1) == catalogue.search("evening", 1)


@pytest.mark.parametrize("name", ["a" * 300, "a\0", "a\udcff"])
def test_a_name_that_no_file_can_have_is_no_catalogue(name):
    with pytest.raises(CatalogueError, match="no such catalogue"):
        Catalogue(name)


def test_every_song_can_be_found_by_a_link_of_its_own_or_by_a_search(catalogue):
    without_link = of_channel = 0
    for song in catalogue.all_songs():
        without_link += not song.link
        of_channel += song.link.startswith("https://www.youtube.com/channel/")
        if song.source == "incompetech":
            assert song.find is None
            assert song.link.endswith(song.uid.removeprefix("inc:")), "a page of this song"
        else:
            assert song.title in song.find
            assert song.artist in song.find
            assert "youtube.com/audiolibrary" in song.find
    assert (without_link, of_channel) == (1819, 2085)


@pytest.mark.parametrize(
    ("license", "word"),
    [
        ("CC BY 4.0", "CC BY"), ("CC BY-NC-SA 3.0", "CC BY-NC-SA"), ("YouTube Audio Library licence", "Audio Library"),
        ("unknown", "licence unknown"), ("My own licence", "My own"),
    ],
)  # fmt: skip
def test_a_licence_in_a_word(license, word):
    assert in_a_word(license) == word
