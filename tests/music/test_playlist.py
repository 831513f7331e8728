import locale
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import pytest

from edge_emo.errors import PlaylistError
from edge_emo.music.catalogue import Catalogue
from edge_emo.music.playlist import write_playlist

XSPF = "{http://xspf.org/ns/0/}"


@pytest.fixture(scope="module")
def bundled():
    """A song of the catalogue: a link, a credit, no file."""
    with Catalogue() as catalogue:
        return catalogue.song("inc:USUAN1100546")


@pytest.fixture
def own(bundled, tmp_path):
    """A song with a file: no link, no licence."""
    path = str(tmp_path / "Ü & <b> 'q' #1.mp3")
    return replace(bundled, uid="file:1", title="Mine", path=path, link="", license_url="", credit=None)


def tracks(path):
    found = []
    for track in ET.parse(path).getroot().iter(f"{XSPF}track"):
        found.append({element.tag.removeprefix(XSPF): element.text for element in track})
    return found


def test_m3u8_names_length_artist_title_and_place(tmp_path, own, bundled):
    unknown = replace(own, title="No length", artist="", duration_s=None)
    assert write_playlist(tmp_path / "a.m3u8", [own, bundled, unknown]) == []
    assert (tmp_path / "a.m3u8").read_text("utf-8").split("\n") == [
        "#EXTM3U",
        f"#EXTINF:{round(own.duration_s)},Kevin MacLeod - Mine",
        own.path,
        f"#EXTINF:{round(bundled.duration_s)},Kevin MacLeod - Danse Macabre",
        bundled.link,
        "#EXTINF:-1,No length",
        own.path,
        "",
    ]


def test_xspf_comes_back_whole(tmp_path, own, bundled):
    assert write_playlist(tmp_path / "a.xspf", [own, bundled]) == []
    root = ET.parse(tmp_path / "a.xspf").getroot()
    assert (root.tag, root.get("version")) == (f"{XSPF}playlist", "1")
    mine, theirs = tracks(tmp_path / "a.xspf")
    assert url2pathname(urlsplit(mine.pop("location")).path) == own.path
    assert mine == {
        "title": "Mine",
        "creator": "Kevin MacLeod",
        "duration": str(round(own.duration_s * 1000)),
    }
    assert theirs["location"] == theirs["info"] == bundled.link
    assert theirs["annotation"] == bundled.credit
    assert theirs["meta"] == "https://creativecommons.org/licenses/by/4.0/"


@pytest.mark.parametrize(
    "title",
    ["two\nlines\r\n#EXTINF:1,x\n/etc/passwd", "nul\0 esc\x1b ff\x0c", "\u2028sep\x85", "half \ud800", "\uffff"],
)
@pytest.mark.parametrize("suffix", [".m3u", ".m3u8", ".xspf"])
def test_no_title_can_break_a_playlist(tmp_path, own, title, suffix):
    path = tmp_path / f"a{suffix}"
    write_playlist(path, [replace(own, title=title, artist=title)])
    if suffix == ".xspf":
        assert len(tracks(path)) == 1
    else:
        lines = path.read_bytes().decode().splitlines()
        assert len(lines) == 3
        assert lines[2] == own.path


@pytest.mark.parametrize("title", ["🎶👩‍🎤", "שיר ערב", '"quoted" & <tagged> ]]>'])
def test_titles_come_back_as_they_are(tmp_path, own, title):
    write_playlist(tmp_path / "a.xspf", [replace(own, title=title)])
    write_playlist(tmp_path / "a.m3u8", [replace(own, title=title)])
    assert tracks(tmp_path / "a.xspf")[0]["title"] == title
    assert f" - {title}\n" in (tmp_path / "a.m3u8").read_text("utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows allows no such names")
