"""How a voice file does on corpora of which it heard nobody: other rooms, languages and ways to speak."""

from __future__ import annotations

from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.intervals import mean_recall, with_interval
from edge_emo.core.emotions import EMOTIONS
from edge_emo.voice.recognizer import VoiceRecognizer
from export.measure.voice_score import Scores, expected_calibration_error, score
from export.train.corpora import STRANGERS, Clip

READERS = "librispeech"
CALM = np.isin(EMOTIONS, ("neutral", "calm"))


def table(recognizer: VoiceRecognizer, corpora: dict[str, list[Clip]]) -> dict[str, Any]:
    """Return a row for each corpus, for ordinary readers, and for the acted and talking corpora together."""
    threshold = recognizer.card.threshold
    scores = {name: score(recognizer, clips) for name, clips in corpora.items()}
    readers = scores.pop(READERS)
    rows: dict[str, Any] = {name: corpus_row(part, STRANGERS[name], threshold) for name, part in scores.items()}
    together: dict[str, float | None] = {"uar": float(np.mean([row["uar"]["value"] for row in rows.values()]))}
    for key in ("uar_all", "named", "named_right", "ece"):
        known = [row[key] for row in rows.values() if row[key] is not None]  # where anything is named
        together[key] = float(np.mean(known)) if known else None
    return {**rows, "together": together, READERS: readers_row(readers, threshold)}


def corpus_row(scores: Scores, emotions: tuple[str, ...], threshold: float) -> dict[str, Any]:
    """Return how well the emotions of a corpus are told apart.

    "uar" is the mean recall of the likeliest of the corpus' own emotions, with its interval over the speakers,
    "uar_all" that of the likeliest of all eight. What is named, and how often that is right, counts all eight.
    """
    labels, everything = scores.labels, scores.probabilities
    own = np.where(np.isin(EMOTIONS, emotions), everything, -1.0).argmax(axis=1)
    own[scores.predictions < 0] = -1
    right, named = scores.predictions == labels, everything.max(axis=1) >= threshold
    return {
        "n": len(labels),
        "uar": with_interval(mean_recall, labels, own, [clip.speaker for clip in scores.clips]),
        "uar_all": mean_recall(labels, scores.predictions),
        "recall": {name: float((own == k)[labels == k].mean()) for k, name in enumerate(EMOTIONS) if k in labels},
        "named": float(named.mean()),
        "named_right": float(right[named].mean()) if named.any() else None,
        "ece": expected_calibration_error(everything, labels),
        "without_voice": int((scores.predictions < 0).sum()),
    }


def readers_row(scores: Scores, threshold: float) -> dict[str, Any]:
    """Return how often people who read without emotion are named something else than neutral or calm."""
    windows = np.concatenate([part for part in scores.windows if len(part)])
    return {
        "n": len(scores.clips),
        "windows": len(windows),
        "files_named_otherwise": float(_named_otherwise(scores.probabilities, threshold).mean()),
        "windows_named_otherwise": float(_named_otherwise(windows, threshold).mean()),
        "files_neutral_or_calm": float(CALM[scores.probabilities.argmax(axis=1)].mean()),
        "files_named": float((scores.probabilities.max(axis=1) >= threshold).mean()),
    }


def show(name: str, found: dict[str, Any]) -> None:
    """Print a table."""
    click.echo(f"\n{name}")
    titles = ("UAR, own emotions", "UAR, of eight", "named", "right then", "ECE", "n")
    click.echo(f"{'':<12} {titles[0]:>24} " + " ".join(f"{title:>14}" for title in titles[1:]))
    for corpus, row in found.items():
        if corpus != READERS:
            uar = "{value:.3f} ({low:.3f} to {high:.3f})".format(**row["uar"]) if "n" in row else f"{row['uar']:.3f}"
            cells = [row[key] for key in ("uar_all", "named", "named_right", "ece")]
            figures = " ".join(f"{'–' if cell is None else format(cell, '.3f'):>14}" for cell in cells)
            click.echo(f"{corpus:<12} {uar:>24} {figures} {row.get('n', ''):>14}")
    read = found[READERS]
    click.echo(
        f"{read['n']} files of ordinary readers, {read['windows']} windows: named other than neutral or calm "
        f"{read['files_named_otherwise']:.3f} of files and {read['windows_named_otherwise']:.3f} of windows; "
        f"likeliest neutral or calm {read['files_neutral_or_calm']:.3f} of files"
    )


def _named_otherwise(probabilities: NDArray[np.float64], threshold: float) -> NDArray[np.bool_]:
    return np.asarray((probabilities.max(axis=1) >= threshold) & ~CALM[probabilities.argmax(axis=1)])
