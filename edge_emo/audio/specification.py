"""How features of sound are made, as a model card states it: the specification of the front end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

LARGEST_WINDOW: Final = 50_000_000
"""Samples, or numbers that a network is given, that are held at a time: 200 MB."""

_LARGEST_OF = {
    "sample_rate": 384_000, "frame_length": 1 << 16, "hop_length": 1 << 16, "n_fft": 1 << 15, "n_mels": 512,
    "delta_width": 100,
}  # fmt: skip
_LARGEST = 1e9  # that networks of float32 can count with
_SMALLEST = 1e-9  # to divide by


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
    pre_emphasis: float = 0.0
    padding: Literal["none", "end", "center"] = "none"
    power_scale: float = 1.0
    n_mels: int = 80
    f_min: float = 0.0
    f_max: float = 8000.0
    mel_scale: Literal["htk", "slaney"] = "slaney"
    mel_norm: Literal["none", "area"] = "area"
    mel_edges: Literal["exact", "bins"] = "exact"
    log: Literal["ln", "db"] = "db"
    floor: float = 1e-10
    floor_zeros_only: bool = False
    top_db: float | None = None
    n_mfcc: int = 0
    lifter: int = 0
    energy_as_c0: bool = False
    deltas: int = 0
    delta_width: int = 2

    def __post_init__(self) -> None:
        for name, most in _LARGEST_OF.items():
            if not 1 <= getattr(self, name) <= most:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1 and at most {most}")
        _check("pre_emphasis", self.pre_emphasis)
        _check("power_scale", self.power_scale, _SMALLEST)
        _check("top_db", self.top_db or 0.0, 0, 1000)
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
    range_db: tuple[float, float] = (-50.0, 25.0)
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            if len(getattr(self, name)) not in (1, self.features.n_features):
                raise ValueError(
                    f"{name} has {len(getattr(self, name))} values; "
                    f"1 or one for each of the {self.features.n_features} features are possible"
                )
        for name, least in (("mean", -_LARGEST), ("range_db", -_LARGEST), ("std", _SMALLEST)):
            for value in getattr(self, name):
                _check(name, value, least)
        if self.range_db[0] >= self.range_db[1]:
            raise ValueError(f"range_db is {list(self.range_db)}; it goes from a smaller to a larger number")
        if self.frames < 1 or max(self.frames * self.features.n_features, self.n_samples) > LARGEST_WINDOW:
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


def _check(name: str, value: float, least: float = -_LARGEST, most: float = _LARGEST) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} is {value}; it must lie between {least:g} and {most:g}")
