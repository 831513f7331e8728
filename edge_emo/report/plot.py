"""A picture of a timeline: emotions as bands over the film's frames and its sound, valence and arousal below."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emo.errors import DecoderMissingError, MediaError
from edge_emo.pictures import Film, Pixels
from edge_emo.report.colours import COLOURS
from edge_emo.timeline import Timeline

N_THUMBNAILS = 10
PROPORTION = 0.85
"""Width of a thumbnail over its height."""
N_COLUMNS = 2000
"""Of the waveform."""


def draw(timeline: Timeline, source: str | os.PathLike[str], path: Path) -> None:
    """Write a picture of `timeline`, made from `source`, in the format that the name of `path` ends in.

    Raises DecoderMissingError without Matplotlib, and MediaError where it cannot be written or there is no time.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise DecoderMissingError("a plot needs Matplotlib; pip install 'edge-emo[plot]'")
    if timeline.duration_s <= 0:
        raise MediaError(f"{timeline.source}: a still has no time to draw; use --annotate")
    from matplotlib.figure import Figure

    rows: list[tuple[str, float]] = [("emotions", 0.8 if timeline.voice and timeline.face else 0.4)]
    if timeline.face is not None:
        rows.append(("frames", 1.0))
    if timeline.voice is not None:
        rows.append(("sound", 1.0))
    rows.append(("place", 1.4))
    figure = Figure(figsize=(12, 1.6 * sum(height for _, height in rows)), layout="constrained")
    ratios = [height for _, height in rows]
    axes = figure.subplots(len(rows), sharex=True, squeeze=False, height_ratios=ratios)[:, 0]
    for (row, _), axis in zip(rows, axes, strict=True):
        {"emotions": _emotions, "frames": _frames, "sound": _sound, "place": _place}[row](axis, timeline, source)
        if row != "emotions":
            for segment in timeline.segments:
                colour = _colour(segment.emotion)
                axis.axvspan(segment.start_s, segment.end_s, color=colour, alpha=0.18, linewidth=0, zorder=0)
    axes[0].set_title(f"{Path(timeline.source).name}: {timeline.summary.emotion or 'nothing found'}", loc="left")
    axes[-1].set_xlim(0, timeline.duration_s)
    axes[-1].set_xlabel("seconds")
    try:
        figure.savefig(path, dpi=110)
    except (OSError, ValueError) as error:
        raise MediaError(f"{path}: cannot be written ({error}); end the name in .png, .svg or .pdf") from error


def _colour(emotion: str) -> tuple[float, ...]:
    return tuple(value / 255 for value in COLOURS[emotion])


def _emotions(axis: Any, timeline: Timeline, source: str | os.PathLike[str]) -> None:
    """Draw a band for what voice and face are together, below it one for each where there are both."""
    bands = ["together", "voice", "face"] if timeline.voice and timeline.face else ["together"]
    for segment in timeline.segments:
        axis.axvspan(segment.start_s, segment.end_s, 1 - 1 / len(bands), 1, color=_colour(segment.emotion), linewidth=0)
        if segment.end_s - segment.start_s > timeline.duration_s / 14:
            middle = (segment.start_s + segment.end_s) / 2
            axis.text(middle, len(bands) - 0.5, segment.emotion, ha="center", va="center", fontsize=9)
    for row, name in enumerate(bands[1:], start=1):
        found = [moment for moment in timeline.moments if getattr(moment, name)]
        spans = [(moment.start_s, moment.end_s - moment.start_s) for moment in found]
        colours = [_colour(getattr(moment, name)) for moment in found]
        axis.broken_barh(spans, (len(bands) - row - 0.9, 0.8), facecolors=colours, linewidth=0)
    axis.set_ylim(0, len(bands))
    axis.set_yticks([len(bands) - 0.5 - row for row in range(len(bands))], bands if bands[1:] else [""])
    axis.tick_params(axis="y", length=0)


def _frames(axis: Any, timeline: Timeline, source: str | os.PathLike[str]) -> None:
    width = timeline.duration_s / N_THUMBNAILS
    try:
        for frame in Film(source, fps=min(5.0, N_THUMBNAILS / timeline.duration_s)):
            place = (frame.start_s, min(frame.start_s + width * 0.97, timeline.duration_s), 0, 1)
            axis.imshow(_middle(frame.picture), extent=place, aspect="auto", zorder=1)
    except MediaError:
        pass  # what could be decoded is drawn; the timeline says what could not
    axis.set_ylim(0, 1)
    axis.set_yticks([])


def _middle(picture: Pixels) -> Pixels:
    """Return the middle of a frame, in the proportion of a thumbnail, small."""
    height, width = picture.shape[:2]
    across, down = min(width, round(height * PROPORTION)), min(height, round(width / PROPORTION))
    left, top = (width - across) // 2, (height - down) // 2
    step = max(1, across // 150)
    return picture[top : top + down : step, left : left + across : step]


def _sound(axis: Any, timeline: Timeline, source: str | os.PathLike[str]) -> None:
    low, high = _envelope(source, timeline.duration_s)
    times = np.linspace(0, timeline.duration_s, N_COLUMNS)
    axis.fill_between(times, low, high, color="0.25", linewidth=0)
    limit = max(1e-3, float(np.abs([low, high]).max())) * 1.1
    axis.set_ylim(-limit, limit)
    axis.set_yticks([])
    axis.set_ylabel("voice")


def _envelope(source: str | os.PathLike[str], duration_s: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from edge_emo.media import SAMPLE_RATE, Sound

    low, high = np.zeros(N_COLUMNS), np.zeros(N_COLUMNS)
    start = 0
    for block in Sound(source):
        place = (np.arange(start, start + len(block)) / SAMPLE_RATE / duration_s * N_COLUMNS).astype(int)
        place = np.minimum(place, N_COLUMNS - 1)
        np.minimum.at(low, place, block)
        np.maximum.at(high, place, block)
        start += len(block)
    return low, high


def _place(axis: Any, timeline: Timeline, source: str | os.PathLike[str]) -> None:
    times = [(moment.start_s + moment.end_s) / 2 for moment in timeline.moments]
    gaps = np.diff(times, prepend=times[:1]) > 1.0
    for name, colour in (("valence", "#1a73e8"), ("arousal", "#d93025")):
        values = np.array([getattr(moment, name) for moment in timeline.moments], float)
        axis.plot(
            np.insert(times, np.flatnonzero(gaps), np.nan),
            np.insert(values, np.flatnonzero(gaps), np.nan),
            color=colour,
            label=name,
            marker="." if len(times) < 4 else None,
        )
    axis.axhline(0, color="0.7", linewidth=0.8)
    axis.set_ylim(-1, 1)
    axis.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, fontsize=8, frameon=False)
