"""Whether anybody or anything stands on both sides of a split: people by name, sounds and pictures by fingerprint.

    python -m export.train.audit --voices voices --strangers strangers --crops faces --json audit.json

A fingerprint has 256 bits: of a sound, whether each of 16 bands of the telephone's rises or falls from one of 17
stretches of its voice to the next; of a picture, whether each of 16 x 16 places is darker than its neighbour. Neither
changes much with level, exposure, size or compression; those of different recordings differ in about half of the bits.
Two that differ in few bits are told, and are to be looked at: sentences said alike may be among them.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import click
import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_emo.audio import mfcc
from edge_emo.audio.specification import FeatureSpec
from edge_emo.media.sound import Float32, read_sound
from edge_emo.voice.activity import find_voice
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
    strangers,
)
from export.train.detector_data import N_CHOICE, N_JUDGED, photos
from export.train.face_corpora import read_crops
from export.train.face_data import Pictures, ferplus

Bits = NDArray[np.bool_]

SIDE = 16
NEAR = 24
"""Bits of 256 in which two fingerprints of one recording or picture may differ."""

_BANDS = FeatureSpec(n_mels=SIDE, hop_length=160, f_min=300.0, f_max=3400.0)
_N_EXAMPLES = 10


@dataclass(frozen=True)
class Side:
    """One side of a split: fingerprints (n, 256), and for each whose it is, if known, and where it is from."""

    prints: Bits
    people: tuple[str, ...]
    names: tuple[str, ...]

    def part(self, places: NDArray[np.int_]) -> Side:
        """Return those at `places`."""
        return Side(self.prints[places], tuple(self.people[i] for i in places), tuple(self.names[i] for i in places))

    def divided(self, people: Set[str]) -> tuple[Side, Side]:
        """Return all but those of `people`, and those."""
        away = [who in people for who in self.people]
        return self.part(np.flatnonzero(~np.array(away))), self.part(np.flatnonzero(away))


@dataclass(frozen=True)
class Finding:
    """What two sides of a split share: people, and pairs of names whose fingerprints are near, with their distance."""

    split: str
    sizes: tuple[int, int]
    people: tuple[str, ...]
    n_near: int
    nearest: tuple[tuple[str, str, int], ...]


def sound_print(samples: Float32) -> Bits:
    """Return the fingerprint of a recording's voice, (256,); of one without voice, of all."""
    spans = find_voice(samples)
    voice = samples[spans[0].start : spans[-1].stop] if spans else samples
    power = 10 ** (mfcc.compute(voice, _BANDS) / 10)
    edges = np.linspace(0, len(power), SIDE + 2).astype(int)
    regions = np.stack([power[a : max(b, a + 1)].mean(axis=0) for a, b in pairwise(edges)])
    return np.asarray(np.diff(regions, axis=0) > 0).ravel()


