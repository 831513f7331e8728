import csv
import json
import os
import threading
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.errors import SongListError
from edge_emo.music.library.csv_files import guarded, joined, split, unguarded
from edge_emo.music.library.exchange import COLUMNS, import_songs, write_songs
from edge_emo.music.ranking.scores import Ranking
from edge_emo.music.store.catalogue import Catalogue
from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.record import SongRecord
from edge_emo.music.store.writer import SongWriter

SCHEMAS = Path(__file__).parents[3] / "docs" / "schemas"

ODD = (
    SongRecord(title='=HYPERLINK("http://x","y")', artist="+Plus, -Minus", moods=("a|b", "c\\d", "Calm"), uid="o:1"),
    SongRecord(title="שלום 🎵 \"quoted\", 'single'", artist="", genre="'-", credit="@someone", uid="o:2"),
    SongRecord(title="two\nlines\tand a tab", artist="Robert'); DROP TABLE tracks;--", link="http://x", uid="o:3"),
    SongRecord(title="\tx", artist="''", bpm=92.123456789, duration_s=0.1, valence=-0.123456, arousal=1.0, uid="o:4"),
    SongRecord(
        title="Shares", artist="A", probabilities=(0.5, 0, 0.25, 0, 0, 0, 0, 0.25), path="/a/b c.mp3", uid="o:5"
    ),
)


@pytest.fixture
def database(tmp_path):
    with UserDatabase(tmp_path / "own.sqlite") as opened:
        yield opened


def stored(database):
    with Catalogue(own=database.path) as catalogue:
        return sorted(catalogue.all_songs("own"), key=lambda song: song.uid)


def put(database, *records):
    with database.transaction() as connection:
        for record in records:
            SongWriter(connection).put(record)


