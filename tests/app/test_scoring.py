from dataclasses import replace

import pytest

from edge_emo.analysis.analyzer import Analyzer
from edge_emo.app.scoring import Footage, Scoring, analyzed, stated, stated_length
from edge_emo.core.errors import MediaError
from edge_emo.media.demuxer import Demuxer
from edge_emo.media.pictures import write_picture
from edge_emo.media.sound import read_sound
from edge_emo.media.sources import sample_path
from edge_emo.music.ranking.cues import EditedCue
from edge_emo.music.ranking.recommend import Recommender
from edge_emo.music.store.filters import Filters
from tests.music.ranking.test_cues import film_of


@pytest.fixture(scope="module")
def recommender():
    return Recommender()


def scoring(recommender, **asked):
    return Scoring(recommender, 5, Filters(), 20.0, 2.0, **asked)


def test_a_film_is_scored_by_what_was_found_in_it(recommender):
    plan = scoring(recommender)
    assert plan.needs_timeline
    footage = analyzed(film_of((0, 60, "happy"), (60, 120, "sad")), listened=True)
    assert [cue.emotion for cue in plan.cues(footage)] == ["happy", "sad"]
    with pytest.raises(ValueError, match="was not analyzed"):
        plan.cues(Footage("a.mp4", 60.0, True))


def test_a_film_is_scored_by_one_mood_without_looking_at_it(recommender):
    plan = scoring(recommender, mood="calm")
    assert not plan.needs_timeline
    cues = plan.cues(Footage("a.mp4", 60.0, True))
    assert {cue.emotion for cue in cues} == {"calm"}
    assert (cues[0].start_s, cues[-1].end_s) == (0.0, 60.0)


def test_cues_that_were_edited_are_kept_but_for_those_that_get_another_song(recommender):
    footage = Footage("a.mp4", 60.0, True)
    first = scoring(recommender, mood="calm").cues(footage)[0]
    cues = [EditedCue(start_s=0.0, end_s=60.0, uid=first.song.uid, emotion="calm")]
    assert scoring(recommender, edited=cues).cues(footage)[0].song == first.song
    assert scoring(recommender, edited=cues, another=[1]).cues(footage)[0].song != first.song


def test_what_was_not_listened_to_is_taken_to_have_sound():
    timeline = film_of((0, 60, "happy"))
    assert analyzed(timeline, listened=True).has_sound
    silent = replace(timeline, by_modality={})
    assert [analyzed(silent, listened=heard).has_sound for heard in (True, False)] == [False, True]


def test_a_film_and_a_recording_state_their_length_and_whether_they_have_sound(film, portrait, sample, tmp_path):
    assert stated(str(film)).duration_s == pytest.approx(4.0, abs=0.1)
    assert stated(str(film)).has_sound
    assert stated(str(sample_path())).duration_s == pytest.approx(len(read_sound(sample_path())) / 16000, abs=0.01)
    write_picture(tmp_path / "a.png", portrait)
    with pytest.raises(MediaError, match="a still picture cannot be scored"):
        stated(str(tmp_path / "a.png"))


def test_a_film_is_as_long_as_it_states_unless_it_is_cut_off():
    timeline = film_of((0, 62.1366, "happy"))
    assert analyzed(timeline, listened=True, stated_s=62.024).timeline.duration_s == 62.024
    for length_s in (90.0, 40.0, None):
        assert analyzed(timeline, listened=True, stated_s=length_s).duration_s == 62.1366


def test_what_a_film_states_is_the_same_before_and_instead_of_reading_it(film):
    pytest.importorskip("av", reason="films need PyAV: pip install '.[video]'")
    opened = Demuxer(str(film))
    assert stated_length(str(film), opened) == stated(str(film)).duration_s
    analyze = Analyzer()
    assert analyze(str(film), film=opened) == analyze(str(film)), "it can still be read"
