"""What python_speech_features computes by itself, as a front end of this package."""

from __future__ import annotations

import numpy as np

from edge_emo.audio.specification import FeatureSpec

SPEECH_FEATURES = FeatureSpec(
    frame_length=400,
    hop_length=160,
    window="rectangular",
    pre_emphasis=0.97,
    padding="end",
    power_scale=1 / 512,
    n_mels=26,
    mel_scale="htk",
    mel_norm="none",
    mel_edges="bins",
    log="ln",
    floor=float(np.finfo(float).eps),
    floor_zeros_only=True,
    n_mfcc=13,
    lifter=22,
    energy_as_c0=True,
)
"""What python_speech_features does by itself (`tests/audio/test_mfcc.py` compares the results)."""
