"""How accuracy falls as noise, distance, light and codecs get worse: curves of the default models.

python -m benchmarks.robustness voice --data ../shared/data
python -m benchmarks.robustness face --data ../shared/data
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.progress import track

from benchmarks import drawing, environment
from benchmarks.accuracy import fold_recognizers, fold_scores
from benchmarks.changes import FACE_CHANGES, FaceChange, VoiceChange, voice_changes
from benchmarks.intervals import accuracy, mean_recall, with_interval
from edge_emo.audio.mfcc import Float32
from edge_emo.core.files import atomic_write
from edge_emo.face.recognizer import FaceRecognizer
from edge_emo.media.sound import SAMPLE_RATE, read_sound
from edge_emo.models.manifest import Precision, read_manifest
from export.measure.face_score import FaceScores, score
from export.measure.voice_score import Scores, together
from export.train.corpora import DATA, Clip, background_music, corpus_folder, ravdess
from export.train.face_data import Faces, ferplus

N_CROWD, CROWD_S = 8, 5


def crowd(clips: list[Clip]) -> Float32:
    """Return as many voices at once as `N_CROWD`, of songs, which the scored clips are not."""
    sung = [clip for clip in clips if clip.is_song]
    drawn = np.random.default_rng(0).choice(len(sung), N_CROWD, replace=False)
    sounds = [np.resize(read_sound(sung[place].path), CROWD_S * SAMPLE_RATE) for place in drawn]
    return np.asarray(sum(sound / np.sqrt(np.mean(sound**2)) for sound in sounds), np.float32)


def music(data: Path) -> Float32:
    """Return the music that is heard behind no voice that is trained on, piece after piece."""
    _, paths = background_music(corpus_folder(data, "music") / "clips")
    return np.concatenate([sound / np.sqrt(np.mean(sound**2)) for sound in map(read_sound, paths)])


def voice_scores(precision: Precision, clips: list[Clip], change: VoiceChange | None) -> Scores:
    """Return the scores of all held-out clips after a change."""
    return together(list(fold_scores(fold_recognizers("voice", precision), clips, change).values()))


def voice_row(scores: Scores, clean: Scores) -> dict[str, Any]:
    """Return how good the scores are, with intervals over the speakers, and how many labels differ from `clean`."""
    labels, predictions, speakers = scores.labels, scores.predictions, [clip.speaker for clip in scores.clips]
    return {
        "uar": with_interval(mean_recall, labels, predictions, speakers),
        "accuracy": with_interval(accuracy, labels, predictions, speakers),
        "labels_changed": int((predictions != clean.predictions).sum()),
        "without_voice": int((predictions < 0).sum()),
        "n": len(labels),
    }


def face_scores(recognizer: FaceRecognizer, faces: Faces, change: FaceChange) -> FaceScores:
    """Return the scores of faces after a change."""
    return score(recognizer, Faces(np.stack([change(picture) for picture in faces.pictures]), faces.probabilities))


def face_row(scores: FaceScores, clean: FaceScores) -> dict[str, Any]:
    """Return how good the scores are, with intervals over the faces, and how many labels differ from `clean`."""
    return {
        "uar": with_interval(mean_recall, scores.labels, scores.predictions, range(len(scores.labels))),
        "accuracy": with_interval(accuracy, scores.labels, scores.predictions, range(len(scores.labels))),
        "labels_changed": int((scores.predictions != clean.predictions).sum()),
        "n": len(scores.labels),
    }


def show(clean: dict[str, Any], curves: dict[str, dict[str, Any]]) -> None:
    """Print a table."""
    click.echo(f"{'':<40} {'macro recall':>24} {'accuracy':>10} {'labels changed':>15}")
    for axis, rows in {"": {"as it is": clean}, **curves}.items():
        for level, row in rows.items():
            recall = "{value:.3f} ({low:.3f} to {high:.3f})".format(**row["uar"])
            click.echo(
                f"{f'{axis} {level}':<40} {recall:>24} {row['accuracy']['value']:>10.3f} {row['labels_changed']:>15}"
            )


def picture(clean: dict[str, Any], curves: dict[str, dict[str, Any]], title: str, chance: float, path: Path) -> None:
    """Draw a curve for each axis, with the interval."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.5 * -(-len(curves) // 3)), layout="constrained")
    for axis, (name, rows) in zip(figure.subplots(-(-len(curves) // 3), 3).flat, curves.items(), strict=False):
        levels = list(rows)
        value, low, high = (np.array([rows[level]["uar"][key] for level in levels]) for key in ("value", "low", "high"))
        axis.axhspan(clean["uar"]["low"], clean["uar"]["high"], color="grey", alpha=0.15)
        axis.axhline(clean["uar"]["value"], color="grey", label="as it is, 95 %")
        axis.axhline(chance, color="grey", linestyle=":", label="chance")
        axis.plot(range(len(levels)), value, marker="o", color=drawing.BLUE)
        axis.fill_between(range(len(levels)), low, high, color=drawing.BLUE, alpha=0.2, linewidth=0)
        axis.set_xticks(range(len(levels)), [f"{float(level):g}" for level in levels])
        axis.set(ylim=(0, 1), xlabel=name, ylabel="macro recall")
    for axis in figure.axes[len(curves) :]:
        axis.remove()
    figure.axes[0].legend(loc="lower left")
    figure.suptitle(title)
    with atomic_write(path) as draft:
        figure.savefig(draft, dpi=90)


@click.group()
def main() -> None:
    """Measure how accuracy falls as recordings get worse."""


def _options(function: Any) -> Any:
    for option in (
        click.option("--picture", "picture_path", type=click.Path(path_type=Path), help="Draw the curves here."),
        environment.json_option(),
        click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True),
    ):
        function = option(function)
    return function


@main.command()
@_options
def voice(data: Path, json_path: Path | None, picture_path: Path | None) -> None:
    """The voice model on the speech of actors it never heard, recorded worse and worse."""
    clips = ravdess(corpus_folder(data, "ravdess"))
    precision = read_manifest().models["voice"].default
    clean = voice_scores(precision, clips, None)
    curves: dict[str, dict[str, Any]] = {}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        asked = {
            (axis, level): pool.submit(voice_scores, precision, clips, change)
            for axis, steps in voice_changes(crowd(clips), music(data)).items()
            for level, change in steps.items()
        }
        for (axis, level), found in track(asked.items(), "Voice", transient=True):
            curves.setdefault(axis, {})[f"{level:g}"] = voice_row(found.result(), clean)
    _finish(voice_row(clean, clean), curves, "voice", precision, json_path, picture_path)


@main.command()
@_options
def face(data: Path, json_path: Path | None, picture_path: Path | None) -> None:
    """The expression model on FER+ PublicTest, seen worse and worse, without a detector."""
    faces = ferplus(Path(data) / "ferplus", 1, judged=True)
    precision = read_manifest().models["face"].default
    recognizer = FaceRecognizer(precision=precision)
    clean = score(recognizer, faces)
    curves: dict[str, dict[str, Any]] = {}
    for axis, steps in track(FACE_CHANGES.items(), "Faces", transient=True):
        for level, change in steps.items():
            curves.setdefault(axis, {})[f"{level:g}"] = face_row(face_scores(recognizer, faces, change), clean)
    _finish(face_row(clean, clean), curves, "face", precision, json_path, picture_path)


def _finish(
    clean: dict[str, Any],
    curves: dict[str, dict[str, Any]],
    name: str,
    precision: str,
    json_path: Path | None,
    picture_path: Path | None,
) -> None:
    show(clean, curves)
    results = {"model": f"{name} {precision}", "as_it_is": clean, "curves": curves}
    environment.write(json_path, f"robustness {name}", results, models=f"{name}.")
    if picture_path:
        of = {"voice": "RAVDESS speech of unheard actors", "face": "FER+ PublicTest, cut-outs"}[name]
        picture(clean, curves, f"{name} {precision}: {of}, {clean['n']} samples, 95 % intervals", 1 / 8, picture_path)


if __name__ == "__main__":
    main()
