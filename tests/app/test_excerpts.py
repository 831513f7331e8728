import numpy as np
import pytest

from edge_emo.analysis.analyzer import Analyzer
from edge_emo.app.excerpts import N_COLUMNS, Excerpter
from edge_emo.core.errors import MediaError
from edge_emo.media.film import Film, Frame
from edge_emo.media.pictures import write_picture
from edge_emo.media.sound import Sound


@pytest.fixture(scope="module")
def watched(film):
    watch = Excerpter()
    return Analyzer()(film, watch=watch), watch


def test_frames_are_spread_over_the_film_and_the_envelope_holds_every_sample(film, watched, sample):
    timeline, watch = watched
    found = watch.excerpts(timeline)
    starts = [frame.start_s for frame in found.frames]
    assert len(starts) == found.n_frames == 10
    assert np.allclose(np.diff(starts), timeline.duration_s / 10, atol=0.11)
    low, high = found.envelope
    assert low.shape == high.shape == (N_COLUMNS,)
    samples = np.concatenate(list(Sound(film)))
    assert (low.min(), high.max()) == (samples.min(), samples.max())
    assert high.max() == pytest.approx(sample[:48000].max(), rel=0.2)
    assert not high[int(0.8 * N_COLUMNS) :].max() > 0.01, "after 3 of 4 s there is no voice"


def test_what_was_not_looked_for_is_not_shown(film):
    for asked in ({"voice": False}, {"face": False}):
        watch = Excerpter()
        found = watch.excerpts(Analyzer(**asked)(film, watch=watch))
        assert (found.envelope is None, not found.frames) == (asked == {"voice": False}, asked == {"face": False})


def test_of_a_still_there_are_none(tmp_path, portrait):
    write_picture(tmp_path / "a.png", portrait)
    watch = Excerpter()
    with pytest.raises(MediaError, match="a still picture has no timeline"):
        watch.excerpts(Analyzer()(tmp_path / "a.png", watch=watch))


def test_what_is_kept_of_hours_is_as_much_as_of_a_minute_and_spread_as_evenly(watched):
    from dataclasses import replace

    watch, hours, rate = Excerpter(), 3 * 3600, 16000
    picture = np.zeros((720, 1280, 3), np.uint8)
    for second in range(hours):
        loud = 0.5 if second == 7200 else 0.1
        watch(np.full(rate, loud, np.float32), rate)
        watch(Frame(float(second), second + 1.0, picture), rate)
    assert sum(thumbnail.picture.nbytes for thumbnail in watch._thumbnails) < 25e6
    found = watch.excerpts(replace(watched[0], duration_s=float(hours)))
    assert [frame.start_s for frame in found.frames] == pytest.approx(
        [k * hours / 10 for k in range(10)], abs=hours / 50
    )
    low, high = found.envelope
    assert np.flatnonzero(high > 0.2).tolist() == pytest.approx([7200 / hours * N_COLUMNS], abs=1)
    assert (low == 0).all() and (high >= 0.1 - 1e-6).all()


def test_a_thumbnail_is_the_frame_made_smaller(film):
    watch, [frame, *_] = Excerpter(), list(Film(film))
    large = np.repeat(np.repeat(frame.picture, 3, axis=0), 3, axis=1)
    watch(Frame(0.0, 1.0, large), 16000)
    [thumbnail] = watch._thumbnails
    assert thumbnail.step == 4
    assert (thumbnail.picture == large[::4, ::4]).all()
