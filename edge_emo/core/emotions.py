"""The eight emotions, their place on the circumplex, and the label maps of other corpora."""

from __future__ import annotations

from typing import Final

EMOTIONS: Final = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
"""The order of every probability vector in the package: that of RAVDESS."""

UNCERTAIN: Final = "uncertain"
"""The decision where no emotion is sure enough."""

VALENCE_AROUSAL: Final[dict[str, tuple[float, float]]] = {
    "neutral": (0.0, 0.0),
    "calm": (0.4, -0.6),
    "happy": (0.8, 0.5),
    "sad": (-0.65, -0.5),
    "angry": (-0.6, 0.8),
    "fearful": (-0.65, 0.55),
    "disgust": (-0.65, 0.2),
    "surprised": (0.25, 0.75),
}
"""Valence and arousal of each emotion, both from -1 to 1, placed after Russell (1980), A circumplex model of
affect, J. Pers. Soc. Psychol. 39(6)."""

RAVDESS_CODES: Final = {f"{i + 1:02d}": name for i, name in enumerate(EMOTIONS)}
"""Third field of a RAVDESS file name."""

EMODB_CODES: Final = {
    "W": "angry",
    "F": "happy",
    "N": "neutral",
    "T": "sad",
    "A": "fearful",
    "E": "disgust",
}
"""Sixth letter of an EMO-DB file name; L, boredom, has no counterpart here."""

SYNONYMS: Final = {
    "anger": "angry",
    "fear": "fearful",
    "happiness": "happy",
    "sadness": "sad",
    "surprise": "surprised",
}
"""Names that FER2013, AffectNet and others give these emotions."""

_NEAREST: Final = {"contempt": "disgust"}
"""The emotion as which others are read that networks tell apart and this package does not."""


def emotion_of(label: str) -> str | None:
    """Return the emotion as which an output of that label is read, None for no known one."""
    return label if label in EMOTIONS else _NEAREST.get(label)
