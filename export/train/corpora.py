"""The speech corpora: their files, labels and speakers, and the published folds."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_emo.core.emotions import EMODB_CODES, EMOTIONS, RAVDESS_CODES
from edge_emo.core.errors import MediaError
from edge_emo.media.sources import SOUND_SUFFIXES

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

FURTHER = {
    "nemo": ("neutral", "happy", "sad", "angry", "fearful", "surprised"),
    "emotiontts": ("neutral", "happy", "sad", "angry"),
    "emospeech": ("calm", "happy", "angry", "fearful"),
    "librispeech": EMOTIONS,
}
"""Further corpora to train on, laid out with a manifest, and the emotions that their clips were labelled from.

The readers of LibriSpeech were asked for none: they may be heard as anything, but neutral is likely.
"""

ASKED = {"ravdess": EMOTIONS, "emodb": tuple(EMODB_CODES.values()), **FURTHER}
"""The emotions that each corpus' clips were labelled from; it says nothing about those that nobody was asked for."""

STRANGERS = {
    "casia": FURTHER["nemo"],
    "urdu": FURTHER["emotiontts"],
    "ased": ("neutral", "happy", "sad", "angry", "fearful"),
    "bangla": ("fearful", "disgust"),
    "librispeech": EMOTIONS,
}
"""Corpora to judge on alone, of readers, too; they lie in a folder of their own, and nothing may be chosen by them."""

TO_JUDGE = "test-other"
"""The part of LibriSpeech that is for judging; the others are trained on."""

_JUDGING_MUSIC = 3  # pieces that are heard behind no voice that is trained on

_REPEATED = "03-01-03-01-02-02-07"  # the same recording as 03-01-03-01-02-01-07


@dataclass(frozen=True)
class Clip:
    """A labelled recording."""

    path: Path
    corpus: str
    speaker: int | str
    woman: bool | None
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


def laid_out(folder: Path) -> list[Clip]:
    """Return the clips of a folder with a manifest.csv: file, speaker, gender (f, m or unknown), emotion.

    Raises FileNotFoundError where there is none, MediaError for an emotion that is none of the eight.
    """
    path = folder / "manifest.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if row["emotion"] not in EMOTIONS:
            raise MediaError(f"{path}: {row['emotion']} is none of {', '.join(EMOTIONS)}; leave such clips out")
    sexes = {"f": True, "m": False}
    return [
        Clip(folder / row["file"], folder.name, row["speaker"], sexes.get(row["gender"]), row["emotion"])
        for row in rows
    ]


def further(folder: Path, names: Sequence[str]) -> list[Clip]:
    """Return the clips of further corpora to train on, from the folder in which they are laid out.

    Raises FileNotFoundError, and MediaError for corpora or parts of them that are there to judge on.
    """
    refused = [name for name in names if name not in FURTHER]
    if refused:
        raise MediaError(f"{', '.join(refused)}: not to be trained on; give some of {', '.join(FURTHER)}")
    clips = [clip for name in names for clip in laid_out(corpus_folder(folder, name))]
    for clip in clips:
        if clip.corpus == "librispeech" and TO_JUDGE in clip.path.name:
            raise MediaError(f"{clip.path}: is there to judge on; lay out the part {TO_JUDGE} in another folder")
    return clips


def strangers(folder: Path) -> dict[str, list[Clip]]:
    """Return the clips of each corpus to judge on, from the folder in which they are laid out.

    Raises FileNotFoundError, and MediaError for readers who were trained on.
    """
    found = {name: laid_out(corpus_folder(folder, name)) for name in STRANGERS}
    for clip in found["librispeech"]:
        if TO_JUDGE not in clip.path.name:
            raise MediaError(f"{clip.path}: is trained on; keep the part {TO_JUDGE} alone in this folder")
    return found


def background_music(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the music to be heard behind voices that are trained on, and the music behind those that judge.

    Raises FileNotFoundError where there are too few pieces for both.
    """
    paths = sorted(path for path in folder.iterdir() if path.suffix in SOUND_SUFFIXES)
    if len(paths) <= _JUDGING_MUSIC:
        raise FileNotFoundError(f"{folder}: {len(paths)} pieces of music in it; more than {_JUDGING_MUSIC} are needed")
    return paths[:-_JUDGING_MUSIC], paths[-_JUDGING_MUSIC:]


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
