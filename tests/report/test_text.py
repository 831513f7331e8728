from dataclasses import replace

import edge_emo
from edge_emo.core.timeline import Person
from edge_emo.report import text


def test_of_many_people_those_seen_longest_are_listed_and_the_others_counted(film):
    timeline = edge_emo.analyze(film, voice=False)
    [one] = timeline.people
    seen = [replace(one.summary, found_s=float(number % 30)) for number in range(300)]
    people = tuple(Person(n + 1, 0.0, 4.0, False, summary) for n, summary in enumerate(seen))
    lines = text.timeline(replace(timeline, people=people)).splitlines()
    listed = [int(line.split()[1]) for line in lines if line.startswith("  person ")]
    assert listed == [30 * (k + 1) for k in range(10)], "29 s each"
    assert "  and 290 more, each seen for up to 28.0 s" in lines
    few = text.timeline(replace(timeline, people=people[:3]))
    assert few.count("  person ") == 3 and "more, each" not in few


def test_what_stands_out_is_as_the_reader_is_shown_it():
    heard = edge_emo.analyze("edge_emo/data/sample.flac")
    plain, marked = text.timeline(heard), text.timeline(heard, lambda words: f"*{words}*")
    assert "\x1b" not in plain and "*" not in plain
    assert marked.replace("*", "") == plain
    assert f"*{heard.summary.emotion}*" in marked
