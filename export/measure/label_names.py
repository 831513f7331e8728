"""`--labels`: what each output of a network is read as, and which of them a converted file keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge_emo.core.emotions import EMOTIONS, SYNONYMS, emotion_of

DROPPED = "-"


class LabelError(ValueError):
    """Labels that cannot be understood. The text says which, and what can be written."""


@dataclass(frozen=True)
class Labels:
    """The outputs of a network in their order: `names` as its maker calls them, and as what each is read.

    `read_as` is an emotion, or `DROPPED` for an output that a converted file leaves out.
    """

    names: tuple[str, ...] = ()
    read_as: tuple[str, ...] = ()

    @property
    def kept(self) -> tuple[int, ...] | None:
        """The places of the outputs that are kept, None for all of them."""
        places = tuple(place for place, emotion in enumerate(self.read_as) if emotion != DROPPED)
        return None if len(places) == len(self.read_as) else places

    @property
    def emotions(self) -> list[str]:
        """The emotion of each output that is kept."""
        return [emotion for emotion in self.read_as if emotion != DROPPED]

    @property
    def by_name(self) -> Mapping[str, str]:
        """What each name is read as, in small letters."""
        return dict(zip(self.names, self.read_as, strict=True))


def parsed(text: str) -> Labels:
    """Return the labels in a list with commas, as "angry,boredom=neutral,gender=-". Raises LabelError."""
    names, read_as = [], []
    for part in filter(None, (part.strip().lower() for part in text.split(","))):
        name, is_mapped, emotion = (piece.strip() for piece in part.partition("="))
        emotion = emotion if is_mapped else name
        names.append(name)
        read_as.append(SYNONYMS.get(emotion, emotion))
    unknown = [name for name, emotion in zip(names, read_as, strict=True) if not _is_known(emotion)]
    if unknown:
        one = unknown[0]
        raise LabelError(
            f"--labels holds {', '.join(unknown)}; known are {', '.join(EMOTIONS)}. Write {one}=neutral to read that "
            f"output as neutral, or {one}={DROPPED} to leave it out"
        )
    return Labels(tuple(names), tuple(read_as))


def _is_known(emotion: str) -> bool:
    return emotion == DROPPED or emotion_of(emotion) is not None
