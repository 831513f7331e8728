"""From trained networks to the files that ship, with their cards.

    python -m export.build_models --runs runs

Each fold's network becomes fp32 and int8, which are scored on the actors it never heard; so is the temperature
that calibrates it, fitted on the other folds' held-out actors. The network trained on all actors ships with
the temperature and threshold of all four folds, and is scored on the EMO-DB speakers that none was trained on.
An int8 file that differs too much from fp32 on the held-out clips does not ship.
Fold files go to `benchmarks/folds/`, so that anyone can repeat the table of the README.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import click
import numpy as np
import onnx

from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.files import atomic_write
from edge_emo.media.sound import SAMPLE_RATE
from edge_emo.models.manifest import ModelEntry, models_folder
from edge_emo.models.schema import Card, Metric, TensorInfo, VoicePreprocessing
from edge_emo.voice.recognizer import VoiceRecognizer
from export.cards import conversion_record, enter_model, quantization_record, save_card
from export.keras.convert import OPSET, to_onnx
from export.keras.loading import from_keras
from export.measure.gates import MAX_ACCURACY_LOSS, MIN_AGREEMENT, parity_gate
from export.measure.inference import Outputs, latencies_ms
from export.measure.samples import Samples, voice_windows
from export.measure.voice_score import Scores, fit_temperature, fit_threshold, score, together, uar
from export.quantise.rule import choose
from export.quantise.search import search
from export.train.corpora import (
    DATA,
    EMODB_TRAINING,
    FURTHER,
    RAVDESS_FOLDS,
    Clip,
    corpus_folder,
    emodb,
    further,
    ravdess,
)
from export.voice_networks import input_spec, load_trained

FOLDS = Path(__file__).parent.parent / "benchmarks" / "folds"
VERSION = "1.1.0"
LICENSE = "CC-BY-NC-SA-4.0"
LICENSE_NOTE = (
    "Trained on RAVDESS (Livingstone and Russo 2018, PLoS ONE 13(5): e0196391), CC BY-NC-SA 4.0: "
    "for non-commercial use, with credit, and passed on under the same licence. The code of edge-emo is Apache-2.0."
)
DESCRIPTIONS = {
    "voice": "Residual network over time and frequency, from 3 s of log-mel spectrum relative to its mean power.",
    "voice-classic": "The original system's network over the mean of 100 MFCCs; the reference, not gain-invariant.",
}
TASKS = {"voice": "voice"}
PRECISIONS = ("fp32", "int8")
N_CALIBRATION = 256
N_PARITY = 600
N_UNHEARD = 600
RIGHT = 0.65
"""Share of the answers with a name that are to be right where nobody was heard before."""


@dataclass(frozen=True)
class Written:
    """The two cards of one network, where they lie, and its held-out or unseen scores by precision."""

    cards: dict[str, Card]
    folder: Path
    scores: dict[str, Scores]


def balanced(clips: list[Clip], count: int, seed: int = 0) -> list[Clip]:
    """Return `count` clips, as many of each emotion as there are to be had."""
    rng = np.random.default_rng(seed)
    queues = [list(rng.permutation([i for i, c in enumerate(clips) if c.emotion == name])) for name in EMOTIONS]
    chosen: list[Clip] = []
    while len(chosen) < min(count, len(clips)):
        chosen += [clips[queue.pop()] for queue in queues if queue]
    return chosen[:count]


def write(name: str, source: Path, target: Path, stem: str, train: list[Clip], unseen: list[Clip]) -> Written:
    """Convert, quantise and score one trained network; write both files and their cards."""
    network, spec = load_trained(source), input_spec(source)
    training = json.loads((source / "card.json").read_text())["training"]
    preprocessing = VoicePreprocessing(input=spec, decode_rate=SAMPLE_RATE)  # as it was trained
    shape = list(network.input_shape[1:])
    rows = [row for clip in balanced(train, N_PARITY) for row in voice_windows(clip.path, preprocessing, shape)]
    samples = np.stack(rows)
    conversion = to_onnx(from_keras(network, name), samples)
    outputs = Outputs("logits", EMOTIONS)
    judged = Samples(samples[N_CALIBRATION:])
    found, fp32_ms = search(conversion.model, outputs, samples[:N_CALIBRATION], judged)
    chosen = choose([candidate for candidate in found if candidate.precision == "int8"])
    if chosen is None or chosen.model is None:
        raise ValueError(f"{name}: every int8 candidate was refused: {[c.summary() for c in found]}")
    parity = {
        "fp32": conversion_record(conversion, parity_gate(conversion.largest_difference, len(samples))),
        "int8": quantization_record(chosen, found, fp32_ms, N_CALIBRATION),
    }
    target.mkdir(parents=True, exist_ok=True)
    cards, scores = {}, {}
    for precision, model in (("fp32", conversion.model), ("int8", chosen.model)):
        path = target / f"{stem}.{precision}.onnx"
        with atomic_write(path) as draft:
            onnx.save(model, draft)
        cards[precision] = Card(
            format=1,
            name=name,
            task="voice",
            version=VERSION,
            file=path.name,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            precision=precision,
            opset=OPSET,
            input=TensorInfo(name="features", shape=[None, *shape]),
            output=TensorInfo(name="logits", shape=[None, len(EMOTIONS)]),
            activation="logits",
            labels=list(EMOTIONS),
            voice=preprocessing,
            license=LICENSE,
            license_note=LICENSE_NOTE,
            description=DESCRIPTIONS[name],
            training=training,
            parity=parity[precision],
        )
        save_card(cards[precision], target)
        scores[precision] = score(VoiceRecognizer(target / f"{stem}.{precision}.json"), unseen)
    return Written(cards, target, scores)


def finish(written: Written, temperature: float, threshold: float, data: str, held_out: str) -> None:
    """Put calibration and the metrics of each file into its card."""
    for precision, card in written.cards.items():
        report = written.scores[precision].temperature_scaled(temperature).report()
        metrics = [
            Metric(
                name=name,
                value=round(report[name], 4),
                data=data,
                split=held_out,
                n=report["n"],
                date=date.today().isoformat(),
            )
            for name in ("uar", "accuracy", "ece")
        ]
        card = replace(card, temperature=temperature, threshold=threshold, metrics=metrics)
        if precision == "int8":
            card = replace(card, parity={**card.parity, "unseen": compare(written.scores)})
        save_card(card, written.folder)


def compare(scores: dict[str, Scores]) -> dict[str, float]:
    """Return how int8 differs from fp32 on the clips they were scored on."""
    fp32, int8 = scores["fp32"], scores["int8"]
    return {
        "clips": len(fp32.clips),
        "label_agreement": round(float((fp32.predictions == int8.predictions).mean()), 4),
        "uar_change": round(uar(int8.labels, int8.predictions) - uar(fp32.labels, fp32.predictions), 4),
        "largest_probability_change": round(float(np.abs(fp32.probabilities - int8.probabilities).max()), 4),
    }


def build(name: str, runs: Path, data: Path, voices: Path | None = None) -> ModelEntry:
    """Build the fold files and the shipped files of one network.

    `voices` is where the further corpora lie: the shipped file is calibrated, too, by what a network of the same recipe
    that heard none of them, "apart", makes of them.
    """
    clips = ravdess(corpus_folder(data, "ravdess"))
    folds: dict[int, Written] = {}
    for fold, actors in RAVDESS_FOLDS.items():
        train = [clip for clip in clips if clip.speaker not in actors]
        held_out = [clip for clip in clips if clip.speaker in actors and not clip.is_song]
        folds[fold] = write(name, runs / name / f"fold{fold}", FOLDS, f"{name}.fold{fold}", train, held_out)
        click.echo(f"{name} fold {fold}: {compare(folds[fold].scores)}", err=True)
    for fold, written in folds.items():
        others = together([other.scores["fp32"] for number, other in folds.items() if number != fold])
        actors = ", ".join(map(str, RAVDESS_FOLDS[fold]))
        finish(written, *calibration(others), "RAVDESS speech", f"actors {actors}, none of them in training")
    everyone = {p: together([written.scores[p] for written in folds.values()]) for p in PRECISIONS}
    unheard = unheard_corpora(runs / name / "apart", voices) if voices else []
    change = compare(everyone)
    click.echo(f"{name}, all held-out clips: {change}", err=True)
    kept = list(PRECISIONS)
    if change["label_agreement"] < MIN_AGREEMENT or change["uar_change"] < -MAX_ACCURACY_LOSS:
        click.echo(f"{name}: int8 differs too much from fp32 on held-out clips and does not ship", err=True)
        kept.remove("int8")
    foreign = [clip for clip in emodb(corpus_folder(data, "emodb")) if clip.speaker not in EMODB_TRAINING]
    shipped = write(name, runs / name / "all", models_folder(), name, clips, foreign)
    for precision, card in shipped.cards.items():
        shipped.cards[precision] = replace(card, parity={**card.parity, "held_out_folds": change})
    finish(shipped, *calibration(everyone["fp32"], *unheard), "EMO-DB", "five speakers, none of them in training")
    for precision in set(PRECISIONS) - set(kept):
        for path in models_folder().glob(f"{name}.{precision}.*"):
            path.unlink()
    models = [onnx.load(models_folder() / shipped.cards[p].file) for p in kept]
    zeros = np.zeros([size or 1 for size in shipped.cards["fp32"].input.shape[1:]], np.float32)
    latency = dict(zip(kept, latencies_ms(models, zeros), strict=True))
    return ModelEntry(
        default=min(kept, key=lambda precision: latency[precision]),
        cards={p: Path(shipped.cards[p].file).with_suffix(".json").name for p in kept},
    )


def calibration(*parts: Scores) -> tuple[float, float]:
    """Return temperature and threshold for people and corpora never heard, each of the parts counting alike."""
    scores = together(parts)
    weights = np.concatenate([np.full(len(part.clips), 1 / len(part.clips)) for part in parts])
    temperature = fit_temperature(lambda t: scores.temperature_scaled(t).probabilities, scores.labels, weights)
    return temperature, fit_threshold(
        scores.temperature_scaled(temperature).probabilities, scores.labels, weights, RIGHT
    )


def unheard_corpora(folder: Path, voices: Path) -> list[Scores]:
    """Return the scores of a network on the further corpora of acted speech, of which it heard none."""
    network, spec = load_trained(folder), input_spec(folder)
    preprocessing = VoicePreprocessing(input=spec)
    shape = list(network.input_shape[1:])
    found = []
    for corpus in sorted(set(FURTHER) - {"librispeech"}):
        clips = balanced(further(voices, [corpus]), N_UNHEARD)
        windows = [voice_windows(clip.path, preprocessing, shape) for clip in clips]
        heard = [(clip, rows) for clip, rows in zip(clips, windows, strict=True) if rows]
        logits = network.predict(np.stack([row for _, rows in heard for row in rows]), batch_size=256, verbose=0)
        probabilities = np.exp(logits - logits.max(axis=1, keepdims=True)).astype(np.float64)
        parts = np.split(
            probabilities / probabilities.sum(axis=1, keepdims=True), np.cumsum([len(rows) for _, rows in heard])[:-1]
        )
        lengths = tuple(np.ones(len(part)) for part in parts)
        found.append(Scores(tuple(clip for clip, _ in heard), tuple(parts), lengths))
    return found


@click.command()
@click.option("--model", "names", type=click.Choice(sorted(DESCRIPTIONS)), multiple=True, default=tuple(DESCRIPTIONS))
@click.option("--runs", type=click.Path(path_type=Path), required=True, help="The folder of export.train.voice.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True)
@click.option("--voices", type=click.Path(path_type=Path), help="Folder of the further corpora, to calibrate by, too.")
def main(names: Sequence[str], runs: Path, data: Path, voices: Path | None) -> None:
    """Build the voice models, or only those named; the manifest keeps the others."""
    for name in names:
        enter_model(models_folder(), name, build(name, runs, data, voices), TASKS.get(name))


if __name__ == "__main__":
    main()
