import re
from dataclasses import replace

import edge_emo
from edge_emo.core.timeline import Segment
from edge_emo.report.srt import subtitles
from tests.music.ranking.test_recommend import timeline_of


def test_cues_are_numbered_and_timed():
    even = (0.125,) * 8
    segments = (
        Segment(0.0, 1.5, "happy", "happy", (0.02, 0.02, 0.9, 0.02, 0.01, 0.01, 0.01, 0.01), 0.7, 0.4, None),
        Segment(3661.25, 3662.0, "uncertain", "sad", even, 0.0, 0.0, "modalities_disagree"),
        Segment(5.0, 5.0, "sad", "sad", even, 0.0, 0.0, None),
    )
    assert subtitles(replace(timeline_of("happy", None), segments=segments)) == (
        "1\n00:00:00,000 --> 00:00:01,500\nhappy 90%\n\n"
        "2\n01:01:01,250 --> 01:01:02,000\nuncertain (sad) 12%, voice and face disagree\n"
    )


def test_a_film_has_cues_that_do_not_overlap(film):
    found = re.findall(r"(\d\d):(\d\d):(\d\d),(\d{3})", subtitles(edge_emo.analyze(film)))
    times = [int(h) * 3600 + int(m) * 60 + int(s) + int(ms) / 1000 for h, m, s, ms in found]
    assert len(times) % 2 == 0
    assert times
    assert times == sorted(times)
    assert times[-1] <= 4.2