@pytest.mark.parametrize("name", ["two\nlines.mp3", "ends.mp3 "])
def test_a_path_that_a_line_cannot_hold_becomes_a_uri(tmp_path, own, name):
    path = str(tmp_path / name)
    write_playlist(tmp_path / "a.m3u8", [replace(own, path=path)])
    place = (tmp_path / "a.m3u8").read_text("utf-8").split("\n")[2]
    assert unquote(urlsplit(place).path) == path
    assert place.startswith("file:///")


def test_songs_with_neither_file_nor_link_are_left_out(tmp_path, own, bundled):
    nowhere = replace(own, path=None)
    assert write_playlist(tmp_path / "a.xspf", [own, nowhere, bundled]) == [nowhere]
    assert len(tracks(tmp_path / "a.xspf")) == 2


def test_m3u_is_in_the_encoding_of_the_system(tmp_path, own, monkeypatch):
    monkeypatch.setattr(locale, "getpreferredencoding", lambda do_setlocale=True: "cp1252")
    write_playlist(tmp_path / "a.m3u", [replace(own, title="Ü 🎶")])
    assert " - Ü ?\n" in (tmp_path / "a.m3u").read_bytes().decode("cp1252")
    with pytest.raises(PlaylistError, match=r"cannot be written in cp1252; end the name in \.m3u8"):
        write_playlist(tmp_path / "b.m3u", [replace(own, path="/music/🎶.mp3")])
    assert not (tmp_path / "b.m3u").exists()


@pytest.mark.parametrize("name", ["a.txt", "a", "a.pls"])
def test_other_names_are_answered_with_the_known_ones(tmp_path, own, name):
    with pytest.raises(PlaylistError, match=r"end its name in \.m3u, \.m3u8, \.xspf"):
        write_playlist(tmp_path / name, [own])


def test_a_playlist_that_cannot_be_written_leaves_the_old_one(tmp_path, own):
    with pytest.raises(PlaylistError, match="cannot be written"):
        write_playlist(tmp_path / "nowhere" / "a.m3u8", [own])
    (tmp_path / "folder.m3u8").mkdir()
    with pytest.raises(PlaylistError, match="is there, and no file"):
        write_playlist(tmp_path / "folder.m3u8", [own])
    write_playlist(tmp_path / "a.m3u8", [own])
    before = (tmp_path / "a.m3u8").read_bytes()
    with pytest.raises(PlaylistError, match="cannot be written"):
        write_playlist(tmp_path / f"{'long' * 100}.m3u8", [own])
    assert (tmp_path / "a.m3u8").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.m3u8", "folder.m3u8"]


@pytest.mark.parametrize("suffix", [".m3u8", ".m3u", ".xspf"])
def test_a_song_with_a_relative_path_is_named_by_the_absolute_one(tmp_path, own, suffix, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    path = tmp_path / f"a{suffix}"
    write_playlist(path, [replace(own, path="music/a.mp3")])
    expected = tmp_path / "here" / "music" / "a.mp3"
    if suffix == ".xspf":
        assert tracks(path)[0]["location"] == expected.as_uri()
    else:
        assert path.read_text("utf-8").splitlines()[-1] == str(expected)


@pytest.mark.parametrize("suffix", [".m3u8", ".xspf"])
def test_links_and_paths_that_no_text_can_hold_break_no_playlist(tmp_path, own, bundled, suffix):
    path = tmp_path / f"a{suffix}"
    by_link = replace(bundled, link="http://x/\0\x1b\ud800")
    songs = [by_link, replace(own, path="/a\0b.mp3"), replace(own, title="\x0b\ufffe")]
    assert write_playlist(path, songs) == []
    content = path.read_text("utf-8")
    assert not set("\x1b\ud800\x0b") & set(content)
    if suffix == ".xspf":
        assert tracks(path)[0]["location"] == "http://x/%00%1B?"


def test_a_path_that_cannot_be_is_no_playlist(own):
    with pytest.raises(PlaylistError, match="not a possible path"):
        write_playlist("a\0b.m3u8", [own])
