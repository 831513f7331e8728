from dataclasses import replace

import click

import edge_emo
from edge_emo.report import text
from edge_emo.timeline import Person


def test_of_many_people_those_seen_longest_are_listed_and_the_others_counted(film):
    timeline = edge_emo.analyze(film, voice=False)
    [one] = timeline.people
    seen = [replace(one.summary, found_s=float(number % 30)) for number in range(300)]
    people = tuple(Person(n + 1, 0.0, 4.0, False, summary) for n, summary in enumerate(seen))
    lines = click.unstyle(text.timeline(replace(timeline, people=people))).splitlines()
    listed = [int(line.split()[1]) for line in lines if line.startswith("  person ")]
    assert listed == [30 * (k + 1) for k in range(10)], "29 s each"
    assert "  and 290 more, each seen for up to 28.0 s" in lines
    few = click.unstyle(text.timeline(replace(timeline, people=people[:3])))
    assert few.count("  person ") == 3 and "more, each" not in few
