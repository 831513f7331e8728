"""What was measured of a conversion, as a page."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from onnx import ModelProto

from edge_emo.card import Card
from export.cards import encoded, environment, file_name
from export.convert import TOLERANCE, Conversion
from export.keras_network import Network
from export.keras_source import Description


def write_conversion(
    description: Description,
    network: Network,
    conversion: Conversion,
    card: Card | None,
    out: Path,
    n_samples: int,
) -> Path:
    """Write the fp32 model, its card if it has one, and `report.md` into `out`; each appears whole or not at all."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / file_name(network)
    _write(path, conversion.model.SerializeToString())
    if card:
        _write(path.with_suffix(".json"), encoded(card))
    _write(out / "report.md", page(description, network, conversion, n_samples).encode())
    return path


def page(description: Description, network: Network, conversion: Conversion, n_samples: int) -> str:
    """Return the report in Markdown."""
    lines = [
        f"# {network.name}",
        "",
        f"From `{description.path.name}` ({description.format}, Keras {description.keras_version or 'unknown'}), "
        f"{network.n_parameters:,} parameters, input {network.input_shape}, {network.n_outputs} outputs.",
        f"Converted by: {conversion.route}. Largest absolute difference from the source over {n_samples} random "
        f"inputs: {conversion.largest_difference:.2g} (at most {TOLERANCE} is let out).",
        "",
        "| step | nodes | largest difference | |",
        "|---|---|---|---|",
    ]
    for step in conversion.steps:
        told = step.failure.splitlines()[0] if step.failure else "taken"
        figures = f"{step.nodes} | {step.largest_difference:.2g}" if step.nodes else " | "
        lines.append(f"| {step.name} | {figures} | {told} |")
    before, after = _operators(conversion.before_cleaning), _operators(conversion.model)
    lines += ["", "| operator | converted | cleaned |", "|---|---|---|"]
    lines += [f"| {name} | {before[name]} | {after[name]} |" for name in sorted({*before, *after})]
    found = environment()
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    lines += ["", f"{versions}; processor: {', '.join(found['cpu_flags'])}.", ""]
    return "\n".join(lines)


def _operators(model: ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


def _write(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        try:
            file.write(content)
            file.flush()
            Path(file.name).chmod(0o644)
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
