import re
import shutil
import struct
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path

import mutagen
import mutagen.id3
import pytest
import soundfile
from mutagen.apev2 import APEv2
from mutagen.id3 import TCON, TIT2, TPE1, TXXX

from edge_emo.core.errors import MediaError
from edge_emo.music.library.tags import clean, read_tags
from tests.music.sounds import tag, write_sound


def read(path):
    return read_tags(path).song


ROOT = Path(__file__).parents[3]
BY = "https://creativecommons.org/licenses/by/4.0/"


@pytest.mark.parametrize("suffix", [".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".wav", ".aiff", ".wma", ".wv"])
def test_the_tags_of_each_container_are_read(tmp_path, suffix):
    path = write_sound(tmp_path / f"a{suffix}")
    tag(path, title="Ümlaut 🎵", artist="שלום", genre="Jazz", mood="Happy; Dreamy", bpm="96", license=BY)
    song = read(str(path))
    assert (song.title, song.artist, song.genre) == ("Ümlaut 🎵", "שלום", "Jazz")
    assert (song.moods, song.bpm, song.bpm_from) == (("Happy", "Dreamy"), 96, "tag")
    assert song.duration_s == pytest.approx(2, abs=0.2)
    assert (song.duration_from, song.source, song.path) == ("file", "file", str(path))
    assert (song.license, song.license_url) == ("CC BY 4.0", BY)


@pytest.mark.parametrize("suffix", [".mp3", ".flac", ".ogg", ".m4a", ".wav"])
def test_a_file_without_tags_is_called_by_its_name(tmp_path, suffix):
    song = read(str(write_sound(tmp_path / f"01 - Some Song{suffix}")))
    assert (song.title, song.artist, song.genre, song.moods, song.bpm) == ("01 - Some Song", "", "", (), None)
    assert song.license == "unknown"


def test_what_editors_write_into_wav_files_is_read(tmp_path):
    path = write_sound(tmp_path / "a.wav")
    with soundfile.SoundFile(path, "r+") as file:
        file.title, file.artist, file.copyright = "A Title", "An Artist", BY
    song = read(str(path))
    assert (song.title, song.artist, song.license) == ("A Title", "An Artist", "CC BY 4.0")


def test_ape_tags_before_and_binary_ones_do_no_harm(tmp_path):
    path = tmp_path / "a.mpc"
    path.write_bytes(b"MP+\x07" + b"\0" * 60)
    tags = APEv2()
    tags["Title"] = "Ape"
    tags["Mood"] = ["Sad", "Calm"]
    tags["Artist"] = b"\x00\xff"
    tags.save(path)
    song = read(str(path))
    assert (song.title, song.artist, song.moods, song.duration_s) == ("Ape", "", ("Sad", "Calm"), None)


@pytest.mark.parametrize(
    ("copyright", "license"),
    [
        ("CC BY 4.0", "CC BY 4.0"),
        ("http://creativecommons.org/licenses/by/3.0", "CC BY 3.0"),
        ("https://creativecommons.org/licenses/by-nc-sa/4.0/", "CC BY-NC-SA 4.0"),
        ("not licensed under CC BY 4.0", "unknown"),
        ("CC BY", "unknown"),
        ("CC BY 9.9", "unknown"),
        ("CC BY 4.0, but not for films", "unknown"),
        ("https://creativecommons.org/licenses/by/4.0.example.com/", "unknown"),
        ("2011 A Label", "unknown"),
    ],
)
def test_a_licence_counts_only_where_a_tag_is_nothing_else(tmp_path, copyright, license):
    path = tag(write_sound(tmp_path / "a.mp3"), copyright=copyright)
    assert read(str(path)).license == license


@pytest.mark.parametrize(("text", "bpm"), [("128.5", 128.5), ("0", None), ("fast", None), ("nan", None), ("1e9", None)])
def test_a_tempo_that_cannot_be_is_left_out(tmp_path, text, bpm):
    assert read(str(tag(write_sound(tmp_path / "a.flac"), bpm=text))).bpm == bpm


def test_no_text_is_too_long_or_leaves_its_line(tmp_path):
    path = tag(write_sound(tmp_path / "a.flac"), title="a\nb\x1b[2J\u2028c" + "x" * 9000, genre="g" * 900)
    song = read(str(path))
    assert song.title.startswith("a b [2J c")
    assert (len(song.title), len(song.genre)) == (2000, 200)
    assert clean("half \ud83d of a pair", 100) == "half of a pair"


@pytest.mark.parametrize("suffix", [".mp3", ".wav", ".flac", ".m4a", ".ogg", ".wma"])
def test_what_is_no_sound_file_is_told(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    for content in (b"no sound" * 100, b"\xff\xfb", b"ID3\x04\0\0\x7f\x7f\x7f\x7f"):
        path.write_bytes(content)
        with pytest.raises(MediaError, match=f"^{re.escape(str(path))}: "):
            read(str(path))


def test_a_file_cut_anywhere_is_read_or_told(tmp_path):
    for suffix in (".flac", ".ogg", ".mp3", ".m4a", ".aiff"):
        path = tag(write_sound(tmp_path / f"a{suffix}", 0.2), title="T", artist="A")
        content = path.read_bytes()
        for end in range(1, len(content), max(1, len(content) // 40)):
            path.write_bytes(content[:end])
            try:
                assert read(str(path)).title in ("T", "a")
            except MediaError as error:
                assert str(path) in str(error)


def id3(path, *frames):
    file = mutagen.File(path)
    file.add_tags()
    for frame in frames:
        file.tags.add(frame)
    file.save()
    return str(path)


@pytest.mark.parametrize("name", ["MOOD", "Mood", "mood", "mOOd"])
def test_a_mood_is_read_in_whatever_case_a_program_names_it(tmp_path, name):
    mp3 = id3(write_sound(tmp_path / "a.mp3"), TXXX(encoding=3, desc=name, text=["Sad", "Calm"]))
    assert read(mp3).moods == ("Sad", "Calm")
    path = write_sound(tmp_path / "a.m4a")
    file = mutagen.File(path)
    file[f"----:com.apple.iTunes:{name}"] = [b"Happy", b"Calm"]
    file.save()
    assert read(str(path)).moods == ("Happy", "Calm")
    path = write_sound(tmp_path / "a.wma")
    file = mutagen.File(path)
    file[f"WM/{name}"] = ["Happy"]
    file.save()
    assert read(str(path)).moods == ("Happy",)


def test_what_mp3_files_say_in_tags_of_ape_is_read_where_those_of_id3_say_nothing(tmp_path):
    path = id3(write_sound(tmp_path / "a.mp3"), TIT2(encoding=3, text=["By ID3"]))
    ape = APEv2()
    ape.update({"Title": "By APE", "Genre": ["Rock", "Jazz"], "MOOD": "Angry", "BPM": "120", "Artist": "An Artist"})
    ape.save(path)
    song = read(path)
    assert (song.title, song.artist, song.genre, song.moods) == ("By ID3", "An Artist", "Rock; Jazz", ("Angry",))
    assert song.bpm == 120
    mutagen.id3.delete(path)
    assert read(path).title == "By APE"


def test_tags_of_ape_count_before_the_short_ones_of_id3_version_1(tmp_path):
    long = "A title of many more than thirty letters"
    path = id3(write_sound(tmp_path / "a.mp3"), TIT2(encoding=0, text=[long]))
    mutagen.File(path).save(v1=2)
    mutagen.id3.delete(path, delete_v1=False, delete_v2=True)
    assert read(path).title == long[:30]
    ape = APEv2()
    ape["Title"] = long
    ape.save(path)
    assert read(path).title == long


@pytest.mark.parametrize("suffix", [".mp3", ".flac", ".m4a", ".wma"])
def test_all_of_several_genres_are_kept(tmp_path, suffix):
    path = write_sound(tmp_path / f"a{suffix}")
    file = mutagen.File(path)
    genres = ["Rock", "Jazz", "Rock", "Funk"]
    if suffix == ".mp3":
        id3(path, TCON(encoding=3, text=genres))
    else:
        file[{".m4a": "\xa9gen", ".wma": "WM/Genre"}.get(suffix, "genre")] = genres
        file.save()
    assert read(str(path)).genre == "Rock; Jazz; Funk"


def test_of_very_many_genres_as_many_whole_ones_are_kept_as_there_is_room_for(tmp_path):
    path = id3(write_sound(tmp_path / "a.mp3"), TCON(encoding=3, text=[f"Genre number {i}" for i in range(90)]))
    genre = read(path).genre
    assert 150 < len(genre) <= 200
    assert set(genre.split("; ")) <= {f"Genre number {i}" for i in range(90)}


def as_latin_1(text, encoding="cp1251"):
    return text.encode(encoding).decode("latin-1")


@pytest.mark.parametrize("encoding", ["cp1251", "utf-8"])
def test_tags_in_another_encoding_than_they_say_are_noticed_and_repaired_when_asked(tmp_path, encoding):
    frames = TIT2(encoding=0, text=[as_latin_1("Группа крови", encoding)]), TPE1(encoding=0, text=["Kino"])
    path = id3(write_sound(tmp_path / "a.mp3"), *frames, TCON(encoding=0, text=[as_latin_1("Рок", encoding)]))
    found = read_tags(path)
    assert found.song.title != "Группа крови"
    assert (found.misread.repaired, found.misread.encoding) == ("Группа крови", encoding)
    repaired = read_tags(path, encoding).song
    assert (repaired.title, repaired.artist, repaired.genre) == ("Группа крови", "Kino", "Рок")


@pytest.mark.parametrize(
    "text", ["Björk", "Mädchen für Öl", "¡¡¡Olé!!!", "Jäääär", "Été à Évreux", "Группа крови", "岡本", "ß", "Ça © ®"]
)
def test_names_that_are_what_they_say_are_left_as_they_are(tmp_path, text):
    path = id3(write_sound(tmp_path / "a.mp3"), TIT2(encoding=0 if max(text) < "\u0100" else 1, text=[text]))
    assert read_tags(path).misread is None
    assert read_tags(path, "cp1251").song.title == text


def test_tags_in_an_encoding_that_cannot_be_guessed_are_read_in_the_one_that_is_given(tmp_path):
    path = id3(write_sound(tmp_path / "a.mp3"), TIT2(encoding=0, text=[as_latin_1("Кино", "koi8-r")]))
    assert read_tags(path, "koi8-r").song.title == "Кино"


def test_a_compressed_tag_is_left_out_before_it_is_unpacked(tmp_path):
    """A megabyte may unpack to a gigabyte, and hardly any program compresses them."""
    path = write_sound(tmp_path / "by name.mp3")
    unpacked = b"\0" + b"a" * 100_000_000
    packed = len(unpacked).to_bytes(4, "big") + zlib.compress(unpacked, 1)
    size = len(packed)

    def syncsafe(n):
        return bytes(n >> shift & 0x7F for shift in (21, 14, 7, 0))

    frame = b"TIT2" + syncsafe(size) + b"\0\x09" + packed  # 4.1.2 of ID3 2.4: compressed, its length is stated
    path.write_bytes(b"ID3\4\0\0" + syncsafe(len(frame)) + frame + path.read_bytes())
    tracemalloc.start()
    song = read(str(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert song.title == "by name"
    assert peak < 20_000_000


def test_tags_that_state_to_be_larger_than_any_are_not_read(tmp_path):
    path = tmp_path / "a.mpc"
    size = 300 << 20
    with open(path, "wb") as file:
        file.write(b"MP+\x07" + b"\0" * 60)
        file.truncate(1 << 30)
        file.seek(1 << 30)
        file.write(b"APETAGEX" + struct.pack("<4I", 2000, size, 1, 0) + bytes(8))
    tracemalloc.start()
    with pytest.raises(MediaError, match="its tags take more than 64 MB"):
        read(str(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000_000


@pytest.mark.skipif(not shutil.which("strace"), reason="files that are opened are seen with strace")
def test_a_file_beside_the_one_that_is_named_is_not_opened(tmp_path):
    """A DSF by its content, so that libsndfile would look for a resource fork beside it."""
    form = struct.pack("<4sQ6IQ2I", b"fmt ", 52, 1, 0, 2, 2, 2822400, 1, 8, 4096, 0)
    content = struct.pack("<4s3Q", b"DSD ", 28, 96, 0) + form + struct.pack("<4sQ", b"data", 16) + bytes(4)
    (tmp_path / "a.wav").write_bytes(content)
    write_sound(tmp_path / "._a.wav")
    code = "import sys; from edge_emo.music.library.tags import read_tags; print(read_tags(sys.argv[1]).song.title)"
    command = ["strace", "-f", "-e", "trace=open,openat", sys.executable, "-c", code, str(tmp_path / "a.wav")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "a\n"
    assert f'"{tmp_path / "a.wav"}"' in done.stderr
    assert "._a.wav" not in done.stderr
