"""Weeks of a live service on a simulated clock: devices are pulled out a thousand times, and visitors come and go.

python -m benchmarks.endurance --json benchmarks/results/endurance.json
"""

from __future__ import annotations

import gc
import os
import random
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import click

from benchmarks import environment
from benchmarks.live_world import Clock, OneFace, World
from edge_emo.analysis.analyzer import Analyzer
from edge_emo.bench.machine import resident_mb
from edge_emo.live.events import DeviceEvent, Event, PresenceEvent
from edge_emo.live.heat import Thermometer
from edge_emo.live.process import DeviceProcess
from edge_emo.live.service import Plan, Service

TURN_S = 0.5
VISIT_EVERY_S, VISIT_S = 900.0, 12.0
SOON_S = 5.0
_CHILD = """
import struct, sys, time
while True:
    sys.stdout.buffer.write(struct.pack("<4sBHHddI", b"EEL1", 2, 0, 0, 0.0, 0.1, 6400) + bytes(6400))
    sys.stdout.buffer.flush()
    time.sleep(0.01)
"""


def endure(hours: float, unplugs: int, seed: int = 0) -> dict[str, Any]:
    """Return how a service lived through `hours` in which its two devices were pulled out `unplugs` times in all."""
    clock, rng = Clock(), random.Random(seed)
    world = World(clock, rng)
    told: Counter[str] = Counter()
    back_s: list[float] = []
    returned_s: dict[str, float] = {}

    def listen(event: Event) -> None:
        if isinstance(event, DeviceEvent):
            told[f"{event.device} {event.state}"] += 1
            if event.state == "open" and event.device in returned_s:
                back_s.append(event.time_s - returned_s.pop(event.device))
        elif isinstance(event, PresenceEvent):
            told["came" if event.is_present else "went"] += 1

    service = Service(
        Plan(Analyzer(detector=OneFace()), lambda visit, feeling: (), status_every_s=600.0),
        [world.device("camera"), world.device("microphone")],
        bell=clock,  # type: ignore[arg-type]
        thermometer=Thermometer(Path(os.devnull)),
    )
    service.subscribe(listen)
    plan = _accidents(hours * 3600, unplugs, rng)
    n_done, memory, visits, left_s, next_s = 0, [], 0, 0.0, VISIT_EVERY_S / 2
    while clock.now_s < hours * 3600:
        while n_done < len(plan) and plan[n_done][0] <= clock.now_s:
            _, kind, is_out = plan[n_done]
            n_done += 1
            if is_out:
                world.unplug(kind)
            else:
                world.plug(kind)
                returned_s[kind] = clock.now_s
        if clock.now_s >= next_s and world.is_there["camera"] and service.status().devices[0].state == "open":
            world.visitor, left_s, next_s = True, clock.now_s + VISIT_S, clock.now_s + VISIT_EVERY_S
            visits += 1
        if world.visitor and clock.now_s >= left_s:
            world.visitor = False
        service.turn()
        clock.wait(TURN_S)
        if clock.now_s % 1800 < TURN_S:
            gc.collect()
            memory.append(resident_mb() or 0.0)
    settled = memory[len(memory) // 12 :]
    return {
        "hours": hours,
        "unplugs": unplugs,
        "back_soon": sum(seconds <= SOON_S for seconds in back_s),
        "longest_back_s": max(back_s),
        "lost_events": told["camera lost"] + told["microphone lost"],
        "open_events": told["camera open"] + told["microphone open"],
        "visits": visits,
        "came_events": told["came"],
        "went_events": told["went"],
        "least_mb": min(settled),
        "most_mb": max(settled),
        "held_processes": world.opened - world.closed,
    }


def reopen(times: int) -> dict[str, int]:
    """Return descriptors, threads and children before and after real processes were opened and killed `times` times."""
    before = _held()
    for _ in range(times):
        process = DeviceProcess([sys.executable, "-S", "-c", _CHILD])
        while not process.take():
            threading.Event().wait(0.002)
        process.kill()
    after = _held()
    return {"times": times} | {
        f"{name}_{when}": n for when, held in (("before", before), ("after", after)) for name, n in held.items()
    }


def _accidents(seconds: float, unplugs: int, rng: random.Random) -> list[tuple[float, Any, bool]]:
    """Return when which device is pulled out or put in, in order of time; each is in for a minute at least between."""
    plan = []
    kinds = [rng.choice(("camera", "microphone")) for _ in range(unplugs)]
    for kind in ("camera", "microphone"):
        n = kinds.count(kind)
        slot_s = (seconds - 60) / max(n, 1)
        for number in range(n):
            out_s = 30 + number * slot_s + rng.uniform(0, slot_s * 0.2)
            plan += [(out_s, kind, True), (out_s + rng.uniform(1, slot_s * 0.6), kind, False)]
    return sorted(plan)


def _held() -> dict[str, int]:
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return {
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "threads": threading.active_count(),
        "children": len(children),
    }


@click.command()
@click.option("--hours", type=float, default=72.0, show_default=True, help="Of simulated time.")
@click.option("--unplugs", type=int, default=1000, show_default=True)
@click.option("--times", type=int, default=300, show_default=True, help="So often a real process is opened and killed.")
@environment.json_option()
def main(hours: float, unplugs: int, times: int, json_path: Path | None) -> None:
    """Let a live service live through weeks."""
    found = {"service": endure(hours, unplugs), "processes": reopen(times)}
    for part in found.values():
        for name, value in part.items():
            click.echo(f"{name:<20} {value:>10.2f}" if isinstance(value, float) else f"{name:<20} {value:>10}")
    environment.write(json_path, "endurance", found)


if __name__ == "__main__":
    main()
