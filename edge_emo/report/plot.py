"""A picture of a timeline: emotions as bands over the film's frames and its sound, valence and arousal below."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from edge_emo.analysis.modalities import taking, took
from edge_emo.app.excerpts import N_COLUMNS, N_FRAMES, Excerpts, Thumbnail
from edge_emo.core.errors import DecoderMissingError
from edge_emo.core.text import to_install
from edge_emo.core.timeline import Timeline
from edge_emo.face.detector import Box
from edge_emo.media.pictures import Pixels
from edge_emo.report.colors import COLORS
from edge_emo.report.scenes import Scenes
from edge_emo.report.text import found

PROPORTION = 0.85
"""Width of a thumbnail over its height."""
_DISAGREE = "///"


def formats() -> frozenset[str]:
    """Return the formats that `draw` knows, such as "png". Raises DecoderMissingError without Matplotlib."""
    if importlib.util.find_spec("matplotlib") is None:
        raise DecoderMissingError(f"a plot needs Matplotlib; {to_install('plot')}")
    from matplotlib.backend_bases import FigureCanvasBase

    return frozenset(FigureCanvasBase.get_supported_filetypes())


def draw(timeline: Timeline, excerpts: Excerpts, out: BinaryIO, format: str) -> None:
    """Write a picture of `timeline` to a stream, in one of `formats`; `excerpts` are those of its source.

    Raises DecoderMissingError without Matplotlib, ValueError for another format, and what the stream does.
    """
    if format not in formats():
        raise ValueError(f"format is {format!r}; known are {', '.join(sorted(formats()))}")
    from matplotlib.figure import Figure

    rows: list[tuple[str, float]] = [("emotions", 0.4 * len(timeline.by_modality))]
    if took(timeline, "picture"):
        rows.append(("frames", 1.0))
    if took(timeline, "sound"):
        rows.append(("sound", 1.0))
    rows.append(("place", 1.4))
    figure = Figure(figsize=(12, 1.6 * sum(height for _, height in rows)), layout="constrained")
    ratios = [height for _, height in rows]
    axes = figure.subplots(len(rows), sharex=True, squeeze=False, height_ratios=ratios)[:, 0]
    draws: dict[str, Callable[..., None]]
    draws = {"emotions": _emotions, "frames": _frames, "sound": _sound, "place": _place}
    for (row, _), axis in zip(rows, axes, strict=True):
        draws[row](axis, timeline, excerpts)
        if row != "emotions":
            for segment in timeline.segments:
                color = _color(segment.emotion)
                axis.axvspan(segment.start_s, segment.end_s, color=color, alpha=0.18, linewidth=0, zorder=0)
    axes[0].set_title(
        f"{Path(timeline.source).name}: {found(timeline.summary, among=timeline.by_modality)}", loc="left"
    )
    axes[-1].set_xlim(0, timeline.duration_s)
    axes[-1].set_xlabel("seconds")
    figure.legend(handles=_key(timeline), loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    figure.savefig(out, format=format, dpi=110)


def _key(timeline: Timeline) -> list[Any]:
    """Return what the colours stand for, those that are drawn."""
    from matplotlib.patches import Patch

    drawn = {segment.emotion for segment in timeline.segments}
    if len(timeline.by_modality) > 1:
        drawn |= {reading.emotion for reading in timeline.readings if reading.is_main}
    key = [Patch(facecolor=_color(emotion), label=emotion) for emotion in COLORS if emotion in drawn]
    if any(segment.reason == "modalities_disagree" for segment in timeline.segments):
        key.append(
            Patch(
                facecolor="white",
                edgecolor="0.3",
                hatch=_DISAGREE,
                label=f"{' and '.join(timeline.by_modality)} disagree",
            )
        )
    return key


def _color(emotion: str) -> tuple[float, float, float]:
    red, green, blue = COLORS[emotion]
    return red / 255, green / 255, blue / 255


def _emotions(axis: Any, timeline: Timeline, excerpts: Excerpts) -> None:
    """Draw a band for what the modalities are together, below it one for the readings of each if there are several."""
    bands = ["together", *(timeline.by_modality if len(timeline.by_modality) > 1 else ())]
    for segment in timeline.segments:
        hatch = _DISAGREE if segment.reason == "modalities_disagree" else None
        place = (segment.start_s, segment.end_s, 1 - 1 / len(bands), 1)
        axis.axvspan(*place, facecolor=_color(segment.emotion), edgecolor="0.3", hatch=hatch, linewidth=0)
        if segment.end_s - segment.start_s > timeline.duration_s / 14:
            middle = (segment.start_s + segment.end_s) / 2
            axis.text(middle, len(bands) - 0.5, segment.emotion, ha="center", va="center", fontsize=9)
    for row, name in enumerate(bands[1:], start=1):
        readings = [reading for reading in timeline.readings if reading.modality == name and reading.is_main]
        spans = [(reading.start_s, reading.duration_s) for reading in readings]
        colors = [_color(reading.emotion) for reading in readings]
        axis.broken_barh(spans, (len(bands) - row - 0.9, 0.8), facecolors=colors, linewidth=0)
    axis.set_ylim(0, len(bands))
    axis.set_yticks([len(bands) - 0.5 - row for row in range(len(bands))], bands if bands[1:] else [""])
    axis.tick_params(axis="y", length=0)


def _frames(axis: Any, timeline: Timeline, excerpts: Excerpts) -> None:
    width = timeline.duration_s / excerpts.n_frames
    scenes = Scenes(timeline)
    for frame in excerpts.frames:
        start_s = int(frame.start_s / width + 1e-6) * width
        main = [reading.box for reading in scenes.faces(frame.start_s) if reading.is_main]
        picture = _part(frame, PROPORTION * N_FRAMES / excerpts.n_frames, next(iter(main), None))
        axis.imshow(picture, extent=(start_s, start_s + 0.98 * width, 0, 1), aspect="auto", zorder=1)
    axis.set_ylim(0, 1)
    axis.set_yticks([])


def _part(frame: Thumbnail, proportion: float, face: Box | None) -> Pixels:
    """Return the part of a frame around a face, or its middle, in a proportion of width to height."""
    height, width = frame.picture.shape[:2]
    across, down = min(width, round(height * proportion)), min(height, round(width / proportion))
    x, y = width / 2, height / 2
    if face is not None:
        x, y = (face[0] + face[2]) / 2 / frame.step, (face[1] + face[3]) / 2 / frame.step
    left, top = int(np.clip(x - across / 2, 0, width - across)), int(np.clip(y - down / 2, 0, height - down))
    return frame.picture[top : top + down, left : left + across]


def _sound(axis: Any, timeline: Timeline, excerpts: Excerpts) -> None:
    if excerpts.envelope is not None:
        low, high = excerpts.envelope
        axis.fill_between(np.linspace(0, timeline.duration_s, N_COLUMNS), low, high, color="0.25", linewidth=0)
        limit = max(1e-3, float(np.abs([low, high]).max())) * 1.1
        axis.set_ylim(-limit, limit)
    axis.set_yticks([])
    axis.set_ylabel(" and ".join(taking("sound", timeline.by_modality)))


def _place(axis: Any, timeline: Timeline, excerpts: Excerpts) -> None:
    times = [(step.start_s + step.end_s) / 2 for step in timeline.steps]
    gaps = np.diff(times, prepend=times[:1]) > 1.0
    for name, color in (("valence", "#1a73e8"), ("arousal", "#d93025")):
        values = np.array([getattr(step, name) for step in timeline.steps], float)
        axis.plot(
            np.insert(times, np.flatnonzero(gaps), np.nan),
            np.insert(values, np.flatnonzero(gaps), np.nan),
            color=color,
            label=name,
            marker="." if len(times) < 4 else None,
        )
    axis.axhline(0, color="0.7", linewidth=0.8)
    axis.set_ylim(-1, 1)
    axis.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, fontsize=8, frameon=False)
