"""Tables and sentences in Markdown, made from the kept results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.environment import read
from edge_emo.models.card_json import read_card
from edge_emo.models.manifest import models_folder, read_manifest

_STRANGERS = {
    "casia": "CASIA: Mandarin, 4 actors",
    "urdu": "URDU: talk shows, 29 speakers",
    "ased": "ASED: Amharic, 65 speakers",
    "bangla": "BanglaSER: 15 speakers, fear and disgust",
    "together": "mean of the four",
}


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def machine(name: str) -> str:
    """Return the processor and the date of a result, and what measured it."""
    found = read(name)["environment"]
    int8 = any("vnni" in flag or flag in ("asimddp", "i8mm") for flag in found["cpu_flags"])
    flags = f"{', '.join(found['cpu_flags'])}), {'with' if int8 else 'without'} VNNI"
    return f"{found['cpu']} ({flags}, {found['date']}, {command(name)}"


def command(name: str) -> str:
    """Return the command of a result, and the state of the code."""
    document = read(name)
    return f"`python -m benchmarks.{document['benchmark']}` at {document['environment']['commit'][:7]}"


def ranged(found: dict[str, float], digits: int = 3) -> str:
    """Return a value and its interval."""
    value, low, high = (f"{found[key]:.{digits}f}" for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def recalls(found: dict[str, float]) -> str:
    """Return the recall of each emotion."""
    return ", ".join(f"{name} {value:.2f}" for name, value in found.items())


def titled(name: str) -> str:
    """Return "face int8" as "`face` int8", with what it is."""
    model, precision = name.split()
    entry = read_manifest().models[model]
    default = " (default)" if model in read_manifest().tasks.values() and precision == entry.default else ""
    original = ", the original network" if model.endswith("-classic") and precision == "fp32" else ""
    return f"`{model}` {precision}{default}{original}"


def voice_accuracy() -> str:
    """Accuracy of the voice models on people never heard."""
    rows = []
    for name, found in read("voice_accuracy")["results"]["cross_validation"].items():
        spread = [f"{found[key]['mean']:.3f} ± {found[key]['sd']:.3f}" for key in ("uar", "accuracy")]
        means = [f"{found[key]['mean']:.3f}" for key in ("uar_women", "uar_men", "ece")]
        named = f"{found['named']['mean']:.0%}"
        low, high = found["intervals"]["uar"]["low"], found["intervals"]["uar"]["high"]
        interval = f"{low:.3f} to {high:.3f}"
        rows.append(
            [titled(name), spread[0], interval, spread[1], *means, named, f"{found['accuracy_named']['mean']:.3f}"]
        )
    titles = "model,UAR,95% interval,accuracy,UAR women,UAR men,calibration error,answered,accuracy of answers"
    return table(titles.split(","), rows)


def voice_details() -> str:
    """Folds, recalls and other corpora of the default voice model."""
    results = read("voice_accuracy")["results"]
    found = results["cross_validation"]["voice int8"]
    foreign = results["shipped_on_emodb"]["voice int8"]
    folds = ", ".join(f"{report['uar']:.3f}" for report in found["folds"].values())
    return (
        f"`voice` int8 by fold: {folds}. Recall: {recalls(found['together']['recall'])}.\n"
        f"int8 agrees with fp32 on the label of {100 * found['labels_as_fp32']:.1f}% of the held-out clips. "
        "The int8 file that ships,\ntrained on all 19 actors, reaches a UAR of "
        f"{ranged(foreign['intervals']['uar'], 2)} on {foreign['n']} clips of five EMO-DB speakers it never heard\n"
        "(German, mostly four emotions; five other speakers of that corpus were in training)."
    )


def strangers() -> str:
    """The default voice model on corpora of which it heard nobody."""
    ((name, found),) = read("voice_strangers")["results"].items()
    rows = []
    for corpus, title in _STRANGERS.items():
        row = found[corpus]
        uar = ranged(row["uar"]) if "n" in row else f"{row['uar']:.3f}"
        right = "–" if row["named_right"] is None else f"{row['named_right']:.3f}"
        figures = [uar, f"{row['uar_all']:.3f}", f"{row['named']:.0%}", right, f"{row['ece']:.3f}"]
        rows.append([title, str(row.get("n", "")), *figures])
    titles = "corpus,clips,UAR over its emotions,UAR over all eight,answered,accuracy of answers,calibration error"
    readers = found["librispeech"]
    files, windows = (readers[f"{kind}_named_otherwise"] for kind in ("files", "windows"))
    return (
        f"{table(titles.split(','), rows)}\n\nOf ten people reading books aloud (LibriSpeech test-other), {files:.0%} "
        f"of {readers['n']} files and {windows:.0%} of their {readers['windows']} windows\nget a label other than "
        f"neutral or calm. `{name}`, measured by {command('voice_strangers')}."
    )


def voice_curves() -> str:
    """Every step of voices recorded worse."""
    return _curves("voice")


def face_curves() -> str:
    """Every step of faces seen worse."""
    return _curves("face")


def _curves(name: str) -> str:
    results = read(f"{name}_robustness")["results"]
    rows = [["unchanged", "", results["as_it_is"]]]
    rows += [[axis, level, row] for axis, levels in results["curves"].items() for level, row in levels.items()]
    return table(
        ["", "", "macro recall", "accuracy", "labels changed"],
        [
            [axis, level, ranged(row["uar"]), f"{row['accuracy']['value']:.3f}", str(row["labels_changed"])]
            for axis, level, row in rows
        ],
    )


def face_accuracy() -> str:
    """Accuracy of the expression networks."""
    rows = []
    for name, found in read("face_accuracy")["results"].items():
        test, eye = found["public_test"], found["labelled_by_eye"]
        cells = [f"{test['macro_recall']:.3f}", f"{test['ece']:.3f}"]
        cells += [f"{eye['accuracy']:.3f}", f"{eye['macro_recall']:.3f}", f"{found['kilobytes']:,}"]
        rows.append([titled(name), ranged(test["intervals"]["accuracy"]), *cells])
    titles = "model,accuracy (95% interval),macro recall,calibration error,photos labelled by eye,their macro recall,kB"
    return table(titles.split(","), rows)


def face_details() -> str:
    """Recalls of the default expression model, and how its files agree."""
    found = read("face_accuracy")["results"]["face int8"]
    test = found["public_test"]["recall"]
    through = found["through_detector"]
    return (
        f"`face` int8 agrees with fp32 on the label of {found['labels_as_fp32']:.1%} of these faces. Recall: "
        f"{recalls(test)} (10 faces).\nWith each face placed in a frame for the detector to find first: "
        f"{through['accuracy_emotions']:.3f} on the {through['found']:.0%} it finds."
    )


_DETECTOR = {
    "recall_24_to_32": "24 to 32",
    "recall_16_to_32": "16 to 32",
    "false_per_photo": "false boxes per photo",
    "recall_at_allowed_false": "found at ≤ 0.05 false boxes",
}


def detectors() -> str:
    """Both precisions of the detector."""
    return "\n\n".join(_detector(name) for name in read("detector_accuracy")["results"])


def _detector(name: str) -> str:
    rows = []
    for condition, row in read("detector_accuracy")["results"][name].items():
        cells = [f"{row[key]:.3f}" for key in _DETECTOR]
        rows.append([condition, ranged(row["recall"]), *cells])
    return table([titled(name), "found, ≥ 32 pixels", *_DETECTOR.values()], rows)


def latency() -> str:
    """Milliseconds of every stage."""
    stages = read("latency")["results"]["stages_ms"]
    rows = [
        [name, *(f"{times[key]:.2f}" for key in ("p50_ms", "p90_ms", "p95_ms", "p99_ms", "first_ms"))]
        for name, times in stages.items()
    ]
    return table(["ms", "p50", "p90", "p95", "p99", "first call"], rows)


def median_ms(stage: str) -> float:
    """Return the median of a stage."""
    return float(read("latency")["results"]["stages_ms"][stage]["p50_ms"])


def peers() -> str:
    """Times beside those of other libraries."""
    rows = []
    for row in read("peers")["results"]["times"]:
        low, high = row["interval_95"]
        ratio = f"{row['ratio']:.2f} ({low:.2f} to {high:.2f})"
        ours = row["ours"].removeprefix(row["comparison"]).strip()
        rows.append([row["comparison"], ours, f"{row['ours_ms']:.3f}", row["peer"], f"{row['peer_ms']:.3f}", ratio])
    return table(["what", "edge-emo", "ms", "peer", "ms", "peer / edge-emo (95%)"], rows)


def peer_accuracy() -> str:
    """Accuracy on the same folds of openSMILE's features with a linear classifier, and of our models."""
    found = {**read("peers")["results"]["accuracy"], **read("voice_accuracy")["results"]["cross_validation"]}
    rows = [
        [name, *(f"{row[key]['mean']:.3f} ± {row[key]['sd']:.3f}" for key in ("uar", "accuracy"))]
        for name, row in found.items()
    ]
    return table(["RAVDESS speech, four folds", "UAR", "accuracy"], rows)


