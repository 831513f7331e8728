"""What was measured of a conversion, as a page with a picture."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import ModelProto

from export.cards import environment
from export.keras.convert import Conversion
from export.keras.network import Network
from export.keras.source import Description
from export.measure.front_end import Comparison
from export.measure.gates import Gate
from export.measure.inference import Outputs, run
from export.measure.samples import Samples
from export.quantise.candidate import Candidate
from export.quantise.rule import RULE, mean_change, verdicts


@dataclass(frozen=True)
class Search:
    """A search for a smaller model: its candidates, the one to write, and what they were judged on."""

    candidates: list[Candidate]
    chosen: Candidate | None
    fp32_ms: float
    outputs: Outputs
    judged: Samples
    n_calibration: int
    is_real: bool = True
    is_forced: bool = False

    @property
    def accuracy_fp32(self) -> float | None:
        """Accuracy of fp32 on the judged inputs, None where their labels are not known."""
        compared = (candidate.comparison for candidate in self.candidates if candidate.comparison)
        return next((comparison.accuracy_fp32 for comparison in compared), None)

    @property
    def nearest(self) -> Candidate | None:
        """The candidate that changes probabilities least, refused or not; None where none could be made."""
        compared = [candidate for candidate in self.candidates if candidate.comparison]
        return min(compared, key=mean_change, default=None)


def picture_name(network: Network) -> str:
    """Return what the picture of a report is called."""
    return f"{network.name}.report.png"


def page(
    description: Description,
    network: Network,
    conversion: Conversion,
    gate: Gate,
    data: str,
    search: Search | None,
    front_ends: Comparison | None = None,
) -> str:
    """Return the report in Markdown."""
    lines = [
        f"# {network.name}",
        "",
        f"From `{description.path.name}` ({description.format}, Keras {description.keras_version or 'unknown'}): "
        f"{network.n_parameters:,} parameters, input {network.input_shape}, {network.n_outputs} outputs.",
        f"Compared on {data}.",
        "",
        "## fp32",
        "",
        f"Converted by: {conversion.route}. {_told(gate)}",
        "",
        "| step | nodes | largest difference | |",
        "|---|---|---|---|",
    ]
    for step in conversion.steps:
        told = step.failure.splitlines()[0] if step.failure else "taken"
        figures = f"{step.nodes} | {step.largest_difference:.2g}" if step.nodes else " | "
        lines.append(f"| {step.name} | {figures} | {told} |")
    lines += ["", *_graph(conversion, search)]
    if front_ends:
        lines += ["", *_front_ends(front_ends)]
    lines += [
        "",
        *(
            _search(search, conversion.model, picture_name(network))
            if search
            else ["No int8: no real inputs were given (--calibrate)."]
        ),
    ]
    found = environment()
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    lines += ["", f"{versions}; processor: {', '.join(found['cpu_flags']) or 'unknown'}; one thread.", ""]
    return "\n".join(lines)


def _told(gate: Gate) -> str:
    return f"{str(gate)[0].upper()}{str(gate)[1:]}; {'holds' if gate.holds else 'DOES NOT HOLD'}."


def _graph(conversion: Conversion, search: Search | None) -> list[str]:
    columns = {"converted": conversion.before_cleaning, "cleaned": conversion.model}
    if search and search.chosen and search.chosen.model:
        columns[search.chosen.precision] = search.chosen.model
    counts = [Counter(node.op_type for node in model.graph.node) for model in columns.values()]
    lines = ["| operator | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name in sorted(set().union(*counts)):
        lines.append(f"| {name} | " + " | ".join(str(count[name]) for count in counts) + " |")
    totals = " | ".join(str(sum(count.values())) for count in counts)
    return [*lines, f"| all | {totals} |"]


def _front_ends(found: Comparison) -> list[str]:
    lines = ["## Front end", ""]
    if found.warning:
        lines += [f"**WARNING: {found.warning}.**", ""]
    lines += [f"| {len(found.labels)} recordings of known label | right |", "|---|---|"]
    return lines + [f"| {way.name} | {_percent(way.accuracy)} |" for way in found.ways]


def _search(search: Search, fp32: ModelProto, picture: str) -> list[str]:
    chosen = search.chosen
    kilobytes = fp32.ByteSize() / 1000
    lines = [
        f"## {chosen.precision if chosen else 'int8'}",
        "",
        f"Calibrated on {search.n_calibration} {'real' if search.is_real else 'RANDOM'} inputs and judged on "
        f"{len(search.judged)} others{', whose labels are known' * bool(search.judged.labels)}; the choice is made on "
        "these same inputs, which favours it a little.",
        RULE,
        "",
    ]
    if chosen is None or chosen.comparison is None:
        lines += ["**Nothing was let out**: every candidate was refused.", ""]
    else:
        gain = search.fp32_ms / chosen.latency_ms
        lines += [
            f"Chosen: **{chosen.variant}**, {chosen.kilobytes:,.0f} kB of {kilobytes:,.0f}, {chosen.latency_ms:.3f} ms "
            f"against {search.fp32_ms:.3f} in fp32 ({gain:.2f} times as fast).",
            *([f"**Written by force: {chosen.refusal or 'judged on random numbers'}.**"] * search.is_forced),
            "",
            *[f"- {_told(gate)}" for gate in chosen.comparison.gates],
            "",
            f"![Probabilities, fp32 against {chosen.precision}]({picture})",
            "",
        ]
    alike = "error of values" if search.outputs.activation == "values" else "labels as fp32"
    lines += [
        f"| candidate | kB | ms | {alike} | mean change | largest change | accuracy | moved by saturation | |",
        "|---|---|---|---|---|---|---|---|---|",
        f"| fp32 | {kilobytes:,.0f} | {search.fp32_ms:.3f} | | | | {_percent(search.accuracy_fp32)} | | |",
    ]
    told = verdicts(search.candidates)
    return lines + [_row(candidate, verdict) for candidate, verdict in zip(search.candidates, told, strict=True)]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _row(candidate: Candidate, verdict: str) -> str:
    compared = candidate.comparison
    if compared is None:
        return f"| {candidate.variant} | | | | | | | | {verdict.splitlines()[0]} |"
    saturation = "" if candidate.saturation_error is None else f"{candidate.saturation_error:.3g}"
    alike = compared.agreement if compared.value_error is None else compared.value_error
    changes = f"{compared.mean_change:.5f} | {compared.largest_change:.3f}"
    return (
        f"| {candidate.variant} | {candidate.kilobytes:,.0f} | {candidate.latency_ms:.3f} | {alike:.1%} | "
        f"{changes} | {_percent(compared.accuracy)} | {saturation} | {verdict} |"
    )


def scatter(model: ModelProto, search: Search) -> bytes:
    """Return a picture, PNG, of every probability of the judged inputs in fp32 against that of the chosen model."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    chosen = search.chosen
    assert chosen is not None and chosen.model is not None
    before = search.outputs.probabilities(run(model, search.judged.inputs))
    after = search.outputs.probabilities(run(chosen.model, search.judged.inputs))
    figure = Figure(figsize=(6.4, 6), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1, zorder=0)
    classes = search.outputs.classes
    colors = colormaps["tab10"](np.arange(len(classes)) % 10)
    order = np.random.default_rng(0).permutation(before.size)  # so that no label covers the others
    dots: dict[str, Any] = {"s": 9, "alpha": 0.6}
    axes.scatter(before.ravel()[order], after.ravel()[order], color=colors[order % len(classes)], **dots)
    for label, color in zip(classes, colors, strict=True):
        axes.scatter([], [], color=[color], label=label, **dots)
    low, high = min(before.min(), after.min()), max(before.max(), after.max())
    margin = max(0.02, 0.05 * float(high - low))
    axes.set(
        xlim=(low - margin, high + margin),
        ylim=(low - margin, high + margin),
        aspect="equal",
        xlabel="probability in fp32",
        ylabel=f"probability in {chosen.precision}",
        title=f"{chosen.variant}\na dot for each label of {len(before)} inputs, largest change "
        f"{np.abs(after - before).max():.3f}",
    )
    axes.legend(fontsize="small", markerscale=2)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    return content.getvalue()
