"""The accuracy of openSMILE's features with a linear classifier, on the folds and clips that ours is scored on."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from benchmarks.peer_worker import ALONE, ROOT
from export.measure.voice_score import uar
from export.train.corpora import EMODB_TRAINING, RAVDESS_FOLDS, Clip, corpus_folder, emodb, ravdess

FEATURE_SETS = ("eGeMAPSv02", "emobase")
PENALTIES = [1e-4, 1e-3, 1e-2]


def compare(python: Path, data: Path) -> dict[str, Any]:
    """Return UAR and accuracy over the folds of each feature set. Raises FileNotFoundError."""
    spoken_and_sung = ravdess(corpus_folder(data, "ravdess"))
    clips = [*spoken_and_sung, *(c for c in emodb(corpus_folder(data, "emodb")) if c.speaker in EMODB_TRAINING)]
    return {f"openSMILE {name}, linear": linear(functionals(python, name, clips), clips) for name in FEATURE_SETS}


def functionals(python: Path, feature_set: str, clips: Sequence[Clip]) -> np.ndarray:
    """Return the features of clips, shape (clips, features), from a file beside the environment where it is there."""
    paths = json.dumps([str(clip.path.resolve()) for clip in clips])
    cached = python.parents[1] / f"{feature_set}-{hashlib.sha256(paths.encode()).hexdigest()[:16]}.npy"
    if not cached.exists():
        part = cached.with_suffix(".part.npy")
        command = [str(python), "-m", "benchmarks.peer_features", feature_set, str(part)]
        subprocess.run(command, input=paths, text=True, cwd=ROOT, env=os.environ | ALONE, check=True)
        part.replace(cached)
    return np.asarray(np.load(cached))


def linear(features: np.ndarray, clips: Sequence[Clip]) -> dict[str, Any]:
    """Return the scores of a linear support vector machine on each fold's speech, trained without the fold's actors.

    It hears what our networks are trained on. The penalty is chosen among these speakers alone, in five groups.
    """
    labels = np.array([clip.label for clip in clips])
    speakers = np.array([f"{clip.corpus} {clip.speaker}" for clip in clips])
    uars, accuracies, penalties = [], [], []
    for actors in RAVDESS_FOLDS.values():
        held_out = np.isin(speakers, [f"ravdess {actor}" for actor in actors])
        judged = held_out & ~np.array([clip.is_song for clip in clips])
        search = GridSearchCV(
            make_pipeline(StandardScaler(), LinearSVC(class_weight="balanced", tol=1e-2, random_state=0, dual=True)),
            {"linearsvc__C": PENALTIES},
            scoring="balanced_accuracy",
            cv=GroupKFold(5),
            n_jobs=-1,
        ).fit(features[~held_out], labels[~held_out], groups=speakers[~held_out])
        predictions = search.predict(features[judged])
        uars.append(uar(labels[judged], predictions))
        accuracies.append(float((labels[judged] == predictions).mean()))
        penalties.append(search.best_params_["linearsvc__C"])
    return {"uar": _spread(uars), "accuracy": _spread(accuracies), "penalties": penalties}


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"mean": float(np.mean(values)), "sd": float(np.std(values, ddof=1))}