def growth() -> str:
    """Cost as work grows."""
    rows = []
    for kind, found in read("scaling")["results"].items():
        power = "" if found["exponent"] is None else f"{found['exponent']:.2f}"
        for row in found["rows"]:
            first = [kind, power] if row is found["rows"][0] else ["", ""]
            rows.append([*first, f"{row['size']:,}", f"{row['seconds']:.3g}", f"{row['peak_mb']:.0f}"])
    return table(["", "exponent of n", "n", "seconds", "peak MB"], rows)


def processes() -> str:
    """Whole processes and first results."""
    results = read("coldstart")["results"]
    rows = [
        [name, f"{row['median_s']:.2f}", f"{row['peak_mb']:.0f}", f"{row['idle_mb']:.0f}" if "idle_mb" in row else ""]
        for name, row in (
            *results["processes"].items(),
            *((f"first {name}", row) for name, row in results["first_result"].items()),
        )
    ]
    return table(["process", "seconds", "peak MB", "idle MB"], rows)


def largest(key: str, unit: str, n: int = 8) -> str:
    """The largest parts of what is imported or installed, and their sum."""
    found = read("coldstart")["results"][key]
    parts = ", ".join(f"{name} {value:.1f}" for name, value in list(found.items())[:n])
    return f"{sum(found.values()):.0f} {unit} in total: {parts}."


