"""Songs over the time of a film: what it is, and its cues by what was found in it, by one mood, or as edited."""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from edge_emo.analysis.modalities import took
from edge_emo.core.errors import MediaError
from edge_emo.core.text import printable
from edge_emo.core.timeline import Timeline
from edge_emo.media.demuxer import Demuxer
from edge_emo.media.sources import kind
from edge_emo.music.ranking.cues import Cue, EditedCue, over, plan, revised
from edge_emo.music.ranking.recommend import Recommender
from edge_emo.music.ranking.regions import CueRegion, Gaps
from edge_emo.music.store.filters import Filters

if TYPE_CHECKING:
    from edge_emo.media.playback import Part

_PADDED_S = 1.0  # codecs pad the last frame of a sound, and headers round; a film that is cut off lacks more


@dataclass(frozen=True)
class Footage:
    """A film or a recording: how long it is, whether it has sound, and what was found in it, if that was asked."""

    source: str
    duration_s: float
    has_sound: bool
    timeline: Timeline | None = None


def analyzed(timeline: Timeline, *, listened: bool, stated_s: float | None = None) -> Footage:
    """Return the footage a timeline is of; where nobody `listened` to it, it is taken to have sound.

    It is as long as its header states (`stated_s`), unless what was read of it says otherwise.
    """
    if stated_s is not None and abs(stated_s - timeline.duration_s) < _PADDED_S:
        timeline = replace(timeline, duration_s=stated_s)
    return Footage(timeline.source, timeline.duration_s, took(timeline, "sound") or not listened, timeline)


def stated_length(name: str, film: Demuxer) -> float | None:
    """Return the length in seconds that a film or a recording states, None where a part of it states none.

    The demuxer stays open, to be read.
    """
    if importlib.util.find_spec("av") is None or kind(name, film.source) == "picture":
        return None  # without PyAV an `ffmpeg` would be started, and states nothing
    lengths, _ = _stated_lengths(name, film, has_picture=kind(name, film.source) == "film")
    return max(lengths.values()) if lengths and all(lengths.values()) else None


def stated(name: str, film: Demuxer | None = None) -> Footage:
    """Return what a film or a recording says of itself; a length it does not say is counted. Raises MediaError.

    `film` is the demuxer of a film that was opened before.
    """
    from edge_emo.media.film import Frame
    from edge_emo.media.playback import Playback
    from edge_emo.media.sound import SAMPLE_RATE

    film = film or Demuxer(name)
    found = kind(name, film.source)
    if found == "picture":
        raise MediaError(f"{printable(name)}: a still picture cannot be scored; name a film or a recording")
    lengths, failures = _stated_lengths(name, film, has_picture=found == "film")
    film.close()
    unstated = {part for part, length_s in lengths.items() if not length_s}
    if unstated:
        playback = Playback(
            name, Demuxer(name, film.source), has_sound="sound" in unstated, has_picture="picture" in unstated
        )
        for item in playback:
            if isinstance(item, Frame):
                lengths["picture"] = max(lengths["picture"], item.end_s)
            else:
                lengths["sound"] += len(item) / SAMPLE_RATE
        failures += playback.failures.values()
        lengths = {part: length_s for part, length_s in lengths.items() if part not in playback.failures}
    if not lengths:
        raise failures[0]
    return Footage(printable(name), max(lengths.values()), "sound" in lengths)


def _stated_lengths(name: str, film: Demuxer, *, has_picture: bool) -> tuple[dict[Part, float], list[MediaError]]:
    """Return the lengths that sound and picture state, 0 where they state none, and why one cannot be read."""
    from edge_emo.media.film import Film
    from edge_emo.media.sound import Sound

    lengths: dict[Part, float] = {}
    failures: list[MediaError] = []
    try:
        lengths["sound"] = Sound(name, film.source, film=film).stated_s or 0.0
    except MediaError as error:
        failures.append(error)
    if has_picture:
        try:
            lengths["picture"] = Film(name, source=film.source, film=film).stated_s or 0.0
        except MediaError as error:
            failures.append(error)
    return lengths, failures


@dataclass(frozen=True)
class Scoring:
    """How songs are laid over a film: by what is found in it, or by one `mood`, or keeping the cues `edited` before.

    With `edited`, the cues whose numbers are in `another` get other songs.
    """

    recommender: Recommender
    seed: int
    filters: Filters
    min_region_s: float
    crossfade_s: float
    gaps: Gaps = "join"
    mood: str | None = None
    edited: Sequence[EditedCue] | None = None
    another: Collection[int] = ()

    @property
    def needs_timeline(self) -> bool:
        """Whether a film must be looked at and listened to; else what it states of itself is enough."""
        return self.mood is None and self.edited is None

    def cues(self, footage: Footage) -> list[Cue]:
        """Return the cues of a film. Raises what `plan`, `over` and `revised` do."""
        songs: dict[str, Any] = {"crossfade_s": self.crossfade_s, "filters": self.filters, "seed": self.seed}
        if self.edited is not None:
            return revised(self.edited, self.recommender, duration_s=footage.duration_s, another=self.another, **songs)
        if self.mood is not None:
            whole = [CueRegion.of_mood(self.mood, 0.0, footage.duration_s)]
            return over(whole, self.recommender, min_region_s=self.min_region_s, **songs)
        if footage.timeline is None:
            raise ValueError(f"{footage.source}: was not analyzed; give a mood, cues or a timeline")
        return plan(footage.timeline, self.recommender, min_region_s=self.min_region_s, gaps=self.gaps, **songs)
