"""Model cards: the JSON beside each model that says what it is and how its input is made.

Code reads the card and never asks for a model's name. Nothing here needs numpy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

import msgspec

from edge_emo.emotions import EMOTIONS, emotion_of
from edge_emo.errors import CardError, ModelError, ModelNotFoundError
from edge_emo.files import read_bytes

Precision = Literal["auto", "fp32", "int8"]

OPSETS = range(13, 22)
"""Opsets of the default ONNX domain that a model may use."""

_LARGEST = 4 << 20  # bytes of a card

Number = Annotated[float, msgspec.Meta(ge=-1e9, le=1e9)]
"""One that networks of float32 can count with."""
Positive = Annotated[float, msgspec.Meta(ge=1e-9, le=1e9)]
Seconds = Annotated[float, msgspec.Meta(ge=0.01, le=3600)]
Size = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
"""Of a tensor along one of its dimensions."""
Decibels = Annotated[float, msgspec.Meta(ge=0, le=1000)]
Place = Annotated[float, msgspec.Meta(ge=-1, le=2)]
"""A share of a picture's width or height; a little outside of it is possible."""
T = TypeVar("T")

_LARGEST_OF = {
    "sample_rate": 384_000, "frame_length": 1 << 16, "hop_length": 1 << 16, "n_fft": 1 << 15, "n_mels": 512,
    "delta_width": 100,
}  # fmt: skip
_LARGEST_WINDOW = 50_000_000  # samples, or numbers that a network is given
_LEAST_DISTANCE = 0.01  # of two points of a face, as a share of the picture

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


@dataclass(frozen=True, kw_only=True)
class TensorInfo:
    """Name, shape (None for the batch and other sizes left open) and type of a network's input or output."""

    name: str
    shape: Annotated[list[Size | None], msgspec.Meta(min_length=1, max_length=8)]
    dtype: Literal["float32", "int32", "int64"] = "float32"


