"""What is said beside the cues of a film."""

from dataclasses import replace

import pytest

from edge_emo.app.scoring import Footage, Scoring, analyzed
from edge_emo.app.scoring_notes import notes
from edge_emo.music.ranking.cues import EditedCue
from edge_emo.music.ranking.recommend import Recommender, one_hot
from edge_emo.music.store.filters import Filters
from tests.music.ranking.test_cues import film_of

FILM = Footage("a.mp4", 120.0, True)


@pytest.fixture(scope="module")
def recommender():
    return Recommender()


def told(recommender, footage, min_region_s=20.0, new_license=None, **more):
    """Return the notes for cues of which the last has a new song under a licence, if one is given."""
    scoring = Scoring(recommender, 5, Filters(), min_region_s, 2.0, **more)
    *cues, last = scoring.cues(footage)
    if new_license:
        last = replace(last, song=replace(last.song, uid="new", license=new_license))
    return list(notes(scoring, footage, [*cues, last]))


@pytest.fixture(scope="module")
def credited(recommender):
    """Two songs under CC BY, which a film has in turn."""
    filters = Filters(license="cc-by", min_duration_s=70)
    songs = [item.song for item in recommender(one_hot("calm"), 2, seed=1, filters=filters)]
    return [
        EditedCue(60.0 * at, 60.0 * at + 60.0, emotion="calm", uid=song.uid, license=song.license)
        for at, song in enumerate(songs)
    ]


def test_a_song_under_another_licence_is_told_where_all_were_cc_by(recommender, credited):
    [note] = told(recommender, FILM, new_license="YouTube Audio Library licence", edited=credited)
    assert note.startswith("cue 2: ")
    assert "another licence (YouTube Audio Library licence)" in note
    assert "--license cc-by keeps new songs to it" in note
    assert not told(recommender, FILM, new_license="CC BY 3.0", edited=credited)
    assert not told(recommender, FILM, edited=credited)


def test_no_song_is_told_of_where_the_licences_were_mixed_before(recommender, credited):
    mixed = [credited[0], EditedCue(60.0, 120.0, emotion="calm", license="YouTube Audio Library licence")]
    assert not told(recommender, FILM, new_license="unknown", edited=mixed)


def test_time_that_no_edited_cue_covers_is_told(recommender, credited):
    first, second = credited
    apart = [EditedCue(3.0, 50.0, uid=first.uid), EditedCue(60.04, 119.8, uid=second.uid)]
    [note] = told(recommender, FILM, edited=apart)
    assert note == "a.mp4: no music from 0.0 to 3.0 s, 50.0 to 60.0 s, as no cue covers it"


def test_regions_that_were_joined_are_told_with_what_keeps_them(recommender):
    short = analyzed(film_of((0, 9, "happy"), (9, 18, "sad"), (18, 27, "angry")), listened=True)
    [note] = told(recommender, short)
    assert "regions shorter than 20 s were joined to their neighbours" in note
    assert "--min-stretch 8 gives 3 regions, not 1" in note
    assert not told(recommender, short, min_region_s=19.0), "who asks for a length knows of it"
    hours = analyzed(film_of(*[(9 * i, 9 * i + 9, "happy" if i % 2 else "sad") for i in range(99)]), listened=True)
    assert not told(recommender, hours), "in a long film it would always be so"
    long = analyzed(film_of((0, 60, "happy"), (60, 120, "sad")), listened=True)
    assert not told(recommender, long)
