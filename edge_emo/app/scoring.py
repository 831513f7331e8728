"""Songs over the time of a film: what it is, and its cues by what was found in it, by one mood, or as edited."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from edge_emo.core.errors import MediaError
from edge_emo.core.text import printable
from edge_emo.core.timeline import Timeline
from edge_emo.music.ranking.cues import Cue, EditedCue, over, plan, revised
from edge_emo.music.ranking.recommend import Recommender
from edge_emo.music.ranking.regions import CueRegion, Gaps
from edge_emo.music.store.filters import Filters


@dataclass(frozen=True)
class Footage:
    """A film or a recording: how long it is, whether it has sound, and what was found in it, if that was asked."""

    source: str
    duration_s: float
    has_sound: bool
    timeline: Timeline | None = None


def analyzed(timeline: Timeline, *, voice: bool) -> Footage:
    """Return the footage a timeline is of; where no `voice` was looked for in it, it is taken to have sound."""
    return Footage(timeline.source, timeline.duration_s, timeline.voice is not None or not voice, timeline)


def stated(name: str) -> Footage:
    """Return what a film or a recording says of itself; a length it does not say is counted. Raises MediaError."""
    from edge_emo.media.film import Film
    from edge_emo.media.sound import SAMPLE_RATE, Sound
    from edge_emo.media.sources import kind, opened

    source = opened(name)
    found = kind(name, source)
    if found == "picture":
        raise MediaError(f"{printable(name)}: a still picture cannot be scored; name a film or a recording")
    lengths: dict[str, float] = {}
    failure: MediaError | None = None
    try:
        sound = Sound(name, source)
        lengths["sound"] = sound.stated_s or sum(len(block) for block in sound) / SAMPLE_RATE
    except MediaError as error:
        failure = error
    if found == "film":
        try:
            film = Film(name, source=source)
            lengths["picture"] = film.stated_s or max(frame.end_s for frame in film)
        except MediaError as error:
            failure = failure or error
    if not lengths and failure is not None:
        raise failure
    return Footage(printable(name), max(lengths.values()), "sound" in lengths)


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
            raise ValueError(f"{footage.source}: was not analysed; give a mood, cues or a timeline")
        return plan(footage.timeline, self.recommender, min_region_s=self.min_region_s, gaps=self.gaps, **songs)
