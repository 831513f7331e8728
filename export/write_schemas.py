"""Write the JSON schemas of the command line's output to `docs/schemas/`.

python -m export.write_schemas
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from edge_emo.report.documents import DOCUMENTS

FOLDER = Path(__file__).parent.parent / "docs" / "schemas"


def schema(name: str) -> bytes:
    """Return the schema of a document as text."""
    found: dict[str, Any] = msgspec.json.schema(DOCUMENTS[name])
    found = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"edge-emo: {name}", **found}
    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"


def main() -> None:
    """Write every schema."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in DOCUMENTS:
        (FOLDER / f"{name}.json").write_bytes(schema(name))


if __name__ == "__main__":
    main()
