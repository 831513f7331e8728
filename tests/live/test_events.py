"""Events are what docs/schemas says, and hold words and numbers alone."""

import json
from typing import get_args, get_type_hints

from edge_emo.live.events import EVENTS
from export.assets.schemas import FOLDER, live_schema


def test_the_documented_schema_is_that_of_the_code():
    assert (FOLDER / "live.json").read_bytes() == live_schema()


def test_each_event_says_what_it_is():
    names = [get_args(get_type_hints(kind)["event"]) for kind in EVENTS]
    assert sorted(name for (name,) in names) == ["device", "presence", "reading", "segment", "songs", "status"]


def test_no_event_can_hold_a_picture_or_a_sound():
    kinds = set()

    def walk(value):
        if isinstance(value, dict):
            kinds.update([value["type"]] if isinstance(value.get("type"), str) else [])
            assert "contentEncoding" not in value, "bytes"
            list(map(walk, value.values()))
        elif isinstance(value, list):
            list(map(walk, value))

    schema = json.loads(live_schema())
    walk(schema)
    assert kinds <= {"object", "array", "string", "number", "integer", "boolean", "null"}
    lists = {
        name
        for about in schema["$defs"].values()
        for name, field in about["properties"].items()
        if "array" in json.dumps(field) and "number" in json.dumps(field.get("items", ""))
    }
    assert lists <= {"probabilities", "box"}, "no other list of numbers, which could be samples or pixels"