def listed(tmp_path, *lines, name="list.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_text("\n".join(lines), encoding=encoding)
    return path


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_everything_comes_back_the_same(database, tmp_path, format):
    put(database, *ODD)
    with Catalogue() as catalogue:
        songs = [*stored(database), *list(catalogue.all_songs())[::50]]
    path = tmp_path / f"songs.{format}"
    with path.open("w", newline="", encoding="utf-8") as file:
        assert write_songs(songs, file, format) == len(songs)
    with UserDatabase(tmp_path / "other.sqlite") as other:
        assert import_songs(other, path).songs == len(songs)
        assert stored(other) == sorted(songs, key=lambda song: song.uid)


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


any_song = st.tuples(text.filter(bool), text, st.lists(text.map(str.strip).filter(bool), unique=True, max_size=4))


@settings(max_examples=20, deadline=None)
@given(songs=st.lists(any_song, min_size=5, max_size=15))
@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_any_text_comes_back_the_same(tmp_path_factory, format, songs):
    folder = tmp_path_factory.mktemp("any")
    with UserDatabase(folder / "a.sqlite") as first, UserDatabase(folder / "b.sqlite") as second:
        rows = [SongRecord(title=t, artist=a, moods=tuple(m), uid=f"x:{i}") for i, (t, a, m) in enumerate(songs)]
        put(first, *rows)
        with (folder / f"x.{format}").open("w", newline="", encoding="utf-8") as file:
            write_songs(stored(first), file, format)
        import_songs(second, folder / f"x.{format}")
        assert stored(first) == stored(second)


@given(text)
def test_no_cell_is_a_formula(value):
    assert not guarded(value).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unguarded(guarded(value)) == value


@given(st.lists(text.map(str.strip).filter(bool)))
def test_lists_in_a_cell_come_back(values):
    assert split(joined(values)) == tuple(values)


def test_title_and_artist_are_enough(database, tmp_path):
    import_songs(database, listed(tmp_path, "artist,title", "Nina,Somber Tune", "Nina,Other"))
    first, second = stored(database)
    assert {first.title, second.title} == {"Somber Tune", "Other"}
    assert (first.license, first.mood_from, first.duration_s) == ("unknown", "nothing", None)
    assert "ask the rights holder" in first.usage


def test_moods_and_licence_give_place_credit_and_terms(database, tmp_path):
    import_songs(database, listed(tmp_path, "artist,title,moods,license", "Nina,Tune,happy|uplifting,CC BY 4.0"))
    [song] = stored(database)
    assert song.valence > 0.5
    assert EMOTIONS[song.probabilities.index(max(song.probabilities))] == "happy"
    assert song.credit == '"Tune" by Nina is licensed under CC BY 4.0, https://creativecommons.org/licenses/by/4.0/'


def test_valence_and_arousal_alone_give_the_emotions(database, tmp_path):
    import_songs(database, listed(tmp_path, "artist,title,valence,arousal", "Nina,Tune,-0.6,0.8"))
    [song] = stored(database)
    assert (song.valence, song.arousal, song.mood_from) == (-0.6, 0.8, "given")
    assert EMOTIONS[song.probabilities.index(max(song.probabilities))] == "angry"


def test_importing_again_changes_nothing(database, tmp_path):
    path = listed(tmp_path, "artist,title,moods", "Nina,Tune,Calm", "Nina,Other,Sad")
    import_songs(database, path)
    before = stored(database)
    assert import_songs(database, path).songs == 2
    assert stored(database) == before
    database.connection.execute("INSERT INTO tracks_fts (tracks_fts) VALUES ('integrity-check')")


def test_a_known_song_is_replaced_also_in_the_search(database, tmp_path):
    import_songs(database, listed(tmp_path, "uid,artist,title,moods", "a,Nina,Before,Calm"))
    import_songs(database, listed(tmp_path, "uid,artist,title,moods", "a,Nina,After,Sad|Dark"))
    with Catalogue(own=database.path) as catalogue:
        [song] = catalogue.search("nina after")
        assert song.moods == ("Sad", "Dark")
        assert catalogue.search("nina before") == []


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["title,artist", "a,b", "c,d,e"], "line 3: more cells than columns"),
        (["uid,title,artist", "x,a,b", "x,c,d"], "line 3: the uid x was there before"),
        (["title,artist", ",b"], "line 2: .*missing required field `title`"),
        (["title,artist,bpm", "a,b,quick"], "line 2: column bpm: Expected float, got str"),
        (["title,artist,bpm", "a,b,inf"], "line 2: column bpm: Expected float <= 1000"),
        (["title,artist,duration_s", "a,b,inf"], "line 2: column duration_s: Expected float <= "),
        (["title,artist,bpm", "a,b,-3"], r"line 2: .*bpm"),
        (["title,artist,valence,arousal", "a,b,2,0"], "line 2: .*valence"),
        (["title,artist,happy", "a,b,1.2"], "line 2: column happy: Expected float <= 1.0"),
        (["title;artist", "a;b"], "separate them by commas"),
        (["title,artist,valence", "a,b,0.2"], "line 2: valence and arousal go together"),
        (["title,artist,happy,sad", "a,b,0.5,0.1"], "add up to 0.600, not 1"),
        (["title,name", "a,b"], "no column artist"),
        (["", ""], "no column title and no column artist"),
        (["title,artist", '"open,b'], "line 2: unexpected end of data"),
        (["title,artist", "x" * 10_000_000 + ",b"], "line 2: field larger than field limit"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_taken_is_named_and_nothing_is_imported(database, tmp_path, lines, reason):
    with pytest.raises(SongListError, match=reason):
        import_songs(database, listed(tmp_path, *lines))
    assert stored(database) == []


def test_a_song_that_is_listed_twice_is_told(database, tmp_path):
    found = import_songs(database, listed(tmp_path, "Title,Artist,Genre", "a,b,Rock", "c,d,Rock", "a,b,Pop"))
    assert (found.songs, found.repeated) == (2, 1)
    assert {song.genre for song in stored(database)} == {"Rock", "Pop"}


def test_an_empty_file_is_named(database, tmp_path):
    with pytest.raises(SongListError, match="no column title"):
        import_songs(database, listed(tmp_path, ""))


def test_bad_rows_can_be_left_out(database, tmp_path):
    path = listed(tmp_path, "title,artist,bpm,colour", "a,b,90,red", "c,d,quick,red", "e,f,,red")
    found = import_songs(database, path, skip_bad=True)
    assert (found.songs, [row.line for row in found.rejected], found.unused_columns) == (2, [3], ("colour",))
    assert [song.bpm for song in stored(database)].count(90) == 1


def test_another_encoding_is_named_and_can_be_given(database, tmp_path):
    path = listed(tmp_path, "title,artist", "Café,Zoë", encoding="cp1252")
    with pytest.raises(SongListError, match="not utf-8; name its encoding"):
        import_songs(database, path)
    import_songs(database, path, encoding="cp1252")
    assert stored(database)[0].title == "Café"
    with pytest.raises(SongListError, match="nonsense: unknown encoding"):
        import_songs(database, path, encoding="nonsense")


def test_a_byte_order_mark_is_no_part_of_a_column(database, tmp_path):
    import_songs(database, listed(tmp_path, "title,artist", "a,b", encoding="utf-8-sig"))
    assert stored(database)[0].title == "a"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "line 2: Input data was truncated"),
        ('{"title": "a"}', "line 2: .*missing required field `artist`"),
        ('{"title": "a", "artist": "b", "colour": 1}', "line 2: .*unknown field `colour`"),
        ('{"title": "a", "artist": "b", "probabilities": [1]}', "line 2: .*probabilities"),
    ],
)
def test_a_line_of_json_that_cannot_be_taken_is_named(database, tmp_path, line, reason):
    path = listed(tmp_path, '{"title": "ok", "artist": "b"}', line, name="a.jsonl")
    with pytest.raises(SongListError, match=reason):
        import_songs(database, path)
    assert stored(database) == []


