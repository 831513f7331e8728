"""SubRip subtitles: what holds when, to lay over a film."""

from __future__ import annotations

from edge_emo.core.errors import MediaError
from edge_emo.core.timeline import Segment, Timeline


def subtitles(timeline: Timeline) -> str:
    """Return a cue for each segment, in the SubRip format; nothing where nothing was found. Raises MediaError."""
    if timeline.duration_s <= 0:
        raise MediaError(f"{timeline.source}: a still has no time for subtitles; leave --srt out")
    cues = [
        f"{number}\n{_clock(segment.start_s)} --> {_clock(segment.end_s)}\n{_text(segment)}\n"
        for number, segment in enumerate(timeline.segments, start=1)
        if segment.end_s > segment.start_s
    ]
    return "\n".join(cues)


def _text(segment: Segment) -> str:
    name = segment.emotion if segment.emotion == segment.raw else f"{segment.emotion} ({segment.raw})"
    doubt = ", voice and face disagree" if segment.reason == "modalities_disagree" else ""
    return f"{name} {max(segment.probabilities):.0%}{doubt}"


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d},{rest % 1000:03d}"
