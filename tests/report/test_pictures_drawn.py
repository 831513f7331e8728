import errno
import os
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest

import edge_emo
from benchmarks.media import unsmiling
from edge_emo.app.excerpts import Excerpter
from edge_emo.cli import drawings
from edge_emo.core.emotions import EMOTIONS, UNCERTAIN
from edge_emo.core.errors import DecoderMissingError, MediaError
from edge_emo.media.film import Film
from edge_emo.media.pictures import read_picture, write_picture
from edge_emo.report import annotate, colors, plot
from edge_emo.report.scenes import Scenes
from tests.conftest import write_film


@pytest.fixture(scope="module")
def watched(film):
    return watch(film)


@pytest.fixture(scope="module")
def timeline(watched):
    return watched[0]


@pytest.fixture(scope="module")
def shown(watched):
    return watched[1]


def watch(source):
    """The timeline of a source, and what is shown of it."""
    watch = Excerpter()
    timeline = edge_emo.Analyzer()(source, watch=watch)
    return timeline, watch.excerpts(timeline)


def share_of(picture, color, tolerance=60):
    return float((np.abs(picture.astype(int) - color).max(axis=2) < tolerance).mean())


def test_every_emotion_has_a_colour_of_its_own():
    assert set(colors.COLORS) == {*EMOTIONS, UNCERTAIN}
    assert len(set(colors.COLORS.values())) == len(EMOTIONS) + 1


