"""Model cards: what a model is, how its input is made and what its output means, field by field.

Code reads the card and never asks for a model's name. Nothing here needs numpy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from edge_emo.audio.specification import LARGEST_WINDOW, InputSpec
from edge_emo.core.emotions import EMOTIONS, emotion_of
from edge_emo.core.errors import CardError

OPSETS = range(13, 22)
"""Opsets of the default ONNX domain that a model may use."""

Number = Annotated[float, msgspec.Meta(ge=-1e9, le=1e9)]
"""One that networks of float32 can count with."""
Positive = Annotated[float, msgspec.Meta(ge=1e-9, le=1e9)]
Seconds = Annotated[float, msgspec.Meta(ge=0.01, le=3600)]
Size = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
"""Of a tensor along one of its dimensions."""
Decibels = Annotated[float, msgspec.Meta(ge=0, le=1000)]
Place = Annotated[float, msgspec.Meta(ge=-1, le=2)]
"""A share of a picture's width or height; a little outside of it is possible."""
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]

_LEAST_DISTANCE = 0.01  # of two points of a face, as a share of the picture


@dataclass(frozen=True, kw_only=True)
class TensorInfo:
    """Name, shape (None for the batch and other sizes left open) and type of a network's input or output."""

    name: str
    shape: Annotated[list[Size | None], msgspec.Meta(min_length=1, max_length=8)]
    dtype: Literal["float32", "int32", "int64"] = "float32"


class VoicePreprocessing(msgspec.Struct, frozen=True, kw_only=True, tag_field="task", tag="voice"):
    """How sound becomes input: decoded at `sample_rate`, cut into windows, of each the part that counts, then `input`.

    Sound is decoded at `decode_rate` Hz, None for the features' own rate. `activity` "cut" lays windows of `window_s`,
    at most `hop_s` apart, over each stretch of voice; "gate" over the whole recording, pauses and all, and reads those
    that hold a voice; "off" reads them all. What is shorter than `window_s`, such as a whole clip, is one window. Of
    each window the network is given what comes after its first `offset_s`, `duration_s` of it (None: all), as
    `librosa.load` has it; with `pad` what is shorter than `duration_s` is filled up with digital silence, its place as
    `input.align` says. A constant offset of the signal (`dc`), which cheap sound cards add, is "removed" or "kept".
    """

    input: InputSpec
    window_s: Annotated[float, msgspec.Meta(gt=0, le=600)] = 3.0
    hop_s: Annotated[float, msgspec.Meta(ge=0.01)] = 1.5
    activity: Literal["cut", "gate", "off"] = "cut"
    offset_s: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    duration_s: Positive | None = None
    pad: bool = False
    dc: Literal["removed", "kept"] = "removed"
    decode_rate: Annotated[int, msgspec.Meta(ge=1000, le=768_000)] | None = None

    def __post_init__(self) -> None:
        if self.hop_s > self.window_s:
            raise ValueError(f"hop_s is {self.hop_s}, longer than window_s ({self.window_s}); sound would be left out")
        if self.offset_s >= self.window_s or self.offset_s + (self.duration_s or 0) > self.window_s + 1e-6:
            raise ValueError(
                f"offset_s {self.offset_s} and duration_s {self.duration_s} reach beyond window_s ({self.window_s})"
            )
        if self.window_s * self.sample_rate > LARGEST_WINDOW:
            raise ValueError(
                f"window_s {self.window_s} at {self.sample_rate} Hz is more than {LARGEST_WINDOW:,} samples"
            )
        if self.pad and self.duration_s is None:
            raise ValueError("pad fills up to duration_s, which is not stated")

    @property
    def sample_rate(self) -> int:
        """Rate, in Hz, at which sound is decoded."""
        return self.decode_rate or self.input.features.sample_rate

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of what the network is given."""
        return self.input.shape


FERPLUS_POINTS = ((0.323, 0.396), (0.677, 0.396), (0.5, 0.601), (0.347, 0.758), (0.653, 0.758))
"""Where the shipped detector sees the five points in the pictures of FER+; see `export.build.face.places`."""


class FacePreprocessing(msgspec.Struct, frozen=True, kw_only=True, tag_field="task", tag="face"):
    """How a face in a picture becomes input: cut out, resized, as `color`, and (pixel - mean) / std of 0 to 255.

    `points` are the places in the cut-out, as shares of its width and height, that the eyes, the nose and the corners
    of the mouth come to (right before left, as seen by their owner) by turning, scaling and shifting; where a detector
    gives no points, or `points` is empty, the cut-out is a square of the box's longer side, `margin` wider on each
    side as a share of it. `mean` and `std` hold one number, or one for each colour in the order of `color`.
    """

    width: Annotated[int, msgspec.Meta(ge=1, le=4096)]
    height: Annotated[int, msgspec.Meta(ge=1, le=4096)]
    color: Literal["gray", "rgb", "bgr"] = "gray"
    layout: Literal["hwc", "chw"] = "hwc"
    mean: tuple[Number, ...] = (0.0,)
    std: tuple[Positive, ...] = (255.0,)
    points: tuple[tuple[Place, Place], ...] = FERPLUS_POINTS
    margin: Annotated[float, msgspec.Meta(ge=-0.4, le=2)] = 0.0

    def __post_init__(self) -> None:
        if len(self.points) not in (0, 5):
            raise ValueError(f"points has {len(self.points)} places; 5 or none are possible")
        if any(math.dist(*pair) < _LEAST_DISTANCE for pair in combinations(self.points, 2)):
            raise ValueError("points names a place twice; five different ones say where a face is turned to")
        for name in ("mean", "std"):
            if len(getattr(self, name)) not in (1, self.n_colors):
                raise ValueError(f"{name} has {len(getattr(self, name))} values; 1 or {self.n_colors} are possible")
        if min(self.std) <= 0:
            raise ValueError("std must be positive")

    @property
    def n_colors(self) -> int:
        """Numbers of a pixel."""
        return 1 if self.color == "gray" else 3

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of what the network is given."""
        picture = (self.height, self.width)
        return (*picture, self.n_colors) if self.layout == "hwc" else (self.n_colors, *picture)


