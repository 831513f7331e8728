import csv
import random
from collections import Counter

import pytest

from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.errors import SongListError
from edge_emo.music.library.lmc import MOODS, Pool, convert, import_lmc, read_pools
from edge_emo.music.store.catalogue import Catalogue
from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.record import SongRecord

PUBLISHED = {
    "aggression": 499, "anger": 1046, "angst": 251, "brooding": 169, "calm": 2830, "cheerful": 218, "confident": 59,
    "depressed": 2736, "desire": 130, "earnest": 119, "excitement": 169, "grief": 390, "happy": 3242, "pessimism": 6,
    "romantic": 2450, "sad": 7217, "upbeat": 4235,
}  # fmt: skip


@pytest.fixture
def database(tmp_path):
    with UserDatabase(tmp_path / "own.sqlite") as opened:
        yield opened


def write_list(path, counts, seed=0):
    rows = [(f"Artist {i % 97}", f"{mood} {i}", mood) for mood, n in counts.items() for i in range(n)]
    random.Random(seed).shuffle(rows)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("artist", "title", "mood"), *rows])
    return rows


def test_the_published_counts_come_out(database, tmp_path):
    write_list(tmp_path / "list.csv", PUBLISHED)
    found = import_lmc(database, tmp_path / "list.csv")
    assert found.emotions == {
        "neutral": 1000, "calm": 1000, "happy": 1000, "sad": 1000, "angry": 772, "fearful": 1000, "disgust": 773,
        "surprised": 169,
    }  # fmt: skip
    assert found.total == 6714
    assert found.moods == PUBLISHED
    with Catalogue(own=database.path) as catalogue:
        stored = Counter(EMOTIONS[song.probabilities.index(1.0)] for song in catalogue.all_songs("own"))
    assert stored == found.emotions


def test_odd_rows_go_to_disgust_and_even_ones_to_angry(database, tmp_path):
    rows = write_list(tmp_path / "list.csv", {"aggression": 3, "anger": 4})
    joined = [title for mood in ("aggression", "anger") for _, title, m in rows if m == mood]
    import_lmc(database, tmp_path / "list.csv")
    with Catalogue(own=database.path) as catalogue:
        songs = list(catalogue.all_songs("own"))
    disgust, angry = (
        {song.title for song in songs if song.probabilities[EMOTIONS.index(name)] == 1} for name in ("disgust", "angry")
    )
    assert disgust == set(joined[0::2])
    assert angry == set(joined[1::2])


def test_every_mood_of_the_corpus_is_in_one_pool():
    members = Counter(mood for pool in read_pools() for mood in set(pool.moods))
    assert set(members) == set(MOODS)
    assert {mood for mood, n in members.items() if n > 1} == {"aggression", "anger"}
    assert [pool.emotion for pool in read_pools()] == list(EMOTIONS)


def test_a_small_pool_is_taken_whole_and_a_large_one_by_its_even_rows():
    songs = {"calm": [SongRecord(title=str(i), artist="") for i in range(1, 8)]}
    assert [s.title for s in convert(songs, [Pool("calm", ("calm",), "even", 7)])["calm"]] == list("1234567")
    assert [s.title for s in convert(songs, [Pool("calm", ("calm",), "even", 6)])["calm"]] == list("246")
    assert [s.title for s in convert(songs, [Pool("calm", ("calm",), "odd", 2)])["calm"]] == list("13")


def test_the_table_can_be_another(database, tmp_path):
    write_list(tmp_path / "list.csv", {"romantic": 10})
    (tmp_path / "pools.csv").write_text("emotion,moods,rows,limit\nhappy,romantic,all,4\n")
    found = import_lmc(database, tmp_path / "list.csv", pools=tmp_path / "pools.csv")
    assert (found.total, found.emotions["happy"]) == (4, 4)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("hungry,calm,all,1", "hungry is none of the emotions"),
        ("happy,tired,all,1", "tired names other moods"),
        ("happy,,all,1", "names other moods"),
        ("happy,happy,some,1", "rows are 'some'"),
        ("happy,happy,all,no", "the limit 'no'"),
        ("happy,happy,all,²", "the limit '²'"),
        (f"happy,happy,all,{'9' * 5000}", "the limit '999"),
        ("happy,happy,all,1\nhappy,sad,all,1", "line 3: happy has a line already"),
    ],
)
def test_a_wrong_table_is_named(tmp_path, line, reason):
    (tmp_path / "pools.csv").write_text(f"emotion,moods,rows,limit\n{line}\n")
    with pytest.raises(SongListError, match=reason):
        read_pools(tmp_path / "pools.csv")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("artist,title\na,b\n", "no column mood"),
        ("artist,title,mood\na,b,calm\na,c,hungry\n", "line 3: 'hungry' is none of the moods"),
        ("artist,title,mood\na,,calm\n", "line 2: no title"),
        (f"artist,title,mood\na,{'x' * 3000},calm\n", "line 2: column title"),
    ],
)
def test_a_wrong_list_is_named_and_nothing_is_imported(database, tmp_path, text, reason):
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(SongListError, match=reason):
        import_lmc(database, tmp_path / "list.csv")
    assert database.connection.execute("SELECT count(*) FROM tracks").fetchone() == (0,)


def test_bad_rows_can_be_left_out(database, tmp_path):
    (tmp_path / "list.csv").write_text("artist,title,mood\na,b,calm\na,c,hungry\na,,calm\n")
    found = import_lmc(database, tmp_path / "list.csv", skip_bad=True)
    assert (found.total, [row.line for row in found.rejected]) == (1, [3, 4])


def test_a_song_under_two_moods_belongs_to_both_emotions(database, tmp_path):
    (tmp_path / "list.csv").write_text("artist,title,mood\na,b,calm\na,b,excitement\na,b,calm\n")
    found = import_lmc(database, tmp_path / "list.csv")
    assert {name: n for name, n in found.emotions.items() if n} == {"calm": 1, "surprised": 1}


def test_half_of_a_character_is_told(database, tmp_path):
    (tmp_path / "list.csv").write_text("artist,title,mood\na,b\\ud83d,calm\n")
    with pytest.raises(SongListError, match="line 2: holds half of a character"):
        import_lmc(database, tmp_path / "list.csv", encoding="unicode_escape")
