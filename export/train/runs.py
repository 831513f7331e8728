"""What a training leaves in its folder: `model.weights.h5`, and a `card.json` of name, front end and provenance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edge_emo.audio.specification import FeatureSpec, InputSpec
from export import families


def load_network(run: Path) -> Any:
    """Return a trained network, a Keras model."""
    network = families.load(json.loads((run / "card.json").read_text())["name"]).network()
    network.load_weights(run / "model.weights.h5")
    return network


def input_spec(run: Path) -> InputSpec:
    """Return the input of the front end that a voice network was trained with."""
    stated = json.loads((run / "card.json").read_text())["input"]
    tuples = {name: tuple(stated[name]) for name in ("range_db", "mean", "std")}
    return InputSpec(**{**stated, **tuples, "features": FeatureSpec(**stated["features"])})