@dataclass(frozen=True)
class FeatureSpec:
    """Parameters of the front end, as a model card states them. Lengths are in samples, frequencies in Hz.

    `n_mfcc` 0 gives log-mel energies. `log` is "ln" or "db" (10 log10). `floor` is the smallest power
    before the logarithm; with `floor_zeros_only` only exact zeros are replaced by it. `top_db` limits the
    range below the clip's maximum and so needs the whole clip. `deltas` appends that many orders of
    regression deltas (Young et al., The HTK Book, eq. 5.16) over `delta_width` frames on each side.
    """

    sample_rate: int = 16000
    frame_length: int = 512
    hop_length: int = 200
    n_fft: int = 512
    window: Literal["rectangular", "hamming", "hann"] = "hann"
    pre_emphasis: Number = 0.0
    padding: Literal["none", "end", "center"] = "none"
    power_scale: Positive = 1.0
    n_mels: int = 80
    f_min: float = 0.0
    f_max: float = 8000.0
    mel_scale: Literal["htk", "slaney"] = "slaney"
    mel_norm: Literal["none", "area"] = "area"
    mel_edges: Literal["exact", "bins"] = "exact"
    log: Literal["ln", "db"] = "db"
    floor: float = 1e-10
    floor_zeros_only: bool = False
    top_db: Decibels | None = None
    n_mfcc: int = 0
    lifter: int = 0
    energy_as_c0: bool = False
    deltas: int = 0
    delta_width: int = 2

    def __post_init__(self) -> None:
        for name, most in _LARGEST_OF.items():
            if not 1 <= getattr(self, name) <= most:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1 and at most {most}")
        if not 0 <= self.n_mfcc <= self.n_mels:
            raise ValueError(f"n_mfcc is {self.n_mfcc}; it must lie between 0 and n_mels ({self.n_mels})")
        if not (0 <= self.f_min <= self.f_max - 1 and self.f_max <= self.sample_rate / 2):
            raise ValueError(
                f"f_min {self.f_min} and f_max {self.f_max} must satisfy "
                f"0 <= f_min < f_max <= {self.sample_rate / 2} (half the sample rate), a hertz apart or more"
            )
        if not 0 <= self.deltas <= 2:
            raise ValueError(f"deltas is {self.deltas}; orders 0, 1 and 2 exist")
        if not 1e-30 <= self.floor <= 1e9:
            raise ValueError(f"floor is {self.floor}; the logarithm needs a positive one, in float32")
        if not 0 <= self.lifter <= _LARGEST_OF["n_mels"]:
            raise ValueError(f"lifter is {self.lifter}; it must lie between 0 and {_LARGEST_OF['n_mels']}")

    @property
    def n_features(self) -> int:
        """Values in a frame."""
        return (self.n_mfcc or self.n_mels) * (1 + self.deltas)

    def n_frames(self, n_samples: int) -> int:
        """Frames that `n_samples` samples give."""
        if self.padding == "center":
            n_samples += 2 * (self.n_fft // 2)
        excess = n_samples - self.frame_length
        if self.padding == "end":
            return 0 if n_samples == 0 else 1 + max(0, -(-excess // self.hop_length))
        return 0 if excess < 0 else 1 + excess // self.hop_length


@dataclass(frozen=True)
class InputSpec:
    """What stands between the features and the network.

    `reduce` "mean" averages over time (the network sees `n_features` numbers), "mean_features" over the features
    of each frame (it sees `frames` numbers); "frames" hands over exactly `frames` frames. Of longer windows the first
    frames count; shorter ones stand in the `align` "middle" or at the "start" of what `fill` says: "silence", which is
    digital silence before the features are made, or "zeros", features of 0. `level` "mean_power" makes dB features
    relative to the window's mean power, which removes the gain, and limits them to `range_db`; its silence is the lower
    limit. `mean` and `std` then standardise each feature. `layout` "features_first" hands over (n_features, frames).
    """

    features: FeatureSpec
    reduce: Literal["frames", "mean", "mean_features"] = "frames"
    frames: int = 240
    layout: Literal["frames_first", "features_first"] = "frames_first"
    fill: Literal["silence", "zeros"] = "silence"
    align: Literal["middle", "start"] = "middle"
    level: Literal["none", "mean_power"] = "none"
    range_db: tuple[Number, Number] = (-50.0, 25.0)
    mean: tuple[Number, ...] = (0.0,)
    std: tuple[Positive, ...] = (1.0,)

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            if len(getattr(self, name)) not in (1, self.features.n_features):
                raise ValueError(
                    f"{name} has {len(getattr(self, name))} values; "
                    f"1 or one for each of the {self.features.n_features} features are possible"
                )
        if min(self.std) <= 0:
            raise ValueError("std must be positive")
        if self.range_db[0] >= self.range_db[1]:
            raise ValueError(f"range_db is {list(self.range_db)}; it goes from a smaller to a larger number")
        if self.frames < 1 or max(self.frames * self.features.n_features, self.n_samples) > _LARGEST_WINDOW:
            raise ValueError(
                f"frames is {self.frames}; it must be at least 1, and not give more than networks can hold"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of what the network is given."""
        if self.reduce == "mean":
            return (self.features.n_features,)
        if self.reduce == "mean_features":
            return (self.frames,)
        shape = (self.frames, self.features.n_features)
        return shape if self.layout == "frames_first" else shape[::-1]

    @property
    def n_samples(self) -> int:
        """Samples that fill the network's frames."""
        added = 2 * (self.features.n_fft // 2) if self.features.padding == "center" else 0
        return (self.frames - 1) * self.features.hop_length + max(1, self.features.frame_length - added)


LARGEST_WINDOW = 50_000_000
"""Samples, 200 MB, that are held at a time."""


@dataclass(frozen=True, kw_only=True)
class VoicePreprocessing:
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


FERPLUS_POINTS = ((0.323, 0.396), (0.677, 0.396), (0.5, 0.601), (0.347, 0.758), (0.653, 0.758))
"""Where the shipped detector sees the five points in the pictures of FER+; see `export.build_faces.places`."""


@dataclass(frozen=True, kw_only=True)
class FacePreprocessing:
    """How a face in a picture becomes input: cut out, resized, as `colour`, and (pixel - mean) / std of 0 to 255.

    `points` are the places in the cut-out, as shares of its width and height, that the eyes, the nose and the corners
    of the mouth come to (right before left, as seen by their owner) by turning, scaling and shifting; where a detector
    gives no points, or `points` is empty, the cut-out is a square of the box's longer side, `margin` wider on each
    side as a share of it. `mean` and `std` hold one number, or one for each colour in the order of `colour`.
    """

    width: Annotated[int, msgspec.Meta(ge=1, le=4096)]
    height: Annotated[int, msgspec.Meta(ge=1, le=4096)]
    colour: Literal["grey", "rgb", "bgr"] = "grey"
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
            if len(getattr(self, name)) not in (1, self.n_colours):
                raise ValueError(f"{name} has {len(getattr(self, name))} values; 1 or {self.n_colours} are possible")
        if min(self.std) <= 0:
            raise ValueError("std must be positive")

    @property
    def n_colours(self) -> int:
        """Numbers of a pixel."""
        return 1 if self.colour == "grey" else 3

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of what the network is given."""
        picture = (self.height, self.width)
        return (*picture, self.n_colours) if self.layout == "hwc" else (self.n_colours, *picture)


@dataclass(frozen=True, kw_only=True)
class DetectorPreprocessing:
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
    are added up, and contempt is read as disgust. A detector's only label is "face". The task "other" is that of a
    converted network nobody told the use of; it runs nowhere yet.
    """

    format: Literal[1]
    name: str
    task: Literal["voice", "face", "detector", "other"]
    version: str
    file: str
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    precision: Literal["fp32", "fp16", "int8"]
    opset: int
    input: TensorInfo
    output: TensorInfo
    activation: Literal["logits", "probabilities"]
    labels: list[str]
    voice: VoicePreprocessing | None = None
    face: FacePreprocessing | None = None
    detector: DetectorPreprocessing | None = None
    temperature: Annotated[float, msgspec.Meta(ge=1e-3, le=1e3)] = 1.0
    threshold: Share = 0.0
    license: str
    license_note: str = ""
    description: str = ""
    training: dict[str, Any] = field(default_factory=dict)
    metrics: list[Metric] = field(default_factory=list)
    parity: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ModelEntry:
    """The cards of one model, by precision, and the precision that measurement made the default."""

    default: Literal["fp32", "int8"]
    cards: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The models that ship, and which one serves each task."""

    format: Literal[1]
    tasks: dict[str, str]
    models: dict[str, ModelEntry]


def models_folder() -> Path:
    """Return the folder of the models that ship: inside the package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / "models_onnx"
    return inside if inside.is_dir() else package.parent / "models_onnx"


def read_manifest(folder: Path | None = None) -> Manifest:
    """Return the manifest of the models that ship. Raises ModelNotFoundError or CardError."""
    return _read(Path(folder or models_folder()) / "manifest.json", Manifest)


def read_card(path: Path) -> Card:
    """Return a checked card. Raises ModelNotFoundError or CardError, which names the field."""
    if Path(path).suffix.lower() == ".onnx":
        card_name = Path(path).with_suffix(".json").name
        raise CardError(f"{path}: is a model, and its card is asked for; name the card beside it, {card_name}")
    card = _read(path, Card)
    check_card(card, str(path))
    return card


def check_task(card: Card, path: str, wanted: Literal["voice", "face"]) -> None:
    """Check that a card is that of a voice or face model. Raises CardError."""
    if getattr(card, wanted) is not None:
        return
    told = f"its task is {card.task}; a {wanted} model is asked for"
    if card.task == "other":
        options = f"--task {wanted}, --labels" + " and --front-end" * (wanted == "voice")
        told = f"nobody said what its input and outputs are (its task is other); convert it again with {options}"
    raise CardError(f"{path}: {told}")


def check_card(card: Card, path: str) -> None:
    """Check what the types of its fields do not. Raises CardError, which names the field."""
    if card.opset not in OPSETS:
        raise CardError(f"{path}: opset is {card.opset}; this release runs {OPSETS[0]} to {OPSETS[-1]}")
    if card.task != "other":
        _check_use(card, path)
    if Path(card.file).name != card.file or card.file in ("", "..") or "\0" in card.file:
        raise CardError(f"{path}: file is {card.file!r}; it must be a plain name beside the card")


def _check_use(card: Card, path: str) -> None:
    stated = [task for task in ("voice", "face", "detector") if getattr(card, task) is not None]
    if stated != [card.task]:
        raise CardError(f"{path}: the task is {card.task}, so {card.task} must say how its input is made, and it alone")
    if card.detector is not None:
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
    given = card.voice.input.shape if card.voice else card.face.shape if card.face else ()
    wanted = card.input.shape[1:]
    if None not in wanted and [n for n in wanted if n != 1] != [n for n in given if n != 1]:
        raise CardError(f"{path}: input.shape is {wanted} without the batch, but {card.task} gives {list(given)}")


def card_path(task: str, precision: Precision = "auto", folder: Path | None = None) -> Path:
    """Return the card that serves `task` at `precision`; "auto" takes the manifest's default."""
    if precision not in get_args(Precision):
        raise ValueError(f"precision is {precision!r}; known are {', '.join(get_args(Precision))}")
    folder = Path(folder or models_folder())
    manifest = read_manifest(folder)
    try:
        entry = manifest.models[manifest.tasks[task]]
        return folder / entry.cards[entry.default if precision == "auto" else precision]
    except KeyError as error:
        raise ModelNotFoundError(f"{folder}: manifest.json names no model for {error}; reinstall edge-emo") from error


def decoded(content: bytes, kind: type[T]) -> T:
    """Return what is written in JSON. Raises msgspec.DecodeError or ValueError, which name the field."""
    found = msgspec.json.decode(content, type=kind)
    unknown = list(_unknown_fields(msgspec.json.decode(content), msgspec.to_builtins(found)))
    if unknown:
        raise ValueError(f"has no field {', '.join(unknown)}; a newer release may, or it is misspelt")
    return found


def _unknown_fields(stated: Any, known: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of fields in `stated` that `known`, which holds every field there is, does not have."""
    if isinstance(stated, dict) and isinstance(known, dict):
        for name, value in stated.items():
            if name in known:
                yield from _unknown_fields(value, known[name], f"{path}{name}.")
            else:
                yield path + name


def _read(path: Path, kind: type[T]) -> T:
    try:
        return decoded(read_bytes(path, _LARGEST), kind)
    except FileNotFoundError:
        raise ModelNotFoundError(f"{path}: no such file; reinstall edge-emo, or give the path of a card") from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise CardError(f"{path}: {error}") from error