def test_an_unknown_ending_and_a_folder_are_named(database, tmp_path):
    with pytest.raises(SongListError, match=r"lists of songs end in \.csv, \.jsonl"):
        import_songs(database, tmp_path / "list.xlsx")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(SongListError, match=r"folder\.csv"):
        import_songs(database, tmp_path / "folder.csv")


def test_an_import_that_is_interrupted_changes_nothing(database, tmp_path):
    put(database, ODD[0])
    path = listed(tmp_path, "title,artist", *(f"Song {i},b" for i in range(3000)))

    def stop(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_songs(database, path, on_progress=stop)
    assert [song.uid for song in stored(database)] == ["o:1"]


def test_progress_rises_to_the_whole(database, tmp_path):
    shares = []
    path = listed(tmp_path, "title,artist", *(f"Song {i},b" for i in range(20_000)))
    import_songs(database, path, on_progress=shares.append)
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.5 < shares[-1] <= 1


def test_rows_are_as_the_schema_says(database, tmp_path):
    schema = json.loads((SCHEMAS / "songs_csv.json").read_text())
    assert list(schema["properties"]) == list(COLUMNS)
    numbers = [name for name, about in schema["properties"].items() if about["type"] == "number"]
    put(database, *ODD)
    with (tmp_path / "x.csv").open("w+", newline="", encoding="utf-8") as file:
        write_songs(stored(database), file, "csv")
        file.seek(0)
        for row in csv.DictReader(file):
            given = {name: float(cell) if name in numbers else cell for name, cell in row.items() if cell}
            jsonschema.validate({"artist": "", **given}, schema)


def test_own_songs_are_found_with_the_bundled_ones_and_stand_for_them(database):
    with Catalogue() as bundled:
        known = bundled.song("inc:USUAN1100546")
    put(database, SongRecord(uid=known.uid, title="My Danse", artist="Me", moods=("Calm",)), ODD[0])
    with Catalogue(own=database.path) as catalogue:
        assert catalogue.song(known.uid).title == "My Danse"
        assert catalogue.info().songs == 6048
        uids = [song.uid for song in catalogue.all_songs()]
        assert len(uids) == len(set(uids)) == 6048
        assert catalogue.search("my danse")[0].title == "My Danse"
        assert known.uid not in {song.uid for song in catalogue.search("danse macabre", 50)}
        ranking = Ranking(catalogue.ranked())
        assert ranking.n_songs == 6048
        uids = [known.uid, *uids[:3]]
        keys = [catalogue.keys(uids)[uid] for uid in uids]
        assert {key.file for key in keys if key.id == 1} == {0, 1}  # the first row of both files
        assert [song.uid for song in catalogue.of_keys(ranking.keys(ranking.indices(keys)))] == uids


@pytest.mark.parametrize("format", ["csv", "jsonl"])
@pytest.mark.parametrize("encoding", ["hex", "rot13", "base64", "zlib", "a\0b", "x" * 5000, "no\ud800", ""])
def test_what_is_no_encoding_of_text_is_told(database, tmp_path, format, encoding):
    with pytest.raises(SongListError, match="unknown encoding"):
        import_songs(database, listed(tmp_path, "title,artist", "a,b"), encoding=encoding, format=format)


@pytest.mark.parametrize("format", ["csv", "jsonl"])
@pytest.mark.parametrize(
    "content",
    [
        b"title,artist\na,b\n",
        b'title,artist,moods,uid\nA,B,calm|sad,"\\ud800"1\n"q ""x""",C,happ|,u2"\n',
        b"t\xe2\x80\xa8,\x10\0\0\0\0\0\0\0oods,uid\nA,B,calm|sad,u1\n",
        bytes(range(128, 256)) * 3,
        '{"title": "a", "artist": "b"}\n'.encode("utf-16-le"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "punycode", "idna", "undefined", "unicode_escape", "utf-7"])
def test_text_that_is_not_in_the_encoding_is_told_or_taken(database, tmp_path, format, content, encoding):
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    for skip_bad in (False, True):
        try:
            import_songs(database, path, format=format, encoding=encoding, skip_bad=skip_bad)
        except SongListError as error:
            assert str(path) in str(error)


def test_utf_16_without_its_mark_is_told_with_the_way_out(database, tmp_path):
    path = listed(tmp_path, "title,artist", "a,b", encoding="utf-16-le")
    with pytest.raises(SongListError, match="near line 1: not utf-16; name its encoding"):
        import_songs(database, path, encoding="utf-16")
    assert import_songs(database, path, encoding="utf-16-le").songs == 1


@pytest.mark.parametrize("text", ["a\\ud83d,b", "a,b\\udc00"])
def test_half_of_a_character_is_a_reason_to_leave_a_row_out(database, tmp_path, text):
    path = listed(tmp_path, "title,artist", text, "c,d")
    with pytest.raises(SongListError, match="line 2: holds half of a character"):
        import_songs(database, path, encoding="unicode_escape")
    assert import_songs(database, path, encoding="unicode_escape", skip_bad=True).songs == 1


@pytest.mark.parametrize("mood", ["=1+1", "+A1", "-2", "@SUM(A1)", "\t=1", "'=1"])
def test_a_formula_in_a_mood_is_not_run_and_comes_back_the_same(database, tmp_path, mood):
    put(database, SongRecord(title="a", artist="b", uid="x:1", moods=(mood.strip(), "Sad"), instruments=("=2",)))
    path = tmp_path / "songs.csv"
    songs = stored(database)
    with path.open("w", newline="", encoding="utf-8") as file:
        write_songs(songs, file, "csv")
    row = next(csv.DictReader(path.open(newline="", encoding="utf-8")))
    assert not row["moods"].startswith(tuple("=+-@\t\r"))
    assert not row["instruments"].startswith(tuple("=+-@\t\r"))
    with UserDatabase(tmp_path / "other.sqlite") as other:
        import_songs(other, path)
        assert stored(other) == songs


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(database, tmp_path, format):
    path = tmp_path / f"list.{format}"
    with path.open("wb") as file:
        file.write(b"title,artist\n" if format == "csv" else b"")
        file.truncate(64 << 20)  # of zeros, which take no room on most disks
    with pytest.raises(SongListError, match=r"a line of more than 16000000 characters|field larger"):
        import_songs(database, path)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such pipes")
def test_a_list_can_come_through_a_pipe(database, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    content = "title,artist\n" + "".join(f"song {i},b\n" for i in range(2500))
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=(content,))
    writer.start()
    told = []
    assert import_songs(database, tmp_path / "pipe", format="csv", on_progress=told.append).songs == 2500
    writer.join()
    assert set(told) == {0.0}


def test_a_path_that_cannot_be_is_told(database):
    with pytest.raises(SongListError, match="not a possible path"):
        import_songs(database, "a\0b.csv")


def corrected(database, tmp_path, **cells):
    """Return the one song of one's own, after these cells of its exported list were changed."""
    path = tmp_path / "mine.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        write_songs(stored(database), file, "csv")
    with path.open(encoding="utf-8", newline="") as file:
        [row] = csv.DictReader(file)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, COLUMNS)
        rows.writeheader()
        rows.writerow(row | cells)
    import_songs(database, path)
    [song] = stored(database)
    return song


def test_a_mood_corrected_in_a_list_counts(database, tmp_path):
    put(database, SongRecord(title="Rain", artist="A", genre="Pop", moods=("Sad",), uid="file:1"))
    song = corrected(database, tmp_path, moods="Happy")
    put(database, SongRecord(title="Rain", artist="A", genre="Pop", moods=("Happy",), uid="file:1"))
    [as_if_new] = stored(database)
    assert song == as_if_new
    assert song.probabilities[EMOTIONS.index("happy")] > 0.5


def test_a_genre_corrected_in_a_list_counts_and_one_that_is_taken_away_does_not(database, tmp_path):
    put(database, SongRecord(title="Rain", artist="A", uid="file:1"))
    assert corrected(database, tmp_path, genre="Metal").mood_from == "genre"
    song = corrected(database, tmp_path, genre="")
    assert (song.mood_from, song.valence) == ("nothing", 0)


def test_figures_that_were_emptied_in_a_list_are_worked_out_anew(database, tmp_path):
    put(database, SongRecord(title="Rain", artist="A", genre="Metal", uid="file:1"))
    emptied = dict.fromkeys(("valence", "arousal", *EMOTIONS), "")
    song = corrected(database, tmp_path, moods="Happy", **emptied)
    assert (song.mood_from, song.valence > 0) == ("moods", True)


def test_figures_of_ones_own_stay_when_a_mood_is_corrected(database, tmp_path):
    put(database, SongRecord(title="Rain", artist="A", moods=("Sad",), uid="file:1"))
    song = corrected(database, tmp_path, moods="Happy", valence="0.9", arousal="-0.1")
    assert (song.moods, song.valence, song.arousal) == (("Happy",), 0.9, -0.1)
    put(database, SongRecord(title="Rain", artist="A", moods=("Sad",), uid="file:1", valence=-0.9, arousal=0.5))
    assert corrected(database, tmp_path, moods="Happy").valence == -0.9


def test_a_mood_of_a_song_that_ships_can_be_corrected_too(database, tmp_path):
    with Catalogue() as catalogue:
        song = next(each for each in catalogue.search("", 100) if each.moods == ("Sad",) or "Dark" in each.moods)
        path = tmp_path / "all.jsonl"
        with path.open("w", encoding="utf-8") as file:
            write_songs([song], file, "jsonl")
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"moods": ["Happy"]}), "utf-8")
    import_songs(database, path)
    [own] = stored(database)
    assert own.valence > 0.2 > song.valence
