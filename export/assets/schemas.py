"""Write the JSON schemas of the command line's output to `docs/schemas/`.

python -m export.assets.schemas
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from edge_emo.app.documents import DOCUMENTS
from edge_emo.core.files import atomic_write
from edge_emo.live.events import EVENTS
from edge_emo.music.library.exchange import COLUMNS
from edge_emo.music.store.record import SongRecord

FOLDER = Path(__file__).parents[2] / "docs" / "schemas"


def schema(name: str) -> bytes:
    """Return the schema of a document as text."""
    found = _one_line(msgspec.json.schema(DOCUMENTS[name]))
    found = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"edge-emo: {name}", **found}
    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"


def live_schema() -> bytes:
    """Return the schema of a line that `edge-emo live --jsonl` prints: one of the events."""
    kinds, components = msgspec.json.schema_components(EVENTS, ref_template="#/$defs/{name}")
    found = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "edge-emo: an event of edge-emo live",
        "oneOf": list(kinds),
        "$defs": _one_line(components),
    }
    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"


def csv_schema() -> bytes:
    """Return the schema of a row of songs in CSV, empty cells left out and numbers read as such."""
    record = msgspec.json.schema_components([SongRecord])[1]["SongRecord"]
    columns = {}
    for name in COLUMNS:
        about = dict(record["properties"].get(name, {"type": "number", "minimum": 0, "maximum": 1}))
        about.pop("default", None)
        if "anyOf" in about:
            about = next(kind for kind in about["anyOf"] if kind["type"] != "null")
        if about["type"] == "array":
            about = {"type": "string", "description": 'values separated by "|"; a backslash before one inside a value'}
        columns[name] = about
    found = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "edge-emo: a row of songs in CSV",
        "description": " ".join(record["description"].split()),
        "type": "object",
        "properties": columns,
        "required": record["required"],
        "additionalProperties": False,
    }
    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"


def _one_line(value: Any) -> Any:
    """Return the schema with each description on one line; how docstrings are indented depends on the Python."""
    if isinstance(value, dict):
        return {k: " ".join(v.split()) if k == "description" else _one_line(v) for k, v in value.items()}
    return [_one_line(item) for item in value] if isinstance(value, list) else value


def main() -> None:
    """Write every schema."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in {
        **{name: schema(name) for name in DOCUMENTS},
        "songs_csv": csv_schema(),
        "live": live_schema(),
    }.items():
        with atomic_write(FOLDER / f"{name}.json") as draft:
            draft.write_bytes(content)


if __name__ == "__main__":
    main()
