import re

import pytest
import soundfile
from mutagen.apev2 import APEv2

from edge_emo.errors import MediaError
from edge_emo.music.tags import clean, read
from tests.music.sounds import tag, write_sound

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
