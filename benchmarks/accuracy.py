"""Accuracy on people never heard or seen, from the files that ship.

    python -m benchmarks.accuracy voice --data ../shared/data
    python -m benchmarks.accuracy face --data ../shared/data
    python -m benchmarks.accuracy detector --data ../shared/data

Voices are scored fold by fold: `benchmarks/folds/` holds, for each fold, the files of the same recipe trained without
that fold's actors. Faces are those of FER+ PublicTest and of photos kept apart.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.progress import track

from benchmarks import drawing, environment, faces
from edge_emo.card import models_folder, read_manifest
from edge_emo.emotions import EMOTIONS
from edge_emo.face.backends import named
from edge_emo.face.detector import Detector
from edge_emo.media import SAMPLE_RATE, resample
from edge_emo.voice.mfcc import Float32
from edge_emo.voice.recognizer import VoiceRecognizer
from export.corpora import DATA, EMODB_TRAINING, RAVDESS_FOLDS, Clip, corpus_folder, emodb, ravdess
from export.evaluate import Scores, score, together
from export.face_data import ferplus

FOLDS = Path(__file__).parent / "folds"
MODELS = [(name, precision) for name in ("voice", "voice-classic") for precision in ("fp32", "int8")]


def _mp3(samples: Float32, bit_rate: int = 64000) -> Float32:
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp3") as container:
        stream = container.add_stream("mp3", rate=SAMPLE_RATE, layout="mono")
        stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    buffer.seek(0)
    import soundfile

    return soundfile.read(buffer, dtype="float32")[0]


def _noise(samples: Float32, snr_db: float = 20) -> Float32:
    noise = np.random.default_rng(0).standard_normal(len(samples))
    scale = np.sqrt(np.mean(np.square(samples, dtype=np.float64))) * 10 ** (-snr_db / 20)
    return np.asarray(samples + scale * noise, np.float32)


CONDITIONS: dict[str, Callable[[Float32], Float32] | None] = {
    "as recorded": None,
    "gain -20 dB": lambda x: x * np.float32(0.1),
    "gain +6 dB": lambda x: x * np.float32(2),
    "gain +6 dB, 16 bits, clipped": lambda x: np.clip(np.round(x * 65536), -32768, 32767).astype(np.float32) / 32768,
    "telephone band, 8 kHz": lambda x: resample(resample(x, SAMPLE_RATE, 8000), 8000, SAMPLE_RATE),
    "white noise, 20 dB": _noise,
    "MP3, 64 kbit/s": _mp3,
}


def fold_recognizers(name: str, precision: str) -> dict[int, VoiceRecognizer]:
    """Return the recogniser of each fold."""
    return {fold: VoiceRecognizer(FOLDS / f"{name}.fold{fold}.{precision}.json") for fold in RAVDESS_FOLDS}


def fold_scores(recognizers: dict[int, VoiceRecognizer], clips: list[Clip], change: Any = None) -> dict[int, Scores]:
    """Return the scores of each fold's file on the speech of the actors it never heard."""
    return {
        fold: score(recognizer, [c for c in clips if c.speaker in RAVDESS_FOLDS[fold] and not c.is_song], change)
        for fold, recognizer in recognizers.items()
    }


def cross_validation(recognizers: dict[int, VoiceRecognizer], clips: list[Clip]) -> dict[str, Any]:
    """Return mean and spread over the folds, and what all held-out clips together show."""
    folds = fold_scores(recognizers, clips)
    reports = {fold: part.report(recognizers[fold].card.threshold) for fold, part in folds.items()}
    result = {"folds": reports, "together": together(list(folds.values())).report()}
    for key in ("uar", "accuracy", "ece", "uar_women", "uar_men", "named", "accuracy_named"):
        values = [report[key] for report in reports.values() if report[key] is not None]
        result[key] = {"mean": float(np.mean(values)), "sd": float(np.std(values, ddof=1))} if values[1:] else None
    return result


def robustness(recognizers: dict[int, VoiceRecognizer], clips: list[Clip]) -> dict[str, Any]:
    """Return UAR, accuracy and labels changed under each condition, over all folds' held-out clips."""
    clean = None
    rows = {}
    for condition, change in track(CONDITIONS.items(), "Conditions", transient=True):
        scores = together(list(fold_scores(recognizers, clips, change).values()))
        clean = scores if clean is None else clean
        report = scores.report()
        rows[condition] = {
            "uar": report["uar"],
            "accuracy": report["accuracy"],
            "without_voice": report["without_voice"],
            "labels_changed": int((scores.guesses != clean.guesses).sum()),
            "n": report["n"],
        }
    return rows


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
    figure.savefig(path, dpi=90)


