"""Cards of converted models, and what stands in them of the machine and the comparison."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from edge_emo.card import Card, TensorInfo, VoicePreprocessing, check_card
from edge_emo.diagnosis import cpu_flags
from edge_emo.errors import CardError
from export.convert import TOLERANCE, Conversion
from export.keras_network import Network


def save_card(card: Card, folder: Path) -> None:
    """Write a card beside its model."""
    (folder / card.file).with_suffix(".json").write_bytes(encoded(card))


def encoded(card: Card) -> bytes:
    """Return a card as JSON."""
    return msgspec.json.format(msgspec.json.encode(card), indent=1) + b"\n"


def file_name(network: Network, precision: str = "fp32") -> str:
    """Return what the file of a converted network is called."""
    return f"{network.name}.{precision}.onnx"


def voice_card(
    network: Network,
    conversion: Conversion,
    voice: VoicePreprocessing,
    labels: list[str],
    license_name: str,
    n_samples: int,
) -> Card:
    """Return the card of a converted voice model. Raises CardError where its parts do not fit each other."""
    given = voice.input.n_inputs
    wanted = int(np.prod([size for size in network.input_shape if size]))
    if given != wanted:
        raise CardError(f"{network.name}: takes {wanted} numbers, but the front end gives {given}")
    graph = conversion.model.graph
    card = Card(
        format=1,
        name=network.name,
        task="voice",
        version="1.0.0",
        file=file_name(network),
        sha256=hashlib.sha256(conversion.model.SerializeToString()).hexdigest(),
        precision="fp32",
        opset=conversion.model.opset_import[0].version,
        input=TensorInfo(name=graph.input[0].name, shape=[None, *network.input_shape]),
        output=TensorInfo(name=graph.output[0].name, shape=[None, network.n_outputs]),
        activation="probabilities" if graph.node[-1].op_type == "Softmax" else "logits",
        labels=labels,
        voice=voice,
        license=license_name,
        parity=conversion_record(conversion, n_samples),
    )
    check_card(card, network.name)
    return card


def conversion_record(conversion: Conversion, n_samples: int) -> dict[str, Any]:
    """Return how a model was converted and how far it is from its source, for its card."""
    return {
        "source": "Keras",
        "samples": n_samples,
        "route": conversion.route,
        "largest_difference": conversion.largest_difference,
        "tolerance": TOLERANCE,
        "steps": [asdict(step) for step in conversion.steps],
        **environment(),
    }


def environment() -> dict[str, Any]:
    """Return the processor's features and the versions that a figure depends on."""
    versions = {name: version(name) for name in ("onnx", "onnxruntime", "tf2onnx", "numpy")}
    return {"cpu_flags": cpu_flags(), "versions": versions | {"python": platform.python_version()}}
