from dataclasses import replace

import pytest

from edge_emo.music.store.catalogue import Catalogue
from edge_emo.report.song_list import columns, details, footnotes, rows


@pytest.fixture(scope="module")
def songs():
    with Catalogue() as catalogue:
        return catalogue.songs(["inc:USUAN1100546", "ytal:461d3f3aea1108de", "inc:USUAN1100607"])


def test_a_song_is_one_line_of_title_artist_length_and_licence_in_a_word(songs):
    lines = rows(songs, before=["1. ", "2. ", "3. "])
    assert len(lines) == 3
    assert lines[1].startswith("2. In Every Way – Freedom Trail Studio")
    assert lines[1].split()[-3:] == ["3:49", "Audio", "Library"]
    assert lines[2].split()[-3:] == ["3:18", "CC", "BY"]
    assert len({line.index(":", 5) for line in lines}) == 1, "in columns"


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("title", ["A" * 200, "雨" * 200, "e\u0301" * 200, "ok"])
def test_lines_fit_the_terminal_whatever_a_title_holds(songs, title, width):
    odd = replace(songs[1], title=title)
    for line in rows([songs[0], odd], before=["1. ", "2. "], after=["", "sad"], width=width):
        assert columns(line) <= width
    assert ("…" in rows([odd], width=max(80, width))[0]) == (len(title) > 2)


def test_nothing_is_cut_where_the_width_is_not_known(songs):
    odd = replace(songs[1], title="A" * 200, artist="\x1b[31mred")
    [line] = rows([odd])
    assert "A" * 200 in line
    assert "\x1b" not in line
    assert "\x1b" not in details(odd)


def test_what_holds_for_several_songs_is_said_once_and_only_of_those_that_are_there(songs):
    below = footnotes([*songs, *songs], detailed=False)
    assert sum("youtube.com/audiolibrary" in line for line in below) == 1
    assert [line.split(":")[0] for line in below[:2]] == ["Audio Library", "CC BY"]
    only = footnotes([songs[2]], detailed=True)
    assert [line.split(":")[0] for line in only] == ["CC BY"]


def test_details_hold_what_a_video_needs(songs):
    about = details(songs[2])
    assert f"credit: {songs[2].credit}" in about
    assert f"link: {songs[2].link}" in about
    assert "61 bpm, Harp" in about
    channel = details(songs[1])
    assert f"artist: {songs[1].link}" in channel, "an artist's page is no link to the song"


def test_songs_of_the_audio_library_under_cc_by_are_not_called_by_a_name_that_the_list_lacks(songs):
    credited = replace(songs[1], license="CC BY 4.0", usage="")
    assert "From the Audio Library: search for" in "\n".join(footnotes([songs[1]], detailed=False))
    for found in ([credited], [credited, songs[1]]):
        assert "Songs without a link of their own: search for" in "\n".join(footnotes(found, detailed=False))
    assert not any("search for" in line for line in footnotes([replace(credited, path="/a.mp3")], detailed=False))