def export() -> str:
    """Networks of the literature, converted."""
    rows = [
        [
            row["network"],
            row["keras"],
            row["chosen"],
            f"{row['kilobytes_fp32']:,.0f}",
            f"{row['kilobytes']:,.0f}",
            f"{row['ms_fp32']:.3f}",
            f"{row['ms']:.3f}",
            f"{row['label_agreement']:.1%}",
        ]
        for row in read("export")["results"]
    ]
    return table(["network", "from", "chosen", "kB fp32", "kB", "ms fp32", "ms", "same label as fp32"], rows)


def models() -> str:
    """What the models are made of."""
    rows = [
        [
            name.removesuffix(".json"),
            f"{cost['bytes']:,}",
            f"{cost['parameters']:,}",
            " ".join(f"{kind} {n}" for kind, n in cost["operations"].items()),
        ]
        for name, cost in read("cost")["results"]["models"].items()
    ]
    return table(["model", "bytes", "weights", "operations"], rows)


def stage_costs() -> str:
    """Calls and memory of the stages."""
    rows = [
        [name, f"{row['calls']:,}", f"{row['peak_kb']:,.0f}"] for name, row in read("cost")["results"]["stages"].items()
    ]
    return table(["stage", "function calls", "peak kB"], rows)


def arm_networks() -> str:
    """What the networks answer on an emulated Raspberry Pi 4, beside this processor."""
    networks = next(iter(read("arm")["results"]["processors"].values()))["networks"]
    rows = [
        [
            titled(name),
            str(row["inputs"]),
            str(row["other_labels"]),
            _small(row["largest"]),
            _small(row["mean"]),
            "yes" if row["bit_identical"] else "no",
        ]
        for name, row in networks.items()
    ]
    return table(["network", "inputs", "changed labels", "largest difference", "mean", "bit-identical"], rows)


def _small(value: float) -> str:
    return f"{value:.0e}" if value else "0"


def arm_front_ends() -> str:
    """How the inputs of the networks differ that were made there."""
    front_ends = next(iter(read("arm")["results"]["processors"].values()))["front_ends"]
    rows = [
        [f"`{name}`", str(row["inputs"]), _small(row["largest"]), _small(row["mean"])]
        for name, row in front_ends.items()
    ]
    return table(["input of", "inputs", "largest difference", "mean"], rows)


def arm_variants() -> str:
    """Which int8 variants saturate on this processor."""
    variants = read("arm")["results"]["variants"]
    rows = [
        [
            name,
            str(row["inputs"]),
            str(row["other_labels"]),
            f"{row['largest']:.3f}",
            f"{row['from_fp32_here']:.4f}",
            f"{row['from_fp32_on_arm']:.4f}",
            "saturates" if name in variants["saturate"] else "",
        ]
        for name, row in variants["networks"].items()
    ]
    titles = ["variant", "inputs", "changed labels", "largest difference", "from fp32, PC", "from fp32, Arm", ""]
    return table(titles, rows)


def arm_tests() -> str:
    """How the tests ended there."""
    tests = read("arm")["results"]["tests"]
    counts = ", ".join(f"{tests[key]} {key}" for key in ("passed", "failed", "skipped"))
    return f"{counts}, {len(tests['left_out'])} left out."


def default_megabytes(*names: str) -> float:
    """Return the size of the files that run by default, of these models or of all."""
    manifest = read_manifest()
    entries = [manifest.models[name] for name in names or manifest.tasks.values()]
    cards = [read_card(models_folder() / entry.cards[entry.default]) for entry in entries]
    return sum((models_folder() / card.file).stat().st_size for card in cards) / 1e6
