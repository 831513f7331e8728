"""What commands print, checked against its schema, and a sound without a voice."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import soundfile

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"


def document(done, schema):
    """Return the JSON of a command after checking it against its documented schema."""
    found = json.loads(done.stdout)
    jsonschema.validate(found, json.loads((SCHEMAS / f"{schema}.json").read_text()))
    return found


@pytest.fixture
def silence(tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(32000), 16000)
    return tmp_path / "silence.wav"
