"""Photos with faces, varied anew every epoch: from far to near, mosaics, light, blur, tilt, and no faces at all."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from edge_emo.audio.mfcc import Float32

N_JUDGED, N_CHOICE = 400, 200
"""Photos, the last by name, kept to report figures on, and those before them to choose the threshold on."""
SMALLEST = 6.0
"""Pixels of a face below which it is neither right nor wrong to find it."""
SURE = 0.5
"""Score of the teacher below which it is neither right nor wrong to find its face."""
MAX_FACES = 96
MIRRORED = np.array([1, 0, 2, 4, 3])
"""Right and left eye, nose, right and left corner of the mouth, as a mirror exchanges them."""
MEAN, STD = 127.5, 64.0

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Photo:
    """A picture file and its faces, (faces, 15): score, left, top, width, height, and five points in pixels."""

    path: Path
    faces: Float32
    pixels: Pixels | None = field(default=None, repr=False, compare=False)

    def read(self) -> Pixels:
        """Return the pixels, RGB. Raises FileNotFoundError."""
        if self.pixels is not None:
            return self.pixels
        picture = cv2.imread(str(self.path))
        if picture is None:
            raise FileNotFoundError(f"{self.path}: no picture that OpenCV reads; see the README of the photos")
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)

    def loaded(self) -> Photo:
        """Return the photo with its pixels in memory."""
        return replace(self, pixels=self.read())


def photos(folder: Path) -> list[Photo]:
    """Return all photos in the order of their names, those without a face too."""
    faces: dict[str, list[list[float]]] = defaultdict(list)
    with (folder / "faces.csv").open(newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for name, *values, score in rows:
            faces[name].append([float(score), *map(float, values)])
    files = sorted((folder / "images").iterdir())
    return [Photo(path, np.array(faces[path.name], np.float32).reshape(-1, 15)) for path in files]


def parts(everything: Sequence[Photo]) -> dict[str, Sequence[Photo]]:
    """Return the photos to train on, to choose the threshold on, and to judge by."""
    first, last = len(everything) - N_JUDGED - N_CHOICE, len(everything) - N_JUDGED
    return {"train": everything[:first], "choose": everything[first:last], "judge": everything[last:]}


class PhotoDataset:
    """Batches of varied photos (batch, size, size, 3) and their faces as `detector_loss` takes them.

    The same seed and epoch give the same batches. From the epoch `last_mosaic` on, photos are shown alone.
    """

    def __init__(self, known: Sequence[Photo], *, size: int, batch_size: int, last_mosaic: int, seed: int) -> None:
        self._photos = [photo.loaded() for photo in known]  # decoding anew takes a third of the time
        self._size, self._batch_size, self._last_mosaic, self._seed = size, batch_size, last_mosaic, seed
        self.start_epoch(0)

    def __len__(self) -> int:
        return len(self._photos) // self._batch_size

    def start_epoch(self, epoch: int) -> None:
        """Draw the order of an epoch."""
        self._epoch = epoch
        self._order = np.random.default_rng([self._seed, epoch]).permutation(len(self._photos))

    def __getitem__(self, index: int) -> tuple[Float32, Float32]:
        if index >= len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        rng = np.random.default_rng([self._seed, self._epoch, index])
        places = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        others = self._photos if self._epoch < self._last_mosaic else []
        made = [vary(self._photos[place], others, self._size, rng) for place in places]
        faces = np.zeros((len(made), max(1, *(len(own) for _, own in made)), 15), np.float32)
        for row, (_, own) in zip(faces, made, strict=True):
            row[: len(own)] = own
        return standardized(np.stack([picture for picture, _ in made])), faces


def standardized(pictures: Pixels) -> Float32:
    """Return the network's input for RGB pictures."""
    return ((pictures - np.float32(MEAN)) / np.float32(STD)).astype(np.float32)


