"""What somebody should know of the cues of a film: songs under other licences, silence, regions that were joined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from edge_emo.app.scoring import Footage, Scoring
from edge_emo.core.timeline import Timeline
from edge_emo.music.ranking.cues import TOUCHING_S, Cue, EditedCue
from edge_emo.music.ranking.regions import MIN_REGION_S, regions
from edge_emo.music.store.licenses import is_cc_by

_SHORTER_S: Final = (15.0, 10.0, 8.0, 5.0, 3.0)
"""Lengths of regions to suggest, the longest first."""

_LONG_S: Final = 600.0
"""In a longer film some scene is always shorter than a song should be."""

_LEAST_SILENCE_S: Final = 0.5  # at the start and the end of a film


def notes(scoring: Scoring, footage: Footage, cues: Sequence[Cue]) -> Iterator[str]:
    """Yield a sentence for each thing to know of the `cues` of a film."""
    if scoring.edited is not None:
        yield from _other_licenses(scoring.edited, cues)
        yield from _silences(footage, cues)
    elif footage.timeline is not None and scoring.gaps == "join" and scoring.min_region_s == MIN_REGION_S:
        yield from _joined(footage.timeline)


def _other_licenses(edited: Sequence[EditedCue], cues: Sequence[Cue]) -> Iterator[str]:
    """Yield which songs are not under CC BY where all of the sheet were."""
    before = [cue.license for cue in edited if cue.license]
    if before and all(map(is_cc_by, before)):
        for number, cue in enumerate(cues, start=1):
            if not is_cc_by(cue.song.license):
                yield (
                    f"cue {number}: {cue.song.title} is under another licence ({cue.song.license}) than the songs of "
                    "the sheet, which were all CC BY; --license cc-by keeps new songs to it"
                )


def _silences(footage: Footage, cues: Sequence[Cue]) -> Iterator[str]:
    """Yield where no music is heard over an edited film."""
    edges = [0.0, *(time_s for cue in cues for time_s in (cue.start_s, cue.end_s)), footage.duration_s]
    gaps = list(zip(edges[::2], edges[1::2], strict=True))
    least = [_LEAST_SILENCE_S, *[TOUCHING_S] * (len(gaps) - 2), _LEAST_SILENCE_S]
    silent = [f"{a:.1f} to {b:.1f} s" for (a, b), least_s in zip(gaps, least, strict=True) if b - a >= least_s]
    if silent:
        yield f"{footage.source}: no music from {', '.join(silent)}, as no cue covers it"


def _joined(timeline: Timeline) -> Iterator[str]:
    """Yield how many regions a film has at the usual shortest length, where shorter ones would be more."""
    if timeline.duration_s > _LONG_S:
        return
    n_regions = len(regions(timeline))
    for shorter_s in _SHORTER_S:
        n_shorter = len(regions(timeline, shorter_s))
        if n_shorter > n_regions:
            yield (
                f"{timeline.source}: regions shorter than {MIN_REGION_S:g} s were joined to their neighbours; "
                f"--min-stretch {shorter_s:g} gives {n_shorter} regions, not {n_regions}"
            )
            return
