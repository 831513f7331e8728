import csv
import importlib.util
import io
import re
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_emo.app.documents import Scored
from edge_emo.cli.cue_files import check, credits_path, write
from edge_emo.core.errors import CueSheetError
from edge_emo.core.timecode import RATES, frame_of, nearest_rate, timecode
from edge_emo.music.ranking.cues import plan
from edge_emo.music.ranking.recommend import Recommender
from edge_emo.report import text
from edge_emo.report.cue_formats import EDIT_FORMATS, FCPX_RATES
from edge_emo.report.cue_sheet import CueSheet, credits_of, label
from tests.music.ranking.test_cues import film_of

needs_otio = pytest.mark.skipif(
    not importlib.util.find_spec("opentimelineio"), reason="OpenTimelineIO has no wheel for this Python"
)
ODD = [
    'Don\'t "stop" <now> & then',
    "🎵 family 👨‍👩‍👧 song",
    "أغنية / حزينة",
    "two\nlines\tand\x00more\u2028",
    "=1+1",
]
PARTS = [(0, 22.52, "happy"), (22.52, 61.3, "sad"), (61.3, 95, "calm"), (95, 131.01, "angry"), (131.01, 155.2, "happy")]


@pytest.fixture(scope="module")
def cues():
    return tuple(plan(film_of(*PARTS), Recommender(), seed=5, crossfade_s=3.0))


@pytest.fixture
def sheet(cues, tmp_path):
    """A film of 155 s on five songs with odd titles; the second and the last are files on this machine."""
    cues = [replace(c, song=replace(c.song, title=title)) for c, title in zip(cues, ODD, strict=True)]
    for at in (1, 4):
        cues[at] = replace(cues[at], song=replace(cues[at].song, path=str(tmp_path / f"it's {at} é.mp3")))
    film = tmp_path / "my film's é.mp4"
    return CueSheet(str(film), film, 155.2, RATES["25"], True, True, tuple(cues))


@pytest.fixture(scope="module")
def interrupted():
    """Cues of odd lengths of fades, with silence at the start, after the second, and at the end."""
    parts = [(25.3, 60.017, "happy"), (60.017, 101.9, "sad"), (150.0, 190.33, "calm"), (190.33, 240.5, "angry")]
    film = film_of(*parts, duration_s=300.0)
    return tuple(plan(film, Recommender(), seed=5, crossfade_s=1.5, gaps="silence"))


def read(path, rate=25):
    """Return the timeline of a file and, for each song: clip, start, end and place in the song, in frames."""
    import opentimelineio as otio

    timeline = otio.adapters.read_from_file(str(path), **({"rate": float(rate)} if path.suffix == ".edl" else {}))
    # the sound of the film comes before the music
    tracks = list(timeline.tracks) if path.suffix == ".edl" else list(timeline.audio_tracks())[-1:]
    found = []
    for track in tracks:
        for clip in track.find_clips():
            if not isinstance(clip.media_reference, otio.schema.GeneratorReference):  # black, after a last fade
                place = clip.range_in_parent()
                times = (place.start_time, place.end_time_exclusive(), clip.source_range.start_time)
                assert all(time.rate == pytest.approx(float(rate)) for time in times)
                found.append((clip, *(time.value for time in times)))
    return timeline, sorted(found, key=lambda item: item[1])


def read_edl(path, rate):
    """Return for each song: its name, start, end and place in the song, in frames, as the lines of an EDL have them."""
    from opentimelineio import opentime

    found = []
    for event in re.split(r"(?m)^(?=\d{3} )", path.read_text(encoding="utf-8"))[1:]:
        line, *comments = event.splitlines()
        reel = line.split()[1]
        source_in, source_out, start, end = (
            opentime.from_timecode(code, float(rate)).to_frames() for code in line.split()[-4:]
        )
        assert source_out - source_in == end - start
        if comments and reel.startswith("SONG"):
            kind = "TO" if " D " in line else "FROM"
            [name] = [note.split(":  ")[1] for note in comments if note.startswith(f"* {kind} CLIP NAME")]
            found.append((name, start, end, source_in))
    return found


