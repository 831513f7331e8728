"""Songs as values: one with all that is known of it, and all of a catalogue as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Key(NamedTuple):
    """Where a song is kept: in which of a catalogue's files, counted from 0, and in which row of it."""

    file: int
    id: int


KEYS = np.dtype([("file", np.int8), ("id", np.int64)])
"""Of an array of keys."""
Keys = NDArray[np.void]


@dataclass(frozen=True)
class Song:
    """A song, how it may be used, and where it is.

    `valence` and `arousal` lie between -1 and 1; `probabilities` tell how far it suits each of `EMOTIONS` and sum to 1.
    `duration_from`, `bpm_from` and `mood_from` say where each figure comes from. `path` is its file on this machine,
    of several copies the first by name. `find` says how to find a song for which `link` is at best its artist's page.
    """

    uid: str
    title: str
    artist: str
    genre: str
    moods: tuple[str, ...]
    instruments: tuple[str, ...]
    duration_s: float | None
    bpm: float | None
    valence: float
    arousal: float
    license: str
    license_url: str
    usage: str
    credit: str | None
    link: str
    source: str
    path: str | None
    duration_from: str
    bpm_from: str
    mood_from: str
    probabilities: tuple[float, ...]
    find: str | None = None


@dataclass(frozen=True)
class CatalogueInfo:
    """What a catalogue holds."""

    path: str
    schema_version: int
    songs: int
    artists: int
    by_license: dict[str, int]
    by_source: dict[str, int]
    by_emotion: dict[str, int]


@dataclass(frozen=True)
class Ranked:
    """What ranking needs of every song, in the order of the songs' `keys`, which ascend.

    `places` is (2, songs): valence and arousal; `probabilities` (8, songs); `contradictions` (8, songs) is true where a
    tag or the title contradicts an emotion; `trust`, 0 to 1, how much is known of a song's place. `artists`, `genres`
    and `moods` are places in `names`; the moods of song i are `moods[mood_starts[i] : mood_starts[i + 1]]`.
    """

    keys: Keys
    places: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    contradictions: NDArray[np.bool_]
    artists: NDArray[np.int32]
    genres: NDArray[np.int32]
    trust: NDArray[np.float32]
    moods: NDArray[np.int32]
    mood_starts: NDArray[np.int64]
    names: list[str]