@click.group()
def main() -> None:
    """Measure accuracy."""


@main.command()
@click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the results here.")
@click.option("--picture", "picture_path", type=click.Path(path_type=Path), help="Draw them here.")
@click.option("--robustness/--no-robustness", "with_robustness", default=True, show_default=True)
def voice(data: Path, json_path: Path | None, picture_path: Path | None, with_robustness: bool) -> None:
    """Score the voice models on actors they never heard."""
    clips = ravdess(corpus_folder(data, "ravdess"))
    results: dict[str, Any] = {"cross_validation": {}, "shipped_on_emodb": {}}
    click.echo("RAVDESS speech, four folds, actors held out; mean ± standard deviation over the folds")
    titles = ("UAR", "accuracy", "women UAR", "men UAR", "ECE", "not uncertain", "accuracy then")
    click.echo(f"{'model':<20} " + " ".join(f"{title:>15}" for title in titles))
    for name, precision in MODELS:
        found = cross_validation(fold_recognizers(name, precision), clips)
        results["cross_validation"][f"{name} {precision}"] = found
        keys = ("uar", "accuracy", "uar_women", "uar_men", "ece", "named", "accuracy_named")
        cells = [f"{found[key]['mean']:.3f} ± {found[key]['sd']:.3f}" if found[key] else "–" for key in keys]
        click.echo(f"{name + ' ' + precision:<20} " + " ".join(f"{cell:>15}" for cell in cells))
    best = results["cross_validation"]["voice int8"]
    click.echo("\nvoice int8 by fold:  " + "  ".join(f"{f}: {r['uar']:.3f}" for f, r in best["folds"].items()))
    click.echo("recall:  " + "  ".join(f"{name} {value:.2f}" for name, value in best["together"]["recall"].items()))
    click.echo("\nThe files that ship, on EMO-DB (German; five speakers never heard):")
    foreign = [clip for clip in emodb(corpus_folder(data, "emodb")) if clip.speaker not in EMODB_TRAINING]
    for name, precision in MODELS:
        report = score(VoiceRecognizer(models_folder() / f"{name}.{precision}.json"), foreign).report()
        results["shipped_on_emodb"][f"{name} {precision}"] = report
        click.echo(
            f"{name + ' ' + precision:<20} UAR {report['uar']:.3f}  accuracy {report['accuracy']:.3f}  n {report['n']}"
        )
    if with_robustness:
        results["robustness"] = {p: robustness(fold_recognizers("voice", p), clips) for p in ("fp32", "int8")}
        click.echo("\nvoice int8, all held-out clips       UAR  accuracy  labels changed  no voice found")
        for condition, row in results["robustness"]["int8"].items():
            click.echo(
                f"{condition:<34} {row['uar']:.3f} {row['accuracy']:>9.3f} {row['labels_changed']:>8} of {row['n']}"
                f" {row['without_voice']:>12}"
            )
    environment.write(json_path, "accuracy voice", results)
    if picture_path:
        picture(results, picture_path)


@main.command()
@click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the results here.")
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
    environment.write(json_path, "accuracy face", found)
    if picture_path:
        faces.picture(found, default, picture_path)


@main.command()
@click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True)
@click.option("--haar", is_flag=True, help="Compare with OpenCV's Haar cascade; takes a quarter of an hour.")
@click.option("--yunet", type=click.Path(path_type=Path), help="A YuNet file to compare with.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the results here.")
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
        click.echo(f"\n{name:<28} {'>= 32':>8} {'24-32':>8} {'16-32':>8} {'false/photo':>12} {'of any size':>12}")
        for condition, row in rows.items():
            cells = [row[key] for key in ("recall", "recall_24_to_32", "recall_16_to_32")]
            false = f"{row['false_per_photo']:>12.3f} {row['false_per_photo_any_size']:>12.3f}"
            click.echo(f"{condition:<28} " + " ".join(f"{cell:>8.3f}" for cell in cells) + f" {false}")
    environment.write(json_path, "accuracy detector", found)


if __name__ == "__main__":
    main()
