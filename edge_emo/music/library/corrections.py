"""Moods, genres and titles that were corrected in a list: the figures that followed from the old ones are left out."""

from __future__ import annotations

from math import isclose

import msgspec

from edge_emo.core.errors import SongNotFoundError
from edge_emo.music.store.catalogue import Catalogue
from edge_emo.music.store.moods import FOUND_BY, MoodPosition, mood_position
from edge_emo.music.store.record import SongRecord
from edge_emo.music.store.song import Song

_NEAR = 1e-6  # spreadsheets round


def corrected(record: SongRecord, known: Catalogue) -> SongRecord:
    """Return a record without its figures where they are those of the known song, but mood, genre or title are not.

    They are worked out anew when it is written, as are those that were emptied. Figures that were changed as well, or
    were given in the first place, stay.
    """
    if record.valence is None and record.probabilities is None and record.mood_from in FOUND_BY:
        return msgspec.structs.replace(record, mood_from="")
    tags = (record.moods, record.genre, record.title)
    if not record.uid or _has_figures(record, mood_position(*tags)[0]):
        return record
    try:
        stored = known.song(record.uid)
    except SongNotFoundError:
        return record
    is_changed = tags != (stored.moods, stored.genre, stored.title)
    if is_changed and stored.mood_from in FOUND_BY and _has_figures(record, stored):
        return msgspec.structs.replace(record, valence=None, arousal=None, probabilities=None, mood_from="")
    return record


def _has_figures(record: SongRecord, place: MoodPosition | Song) -> bool:
    """Return whether those figures that are given are these."""
    given = [record.valence, record.arousal, *(record.probabilities or [None] * len(place.probabilities))]
    known = [place.valence, place.arousal, *place.probabilities]
    return all(one is None or isclose(one, other, abs_tol=_NEAR) for one, other in zip(given, known, strict=True))
