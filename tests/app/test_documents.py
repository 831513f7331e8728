"""The documented schemas of JSON."""

from pathlib import Path

import pytest

from edge_emo.app.documents import DOCUMENTS

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "docs" / "schemas"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_documented_schemas_are_those_of_the_code(name):
    from export.assets.schemas import schema

    assert (SCHEMAS / f"{name}.json").read_bytes() == schema(name)
