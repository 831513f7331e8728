from dataclasses import replace

import numpy as np
import pytest

import edge_emo
from edge_emo.app.excerpts import N_COLUMNS, excerpts
from edge_emo.core.errors import MediaError


@pytest.fixture(scope="module")
def timeline(film):
    return edge_emo.analyze(film)


def test_frames_are_spread_over_the_film_and_the_envelope_holds_every_sample(film, timeline, sample):
    found = excerpts(timeline, film)
    starts = [frame.start_s for frame in found.frames]
    assert len(starts) == found.n_frames == 10
    assert np.allclose(np.diff(starts), timeline.duration_s / 10, atol=0.11)
    low, high = found.envelope
    assert low.shape == high.shape == (N_COLUMNS,)
    assert (low <= 0).all() and (high >= 0).all()
    assert high.max() == pytest.approx(sample[:48000].max(), rel=0.2)
    assert not high[int(0.8 * N_COLUMNS) :].max() > 0.01, "after 3 of 4 s there is no voice"


def test_what_was_not_looked_for_is_not_read(film, timeline):
    found = excerpts(replace(timeline, voice=None, face=None), film)
    assert (found.frames, found.envelope) == ((), None)


def test_of_a_still_there_are_none(film, timeline):
    with pytest.raises(MediaError, match="a still picture has no timeline"):
        excerpts(replace(timeline, duration_s=0.0), film)
