"""Accuracy on people never heard or seen, from the files that ship.

    python -m benchmarks.accuracy voice --data ../shared/data
    python -m benchmarks.accuracy face --data ../shared/data
    python -m benchmarks.accuracy detector --data ../shared/data
    python -m benchmarks.accuracy strangers FOLDER
    python -m benchmarks.accuracy voice-folder FOLDER --layout ravdess --speakers 1,2
    python -m benchmarks.accuracy face-folder FOLDER

Voices are scored fold by fold: `benchmarks/folds/` holds, for each fold, the files of the same recipe trained without
that fold's actors. Faces are those of FER+ PublicTest and of photos kept apart. Intervals are those of 95 % over
people, faces or photos drawn anew; for folders of your own, the files that ship are scored.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks import drawing, environment, faces
from benchmarks import strangers as of_strangers
from benchmarks.intervals import accuracy, mean_recall, with_interval
from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.errors import MediaError
from edge_emo.core.files import atomic_write
from edge_emo.face.backends import named
from edge_emo.face.detector import Detector
from edge_emo.media.sound import read_sound
from edge_emo.models.manifest import models_folder, read_manifest
from edge_emo.voice.recognizer import VoiceRecognizer
from export.measure.voice_score import Scores, score, together
from export.train.corpora import (
    DATA,
    EMODB_TRAINING,
    HEARD,
    RAVDESS_FOLDS,
    Clip,
    corpus_folder,
    emodb,
    ravdess,
    strangers,
)
from export.train.face_data import ferplus

FOLDS = Path(__file__).parent / "folds"
LAYOUTS: dict[str, Callable[[Path], list[Clip]]] = {"ravdess": ravdess, "emodb": emodb}
MODELS = [(name, precision) for name in ("voice", "voice-classic") for precision in ("fp32", "int8")]


def fold_recognizers(name: str, precision: str) -> dict[int, VoiceRecognizer]:
    """Return the recogniser of each fold."""
    return {fold: VoiceRecognizer(FOLDS / f"{name}.fold{fold}.{precision}.json") for fold in RAVDESS_FOLDS}


def fold_scores(recognizers: dict[int, VoiceRecognizer], clips: list[Clip], change: Any = None) -> dict[int, Scores]:
    """Return the scores of each fold's file on the speech of the actors it never heard."""
    return {
        fold: score(recognizer, [c for c in clips if c.speaker in RAVDESS_FOLDS[fold] and not c.is_song], change)
        for fold, recognizer in recognizers.items()
    }


def cross_validation(recognizers: dict[int, VoiceRecognizer], folds: dict[int, Scores]) -> dict[str, Any]:
    """Return mean and spread over the folds, and what all held-out clips together show."""
    reports = {fold: part.report(recognizers[fold].card.threshold) for fold, part in folds.items()}
    result = {"folds": reports, "together": together(list(folds.values())).report()}
    result["intervals"] = voice_intervals(together(list(folds.values())))
    for key in ("uar", "accuracy", "ece", "uar_women", "uar_men", "named", "accuracy_named"):
        values = [report[key] for report in reports.values() if report[key] is not None]
        result[key] = {"mean": float(np.mean(values)), "sd": float(np.std(values, ddof=1))} if values[1:] else None
    return result


def voice_intervals(scores: Scores) -> dict[str, dict[str, float]]:
    """Return UAR and accuracy of all, and UAR of women and men, each with its interval over the speakers."""
    labels, predictions = scores.labels, scores.predictions
    speakers = np.array([clip.speaker for clip in scores.clips])
    women = np.array([clip.woman is True for clip in scores.clips])
    men = np.array([clip.woman is False for clip in scores.clips])
    found = {
        "uar": with_interval(mean_recall, labels, predictions, speakers),
        "accuracy": with_interval(accuracy, labels, predictions, speakers),
    }
    for name, part in (("uar_women", women), ("uar_men", men)):
        if part.any():
            found[name] = with_interval(mean_recall, labels[part], predictions[part], speakers[part])
    return found


