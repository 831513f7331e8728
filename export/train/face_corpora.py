"""Faces of colour photos with expressions, cut out as the runtime would, to train on beside FER+.

    python -m export.train.face_corpora FOLDER --data ../shared/data --out faces

FOLDER holds `rafdb/*.jpg` with `rafdb/labels.csv` (file, emotion), aligned faces of RAF-DB's training part, and
`photos/*.jpg`, the originals of the photos in `detector/expressions.csv` (image, box, emotion). Written are rafdb.npz
and expw.npz: grey pictures (n, 48, 48), the emotion of each, the file it is from, and whether the detector found the
face; where it did not, a face of RAF-DB is placed as most of them are, and one of a photo left out.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import cv2
import numpy as np
from rich.progress import track

from edge_emo.face.align import cut_out
from edge_emo.face.detector import Face, FaceDetector
from edge_emo.media.pictures import read_picture
from edge_emo.models.schema import FERPLUS_POINTS, FacePreprocessing
from export.train.corpora import DATA
from export.train.face_data import SIZE, Pictures

ALIGNED = FacePreprocessing(width=SIZE, height=SIZE, points=FERPLUS_POINTS)
"""How cut-outs are placed: as FER+ shows faces."""

_LEAST_OVERLAP = 0.3
_AROUND = 0.5  # of the side of a picture that a face fills, added on each side, as detectors look for heads


@dataclass(frozen=True)
class Crops:
    """Cut-outs of one corpus: grey pictures (n, 48, 48), emotions, files, and whether the face was found in each."""

    pictures: Pictures
    emotions: tuple[str, ...]
    files: tuple[str, ...]
    found: tuple[bool, ...]

    def save(self, path: Path) -> None:
        """Write an .npz file."""
        np.savez_compressed(path, pictures=self.pictures, emotions=self.emotions, files=self.files, found=self.found)


def read_crops(path: Path) -> Crops:
    """Return the cut-outs of a file. Raises FileNotFoundError."""
    with np.load(path, allow_pickle=False) as file:
        named = (tuple(file[name].tolist()) for name in ("emotions", "files", "found"))
        return Crops(file["pictures"], *named)


def widened(picture: Pictures) -> tuple[Pictures, int, int]:
    """Return a picture with its edges repeated around it, and how many rows and columns were added before it."""
    rows, columns = (round(_AROUND * side) for side in picture.shape[:2])
    wide = cv2.copyMakeBorder(picture, rows, rows, columns, columns, cv2.BORDER_REPLICATE)
    return np.asarray(wide, np.uint8), rows, columns


def face_of(faces: Sequence[Face], box: tuple[float, float, float, float]) -> Face | None:
    """Return the face that overlaps a box most, left, top, right, bottom; None where all miss it."""
    best = max(faces, key=lambda face: _overlap(face.box, box), default=None)
    return best if best and _overlap(best.box, box) >= _LEAST_OVERLAP else None


def gray_cut_out(picture: Pictures, face: Face) -> Pictures:
    """Return the grey cut-out (48, 48) of a face."""
    return np.asarray(cv2.cvtColor(cut_out(picture, face, ALIGNED), cv2.COLOR_RGB2GRAY), np.uint8)


def rafdb(folder: Path, detector: FaceDetector) -> Crops:
    """Return the faces of RAF-DB's training part. Raises FileNotFoundError."""
    rows, pictures, found, faces = _rows(folder / "labels.csv"), [], [], []
    for row in track(rows, "rafdb"):
        picture, top, left = widened(read_picture(folder / row["file"]))
        height, width = picture.shape[0] - 2 * top, picture.shape[1] - 2 * left
        face = face_of(detector.detect(picture), (left, top, left + width, top + height))
        pictures.append(picture)
        found.append(face is not None)
        faces.append(face)
    usual = _usual([face for face in faces if face])
    crops = [gray_cut_out(picture, face or usual) for picture, face in zip(pictures, faces, strict=True)]
    return Crops(
        np.stack(crops), tuple(row["emotion"] for row in rows), tuple(row["file"] for row in rows), tuple(found)
    )


def expw(folder: Path, table: Path, detector: FaceDetector) -> Crops:
    """Return the labelled faces of the photos that the detector finds. Raises FileNotFoundError."""
    rows, crops, kept = _rows(table), [], []
    for row in track(rows, "expw"):
        picture = read_picture(folder / row["image"])
        x, y, width, height = (float(row[name]) for name in "xywh")
        face = face_of(detector.detect(picture), (x, y, x + width, y + height)) or _near(picture, detector, x, y, width)
        if face:
            crops.append(gray_cut_out(picture, face))
            kept.append(row)
    return Crops(
        np.stack(crops),
        tuple(row["emotion"] for row in kept),
        tuple(row["image"] for row in kept),
        (True,) * len(kept),
    )


def _near(picture: Pictures, detector: FaceDetector, x: float, y: float, side: float) -> Face | None:
    """Return the face in a box, looked for in the picture around it alone, in coordinates of the picture."""
    left, top = (max(0, round(start - side / 2)) for start in (x, y))
    part = np.ascontiguousarray(picture[top : round(y + 1.5 * side), left : round(x + 1.5 * side)])
    if not part.size:
        return None
    box = (x - left, y - top, x - left + side, y - top + side)
    face = face_of(detector.detect(part), box)
    if face is None:
        return None
    points = tuple((across + left, down + top) for across, down in face.landmarks or ())
    moved = (face.box[0] + left, face.box[1] + top, face.box[2] + left, face.box[3] + top)
    return Face(moved, face.score, points)


def _usual(faces: Sequence[Face]) -> Face:
    """Return the median of faces in pictures that are all placed alike."""
    left, top, right, bottom = map(float, np.median([face.box for face in faces], axis=0))
    points = np.median([face.landmarks for face in faces if face.landmarks], axis=0)
    return Face((left, top, right, bottom), 1.0, tuple((float(x), float(y)) for x, y in points))


def _overlap(a: Sequence[float], b: Sequence[float]) -> float:
    width, height = (min(a[i + 2], b[i + 2]) - max(a[i], b[i]) for i in (0, 1))
    both = max(width, 0.0) * max(height, 0.0)
    return both / max(sum((r - x) * (d - y) for x, y, r, d in (a, b)) - both, 1e-9)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _corpora(folder: Path, data: Path, detector: FaceDetector) -> Iterator[tuple[str, Crops]]:
    yield "rafdb", rafdb(folder / "rafdb", detector)
    yield "expw", expw(folder / "photos", data / "detector" / "expressions.csv", detector)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
def main(folder: Path, data: Path, out: Path) -> None:
    """Cut out the faces of RAF-DB's training part and of ExpW's labelled photos."""
    out.mkdir(parents=True, exist_ok=True)
    for name, crops in _corpora(folder, data, FaceDetector()):
        crops.save(out / f"{name}.npz")
        click.echo(f"{name}: {len(crops.files)} faces, found {np.mean(crops.found):.3f}", err=True)


if __name__ == "__main__":
    main()
