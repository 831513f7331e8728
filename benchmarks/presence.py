"""How long after a face or a voice appears a live service says that somebody is there.

A face appears at a random time between two frames of the camera, or a voice begins to speak in a quiet room; the
networks are those that ship. It counts the time on the devices' clock, and what the computing takes on top of that.

python -m benchmarks.presence --json benchmarks/results/presence.json
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import numpy as np

from benchmarks import environment
from benchmarks.idle import FPS, LOOP_S, frame
from benchmarks.media import SPEECH
from edge_emo.analysis.analyzer import Analyzer
from edge_emo.live.events import Event, PresenceEvent
from edge_emo.live.visits import Visits
from edge_emo.live.wire import Packet
from edge_emo.media.pictures import Pixels
from edge_emo.media.sound import SAMPLE_RATE, Float32, read_sound

EMPTY_S: Final = 3.0
"""Seconds of an empty room before anybody comes."""
_GIVEN_UP_S: Final = 6.0
_BLOCK: Final = SAMPLE_RATE // 10
_NOISE: Final = 1e-4


def appearing_face(pictures: dict[bool, list[Pixels]], appears_s: float) -> Iterator[Packet]:
    """Yield the frames of a camera before which a face appears."""
    for number in range(round((appears_s + _GIVEN_UP_S) * FPS)):
        at_s = number / FPS
        picture = pictures[at_s >= appears_s][number % (LOOP_S * FPS)]
        yield Packet("rgb24", at_s, at_s, picture.tobytes(), picture.shape[1], picture.shape[0])


def appearing_voice(speech: Float32, appears_s: float, rng: np.random.Generator) -> Iterator[Packet]:
    """Yield the blocks of a microphone into which somebody begins to speak."""
    samples = (_NOISE * rng.standard_normal(round((appears_s + _GIVEN_UP_S) * SAMPLE_RATE))).astype(np.float32)
    begin = round(appears_s * SAMPLE_RATE)
    samples[begin : begin + len(speech)] += speech[: len(samples) - begin]
    for start in range(0, len(samples) - _BLOCK + 1, _BLOCK):
        end = start + _BLOCK
        yield Packet("f32", start / SAMPLE_RATE, end / SAMPLE_RATE, samples[start:end].tobytes())


def waited_s(analyzer: Analyzer, modality: str, packets: Iterator[Packet], appears_s: float) -> float:
    """Return the seconds from the appearance to the event, infinite where it did not come."""
    came: list[Event] = []
    visits = Visits(analyzer, came.append, lambda visit, feeling: (), wall=time.time)
    visits.expected = {modality}
    for packet in packets:
        begun = time.perf_counter()
        if modality == "face":
            visits.see(packet)
        else:
            visits.hear(packet.start_s, packet.samples)
        if any(isinstance(event, PresenceEvent) for event in came):
            return packet.end_s + time.perf_counter() - begun - appears_s
    return float("inf")


@click.command()
@click.option("--arrivals", type=click.IntRange(1), default=200, show_default=True, help="Of each kind.")
@click.option("--seed", type=int, default=0, show_default=True)
@environment.json_option()
def main(arrivals: int, seed: int, json_path: Path | None) -> None:
    """Measure how soon a face and a voice are noticed."""
    rng, analyzer = np.random.default_rng(seed), Analyzer()
    pictures = {who: [frame(number, rng, who) for number in range(LOOP_S * FPS)] for who in (False, True)}
    speech = read_sound(SPEECH)
    speech = speech[int(np.flatnonzero(np.abs(speech) > 0.02)[0]) :]
    times_s = EMPTY_S + rng.uniform(0, 1, arrivals)
    waited = {
        "face": [waited_s(analyzer, "face", appearing_face(pictures, at_s), at_s) for at_s in times_s],
        "voice": [waited_s(analyzer, "voice", appearing_voice(speech, at_s, rng), at_s) for at_s in times_s],
    }
    found = {}
    for kind, seconds in waited.items():
        found[kind] = {
            "arrivals": arrivals,
            "noticed": int(np.isfinite(seconds).sum()),
            **{f"p{rank}_s": float(np.percentile(seconds, rank)) for rank in (50, 95, 100)},
        }
        click.echo(f"{kind}: " + ", ".join(f"{name} {value:.3g}" for name, value in found[kind].items()))
    environment.write(json_path, "presence", found)


if __name__ == "__main__":
    main()
