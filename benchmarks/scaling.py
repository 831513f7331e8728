"""Time and peak memory as work grows: files, minutes of film, faces in a frame, songs, workers, hours live.

python -m benchmarks.scaling --json benchmarks/results/scaling.json --picture docs/scaling.png
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import soundfile
from rich.progress import track

from benchmarks import environment
from benchmarks.media import SPEECH, write_film
from benchmarks.processes import together
from edge_emo.bench.machine import peak_mb
from edge_emo.bench.timing import interleaved
from edge_emo.core.files import atomic_write
from edge_emo.face.detector import FaceDetector
from edge_emo.face.recognizer import FaceRecognizer
from edge_emo.media.sound import SAMPLE_RATE, read_sound

CLIP_S = 3
N_FILES_OF_WORKERS = 240
SIZES: dict[str, tuple[int, ...]] = {
    "files": (1, 10, 100, 1000, 10_000),
    "minutes of speech": (1, 10, 60, 600),
    "minutes of film": (1, 4, 15, 60, 120),
    "faces in a frame": (1, 2, 5, 10, 20, 50),
    "songs": (6_047, 60_000, 600_000, 10_000_000),
    "workers": tuple(range(1, (os.cpu_count() or 1) + 1)),
    "live": (1, 8),
}

Row = dict[str, float]


def command_row(*commands: Sequence[str]) -> Row:
    """Run `edge-emo` with these arguments, at the same time, and return seconds and the sum of their peak memories."""
    seconds, peak = together(commands)
    return {"seconds": seconds, "peak_mb": peak}


def write_clips(folder: Path, n: int) -> None:
    """Write a clip of 3 s under `n` names."""
    folder.mkdir()
    first = folder / "0.wav"
    soundfile.write(first, read_sound(SPEECH)[: CLIP_S * SAMPLE_RATE], SAMPLE_RATE, subtype="PCM_16")
    for number in range(1, n):
        (folder / f"{number}.wav").hardlink_to(first)


def files(n: int, folder: Path) -> Row:
    """Analyze clips of 3 s in one process."""
    write_clips(folder / "clips", n)
    return command_row(["analyze", str(folder / "clips"), "--jsonl"])


def speech(minutes: int, folder: Path) -> Row:
    """Analyze a recording at 16 kHz, the sample over and over."""
    minute = np.resize(read_sound(SPEECH), 60 * SAMPLE_RATE)
    path = folder / "speech.flac"
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, 1) as file:
        for _ in range(minutes):
            file.write(minute)
    return command_row(["analyze", str(path), "--json"])


def film(minutes: int, folder: Path) -> Row:
    """Analyze a film of 640 x 360, voice and face: 59 s over and over, one in each minute."""
    import av

    minute, whole = folder / "minute.mp4", folder / "film.mp4"
    write_film(minute, 59, 640, 360)
    with av.open(str(whole), "w") as target:
        with av.open(str(minute)) as source:
            streams = [target.add_stream_from_template(stream) for stream in source.streams]
        for number in range(minutes):
            with av.open(str(minute)) as source:
                for packet in source.demux():
                    if packet.dts is not None:
                        offset = round(60 * number / packet.time_base)
                        packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                        packet.stream = streams[packet.stream.index]
                        target.mux(packet)
    return command_row(["analyze", str(whole), "--json"])


def faces(n: int, folder: Path) -> Row:
    """Find and recognise the faces of one frame of 1920 x 1080, in a process of its own."""
    code = f"import json; from benchmarks.scaling import faces_here; print(json.dumps(faces_here({n})))"
    return _printed(code)


def faces_here(n: int) -> Row:
    """Return the seconds of one frame with `n` portraits, and how many of them were found."""
    from skimage.data import astronaut

    columns = int(np.ceil(np.sqrt(n * 16 / 9)))
    rows = -(-n // columns)
    side = min(1920 // columns, 1080 // rows)
    portrait = cv2.resize(astronaut()[:300, 80:380], (side, side), interpolation=cv2.INTER_AREA)
    frame = np.full((1080, 1920, 3), 110, np.uint8)
    for place in range(n):
        top, left = place // columns * side, place % columns * side
        frame[top : top + side, left : left + side] = portrait
    cv2.setNumThreads(1)
    detector, recognizer = FaceDetector(), FaceRecognizer()
    times = interleaved({"": lambda: recognizer.probabilities(frame, detector.detect(frame))}, 40)[""]
    return {"seconds": times.p50_ms / 1000, "peak_mb": peak_mb() or 0.0, "found": len(detector.detect(frame))}


def songs(n: int, folder: Path) -> Row:
    """Import made-up songs, and recommend ten of them, in a process of its own."""
    code = f"import json; from benchmarks.scaling import songs_here; print(json.dumps(songs_here({n})))"
    return _printed(code)


def songs_here(n: int) -> Row:
    """Return the seconds of one recommendation among `n` songs, of the first, and of the import."""
    from benchmarks.recommender import at_size

    found = at_size(n, 200)
    times = found["recommendation_ms"]
    return {
        "seconds": times["p50"] / 1000,
        "peak_mb": peak_mb() or 0.0,
        "first_s": times["first"] / 1000,
        "import_s": found["import_s"],
        "megabytes": found["megabytes"],
    }


def workers(n: int, folder: Path) -> Row:
    """Analyze `N_FILES_OF_WORKERS` clips of 3 s, shared among processes."""
    parts = [folder / str(number) for number in range(n)]
    for part in parts:
        write_clips(part, N_FILES_OF_WORKERS // n)
    return command_row(*(["analyze", str(part), "--jsonl"] for part in parts))


def live(hours: int, folder: Path) -> Row:
    """Run a live session of voice and face at simulated speed, in a process of its own."""
    return _printed(f"import json; from benchmarks.live import live_here; print(json.dumps(live_here({hours})))")


def _printed(code: str) -> Row:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=environment.ROOT, capture_output=True, text=True, check=True
    )
    found: Row = json.loads(done.stdout.splitlines()[-1])
    return found


WORK: dict[str, Callable[[int, Path], Row]] = {
    "files": files,
    "minutes of speech": speech,
    "minutes of film": film,
    "faces in a frame": faces,
    "songs": songs,
    "workers": workers,
    "live": live,
}


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float | None:
    """Return k of time ~ size^k by least squares of the logarithms; None for fewer than two sizes.

    Sizes that take less than twice the time of the smallest show the start alone; they count where no
    two others are left.
    """
    rows = [(n, s) for n, s in zip(sizes, seconds, strict=True) if s >= 2 * min(seconds)]
    if len(rows) < 2:
        rows = list(zip(sizes, seconds, strict=True))[-2:]
    if len(rows) < 2:
        return None
    log_sizes, log_seconds = np.log(np.array(rows, float)).T
    return float(np.polyfit(log_sizes, log_seconds, 1)[0])


def draw(results: dict[str, Any], path: Path) -> None:
    """Draw time and memory of each kind of work, both on logarithmic axes."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter, StrMethodFormatter

    columns = 3
    rows = -(-len(results) // columns)
    figure = Figure(figsize=(4.2 * columns, 3.8 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).flat
    for axis in list(axes)[len(results) :]:
        axis.remove()
    for axis, (kind, found) in zip(figure.axes, results.items(), strict=True):
        sizes = [row["size"] for row in found["rows"]]
        axis.loglog(sizes, [row["seconds"] for row in found["rows"]], marker="o", color="#3b6ea5", label="seconds")
        memory = axis.twinx()
        memory.loglog(sizes, [row["peak_mb"] for row in found["rows"]], marker="s", color="#d08c3f", label="peak MB")
        memory.set_ylim(10, 20_000)
        power = "" if found["exponent"] is None else f"\ntime ~ n^{found['exponent']:.2f}"
        axis.set(xlabel=kind, title=f"{kind}{power}")
        if kind == "workers":
            axis.set(xscale="linear", yscale="linear", xticks=sizes, ylim=(0, None))
        else:
            axis.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axis.yaxis.set_minor_formatter(NullFormatter())
        axis.set_ylabel("seconds", color="#3b6ea5")
        memory.set_ylabel("peak MB", color="#d08c3f")
    with atomic_write(path) as draft:
        figure.savefig(draft, dpi=90)


@click.command()
@click.argument("only", type=click.Choice(sorted(WORK)), nargs=-1, metavar="[KIND]...")
@click.option("--largest", type=click.IntRange(1), default=1_000_000, show_default=True, help="Leave out larger sizes.")
@environment.json_option("Write the results here, keeping others there.")
@click.option("--picture", "picture_path", type=click.Path(path_type=Path), help="Draw them here.")
def main(only: tuple[str, ...], largest: int, json_path: Path | None, picture_path: Path | None) -> None:
    """Measure what work costs as it grows, of all kinds or those named; each size in a process of its own."""
    results: dict[str, Any] = {}
    if json_path and only and json_path.exists():
        results = json.loads(json_path.read_text())["results"]
    for kind in only or WORK:
        rows = []
        for size in track([size for size in SIZES[kind] if size <= largest], kind, transient=True):
            with tempfile.TemporaryDirectory() as folder:
                rows.append({"size": size, **WORK[kind](size, Path(folder))})
        power = None if kind == "workers" else exponent([r["size"] for r in rows], [r["seconds"] for r in rows])
        results[kind] = {"rows": rows, "exponent": power}
        click.echo(f"\n{kind}" + ("" if power is None else f": time grows with the power {power:.2f}"))
        for row in rows:
            others = "  ".join(f"{k} {v:.3g}" for k, v in row.items() if k not in ("size", "seconds", "peak_mb"))
            click.echo(f"{row['size']:>12,} {row['seconds']:>10.3f} s {row['peak_mb']:>9.0f} MB  {others}")
    environment.write(json_path, "scaling", results)
    if picture_path:
        draw(results, picture_path)


if __name__ == "__main__":
    main()
