"""The speech corpora: their files, labels and speakers, and the published folds."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from edge_emo.core.emotions import EMODB_CODES, EMOTIONS, RAVDESS_CODES
from edge_emo.core.errors import MediaError

DATA = os.environ.get("EDGE_EMO_DATA", "../shared/data")
"""Where the corpora lie."""

RAVDESS_FOLDS = {
    1: (3, 6, 7, 13, 18),
    2: (10, 11, 12, 19, 20),
    3: (8, 17, 21, 23, 24),
    4: (1, 4, 9, 22),
}
"""Actors held out in each fold: Luna-Jimenez et al. (2021), Sensors 21(22) 7665, without their fold 0."""

EMODB_WOMEN = {8, 9, 13, 14, 16}
EMODB_TRAINING = {3, 8, 9, 10, 11}
"""Speakers to train on; the other five stay unheard, to score the files that ship."""

HEARD = {"ravdess": {actor for fold in RAVDESS_FOLDS.values() for actor in fold}, "emodb": EMODB_TRAINING}
"""Speakers that the files which ship were trained on."""

_REPEATED = "03-01-03-01-02-02-07"  # the same recording as 03-01-03-01-02-01-07


@dataclass(frozen=True)
class Clip:
    """A labelled recording."""

    path: Path
    corpus: str
    speaker: int
    woman: bool
    emotion: str
    is_song: bool = False

    @property
    def label(self) -> int:
        """Index of the emotion."""
        return EMOTIONS.index(self.emotion)


def ravdess(folder: Path) -> list[Clip]:
    """Return the clips of a RAVDESS folder, speech and song, one of a known pair of copies left out.

    Raises FileNotFoundError where there is none, MediaError for a file of another name.
    """
    clips = []
    for path in sorted(folder.glob("Actor_*/*.flac")) + sorted(folder.glob("Actor_*/*.wav")):
        if path.stem == _REPEATED:
            continue
        codes = path.stem.split("-")
        if len(codes) != 7 or codes[2] not in RAVDESS_CODES or not codes[6].isdecimal():
            raise MediaError(f"{path}: RAVDESS has no such name, but 03-01-05-01-01-01-12; rename it, or take it away")
        actor = int(codes[6])
        clips.append(Clip(path, "ravdess", actor, actor % 2 == 0, RAVDESS_CODES[codes[2]], codes[1] == "02"))
    return _not_empty(clips, folder, "Actor_12/03-01-05-01-01-01-12.wav")


def emodb(folder: Path) -> list[Clip]:
    """Return the clips of an EMO-DB folder that have one of the eight emotions (boredom has none).

    Raises FileNotFoundError where there is none, MediaError for a file of another name.
    """
    paths = sorted(folder.glob("*.flac")) + sorted(folder.glob("*.wav"))
    for path in paths:
        if not (len(path.stem) == 7 and path.stem[:2].isdecimal()):
            raise MediaError(f"{path}: EMO-DB has no such name, but 03a01Fa; rename it, or take it away")
    clips = [
        Clip(path, "emodb", int(path.stem[:2]), int(path.stem[:2]) in EMODB_WOMEN, EMODB_CODES[path.stem[5]])
        for path in paths
        if path.stem[5] in EMODB_CODES
    ]
    return _not_empty(clips, folder, "03a01Fa.wav")


def corpus_folder(data: Path, name: str) -> Path:
    """Return the folder of a corpus. Raises FileNotFoundError."""
    folder = data / name
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such corpus; pass --data or set EDGE_EMO_DATA")
    return folder


def _not_empty(clips: list[Clip], folder: Path, example: str) -> list[Clip]:
    if not clips:
        raise FileNotFoundError(f"{folder}: no clip named like {example} in it, as .wav or .flac")
    return clips
