"""What a model file holds, and what of it a conversion loses."""

from __future__ import annotations

from collections import Counter
from typing import Any

from edge_emo.core.text import to_install
from export.keras.config import TRAINING_ONLY
from export.keras.loading import layer_rows, load
from export.keras.network import InputShape
from export.keras.quiet import quiet
from export.keras.source import Description, SourceError


def inspected(found: Description, input_shape: InputShape | None = None) -> dict[str, Any]:
    """Return what is known of a file; `problem` says why it could not be loaded, `note` what is missing for it.

    Shapes and parameters are None then. A layer is {name, class, output_shape, parameters}.
    """
    document: dict[str, Any] = {
        "file": str(found.path),
        "format": found.format,
        "keras_version": found.keras_version,
        "layers": [
            {"name": layer.name, "class": layer.kind, "output_shape": None, "parameters": None}
            for layer in found.layers
        ],
        "input_shape": None,
        "outputs": None,
        "parameters": None,
        "removed_in_conversion": [layer.name for layer in found.layers if layer.removed],
        "lost_in_conversion": list(found.training),
        "problem": "",
        "note": "",
    }
    try:
        with quiet():
            network = load(found, input_shape=input_shape)
    except SourceError as error:
        return document | {"problem": str(error)}
    except ImportError as error:
        return document | {"note": f"shapes and parameters need {error.name}; {to_install('export')}"}
    if hasattr(network.model, "layers"):
        keys = ("name", "class", "output_shape", "parameters")
        document["layers"] = [dict(zip(keys, row, strict=True)) for row in layer_rows(network.model)]
    return document | {
        "input_shape": list(network.input_shape),
        "outputs": network.n_outputs,
        "parameters": network.n_parameters,
    }


def as_text(found: dict[str, Any]) -> str:
    """Return the same for people."""
    version = f"Keras {found['keras_version']}" if found["keras_version"] else "Keras' version unknown"
    lines = [f"{found['file']}: {found['format']}, {version}"]
    for layer in found["layers"]:
        numbers = f" {layer['output_shape'] or '':<24} {layer['parameters']:>10,}" if layer["output_shape"] else ""
        removed = "  removed: does nothing in inference" * bool(TRAINING_ONLY.match(layer["class"]))
        lines.append(f"  {layer['name']:<28} {layer['class']:<24}{numbers}{removed}".rstrip())
    kinds = Counter(layer["class"] for layer in found["layers"])
    if kinds:
        told = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        lines.append(f"{sum(kinds.values())} layers: {told}")
    if found["parameters"] is not None:
        shape = "x".join("?" if size is None else str(size) for size in found["input_shape"])
        lines.append(f"input {shape}, {found['outputs']} outputs, {found['parameters']:,} parameters")
    if found["problem"]:
        return "\n".join(lines)
    lost = found["lost_in_conversion"] + [f"layer {name}" for name in found["removed_in_conversion"]]
    lines.append("left out, as running needs none of it: " + (", ".join(lost) or "nothing"))
    return "\n".join(lines)