def shipped_on(clips: list[Clip]) -> dict[str, Any]:
    """Return, and print, the report of every voice file that ships, on these clips."""
    results = {}
    for name, precision in MODELS:
        scores = score(VoiceRecognizer(models_folder() / f"{name}.{precision}.json"), clips)
        report = results[f"{name} {precision}"] = {**scores.report(), "intervals": voice_intervals(scores)}
        click.echo(
            f"{name + ' ' + precision:<20} UAR {_range(report['intervals']['uar'])}  accuracy "
            f"{_range(report['intervals']['accuracy'])}  ECE {report['ece']:.3f}  n {report['n']}"
        )
    return results


def picture(results: dict[str, Any], path: Path) -> None:
    """Draw confusion matrix, recall by emotion, accuracy by actor and reliability of the default model."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    shown = results["cross_validation"]["voice int8"]
    total = shown["together"]
    figure, ((confusion, recall), (actors, reliability)) = pyplot.subplots(2, 2, figsize=(12, 10))
    drawing.confusion(confusion, total["confusion"], EMOTIONS, "recognised", "spoken")
    drawing.recall(recall, total["recall"], 1 / 8)
    by_actor = sorted(total["accuracy_by_speaker"].items(), key=lambda item: item[1])
    colors = ["#b3567a" if int(actor) % 2 == 0 else drawing.BLUE for actor, _ in by_actor]
    actors.bar([actor for actor, _ in by_actor], [value for _, value in by_actor], color=colors)
    actors.set(
        ylim=(0, 1), xlabel="actor (women pink, men blue)", ylabel="accuracy", title="Accuracy by actor, each unheard"
    )
    drawing.reliability(reliability, total["reliability"], total["ece"])
    uar = shown["uar"]
    figure.suptitle(
        f"voice int8, RAVDESS speech, 4 folds, {total['n']} clips of {len(by_actor)} unheard actors: "
        f"UAR {uar['mean']:.3f} ± {uar['sd']:.3f} over folds"
    )
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as draft:
        figure.savefig(draft, dpi=90)


def _readable(clips: list[Clip]) -> list[Clip]:
    """Return the clips that can be decoded, and name the others. Raises UsageError where there are none."""
    kept = []
    for clip in clips:
        try:
            read_sound(clip.path)
            kept.append(clip)
        except MediaError as error:
            click.echo(f"left out: {error}", err=True)
    if not kept:
        raise click.UsageError("no clip can be read")
    return kept


def _range(found: dict[str, float]) -> str:
    if np.isnan(found["low"]):
        return f"{found['value']:.3f} (of one, no interval)"
    return f"{found['value']:.3f} ({found['low']:.3f} to {found['high']:.3f})"


def _numbers(ctx: click.Context, param: click.Parameter, value: str | None) -> set[int]:
    try:
        return {int(number) for number in value.split(",")} if value else set()
    except ValueError:
        raise click.BadParameter(f"{value} is no list of numbers such as 1,2,3") from None


@click.group()
def main() -> None:
    """Measure accuracy."""


@main.command()
@click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True)
@environment.json_option()
@click.option("--picture", "picture_path", type=click.Path(path_type=Path), help="Draw them here.")
def voice(data: Path, json_path: Path | None, picture_path: Path | None) -> None:
    """Score the voice models on actors they never heard."""
    clips = ravdess(corpus_folder(data, "ravdess"))
    results: dict[str, Any] = {"cross_validation": {}, "shipped_on_emodb": {}}
    click.echo("RAVDESS speech, four folds, actors held out; mean ± standard deviation over the folds")
    titles = ("UAR", "accuracy", "women UAR", "men UAR", "ECE", "not uncertain", "accuracy then")
    click.echo(f"{'model':<20} " + " ".join(f"{title:>15}" for title in titles))
    of_fp32 = np.empty(0, int)
    for name, precision in MODELS:
        recognizers = fold_recognizers(name, precision)
        folds = fold_scores(recognizers, clips)
        found = cross_validation(recognizers, folds)
        results["cross_validation"][f"{name} {precision}"] = found
        predictions = together(list(folds.values())).predictions
        if precision == "fp32":
            of_fp32 = predictions
        found["labels_as_fp32"] = accuracy(of_fp32, predictions)
        keys = ("uar", "accuracy", "uar_women", "uar_men", "ece", "named", "accuracy_named")
        cells = [f"{found[key]['mean']:.3f} ± {found[key]['sd']:.3f}" if found[key] else "–" for key in keys]
        click.echo(f"{name + ' ' + precision:<20} " + " ".join(f"{cell:>15}" for cell in cells))
    best = results["cross_validation"]["voice int8"]
    click.echo("\nvoice int8 by fold:  " + "  ".join(f"{f}: {r['uar']:.3f}" for f, r in best["folds"].items()))
    click.echo("95 %:  " + "  ".join(f"{name} {_range(found)}" for name, found in best["intervals"].items()))
    click.echo("recall:  " + "  ".join(f"{name} {value:.2f}" for name, value in best["together"]["recall"].items()))
    click.echo("\nThe files that ship, on EMO-DB (German; five speakers never heard):")
    foreign = [clip for clip in emodb(corpus_folder(data, "emodb")) if clip.speaker not in EMODB_TRAINING]
    results["shipped_on_emodb"] = shipped_on(foreign)
    environment.write(json_path, "accuracy voice", results, models="voice")
    if picture_path:
        picture(results, picture_path)


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--layout", type=click.Choice(sorted(LAYOUTS)), default="ravdess", show_default=True, help="Of its names."
)
@click.option("--speakers", callback=_numbers, metavar="N,N", help="Only these; without it, all.")
@environment.json_option()
def voice_folder(folder: Path, layout: str, speakers: set[int], json_path: Path | None) -> None:
    """Score the voice files that ship on a FOLDER of clips named as RAVDESS or EMO-DB name them.

    RAVDESS: Actor_12/03-01-05-01-01-01-12.wav or .flac, of which the third number is the emotion, 01 to 08 for neutral,
    calm, happy, sad, angry, fearful, disgust, surprised, and the last the speaker. EMO-DB: 03a01Fa.wav, the speaker
    first, and W, F, N, T, A or E for angry, happy, neutral, sad, fearful, disgust. Never heard were the actors 2, 5,
    14, 15 and 16 of RAVDESS, the speakers 12 to 16 of EMO-DB, and everybody else.
    """
    clips = [clip for clip in LAYOUTS[layout](folder) if not speakers or clip.speaker in speakers]
    if not clips:
        raise click.UsageError(f"{folder}: no clip of the speakers {', '.join(map(str, sorted(speakers)))}")
    clips = _readable(clips)
    n_heard = sum(clip.speaker in HEARD[layout] for clip in clips)
    if n_heard:
        click.echo(
            f"{n_heard} of {len(clips)} clips have the number of a speaker whom the shipped files were trained on: if "
            "these are that corpus, the figures say nothing about people never heard.",
            err=True,
        )
    results = shipped_on(clips)
    for report in results.values():
        report["of_speakers_trained_on"] = n_heard
    for name, report in results.items():
        people = "  ".join(f"{who} {value:.2f}" for who, value in report["accuracy_by_speaker"].items())
        click.echo(f"{name}, accuracy by speaker:  {people}")
    environment.write(json_path, "accuracy voice-folder", results, models="voice")


@main.command("strangers")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--card",
    "cards",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Of a voice file, instead of the int8 file that ships; may be repeated.",
)
@environment.json_option()
def voices_of_strangers(folder: Path, cards: tuple[Path, ...], json_path: Path | None) -> None:
    """Score voice files on the corpora in FOLDER, of which nobody was trained on and by which nothing was chosen.

    FOLDER holds casia, urdu, ased, bangla and librispeech (its part test-other), each with its manifest.csv.
    """
    corpora = strangers(folder)
    results: dict[str, Any] = {}
    for path in cards or (models_folder() / "voice.int8.json",):
        recognizer = VoiceRecognizer(path)
        name = f"{path.stem} {recognizer.card.version}"
        results[name] = of_strangers.table(recognizer, corpora)
        of_strangers.show(name, results[name])
    environment.write(json_path, "accuracy strangers", results, models="voice.")


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@environment.json_option()
def face_folder(folder: Path, json_path: Path | None) -> None:
    """Score the face files that ship on a FOLDER with pictures of one face each in folders named by its emotion.

    Such as happy/1.jpg; neutral, calm, happy, sad, angry, fearful, disgust, surprised, and contempt, which is read as
    disgust.
    """
    results = faces.folder_table(folder, lambda message: click.echo(f"left out: {message}", err=True))
    for name, row in results.items():
        click.echo(
            f"{name:<20} accuracy {_range(row['accuracy'])}  macro recall {_range(row['macro_recall'])}  "
            f"n {row['n']}, in {row['without_face']} no face found"
        )
        click.echo("    recall  " + "  ".join(f"{label} {value:.2f}" for label, value in row["recall"].items()))
    environment.write(json_path, "accuracy face-folder", results, models="face")


@main.command()
@click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True)
@environment.json_option()
@click.option("--picture", "picture_path", type=click.Path(path_type=Path), help="Draw them here.")
def face(data: Path, json_path: Path | None, picture_path: Path | None) -> None:
    """Score the expression networks on FER+ PublicTest, and the whole path on photos labelled by eye."""
    test = ferplus(Path(data) / "ferplus", 1, judged=True)
    found = faces.face_tables(Path(data), test)
    click.echo(f"FER+ PublicTest, {len(test.labels)} faces, majority labels, no copy of a training row")
    titles = (
        "accuracy",
        "macro recall",
        "7 emotions",
        "ECE",
        "found first",
        "7 emotions",
        "by eye",
        "macro recall",
        "kB",
    )
    click.echo(f"{'model':<20} " + " ".join(f"{title:>12}" for title in titles))
    for name, row in found.items():
        own, through, eye = row["public_test"], row["through_detector"], row["labelled_by_eye"]
        cells = [own[key] for key in ("accuracy", "macro_recall", "accuracy_emotions", "ece")]
        cells += [through["found"], through["accuracy_emotions"], eye["accuracy"], eye["macro_recall"]]
        click.echo(f"{name:<20} " + " ".join(f"{cell:>12.3f}" for cell in cells) + f" {row['kilobytes']:>12}")
    default = f"face {read_manifest().models['face'].default}"
    own, eye = found[default]["public_test"], found[default]["labelled_by_eye"]
    click.echo(f"\n{default}, recall:  " + "  ".join(f"{name} {value:.2f}" for name, value in own["recall"].items()))
    click.echo(
        f"by eye, {eye['n']} faces, {eye['missed']} of them not found:  "
        + "  ".join(f"{name} {value:.2f} of {eye['labels'][name]}" for name, value in eye["recall"].items())
    )
    environment.write(json_path, "accuracy face", found, models="face")
    if picture_path:
        faces.picture(found, default, picture_path)


_HEADS = (">= 32", "24-32", "16-32", "false/photo", "of any size", "at <= 0.05")
"""Of the detector's table; the last is the recall at a threshold that leaves so few false boxes on these photos."""


