"""One colour for each emotion, in every picture that is drawn."""

from __future__ import annotations

from typing import Final

from edge_emo.core.emotions import UNCERTAIN

Color = tuple[int, int, int]

COLORS: Final[dict[str, Color]] = {
    "neutral": (158, 158, 158),
    "calm": (102, 187, 106),
    "happy": (255, 193, 7),
    "sad": (66, 133, 244),
    "angry": (219, 68, 55),
    "fearful": (142, 68, 173),
    "disgust": (121, 134, 40),
    "surprised": (255, 112, 167),
    UNCERTAIN: (224, 224, 224),
}
"""Red, green and blue, 0 to 255."""
