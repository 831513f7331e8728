"""A song as it is given and passed on: what CSV, JSON lines, a folder of files and other lists have in common."""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec
from msgspec import Meta

from edge_emo.core.emotions import EMOTIONS
from edge_emo.music.store import licenses, moods

Text = Annotated[str, Meta(max_length=2000)]
Name = Annotated[str, Meta(min_length=1, max_length=2000)]
Tags = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...], Meta(max_length=100)]
Balance = Annotated[float, Meta(ge=-1, le=1)]
Probability = Annotated[float, Meta(ge=0, le=1)]
Probabilities = tuple[
    Probability, Probability, Probability, Probability, Probability, Probability, Probability, Probability
]


class SongRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A song of which only title and artist, which may be empty, must be given.

    Lengths are in seconds, valence and arousal from -1 to 1. `probabilities` tell how far the song suits each of
    `EMOTIONS` and sum to 1. `duration_from`, `bpm_from` and `mood_from` say where each figure comes from; `path` is the
    place of its file on this machine.
    """

    title: Name
    artist: Text
    uid: Annotated[str, Meta(max_length=200)] = ""
    source: Text = "own"
    genre: Text = ""
    moods: Tags = ()
    instruments: Tags = ()
    duration_s: Annotated[float, Meta(ge=0, le=10_000_000)] | None = None
    duration_from: Text = ""
    bpm: Annotated[float, Meta(gt=0, le=1000)] | None = None
    bpm_from: Text = ""
    valence: Balance | None = None
    arousal: Balance | None = None
    probabilities: Probabilities | None = None
    mood_from: Text = ""
    license: Text = licenses.UNKNOWN
    license_url: Text = ""
    usage: Text = ""
    credit: Text | None = None
    link: Text = ""
    path: Annotated[str, Meta(max_length=4096)] | None = None


def complete(record: SongRecord) -> SongRecord:
    """Return the record with everything that follows from the rest: identifier, licence terms, credit, place.

    Raises ValueError where valence and arousal are not given together, or the probabilities do not sum to 1.
    """
    if (record.valence is None) != (record.arousal is None):
        raise ValueError("valence and arousal go together; give both or neither")
    if record.probabilities is not None and abs(sum(record.probabilities) - 1) > 1e-3:
        total = sum(record.probabilities)
        raise ValueError(f"the probabilities of the {len(EMOTIONS)} emotions add up to {total:.3f}, not 1")
    place, found_by = moods.mood_position(record.moods, record.genre, record.title)
    if record.valence is not None and record.arousal is not None:
        place = moods.MoodPosition(
            record.valence, record.arousal, moods.probabilities_near(record.valence, record.arousal)
        )
    if record.valence is not None or record.probabilities is not None:
        found_by = "given"
    name = record.license or licenses.UNKNOWN
    url = record.license_url or licenses.URLS.get(name, "")
    return msgspec.structs.replace(
        record,
        moods=tuple(dict.fromkeys(record.moods)),
        instruments=tuple(dict.fromkeys(record.instruments)),
        uid=record.uid or f"{record.source}:{digest(record)}",
        duration_from=record.duration_from or ("given" if record.duration_s is not None else ""),
        bpm_from=record.bpm_from or ("given" if record.bpm is not None else ""),
        valence=place.valence,
        arousal=place.arousal,
        probabilities=record.probabilities or place.probabilities,
        mood_from=record.mood_from or found_by,
        license=name,
        license_url=url,
        usage=record.usage or licenses.USAGES.get(name, ""),
        credit=record.credit
        or licenses.credit_line(name, url, record.title, record.artist, record.source, record.link),
    )


def digest(record: SongRecord) -> str:
    """Return what tells a song from others that have no identifier: 16 digits, from artist, title and path."""
    parts = "\0".join((record.artist, record.title, record.path or ""))
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:16]
