"""What a live service costs while nobody is there, and while somebody is: processor, memory, of all its processes.

The camera is a film in Motion JPEG, which cameras send too, of 640 x 480 pixels at five frames a second and with the
noise of a camera; the microphone is a recording of silence with noise. The film of somebody is played in a loop.

python -m benchmarks.idle --json benchmarks/results/idle.json
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import click
import numpy as np
import soundfile
from skimage.data import astronaut

from benchmarks import environment
from edge_emo.media.pictures import Pixels
from edge_emo.media.sound import SAMPLE_RATE, read_sound
from edge_emo.media.sources import sample_path

FPS, LOOP_S, SETTLE_S = 5, 8, 20
NOISE = 2.5  # levels of 255


def scene(folder: Path, seconds: int, *, somebody: bool) -> tuple[Path, Path]:
    """Write the film and the sound of a still place, or of somebody who moves and speaks half of the time."""
    import av

    rng = np.random.default_rng(0)
    film, sound = folder / f"film{somebody}.mkv", folder / f"sound{somebody}.flac"
    frames = [frame(number, rng, somebody) for number in range(LOOP_S * FPS)]
    with av.open(str(film), "w") as container:
        stream = container.add_stream("mjpeg", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuvj422p"
        for number in range(seconds * FPS):
            shown = av.VideoFrame.from_ndarray(frames[number % len(frames)], "rgb24")
            shown.pts, shown.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(shown))
        container.mux(stream.encode(None))
    samples = 1e-4 * rng.standard_normal(seconds * SAMPLE_RATE)
    if somebody:
        voice = read_sound(sample_path())
        samples += np.resize(np.concatenate([voice, np.zeros(len(voice), np.float32)]), len(samples))
    soundfile.write(sound, samples.astype(np.float32), SAMPLE_RATE)
    return film, sound


def frame(number: int, rng: np.random.Generator, somebody: bool) -> Pixels:
    """Return a frame of a still place, or of somebody who moves in a loop: RGB, shape (480, 640, 3)."""
    picture = np.full((480, 640, 3), 90.0)
    picture[100:300, 50:200] = 150
    if somebody:
        turn = 2 * np.pi * number / (LOOP_S * FPS)
        right, down = round(12 * np.sin(turn)), round(5 * np.sin(2 * turn))
        picture[60 + down : 360 + down, 170 + right : 470 + right] = astronaut()[:300, 80:380]
    return np.clip(picture + rng.normal(0, NOISE, picture.shape), 0, 255).astype(np.uint8)


def cost(film: Path, sound: Path, seconds: int, folder: Path) -> dict[str, float]:
    """Return the shares of a core that the service and the processes of its devices take, and their memory in MB.

    Memory that processes share counts once.
    """
    command = [sys.executable, "-m", "edge_emo", "live", "--jsonl", "--camera", str(film), "--microphone", str(sound)]
    service = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, env={**os.environ, "EDGE_EMO_HOME": str(folder / "home")}
    )
    try:
        time.sleep(SETTLE_S)
        begun, before = time.monotonic(), _busy_s(service.pid)
        time.sleep(seconds)
        passed_s, after = time.monotonic() - begun, _busy_s(service.pid)
        memory = {pid: _megabytes(pid) for pid in after}
    finally:
        service.terminate()
        service.wait()
    shares = {pid: (after[pid] - before[pid]) / passed_s for pid in after}
    return {
        "seconds": passed_s,
        "service_percent": 100 * shares[service.pid],
        "devices_percent": 100 * sum(share for pid, share in shares.items() if pid != service.pid),
        "seconds_an_hour": 3600 * sum(shares.values()),
        "service_mb": memory[service.pid],
        "devices_mb": sum(mb for pid, mb in memory.items() if pid != service.pid),
    }


def _busy_s(service: int) -> dict[int, float]:
    """Return the seconds of the processor that the service and its children have taken."""
    children = Path(f"/proc/{service}/task/{service}/children").read_text().split()
    found = {}
    for pid in [service, *map(int, children)]:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        found[pid] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def _megabytes(pid: int) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.findall(r"^Pss:\s*(\d+)", text, re.MULTILINE)[0]) * 1024 / 1e6


@click.command()
@click.option("--seconds", type=click.IntRange(10), default=180, show_default=True, help="Of each measurement.")
@environment.json_option()
def main(seconds: int, json_path: Path | None) -> None:
    """Measure a service while nobody is there, and while somebody is."""
    found = {}
    with tempfile.TemporaryDirectory() as name:
        for who, somebody in (("nobody", False), ("somebody", True)):
            film, sound = scene(Path(name), seconds + 2 * SETTLE_S, somebody=somebody)
            found[who] = cost(film, sound, seconds, Path(name))
            click.echo(f"{who}: " + ", ".join(f"{key} {value:.2f}" for key, value in found[who].items()))
    found["load"] = {"processes_that_wanted_a_core": os.getloadavg()[1]}
    environment.write(json_path, "idle", found)


if __name__ == "__main__":
    main()