class DetectorPreprocessing(msgspec.Struct, frozen=True, kw_only=True, tag_field="task", tag="detector"):
    """How a picture becomes a detector's input, and its output faces.

    The picture is RGB, resized so that its longer side has `size` pixels, (pixel - mean) / std of 0 to 255, filled up
    with zeros at the right and bottom to multiples of the longest stride. The output holds 15 numbers for each cell of
    each of `strides`, cells row by row: the score's logit, the box's centre (x, y) and log width and height, and five
    points (x, y), in strides from the cell's centre. Of faces whose boxes overlap by more than `overlap`
    (intersection over union) the surest stays.
    """

    size: Annotated[int, msgspec.Meta(ge=32, le=4096)] = 320
    strides: Annotated[tuple[Annotated[int, msgspec.Meta(ge=1, le=128)], ...], msgspec.Meta(min_length=1)] = (8, 16, 32)
    mean: Number = 127.5
    std: Positive = 64.0
    overlap: Share = 0.4


Preprocessing = VoicePreprocessing | FacePreprocessing | DetectorPreprocessing
"""In JSON its "task" tells which: a tag, such as msgspec knows of Structs alone."""
P = TypeVar("P", VoicePreprocessing, FacePreprocessing, DetectorPreprocessing)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A figure measured on this very file."""

    name: str
    value: float
    data: str
    split: str
    n: int
    date: str


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a model is and how to use it: the JSON file beside each ONNX file.

    `labels` are the emotions of the outputs in their order; outputs of one emotion, such as a woman's and a man's,
    are added up, and contempt is read as disgust. A detector's only label is "face". `preprocessing` tells what the
    model is for; a converted network nobody told the use of has none, and runs nowhere yet.
    """

    format: Literal[1]
    name: str
    version: str
    file: str
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    precision: Literal["fp32", "fp16", "int8"]
    opset: int
    input: TensorInfo
    output: TensorInfo
    activation: Literal["logits", "probabilities"]
    labels: list[str]
    preprocessing: Preprocessing | None = None
    temperature: Annotated[float, msgspec.Meta(ge=1e-3, le=1e3)] = 1.0
    threshold: Share = 0.0
    license: str
    license_note: str = ""
    description: str = ""
    training: dict[str, Any] = field(default_factory=dict)
    metrics: list[Metric] = field(default_factory=list)
    parity: dict[str, Any] = field(default_factory=dict)

    @property
    def task(self) -> str:
        """What the model is for: "voice", "face", "detector", or "other" where nobody said it."""
        return "other" if self.preprocessing is None else task_of(type(self.preprocessing))


def task_of(kind: type[Preprocessing]) -> str:
    """Return what models with such preprocessing are for, as it is written in cards."""
    return str(kind.__struct_config__.tag)


def preprocessing_of(card: Card, path: str, kind: type[P]) -> P:
    """Return how the input of a model is made, which is for one `kind` of task. Raises CardError for any other."""
    if isinstance(card.preprocessing, kind):
        return card.preprocessing
    wanted = task_of(kind)
    told = f"its task is {card.task}; a {wanted} model is asked for"
    if card.preprocessing is None:
        options = f"--task {wanted}, --labels" + " and --front-end" * (kind is VoicePreprocessing)
        told = f"nobody said what its input and outputs are (its task is other); convert it again with {options}"
    raise CardError(f"{path}: {told}")


def check_card(card: Card, path: str) -> None:
    """Check what the types of its fields do not. Raises CardError, which names the field."""
    if card.opset not in OPSETS:
        raise CardError(f"{path}: opset is {card.opset}; this release runs {OPSETS[0]} to {OPSETS[-1]}")
    if card.preprocessing is not None:
        _check_use(card, card.preprocessing, path)
    if Path(card.file).name != card.file or card.file in ("", "..") or "\0" in card.file:
        raise CardError(f"{path}: file is {card.file!r}; it must be a plain name beside the card")


def _check_use(card: Card, preprocessing: Preprocessing, path: str) -> None:
    if isinstance(preprocessing, DetectorPreprocessing):
        if card.labels != ["face"] or card.output.shape[-1] != 15 or len(card.output.shape) != 3:
            raise CardError(f"{path}: a detector has the one label face, and an output of 15 numbers for each cell")
        return
    unknown = [label for label in card.labels if emotion_of(label) is None]
    if unknown:
        raise CardError(f"{path}: labels holds {', '.join(unknown)}; known are {', '.join(EMOTIONS)}")
    if len({emotion_of(label) for label in card.labels}) < 2:
        raise CardError(f"{path}: labels names {', '.join(card.labels[:1]) or 'none'}; there is nothing to tell apart")
    if len(card.output.shape) != 2:
        raise CardError(f"{path}: output.shape is {card.output.shape}; one row of labels for each input is asked for")
    if card.output.shape[-1] != len(card.labels):
        raise CardError(f"{path}: {len(card.labels)} labels, but output.shape ends in {card.output.shape[-1]}")
    given, wanted = preprocessing.shape, card.input.shape[1:]
    if None not in wanted and [n for n in wanted if n != 1] != [n for n in given if n != 1]:
        raise CardError(f"{path}: input.shape is {wanted} without the batch, but {card.task} gives {list(given)}")
