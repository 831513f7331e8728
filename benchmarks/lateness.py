"""How late an emotion is found to change at a hard cut: smoothed by the past alone, both ways, and with the cuts known.

python -m benchmarks.lateness
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import click
import numpy as np

from benchmarks import environment
from benchmarks.media import unsmiling
from edge_emo.analysis.analyzer import Analyzer
from edge_emo.analysis.fusion import Fusion, segments
from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.timeline import Reading, Segment
from edge_emo.face.detector import Pixels

NEAR_S, LOOK_S = 2.5, 0.2
FILM_RATE, CUTS_S = 25, (5.2, 9.88, 15.0, 16.0, 21.32)
WAYS = ("past alone", "both ways", "both ways, cuts known")


def fused(readings: Sequence[Reading], cuts: Sequence[float], way: str, threshold: float) -> list[Segment]:
    """Return the segments of readings of faces, smoothed in one of the `WAYS`."""
    fusion = Fusion({"face": threshold}, causal=way == "past alone")
    known = cuts if way == "both ways, cuts known" else ()
    fusion.push(readings, known)
    return list(segments(fusion.steps(), threshold, known))


def lateness(found: Sequence[Segment], changes: Sequence[tuple[float, str]]) -> list[float | None]:
    """Return for each change how long after it its emotion begins to hold, None where that is not within `NEAR_S`."""
    late = []
    for at_s, emotion in changes:
        near = [s.start_s - at_s for s in found if s.emotion == emotion and abs(s.start_s - at_s) < NEAR_S]
        late.append(min(near, key=abs, default=None))
    return late


def made_up(rng: np.random.Generator) -> tuple[list[Reading], list[tuple[float, str]]]:
    """Return the readings of six shots of 3 to 8 s, looked at five times a second, and when which emotion begins."""
    edges = np.cumsum([0, *rng.uniform(3, 8, 6)]).tolist()
    emotions = [EMOTIONS[i] for i in rng.permutation([0, 2, 3, 4, 5, 6])]
    readings = []
    for (start_s, end_s), emotion, share in zip(pairwise(edges), emotions, rng.uniform(0.5, 0.95, 6), strict=True):
        for look in range(int(start_s / LOOK_S), int(end_s / LOOK_S) + 1):
            p = rng.dirichlet([40 * (share if name == emotion else (1 - share) / 7) for name in EMOTIONS])
            times = max(look * LOOK_S, start_s), min((look + 1) * LOOK_S, end_s)
            readings.append(Reading("face", *times, EMOTIONS[int(p.argmax())], tuple(p.tolist()), emotion))
    return readings, list(zip(edges[1:-1], emotions[1:], strict=True))


def write_cut_film(path: Path, portrait: Pixels) -> list[tuple[float, str]]:
    """Write a film of a smile, a mirrored face without one, twice, and a second of black; return its changes."""
    import av

    smile, other = portrait[:288, 64:448], unsmiling(portrait)[:288, 64:448][:, ::-1]
    shots = [smile, other, smile, np.zeros_like(smile), other, smile]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FILM_RATE)
        stream.height, stream.width, stream.pix_fmt = *smile.shape[:2], "yuv420p"
        for number in range(26 * FILM_RATE):
            shot = sum(number / FILM_RATE >= cut - 1e-6 for cut in CUTS_S)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(shots[shot]), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FILM_RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return [(CUTS_S[0], "neutral"), (CUTS_S[1], "happy"), (CUTS_S[3], "neutral"), (CUTS_S[4], "happy")]


def show(title: str, late: dict[str, list[float | None]]) -> dict[str, dict[str, float]]:
    """Print, and return, mean and percentiles of the lateness in seconds by way."""
    figures = {}
    click.echo(f"{title:<44} {'mean s':>7} {'p5':>6} {'p50':>6} {'p95':>6} {'missed':>7}")
    for way, found in late.items():
        known = [value for value in found if value is not None]
        cells = [float(np.mean(known)), *np.percentile(known, [5, 50, 95]).tolist(), found.count(None)]
        figures[way] = dict(zip(("mean_s", "p5_s", "p50_s", "p95_s", "missed"), cells, strict=True))
        click.echo(f"  {way:<42} " + "{:7.2f} {:6.2f} {:6.2f} {:6.2f} {:7}".format(*cells))
    return figures


@click.command()
@click.option("--films", type=click.IntRange(1), default=200, show_default=True, help="Made-up ones.")
@environment.json_option()
def main(films: int, json_path: Path | None) -> None:
    """Compare when emotions are found to change with when they do."""
    from skimage.data import astronaut

    rng, late = np.random.default_rng(0), {way: list[float | None]() for way in WAYS}
    for _ in range(films):
        readings, changes = made_up(rng)
        for way in WAYS:
            late[way] += lateness(fused(readings, [at_s for at_s, _ in changes], way, 0.4), changes)
    results = {"made_up": show(f"{films} made-up films, five changes each", late)}
    with tempfile.TemporaryDirectory() as folder:
        changes = write_cut_film(Path(folder) / "film.mp4", astronaut())
        analyzer = Analyzer(voice=False)
        timeline = analyzer(Path(folder) / "film.mp4")
    threshold = analyzer.recognizer("face").reader(live=True).threshold
    results["film"] = show(
        "a film with a face, cut five times",
        {way: lateness(fused(timeline.readings, timeline.cuts, way, threshold), changes) for way in WAYS},
    )
    click.echo(f"cuts at {', '.join(map(str, CUTS_S))} s, found at {', '.join(f'{s:.2f}' for s in timeline.cuts)} s; ")
    click.echo(f"{len(timeline.people)} people in {len(CUTS_S)} shots with a face")
    environment.write(json_path, "lateness", results)


if __name__ == "__main__":
    main()
