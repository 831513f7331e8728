"""Voice models: four folds with actors held out, then the file that ships, of a network trained on everybody.

Each fold's network becomes fp32 and int8, which are scored on the actors it never heard; so is the temperature
that calibrates it, fitted on the other folds' held-out actors. The network trained on all actors ships with
the temperature and threshold of all four folds, and is scored on the EMO-DB speakers that none was trained on.
An int8 file that differs too much from fp32 on the held-out clips does not ship.
Fold files ship beside the benchmarks, so that anyone can repeat the table of the README.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from msgspec import structs

from edge_emo.core.emotions import EMOTIONS
from edge_emo.models.schema import TensorInfo, VoicePreprocessing
from edge_emo.voice.recognizer import VoiceRecognizer
from export.build.files import PRECISIONS, Built, Drafts, Precision, Sources, Tell, draft, metrics, training_of
from export.families import Family
from export.keras.convert import to_onnx
from export.keras.loading import from_keras
from export.measure.gates import MAX_ACCURACY_LOSS, MIN_AGREEMENT, judge_of
from export.measure.inference import Outputs, softmax
from export.measure.samples import Samples, voice_windows
from export.measure.voice_score import Scores, fit_temperature, fit_threshold, score, together, uar
from export.train.corpora import (
    EMODB_TRAINING,
    FURTHER,
    RAVDESS_FOLDS,
    Clip,
    corpus_folder,
    emodb,
    further,
    ravdess,
)
from export.train.runs import input_spec, load_network

N_UNHEARD = 600


@dataclass(frozen=True)
class Judged:
    """The files of one network, and their scores on clips that it was not trained on."""

    drafts: Drafts
    scores: dict[Precision, Scores]


def build(family: Family, sources: Sources, folder: Path, tell: Tell) -> Built:
    """Build the fold files and those that ship. Raises BuildError.

    With further corpora the files that ship are calibrated, too, by what a network of the same recipe that heard none
    of them, "apart", makes of them.
    """
    runs = sources.runs / family.name
    clips = ravdess(corpus_folder(sources.data, "ravdess"))
    folds: dict[int, Judged] = {}
    for fold, actors in RAVDESS_FOLDS.items():
        train = [clip for clip in clips if clip.speaker not in actors]
        held_out = [clip for clip in clips if clip.speaker in actors and not clip.is_song]
        stem = f"{family.name}.fold{fold}"
        folds[fold] = _judged(family, runs / f"fold{fold}", folder / "folds", stem, train, held_out, tell)
        tell(f"{family.name} fold {fold}: {compare(folds[fold].scores)}")
    for fold, found in folds.items():
        others = together([other.scores["fp32"] for number, other in folds.items() if number != fold])
        actors_told = ", ".join(map(str, RAVDESS_FOLDS[fold]))
        split = f"actors {actors_told}, none of them in training"
        _finish(family, found, calibration(family, others), "RAVDESS speech", split)
    everyone = {p: together([found.scores[p] for found in folds.values()]) for p in PRECISIONS}
    unheard = unheard_corpora(family, runs / "apart", sources.voices) if sources.voices else []
    change = compare(everyone)
    tell(f"{family.name}, all held-out clips: {change}")
    foreign = [clip for clip in emodb(corpus_folder(sources.data, "emodb")) if clip.speaker not in EMODB_TRAINING]
    shipped = _judged(family, runs / "all", folder, family.name, clips, foreign, tell)
    for precision, card in shipped.drafts.cards.items():
        shipped.drafts.update(precision, parity={**card.parity, "held_out_folds": change})
    calibrated = calibration(family, everyone["fp32"], *unheard)
    _finish(family, shipped, calibrated, "EMO-DB", "five speakers, none of them in training")
    if change["label_agreement"] < MIN_AGREEMENT or change["uar_change"] < -MAX_ACCURACY_LOSS:
        tell(f"{family.name}: int8 differs too much from fp32 on held-out clips and does not ship")
        shipped.drafts.drop("int8")
    zeros = np.zeros([size or 1 for size in shipped.drafts.cards["fp32"].input.shape[1:]], np.float32)
    fold_files = [path for found in folds.values() for path in found.drafts.files()]
    return Built(shipped.drafts, shipped.drafts.entry(zeros), {sources.folds: fold_files})


def _judged(
    family: Family, run: Path, folder: Path, stem: str, train: list[Clip], unseen: list[Clip], tell: Tell
) -> Judged:
    """Convert, quantise and score one trained network."""
    network, preprocessing = load_network(run), _front_end(family, run)
    shape = list(network.input_shape[1:])
    n = family.calibration
    some = balanced(train, n.inputs + n.judged)
    samples = np.stack([row for clip in some for row in voice_windows(clip.path, preprocessing, shape)])
    conversion = to_onnx(from_keras(network, family.name), samples)
    drafts = draft(
        family,
        stem,
        folder,
        conversion,
        judge_of(conversion.model, Outputs("logits", EMOTIONS), Samples(samples[n.inputs :])),
        samples[: n.inputs],
        training_of(run),
        tell,
        input=TensorInfo(name="features", shape=[None, *shape]),
        output=TensorInfo(name="logits", shape=[None, len(EMOTIONS)]),
        labels=list(EMOTIONS),
        preprocessing=preprocessing,
    )
    return Judged(drafts, {p: score(VoiceRecognizer(drafts.card_path(p)), unseen) for p in PRECISIONS})


def _front_end(family: Family, run: Path) -> VoicePreprocessing:
    """Return the front end of a family as a network was trained with it."""
    assert isinstance(family.front_end, VoicePreprocessing)
    return structs.replace(family.front_end, input=input_spec(run))


def balanced(clips: list[Clip], count: int, seed: int = 0) -> list[Clip]:
    """Return `count` clips, as many of each emotion as there are to be had."""
    rng = np.random.default_rng(seed)
    queues = [list(rng.permutation([i for i, c in enumerate(clips) if c.emotion == name])) for name in EMOTIONS]
    chosen: list[Clip] = []
    while len(chosen) < min(count, len(clips)):
        chosen += [clips[queue.pop()] for queue in queues if queue]
    return chosen[:count]


def _finish(family: Family, judged: Judged, calibrated: tuple[float, float], data: str, split: str) -> None:
    """Put calibration and the metrics of each file into its card."""
    temperature, threshold = calibrated
    for precision in PRECISIONS:
        report = judged.scores[precision].temperature_scaled(temperature).report()
        figures = metrics(family, report, data, split, report["n"])
        judged.drafts.update(precision, temperature=temperature, threshold=threshold, metrics=figures)
    parity = {**judged.drafts.cards["int8"].parity, "unseen": compare(judged.scores)}
    judged.drafts.update("int8", parity=parity)


def compare(scores: dict[Precision, Scores]) -> dict[str, float]:
    """Return how int8 differs from fp32 on the clips they were scored on."""
    fp32, int8 = scores["fp32"], scores["int8"]
    return {
        "clips": len(fp32.clips),
        "label_agreement": round(float((fp32.predictions == int8.predictions).mean()), 4),
        "uar_change": round(uar(int8.labels, int8.predictions) - uar(fp32.labels, fp32.predictions), 4),
        "largest_probability_change": round(float(np.abs(fp32.probabilities - int8.probabilities).max()), 4),
    }


def calibration(family: Family, *parts: Scores) -> tuple[float, float]:
    """Return temperature and threshold for people and corpora never heard, each of the parts counting alike."""
    scores = together(parts)
    weights = np.concatenate([np.full(len(part.clips), 1 / len(part.clips)) for part in parts])
    temperature = fit_temperature(lambda t: scores.temperature_scaled(t).probabilities, scores.labels, weights)
    probabilities = scores.temperature_scaled(temperature).probabilities
    return temperature, fit_threshold(probabilities, scores.labels, weights, family.calibration.right)


def unheard_corpora(family: Family, run: Path, voices: Path) -> Sequence[Scores]:
    """Return the scores of a network on the further corpora of acted speech, of which it heard none."""
    network = load_network(run)
    preprocessing = structs.replace(_front_end(family, run), decode_rate=None)
    shape = list(network.input_shape[1:])
    found = []
    for corpus in sorted(set(FURTHER) - {"librispeech"}):
        clips = balanced(further(voices, [corpus]), N_UNHEARD)
        windows = [voice_windows(clip.path, preprocessing, shape) for clip in clips]
        heard = [(clip, rows) for clip, rows in zip(clips, windows, strict=True) if rows]
        logits = network.predict(np.stack([row for _, rows in heard for row in rows]), batch_size=256, verbose=0)
        parts = np.split(softmax(logits).astype(np.float64), np.cumsum([len(rows) for _, rows in heard])[:-1])
        lengths = tuple(np.ones(len(part)) for part in parts)
        found.append(Scores(tuple(clip for clip, _ in heard), tuple(parts), lengths))
    return found