def read_fcpxml(path):
    """Return for each song: its name, start, end and place in the song, in frames, and the frames a second."""
    root = ElementTree.parse(path).getroot()
    [length_s] = {seconds(found.get("frameDuration")) for found in root.iter("format")}
    main = root.find(".//spine/*")
    found = [
        (
            clip.get("name"),
            seconds(clip.get("offset")) - seconds(main.get("start", "0s")),
            seconds(clip.get("duration")),
            seconds(clip.get("start", "0s")),
        )
        for clip in main.findall("clip")
        if clip.get("lane") in ("-2", "-3")
    ]
    frames = [(name, *(time / length_s for time in times)) for name, *times in found]
    return sorted(
        [(name, start, start + n, at) for name, start, n, at in frames], key=lambda item: item[1]
    ), 1 / length_s


def seconds(text):
    assert text.endswith("s")
    return Fraction(text[:-1])


def frames_of(sheet):
    """Return for each cue its start, end and place in its song, and the frames of its fades before and after its edges.

    These are worked out from the seconds of the plan alone.
    """
    rate, found, crosses = sheet.frame_rate, [], 0
    for cue, after in zip(sheet.cues, [*sheet.cues[1:], None], strict=True):
        start, end, fade = (round(time * rate) for time in (cue.start_s, cue.end_s, cue.fade_out_s))
        is_crossed = after is not None and after.start_s == cue.end_s
        found.append((start, end, crosses // 2, (crosses // 2, crosses - crosses // 2), fade, is_crossed))
        crosses = fade if is_crossed else 0
    return found


@needs_otio
@pytest.mark.parametrize(("crossfade_s", "has_silence"), [(3.0, False), (1.5, True)])
@pytest.mark.parametrize(
    ("suffix", "rate"),
    [(s, rate) for s in EDIT_FORMATS for rate in RATES.values() if s != ".fcpxml" or rate in FCPX_RATES.values()],
)
def test_every_format_has_the_frames_of_the_plan(sheet, interrupted, tmp_path, suffix, rate, crossfade_s, has_silence):
    cues = [
        replace(
            c,
            fade_in_s=crossfade_s * (c.fade_in_s > 0),
            fade_out_s=crossfade_s,
            source_in_s=crossfade_s / 2 * (c.fade_in_s > 0),
        )
        for c in (interrupted if has_silence else sheet.cues)
    ]
    sheet = replace(sheet, frame_rate=rate, cues=tuple(cues), duration_s=300.0)
    path, _ = write(sheet, tmp_path / f"cues{suffix}")
    if suffix == ".fcpxml":
        found, found_rate = read_fcpxml(path)
        assert found_rate == rate
    elif suffix == ".edl":
        found = read_edl(path, rate)
    else:
        found = [(clip.name, *times) for clip, *times in read(path, rate)[1]]
    expected = []
    for number, (start, end, source_in, (before, _), fade, is_crossed) in enumerate(frames_of(sheet)):
        first, last = start, end
        if suffix == ".edl":  # a dissolve begins at the cut
            first, last = start - before, end - (fade // 2 if is_crossed else fade)
        elif suffix == ".fcpxml":  # without dissolves the songs overlap
            first, last = start - before, end + (fade - fade // 2 if is_crossed else 0)
        expected.append((label(sheet.cues[number].song), first, last, source_in - (start - first)))
    assert found == expected


@needs_otio
@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
@pytest.mark.parametrize("suffix", [".otio", ".edl", ".xml"])
def test_dissolves_have_every_frame_also_where_it_is_an_odd_number(sheet, tmp_path, suffix, rate):
    """1.5 s at 29.97 frames a second are 45 frames, not twice 22."""
    import opentimelineio as otio

    cues = tuple(replace(cue, fade_in_s=1.5 * (cue.fade_in_s > 0), fade_out_s=1.5) for cue in sheet.cues)
    path, _ = write(replace(sheet, frame_rate=rate, cues=cues), tmp_path / f"cues{suffix}")
    timeline, _ = read(path, rate)
    fades = [item for item in list(timeline.audio_tracks())[-1] if isinstance(item, otio.schema.Transition)]
    assert [(fade.in_offset + fade.out_offset).value for fade in fades] == [round(Fraction(3, 2) * rate)] * 5
    if suffix == ".edl" and rate == RATES["29.97"]:
        assert path.read_text().count(" D 045 ") == 5


@needs_otio
@pytest.mark.parametrize("suffix", [".edl", ".xml"])
def test_a_song_fades_out_before_silence(sheet, interrupted, tmp_path, suffix):
    import opentimelineio as otio

    path, _ = write(replace(sheet, cues=interrupted, duration_s=300.0), tmp_path / f"cues{suffix}")
    timeline, found = read(path)
    fades = [item for item in list(timeline.audio_tracks())[-1] if isinstance(item, otio.schema.Transition)]
    assert len(fades) == len(found) == len(interrupted) == 4
    if suffix == ".edl":
        notes = [list(clip.metadata["cmx_3600"]["comments"]) for clip, *_ in found]
        assert [f"SONG: {cue.song.uid}" in note for note, cue in zip(notes, interrupted, strict=True)] == [True] * 4
        assert sum("SONG:" in line for line in path.read_text().splitlines()) == 4


@needs_otio
@pytest.mark.parametrize("rate", RATES)
def test_time_codes_drop_frames_in_every_format_or_in_none(sheet, tmp_path, rate):
    import opentimelineio as otio

    drops = rate in ("29.97", "59.94")
    sheet = replace(sheet, frame_rate=RATES[rate])
    texts = {}
    for suffix in (".otio", ".edl", ".xml", ".fcpxml", ".csv"):
        if suffix != ".fcpxml" or rate != "48":
            texts[suffix] = write(sheet, tmp_path / f"cues{suffix}")[0].read_text(encoding="utf-8")
    assert ("FCM: DROP FRAME" in texts[".edl"]) == drops
    code = ElementTree.fromstring(texts[".xml"]).find(".//sequence/timecode")
    assert code.findtext("displayformat") == ("DF" if drops else "NDF")
    assert code.findtext("string") == ("00:00:00;00" if drops else "00:00:00:00")
    if ".fcpxml" in texts:
        assert ElementTree.fromstring(texts[".fcpxml"]).find(".//sequence").get("tcFormat") == (
            "DF" if drops else "NDF"
        )
    start = otio.adapters.read_from_string(texts[".otio"], "otio_json").global_start_time
    assert (start.value, start.rate) == (0, pytest.approx(float(RATES[rate])))
    codes = [row["start"] for row in csv.DictReader(io.StringIO(texts[".csv"]))]
    assert all((";" in code) == drops for code in codes)
    assert [frame_of(code, RATES[rate]) for code in codes] == [start for start, *_ in frames_of(sheet)]


@needs_otio
@pytest.mark.parametrize("suffix", [".xml", ".fcpxml"])
def test_names_in_xml_are_those_of_the_files_and_not_of_their_addresses(sheet, tmp_path, suffix):
    path, _ = write(sheet, tmp_path / f"cues{suffix}")
    root = ElementTree.parse(path).getroot()
    names = {
        name for each in root.iter() for name in (each.get("name"), each.text if each.tag == "name" else None) if name
    }
    assert "my film's é.mp4" in names
    assert not [name for name in names if "%" in name]
    if suffix == ".xml":
        assert {"it's 1 é.mp3", "it's 4 é.mp3"} <= {name.text for name in root.findall(".//file/name")}


@needs_otio
@pytest.mark.parametrize("suffix", [".otio", ".edl", ".xml"])
def test_songs_dissolve_into_each_other(sheet, tmp_path, suffix):
    import opentimelineio as otio

    path, _ = write(sheet, tmp_path / f"cues{suffix}")
    timeline, _ = read(path)
    fades = [item for item in list(timeline.audio_tracks())[-1] if isinstance(item, otio.schema.Transition)]
    lengths = [(fade.in_offset + fade.out_offset).value for fade in fades]
    assert lengths == [sheet.frame(cue.fade_out_s) for cue in sheet.cues]
    assert {fade.transition_type for fade in fades} == {"SMPTE_Dissolve"}


@needs_otio
def test_the_film_lies_on_tracks_of_its_own(sheet, tmp_path):
    import opentimelineio as otio

    for suffix in (".otio", ".xml", ".fcpxml"):
        path, _ = write(sheet, tmp_path / f"cues{suffix}", may_replace=True)
        timeline = otio.adapters.read_from_file(str(path))
        [picture], [sound] = (list(tracks[0]) for tracks in (timeline.video_tracks(), timeline.audio_tracks()))
        for clip in (picture, sound):
            assert clip.media_reference.target_url == sheet.path.as_uri()
            assert clip.duration().to_seconds() == pytest.approx(155.2, abs=0.041)


@needs_otio
@pytest.mark.parametrize("suffix", EDIT_FORMATS)
def test_a_recording_without_a_picture(sheet, tmp_path, suffix):
    path, _ = write(replace(sheet, has_picture=False), tmp_path / f"cues{suffix}")
    found, _ = read_fcpxml(path) if suffix == ".fcpxml" else read(path)[::-1]
    assert len(found) == len(sheet.cues)


@needs_otio
@pytest.mark.parametrize("suffix", EDIT_FORMATS)
def test_a_film_of_three_seconds(tmp_path, suffix):
    cues = plan(film_of((0, 3, "happy")), Recommender(), seed=1)
    sheet = CueSheet("a.mp4", tmp_path / "a.mp4", 3.0, RATES["25"], True, True, tuple(cues))
    path, _ = write(sheet, tmp_path / f"cues{suffix}")
    [(_, start, end, _)], _ = read_fcpxml(path) if suffix == ".fcpxml" else read(path)[::-1]
    assert (start, end) == (0, 37 if suffix == ".edl" else 75)


@needs_otio
def test_otio_says_of_each_song_where_it_is_and_how_it_may_be_used(sheet, tmp_path):
    path, _ = write(sheet, tmp_path / "cues.otio")
    _, found = read(path)
    for (clip, *_), cue in zip(found, sheet.cues, strict=True):
        about = clip.metadata["edge_emo"]
        assert (about["uid"], about["license"], about["link"]) == (cue.song.uid, cue.song.license, cue.song.link)
        assert (about["credit"] or None, about["emotion"]) == (cue.song.credit, cue.emotion)
        assert clip.media_reference.is_missing_reference == (cue.song.path is None)
        if cue.song.path:
            assert clip.media_reference.target_url == Path(cue.song.path).as_uri()
        assert clip.media_reference.available_range.end_time_exclusive().to_seconds() <= cue.song.duration_s + 0.04


@needs_otio
def test_an_edl_has_the_credits_of_each_song_in_its_comments(sheet, tmp_path):
    path, _ = write(sheet, tmp_path / "cues.edl")
    _, found = read(path)
    for (clip, *_), cue in zip(found, sheet.cues, strict=True):
        comments = list(clip.metadata["cmx_3600"]["comments"])
        assert f"SONG: {cue.song.uid}" in comments
        assert (f"CREDIT: {cue.song.credit}" in comments) == bool(cue.song.credit)
        assert (f"SOURCE FILE: {cue.song.path}" in comments) == bool(cue.song.path)
    assert "FCM: NON-DROP FRAME" in path.read_text()
    write(replace(sheet, frame_rate=RATES["29.97"]), path, may_replace=True)
    assert "FCM: DROP FRAME" in path.read_text()


@needs_otio
@pytest.mark.parametrize("suffix", [".xml", ".fcpxml"])
def test_xml_looks_for_songs_without_a_file_beside_the_cue_sheet(sheet, tmp_path, suffix):
    path, _ = write(sheet, tmp_path / f"cues{suffix}")
    addresses = [
        each.get("src") or each.text for each in ElementTree.parse(path).iter() if each.tag in ("asset", "pathurl")
    ]
    places = [Path(address) for address in addresses if address != sheet.path.as_uri()]
    assert len(places) == len(sheet.cues)
    assert all(place.parent.name == tmp_path.name and place.suffix == ".mp3" for place in places)
    assert len(set(places)) == len(places)


@needs_otio
@pytest.mark.parametrize("has_picture", [True, False])
def test_fcpxml_says_exactly_when_each_song_begins(sheet, tmp_path, has_picture):
    path, _ = write(replace(sheet, has_picture=has_picture), tmp_path / "cues.fcpxml")
    main = ElementTree.parse(path).find(".//spine/*")
    origin = Fraction(main.get("start", "0s").removesuffix("s"))
    offsets = [Fraction(clip.get("offset").removesuffix("s")) - origin for clip in main.findall("clip")]
    assert all((offset * 25).denominator == 1 for offset in offsets)
    begins = [0.0, *(cue.start_s - cue.fade_in_s / 2 for cue in sheet.cues)]  # the sound of the film, and the songs
    assert sorted(map(float, offsets)) == pytest.approx(begins, abs=0.041)


@needs_otio
@pytest.mark.parametrize("suffix", EDIT_FORMATS)
def test_control_characters_of_licences_and_credits_are_left_out(sheet, tmp_path, suffix):
    song = replace(sheet.cues[0].song, credit="by\x01 me\nand\x1b[31m you", license="free\x0b", link="", usage="\x02")
    path, credits = write(replace(sheet, cues=(replace(sheet.cues[0], song=song),)), tmp_path / f"cues{suffix}")
    for each in (path, credits) if suffix != ".otio" else (credits,):  # JSON escapes them
        assert not re.search("[\x00-\x09\x0b-\x1f]", each.read_text(encoding="utf-8"))
    if "xml" in suffix:
        ElementTree.parse(path)


@needs_otio
def test_premiere_gets_crossfades_of_sound(sheet, tmp_path):
    path, _ = write(sheet, tmp_path / "cues.xml")
    effects = ElementTree.parse(path).findall(".//transitionitem/effect")
    assert len(effects) == len(sheet.cues)
    assert {effect.findtext("mediatype") for effect in effects} == {"audio"}
    # a clip that is only a name for another one is no sound to it
    assert all(len(clip) for clip in ElementTree.parse(path).iter("clipitem"))


def test_csv_has_time_codes_and_everything_about_the_songs(sheet, tmp_path):
    path, _ = write(sheet, tmp_path / "cues.csv")
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
    assert [row["start"] for row in rows] == ["00:00:00:00", "00:00:22:13", "00:01:01:07", "00:01:35:00", "00:02:11:00"]
    assert all(row["end"] == after["start"] for row, after in pairwise(rows))
    for row, cue in zip(rows, sheet.cues, strict=True):
        assert float(row["start_s"]) == pytest.approx(cue.start_s)
        assert (row["artist"], row["license"], row["credit"] or None) == (
            cue.song.artist, cue.song.license, cue.song.credit,
        )  # fmt: skip
    assert [row["title"] for row in rows] == [*ODD[:4], "'=1+1"]  # no spreadsheet runs it


def test_audacity_gets_a_label_for_each_song(sheet, tmp_path):
    path, _ = write(sheet, tmp_path / "cues.txt")
    found = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    assert [(float(a), float(b)) for a, b, _ in found] == [(c.start_s, c.end_s) for c in sheet.cues]
    assert found[3][2].startswith(f"{sheet.cues[3].emotion}: two lines and more - ")


def test_the_credits_hold_every_line_once_and_what_else_is_to_be_done(sheet, tmp_path):
    a, b, c, d, e = (cue.song for cue in sheet.cues)
    terms = {"license": "CC BY 4.0", "license_url": "https://creativecommons.org/licenses/by/4.0/"}
    songs = [
        replace(a, **terms, credit="first credit"),
        replace(b, **terms, credit="second credit"),
        replace(c, **terms, credit="first credit"),
        replace(d, license="unknown", usage="Not known; ask who holds the rights.", credit=None, title="D"),
        replace(e, license="YouTube Audio Library licence", usage="Get it there.", credit=None, title="E"),
    ]
    cues = tuple(replace(cue, song=song) for cue, song in zip(sheet.cues, songs, strict=True))
    _, path = write(replace(sheet, cues=cues), tmp_path / "cues.csv")
    assert path == credits_path(tmp_path / "cues.csv") == tmp_path / "cues.csv.credits.txt"
    text = path.read_text(encoding="utf-8")
    to_paste, to_do = text.split("Before you publish")
    assert to_paste.startswith("Copy these lines into the video's description:\n")
    assert to_paste.count("first credit") == 1
    assert to_paste.index("first credit") < to_paste.index("second credit")
    assert f"- D - {d.artist}: unknown. Not known; ask who holds the rights." in to_do
    assert f"- E - {e.artist}: YouTube Audio Library licence. Get it there." in to_do


def test_a_song_under_cc_by_that_came_without_a_credit_gets_one(sheet):
    song = replace(
        sheet.cues[0].song, license="CC BY 3.0", license_url="https://x/by/3.0", credit=None, source="own", link=""
    )
    text = credits_of(replace(sheet, cues=(replace(sheet.cues[0], song=song),)))
    assert f"by {song.artist} is licensed under CC BY 3.0, https://x/by/3.0" in text
    assert "Before you publish" not in text


def test_what_is_printed_counts_every_credit_that_is_to_be_pasted(sheet):
    """Also that of a song of one's own under CC BY, which came without a credit line."""
    free = [replace(cue, song=replace(cue.song, license="free", credit=None)) for cue in sheet.cues]
    terms = {"license": "CC BY 3.0", "license_url": "https://x/by/3.0", "source": "own", "link": ""}
    cues = [free[0], replace(free[1], song=replace(free[1].song, **terms)), *free[2:]]
    printed = text.scored(Scored("a.mp4", 155.2, 25.0, 1, cues, ["a.csv", "a.csv.credits.txt"]))
    assert "Song 2 needs a credit line: copy the line from a.csv.credits.txt into the video's description." in printed


def test_the_ways_to_say_which_songs_need_a_credit(sheet):
    def said(*credits):
        cues = [
            replace(cue, song=replace(cue.song, license="CC BY 4.0" if given else "free", credit=given))
            for cue, given in zip(sheet.cues, credits, strict=False)
        ]
        return text.scored(Scored("a.mp4", 155.2, 25.0, 1, cues, ["a.csv", "a.csv.credits.txt"]))

    assert "Every song needs a credit line: copy the lines from" in said("a", "b")
    assert "The song needs a credit line: copy the line from" in said("a")
    assert "Songs 1, 2 and 4 need a credit line: copy the lines from" in said("a", "b", None, "d")
    assert "No song needs a credit line." in said(None, None)
    assert "Written: a.csv and a.csv.credits.txt" in said(None)
    assert said("a", "b").count("CC BY: Free to use") == 1


def test_the_credits_say_what_was_changed_and_where_to_get_each_song(sheet):
    own = {"license": "CC BY 4.0", "path": None, "find": None, "duration_s": 100.0, "link": "https://x/1"}
    found = {**own, "credit": "C", "find": "search for it", "link": "https://x/artist"}
    uncut = {"source_in_s": 0.0, "source_out_s": 99.5, "fade_in_s": 0.0, "fade_out_s": 0.0}
    songs = [
        {**own, "title": "One", "artist": "A/B", "credit": "A"},
        {**own, "title": "Two", "credit": "B", "path": "/two.mp3"},
        {**found, "title": "Three", "artist": ""},
    ]
    times = [uncut, uncut | {"source_out_s": 50.0}, uncut | {"source_in_s": 3.0, "fade_out_s": 2.0}]
    cues = [
        replace(cue, song=replace(cue.song, **song), **time)
        for cue, song, time in zip(sheet.cues, songs, times, strict=False)
    ]
    lines = credits_of(replace(sheet, cues=tuple(cues))).splitlines()
    assert lines[3:6] == ["A", "B (shortened)", "C (shortened, faded)"]
    at = next(i for i, line in enumerate(lines) if line.startswith("To get the music"))
    assert lines[at + 1 :] == [
        "- One - A_B.mp3: https://x/1",
        "- Three.mp3: search for it; the artist's page: https://x/artist",
    ]


def test_an_unknown_format_is_answered_with_the_known_ones(tmp_path):
    with pytest.raises(CueSheetError, match=r"cues\.aaf: .*\.otio, \.edl, \.xml, \.fcpxml, \.csv, \.txt"):
        check(tmp_path / "cues.aaf", RATES["25"])


def test_nothing_is_overwritten_unless_asked(sheet, tmp_path):
    (tmp_path / "cues.csv.credits.txt").write_text("by hand")
    with pytest.raises(CueSheetError, match=r"cues\.csv\.credits\.txt: already exists"):
        write(sheet, tmp_path / "cues.csv")
    assert (tmp_path / "cues.csv.credits.txt").read_text() == "by hand"
    assert not (tmp_path / "cues.csv").exists()
    write(sheet, tmp_path / "cues.csv", may_replace=True)
    assert (tmp_path / "cues.csv.credits.txt").read_text() != "by hand"
    assert {path.name for path in tmp_path.iterdir()} == {"cues.csv", "cues.csv.credits.txt"}


def test_a_place_that_cannot_be_written_is_told(sheet, tmp_path):
    (tmp_path / "file").write_text("")
    for folder in ("nowhere", "file"):
        with pytest.raises(CueSheetError, match="its folder does not exist or is read-only"):
            write(sheet, tmp_path / folder / "cues.csv")


@needs_otio
def test_fcpxml_is_refused_at_the_rate_that_final_cut_does_not_know(tmp_path):
    with pytest.raises(
        CueSheetError, match=r"23\.976, 24, 25, 29\.97, 30, 50, 59\.94, 60 frames a second, not 48; end"
    ):
        check(tmp_path / "cues.fcpxml", RATES["48"])


@needs_otio
@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
@given(frame=st.integers(0, 23 * 3600 * 24))
def test_time_codes_are_those_of_opentimelineio(rate, frame):
    from opentimelineio import opentime

    assert timecode(frame, rate) == opentime.to_timecode(opentime.RationalTime(frame, float(rate)), float(rate))


@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
@given(frame=st.integers(0, 30 * 3600 * 60))
def test_a_time_code_names_its_frame(rate, frame):
    assert frame_of(timecode(frame, rate), rate) == frame


@pytest.mark.parametrize(
    "wrong", ["", "1:2", "00:00:00:30", "00:01:00;00", "00:60:00:00", "aa:00:00:00", "-1:00:00:00"]
)
def test_what_is_no_time_code_is_told(wrong):
    with pytest.raises(ValueError, match=r"is no time code at 29\.97 frames a second; write it as 00:00:00;00"):
        frame_of(wrong, RATES["29.97"])


@pytest.mark.parametrize(
    ("stated", "rate"),
    [(25.0, 25), (23.976, Fraction(24000, 1001)), (29.98, Fraction(30000, 1001)), (59.94, Fraction(60000, 1001)),
     (30.0, 30), (10.0, 25), (None, 25)],
)  # fmt: skip
def test_the_rate_of_the_edit_is_that_of_the_film(stated, rate):
    assert nearest_rate(stated) == rate


@needs_otio
@pytest.mark.parametrize("suffix", [".xml", ".fcpxml"])
def test_control_characters_in_what_is_known_of_a_song_or_film_leave_xml_well_formed(sheet, tmp_path, suffix):
    odd = "a\x0b\x00\x1b[2J\x9b\ufffe\u202eb"
    fields = ("title", "artist", "license", "usage", "credit", "link", "uid", "genre")
    cues = [replace(c, song=replace(c.song, **dict.fromkeys(fields, odd)), reason=odd) for c in sheet.cues]
    cues[0] = replace(cues[0], song=replace(cues[0].song, path=str(tmp_path / "a\x0b\x1b.mp3")))
    film = tmp_path / "film\x0b\x1b.mp4"
    hostile = replace(sheet, source=str(film), path=film, cues=tuple(cues))
    path, _ = write(hostile, tmp_path / f"cues{suffix}")
    text = path.read_text("utf-8")
    assert ElementTree.parse(path).getroot().tag in ("xmeml", "fcpxml")
    assert not set("\x0b\x00\x1b\ufffe") & set(text)