def vary(photo: Photo, others: Sequence[Photo], size: int, rng: Generator) -> tuple[Pixels, Float32]:
    """Return a square picture made from a photo, or from it and three of any `others`, and the faces in it.

    A face is 1 (or -1: neither right nor wrong to find), centre, width and height, and five points, in pixels.
    """
    kind = rng.random()
    if kind < 0.03:
        return lit(texture(size, rng), rng), np.zeros((0, 15), np.float32)
    if kind < 0.45 and others:
        picture = np.empty((size, size, 3), np.uint8)
        cut = rng.integers(size // 4, 3 * size // 4, 2)
        found = []
        for number in range(4):
            own = photo if number == 0 else others[int(rng.integers(len(others)))]
            top, left = (0, cut[0])[number // 2], (0, cut[1])[number % 2]
            height, width = (cut[0], size - cut[0])[number // 2], (cut[1], size - cut[1])[number % 2]
            piece, faces = placed(own, width, height, rng)
            picture[top : top + height, left : left + width] = piece
            faces[:, [1, *range(5, 15, 2)]] += left
            faces[:, [2, *range(6, 15, 2)]] += top
            found.append(faces)
        faces = np.concatenate(found)
    else:
        picture, faces = placed(photo, size, size, rng)
    if rng.random() < 0.04:
        cover(picture, faces, rng)
        faces = faces[:0]
    return lit(picture, rng), faces[:MAX_FACES]


def placed(photo: Photo, width: int, height: int, rng: Generator) -> tuple[Pixels, Float32]:
    """Return a window onto a photo that is scaled, turned and mirrored at random, and the faces in it."""
    picture, faces = photo.read(), photo.faces
    rows, columns = picture.shape[:2]
    center, scale = np.array([columns / 2, rows / 2]), max(width, height) / max(rows, columns)
    scale *= np.exp(rng.uniform(np.log(0.6), np.log(1.7)))
    if len(faces) and rng.random() < 0.6:  # a face of a size drawn first, so that all sizes are met
        _, left, top, face_width, face_height = faces[rng.integers(len(faces)), :5]
        wanted = np.exp(rng.uniform(np.log(10), np.log(0.8 * min(width, height))))
        least = 0.55 * max(width, height) / max(rows, columns)
        scale = np.clip(wanted / np.sqrt(face_width * face_height), least, 6.0)
        center = np.array([left + face_width / 2, top + face_height / 2])
    angle = rng.normal(0, 8) if rng.random() < 0.7 else rng.uniform(-45, 45)
    matrix = np.asarray(cv2.getRotationMatrix2D((float(center[0]), float(center[1])), angle, scale), np.float64)
    slack = np.array([width, height]) * 0.3
    matrix[:, 2] += np.array([width, height]) / 2 + rng.uniform(-slack, slack) - center
    mirrored = bool(rng.random() < 0.5)
    if mirrored:
        matrix[0] = -matrix[0]
        matrix[0, 2] += width - 1
    shade = rng.integers(0, 256, 3).tolist() if rng.random() < 0.5 else cv2.mean(picture)[:3]
    method = cv2.INTER_AREA if scale < 0.7 and abs(angle) < 3 else cv2.INTER_LINEAR
    warped = cv2.warpAffine(picture, matrix, (width, height), flags=method, borderValue=shade)
    return np.asarray(warped, np.uint8), moved(faces, matrix, width, height, mirrored)


def moved(faces: Float32, matrix: NDArray[np.float64], width: int, height: int, mirrored: bool) -> Float32:
    """Return the faces of a photo after a similarity transform; those mostly outside of the window are left out."""
    if not len(faces):
        return np.zeros((0, 15), np.float32)
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    centers = (faces[:, 1:3] + faces[:, 3:5] / 2) @ matrix[:, :2].T + matrix[:, 2]
    points = faces[:, 5:].reshape(-1, 5, 2) @ matrix[:, :2].T + matrix[:, 2]
    # a face is an ellipse: its box after a turn
    turn = np.abs(matrix[:, :2]) / scale
    sizes = scale * np.sqrt(faces[:, 3:5] ** 2 @ (turn**2).T)
    low, high = centers - sizes / 2, centers + sizes / 2
    window = np.array([width, height])
    shown = (np.clip(high, 0, window) - np.clip(low, 0, window)).prod(1) / np.maximum(sizes.prod(1), 1e-6)
    state = np.where((faces[:, 0] >= SURE) & (shown > 0.6) & (np.sqrt(sizes.prod(1)) >= SMALLEST), 1.0, -1.0)
    if mirrored:
        points = points[:, MIRRORED]
    kept = shown > 0.15
    out = np.concatenate([state[:, None], centers, sizes, points.reshape(-1, 10)], 1)
    return out[kept].astype(np.float32)


def texture(size: int, rng: Generator) -> Pixels:
    """Return a picture of nothing: blotches of several sizes, stripes, discs."""
    shades = np.full((size, size, 3), rng.uniform(0, 255, 3), np.float32)
    for _ in range(rng.integers(1, 5)):
        cells = int(2 ** rng.uniform(1, 7))
        grain = rng.normal(0, rng.uniform(5, 60), (cells, cells, 3 if rng.random() < 0.5 else 1)).astype(np.float32)
        shades += cv2.resize(grain, (size, size), interpolation=cv2.INTER_CUBIC).reshape(size, size, -1)
    if rng.random() < 0.5:
        y, x = np.mgrid[:size, :size]
        angle, wave = rng.uniform(0, np.pi), rng.uniform(4, 60)
        shades += rng.uniform(10, 80) * np.sin((x * np.cos(angle) + y * np.sin(angle)) / wave * 2 * np.pi)[..., None]
    picture = np.clip(shades, 0, 255).astype(np.uint8)
    for _ in range(rng.integers(0, 6)):
        place, radius = rng.integers(0, size, 2).tolist(), int(rng.uniform(0.02, 0.33) * size)
        cv2.circle(picture, place, radius, rng.integers(0, 256, 3).tolist(), -1 if rng.random() < 0.6 else 3)
    return picture


def cover(picture: Pixels, faces: Float32, rng: Generator) -> None:
    """Hide every face behind a texture, in place, so that what surrounds a face is not taken for one."""
    for _, x, y, width, height, *_ in faces:
        left, top = max(0, int(x - width * 0.6)), max(0, int(y - height * 0.6))
        part = picture[top : int(y + height * 0.6), left : int(x + width * 0.6)]
        if part.size:
            part[:] = texture(max(part.shape[:2]), rng)[: part.shape[0], : part.shape[1]]


def lit(picture: NDArray[Any], rng: Generator) -> Pixels:
    """Change light, colour and sharpness as cameras, rooms and compression do."""
    if rng.random() < 0.5:
        gray = without_color(picture)
        saturation = rng.uniform(0.3, 1.6)
        picture = cv2.addWeighted(picture, saturation, gray, 1 - saturation, 0)
    picture = cv2.LUT(picture, _tones(rng))
    if rng.random() < 0.12:
        picture = without_color(picture)
    if rng.random() < 0.15:  # backlit, or light from a side
        ramp, direction = np.linspace(-1, 1, len(picture), dtype=np.float32), rng.uniform(0, 2 * np.pi)
        side = 1 + np.float32(rng.uniform(0.3, 0.9)) * (np.cos(direction) * ramp[:, None] + np.sin(direction) * ramp)
        picture = cv2.multiply(picture, cv2.merge([side] * 3), dtype=cv2.CV_8U)
    if rng.random() < 0.15:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 2.0))
    if rng.random() < 0.25:
        cv2.setRNGSeed(int(rng.integers(1 << 31)))
        noise = cv2.randn(np.empty(picture.shape, np.int16), 0, rng.uniform(1, 14))  # type: ignore[call-overload]  # takes numbers
        picture = cv2.add(picture, noise, dtype=cv2.CV_8U)
    if rng.random() < 0.25:
        coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 80))])[1]
        picture = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))
    return np.asarray(picture, np.uint8)


def without_color(picture: NDArray[Any]) -> Pixels:
    """Return a picture in grey, still RGB."""
    return np.asarray(cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8)


def _tones(rng: Generator) -> Pixels:
    """Return what each level of each colour becomes, (256, 1, 3): gamma, contrast, exposure, colour of the light."""
    levels = np.linspace(0, 1, 256)[:, None, None] * np.ones(3)
    if rng.random() < 0.6:
        levels = levels ** np.exp(rng.normal(0, 0.35))
        levels = (levels - 0.5) * np.exp(rng.normal(0, 0.2)) + 0.5 + rng.normal(0, 0.06)
    if rng.random() < 0.5:
        levels = levels * np.exp(rng.normal(0, 0.08, 3))
    if rng.random() < 0.12:
        levels = levels * rng.uniform(0.08, 0.5)
    return np.asarray(np.clip(255 * levels, 0, 255), np.uint8)