def test_a_picture_gets_a_box_where_the_face_is(tmp_path, portrait):
    write_picture(tmp_path / "a.png", portrait)
    timeline = edge_emo.analyze(tmp_path / "a.png")
    assert drawings.annotate(timeline, tmp_path / "a.png", tmp_path / "out.png") == []
    drawn = read_picture(tmp_path / "out.png")
    assert drawn.shape == portrait.shape
    left, top, right, bottom = (round(v) for v in timeline.readings[0].box)
    color = colors.COLORS[timeline.segments[0].emotion]
    for x, y in ((left, (top + bottom) // 2), (right, (top + bottom) // 2), ((left + right) // 2, bottom)):
        assert tuple(drawn[y, x]) == color
    assert (drawn[-100:, -100:] == portrait[-100:, -100:]).all(), "the rest is left as it is"


def test_a_film_gets_boxes_and_keeps_its_length_and_sound(tmp_path, film, timeline):
    assert drawings.annotate(timeline, film, tmp_path / "out.mp4") == []
    before, after = list(Film(film, fps=100)), list(Film(tmp_path / "out.mp4", fps=100))
    assert len(after) == len(before) == 40
    assert [frame.start_s for frame in after] == pytest.approx([frame.start_s for frame in before], abs=0.01)
    faces = [reading for reading in timeline.readings if reading.modality == "face"]
    color = np.array(Scenes(timeline).at(faces[5].start_s).labels[0].color)
    _, top, right, bottom = (round(v) for v in faces[5].box)
    edge = after[10].picture[(top + bottom) // 2, right - 1 : right + 2].astype(int)
    plain = before[10].picture[(top + bottom) // 2, right - 1 : right + 2].astype(int)
    assert np.abs(edge - color).mean() < np.abs(plain - color).mean() / 2
    voices = edge_emo.analyze(tmp_path / "out.mp4", face=False).readings
    expected = [r for r in timeline.readings if r.modality == "voice"]
    assert [v.raw for v in voices] == [e.raw for e in expected]


def test_the_label_at_the_box_is_what_the_bars_show_and_not_the_frame_alone(tmp_path, portrait):
    smile, other = portrait[:256, 96:352], unsmiling(portrait)[:256, 96:352]
    shots = [*[smile] * 15, other, *[smile] * 10, *[other] * 14]
    path = write_film(tmp_path / "a.mp4", shots, 5)
    timeline = edge_emo.analyze(path)
    shown = Scenes(timeline)
    assert shown.title == "face, smoothed"
    scenes = [shown.at(k / 5 + 0.1) for k in range(len(shots))]
    for scene in scenes:
        [label] = scene.labels
        share = max(scene.step.probabilities)
        emotion = EMOTIONS[scene.step.probabilities.index(share)]
        assert (label.text, label.color) in (
            (f"{emotion} {share:.0%}", colors.COLORS[emotion]),
            (f"{emotion}?", colors.COLORS[UNCERTAIN]),
        )
    assert shown.faces(15 / 5 + 0.1)[0].raw == "neutral"
    assert scenes[15].labels[0].text.startswith("happy"), "a frame alone does not flicker"


def test_the_label_of_a_still_is_what_its_bars_show(tmp_path, portrait):
    write_picture(tmp_path / "a.png", unsmiling(portrait))
    timeline = edge_emo.analyze(tmp_path / "a.png")
    scenes = Scenes(timeline)
    share = max(timeline.steps[0].probabilities)
    assert [label.text for label in scenes.at(0.0).labels] == [f"neutral {share:.0%}"]
    assert share < timeline.readings[0].probability - 0.05, "of a face alone, calm looks like neutral"
    assert scenes.title == "face"


def test_a_face_that_does_not_count_is_labelled_with_its_own_frame_and_says_so(tmp_path, portrait):
    two = np.hstack([portrait[:256, 96:352], np.zeros((256, 64, 3), np.uint8), unsmiling(portrait)[:256, 96:352]])
    timeline = edge_emo.analyze(write_film(tmp_path / "a.mp4", [two] * 10, 5), faces="all")
    scenes = Scenes(timeline)
    main, other = scenes.at(1.0).labels
    own = next(face for face in scenes.faces(1.0) if not face.is_main)
    assert other.text == f"{own.person}: {own.raw} {own.probability:.0%} (this frame)"
    assert not main.text.endswith("(this frame)")


def test_boxes_stay_until_the_next_look_however_rare(tmp_path, portrait):
    path = write_film(tmp_path / "a.mp4", [portrait] * 20, 5)
    timeline = edge_emo.analyze(path, fps=0.5)
    shown = Scenes(timeline)
    assert [len(shown.faces(time_s)) for time_s in (0.1, 1.9, 2.1, 3.9)] == [1, 1, 1, 1]


def test_a_film_without_sound_and_with_odd_sides(tmp_path, portrait):
    path = write_film(tmp_path / "a.mkv", [portrait[:254, 96:350]] * 5, 5)
    drawings.annotate(edge_emo.analyze(path), path, tmp_path / "out.webm")
    assert len(list(Film(tmp_path / "out.webm"))) == 5


def test_what_was_there_stays_until_the_new_film_is_whole(tmp_path, film, timeline, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    out = tmp_path / "out.mp4"
    out.write_bytes(b"old")
    monkeypatch.setattr(annotate, "draw_bars", interrupted)
    with pytest.raises(KeyboardInterrupt):
        drawings.annotate(timeline, film, out)
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    assert out.read_bytes() == b"old"


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, film, timeline, shown, portrait, monkeypatch):
    from matplotlib.figure import Figure

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write_picture(tmp_path / "a.png", portrait)
    still = edge_emo.analyze(tmp_path / "a.png")
    monkeypatch.setattr(drawings, "write_picture", full)
    monkeypatch.setattr(drawings, "redraw", full)
    monkeypatch.setattr(Figure, "savefig", full)
    for write, *given in (
        (drawings.annotate, still, tmp_path / "a.png", tmp_path / "b.png"),
        (drawings.annotate, timeline, film, tmp_path / "b.mp4"),
        (drawings.plot, timeline, shown, tmp_path / "c.png"),
    ):
        with pytest.raises(MediaError, match=r"No space left on device.*make room"):
            write(*given)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_what_cannot_be_drawn_is_told(tmp_path, film, timeline):
    sound = edge_emo.analyze("edge_emo/data/sample.flac")
    with pytest.raises(MediaError, match="no picture to draw on"):
        drawings.annotate(sound, "edge_emo/data/sample.flac", tmp_path / "out.mp4")
    with pytest.raises(MediaError, match="is the source itself"):
        drawings.annotate(timeline, film, film)
    with pytest.raises(MediaError, match=r"out\.xyz: cannot be written"):
        drawings.annotate(timeline, film, tmp_path / "out.xyz")
    assert not (tmp_path / "out.xyz").exists()
    with pytest.raises(MediaError, match="cannot be written"):
        drawings.annotate(timeline, film, tmp_path / "no" / "such" / "out.mp4")


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_timeline_is_drawn(tmp_path, timeline, shown, suffix):
    drawings.plot(timeline, shown, tmp_path / f"a{suffix}")
    assert (tmp_path / f"a{suffix}").stat().st_size > 5000


def test_the_bands_have_the_colours_of_the_emotions(tmp_path, timeline, shown):
    drawings.plot(timeline, shown, tmp_path / "a.png")
    drawn = cv2.imread(str(tmp_path / "a.png"))[..., ::-1]
    longest = max(timeline.segments, key=lambda segment: segment.end_s - segment.start_s)
    assert share_of(drawn, colors.COLORS[longest.emotion], 12) > 0.01


def test_the_thumbnails_show_the_main_face(tmp_path, portrait):
    aside = np.full((256, 768, 3), 255, np.uint8)
    aside[:, :256] = portrait[:256, 96:352]
    path = write_film(tmp_path / "a.mp4", [aside] * 10, 5)
    drawings.plot(*watch(path), tmp_path / "a.png")
    frames = cv2.imread(str(tmp_path / "a.png"))[120:330, 100:-20]
    assert (frames.min(axis=2) < 100).mean() > 0.1, "white, where the middle of the frame is shown"


def test_what_is_uncertain_is_not_drawn_in_the_colour_of_an_emotion(tmp_path, timeline, shown):
    doubtful = [
        replace(each, emotion=UNCERTAIN, reason="low_confidence") if each.modality == "face" else each
        for each in timeline.readings
    ]
    drawn = []
    for number, readings in enumerate((timeline.readings, doubtful)):
        drawings.plot(replace(timeline, readings=tuple(readings)), shown, tmp_path / f"{number}.png")
        drawn.append(cv2.imread(str(tmp_path / f"{number}.png"))[..., ::-1])
    sure = next(each.emotion for each in timeline.readings if each.modality == "face" and each.reason is None)
    assert share_of(drawn[1], colors.COLORS[sure], 12) < 0.8 * share_of(drawn[0], colors.COLORS[sure], 12)


def test_a_sound_alone_is_drawn(tmp_path):
    drawings.plot(*watch("edge_emo/data/sample.flac"), tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 5000


def test_what_cannot_be_plotted_is_told(tmp_path, timeline, shown, monkeypatch):
    with pytest.raises(MediaError, match="cannot be written"):
        drawings.plot(timeline, shown, tmp_path / "a.xyz")
    monkeypatch.setattr(plot.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DecoderMissingError, match=r"'\.\[plot\]'"):
        drawings.plot(timeline, shown, tmp_path / "b.png")


@pytest.mark.parametrize("late", ["sound", "picture"])
def test_the_sound_of_an_annotated_film_stays_where_it_was(tmp_path, late):
    """Of a film that does not start at 0, and in which sound and picture do not start together."""
    if not shutil.which("ffmpeg"):
        pytest.skip("the film is made with an ffmpeg on the PATH")
    from tests.media.make_films import Recipe, make
    from tests.media.test_clock_of_films import light_of, sound_of

    start = {"sound_late_s": float(late == "sound"), "picture_late_s": float(late == "picture")}
    recipe = Recipe("ts", "libx264", "aac", "mono", 48000, "25", 3600, **start, tone_s=1, light_s=1.5)
    if failure := make(recipe, tmp_path):
        pytest.skip(f"this ffmpeg cannot make it: {failure}")
    source, out = tmp_path / recipe.name, tmp_path / "out.mp4"
    drawings.annotate(edge_emo.analyze(source, voice=False), source, out)
    for path in (source, out):
        assert sound_of(path)[2] == pytest.approx(recipe.tone_at_s, abs=0.1)
        assert light_of(path)[2] == pytest.approx(recipe.light_at_s, abs=0.1)
