"""How networks are trained: by AdamW on one cycle (Smith 2018)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class VoiceRecipe:
    """How a voice network is trained: mixup, smoothed labels."""

    epochs: int
    batch_size: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 2e-2
    smoothing: float = 0.1
    mixup: float = 0.3
    augment: bool = True
    elsewhere: int = 0
    """How often each clip is recorded elsewhere before the training."""
    teacher: float = 0.6
    """Share of the teacher's answer in a target, where there is a teacher."""
    temperature: float = 1.0
    """Of the teacher's answers."""
    decay: float = 1e-2
    """Of the teacher's weights."""
    blend: float = 1.0
    """Of a refined network, how far its weights go from the old ones to the new (Wortsman et al. 2022)."""


@dataclass(frozen=True)
class FaceRecipe:
    """How a face network is trained; targets are the shares of the votes."""

    epochs: int
    batch_size: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    ema: float = 0.999


@dataclass(frozen=True)
class DetectorRecipe:
    """How a detector is trained, its last part (`without_mosaic`) on photos as they are met."""

    epochs: int = 100
    size: int = 256
    batch_size: int = 16
    learning_rate: float = 4e-3
    weight_decay: float = 1e-2
    ema: float = 0.9995
    without_mosaic: float = 0.1