def picture_print(picture: Pictures) -> Bits:
    """Return the fingerprint of a grey picture, (256,) (Krawetz 2013, a difference hash)."""
    small = cv2.resize(picture, (SIDE + 1, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.asarray(np.diff(small, axis=1) > 0).ravel()


def compare(split: str, left: Side, right: Side) -> Finding:
    """Return what two sides share."""
    signs = [np.where(side.prints, 1, -1).astype(np.float32) for side in (left, right)]
    rows: list[tuple[int, int, int]] = []
    for start in range(0, len(signs[0]), 4096):
        distance = (left.prints.shape[1] - signs[0][start : start + 4096] @ signs[1].T) / 2
        found = np.argwhere(distance <= NEAR)
        rows += [(int(distance[i, j]), start + int(i), int(j)) for i, j in found]
    rows.sort()
    return Finding(
        split,
        (len(left.names), len(right.names)),
        tuple(sorted(set(left.people) & set(right.people) - {""})),
        len(rows),
        tuple((left.names[i], right.names[j], bits) for bits, i, j in rows[:_N_EXAMPLES]),
    )


def voices(clips: Sequence[Clip], workers: int = 2) -> Side:
    """Return the fingerprints of clips; people are named with their corpus."""
    with ProcessPoolExecutor(workers) as pool:
        prints = list(pool.map(_clip_print, clips, chunksize=64))
    people = tuple(f"{clip.corpus} {clip.speaker}" for clip in clips)
    return Side(np.stack(prints), people, tuple(f"{clip.corpus}/{clip.path.stem}" for clip in clips))


def faces(name: str, pictures: Pictures, files: Sequence[str] = ()) -> Side:
    """Return the fingerprints of grey pictures, of which nobody says who is in them."""
    names = tuple(f"{name}/{files[i] if files else i}" for i in range(len(pictures)))
    return Side(np.stack([picture_print(picture) for picture in pictures]), ("",) * len(names), names)


def voice_findings(data: Path, further_folder: Path | None, strangers_folder: Path | None) -> list[Finding]:
    """Return what the sides of all splits of voices share."""
    acted = voices(ravdess(corpus_folder(data, "ravdess")))
    findings = []
    for fold, actors in RAVDESS_FOLDS.items():
        held_out = {f"ravdess {actor}" for actor in actors}
        findings.append(compare(f"RAVDESS, fold {fold}", *acted.divided(held_out)))
    german = voices(emodb(corpus_folder(data, "emodb")))
    heard = {f"emodb {speaker}" for speaker in EMODB_TRAINING}
    findings.append(compare("EMO-DB, speakers trained on and not", *german.divided(heard)))
    sides = {"RAVDESS and EMO-DB": together([acted, german])}
    if further_folder:
        sides |= {name: voices(further(further_folder, [name])) for name in FURTHER}
    everything = together(list(sides.values()))
    if strangers_folder:
        for name, clips in strangers(strangers_folder).items():
            findings.append(compare(f"trained on, and {name} of strangers", everything, voices(clips)))
    return findings


def face_findings(data: Path, crops: Path | None) -> list[Finding]:
    """Return what the sides of all splits of faces and photos share."""
    training, test = (faces(f"FER+ {n}", ferplus(data / "ferplus", n, judged=n == 1).pictures) for n in (0, 1))
    findings = [compare("FER+ Training and PublicTest as judged", training, test)]
    if crops:
        for name in ("rafdb", "expw"):
            found = read_crops(crops / f"{name}.npz")
            findings.append(compare(f"{name} and FER+ PublicTest", faces(name, found.pictures, found.files), test))
    known = photos(data / "detector")
    prints = np.stack(
        [picture_print(np.asarray(cv2.cvtColor(photo.read(), cv2.COLOR_RGB2GRAY), np.uint8)) for photo in known]
    )
    side = Side(prints, ("",) * len(known), tuple(photo.path.name for photo in known))
    places = np.arange(len(known))
    rest, chosen, judged = (side.part(part) for part in np.split(places, [-N_JUDGED - N_CHOICE, -N_JUDGED]))
    findings += [compare("photos to train on and to choose by", rest, chosen)]
    return [*findings, compare("photos to train on and to judge by", rest, judged)]


def together(parts: Sequence[Side]) -> Side:
    """Return several sides as one."""
    prints = np.concatenate([part.prints for part in parts])
    return Side(prints, sum((part.people for part in parts), ()), sum((part.names for part in parts), ()))


def _clip_print(clip: Clip) -> Bits:
    return sound_print(read_sound(clip.path))


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True)
@click.option("--voices", "further_folder", type=click.Path(path_type=Path), help="Folder of the further corpora.")
@click.option("--strangers", "strangers_folder", type=click.Path(path_type=Path), help="Folder of those to judge on.")
@click.option("--crops", type=click.Path(path_type=Path), help="Folder of export.train.face_corpora.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the findings here.")
def main(
    data: Path, further_folder: Path | None, strangers_folder: Path | None, crops: Path | None, json_path: Path | None
) -> None:
    """Look for people, sounds and pictures on both sides of any split; exits with 1 where a person is on both."""
    data = Path(data)
    findings = voice_findings(data, further_folder, strangers_folder) + face_findings(data, crops)
    for finding in findings:
        sizes = " and ".join(f"{size:,}" for size in finding.sizes)
        click.echo(f"{finding.split}: {sizes}; people on both sides {len(finding.people)}, near pairs {finding.n_near}")
        for left, right, bits in finding.nearest:
            click.echo(f"    {left} ~ {right}, {bits} bits apart")
    if json_path:
        json_path.write_bytes(msgspec.json.format(msgspec.json.encode(findings), indent=1) + b"\n")
    if any(finding.people for finding in findings):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