@main.command()
@click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True)
@click.option("--haar", is_flag=True, help="Compare with OpenCV's Haar cascade; takes a quarter of an hour.")
@click.option("--yunet", type=click.Path(path_type=Path), help="A YuNet file to compare with.")
@environment.json_option()
def detector(data: Path, haar: bool, yunet: Path | None, json_path: Path | None) -> None:
    """Score the detector on photos kept apart."""
    known = faces.judged_photos(Path(data))
    compared: dict[str, Detector] = faces.detectors()
    if haar:
        compared["OpenCV Haar"] = faces.HaarDetector()
    if yunet:
        compared["YuNet"] = named(str(yunet))
    found = {name: faces.detector_table(each, known) for name, each in compared.items()}
    click.echo(f"{len(known)} photos; sizes in pixels of a frame of 640; found: overlap of at least half")
    for name, rows in found.items():
        click.echo(f"\n{name:<28} " + " ".join(f"{head:>12}" for head in _HEADS))
        for condition, row in rows.items():
            cells = [row["recall"]["value"], row["recall_24_to_32"], row["recall_16_to_32"]]
            cells += [row["false_per_photo"], row["false_per_photo_any_size"], row["recall_at_allowed_false"]]
            click.echo(f"{condition:<28} " + " ".join(f"{cell:>12.3f}" for cell in cells))
    environment.write(json_path, "accuracy detector", found, models="face-detector")


if __name__ == "__main__":
    main()
