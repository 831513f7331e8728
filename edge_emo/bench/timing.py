"""Stages timed in turns, so that what slows the machine for a while slows all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from edge_emo.bench.document import Times

Stage = Callable[[], Any]

TURN, UNCOUNTED, WARM_UP = 20, 5, 20


def interleaved(
    stages: Mapping[str, Stage],
    calls: int,
    *,
    limit_s: float = float("inf"),
    on_progress: Callable[[float], object] = lambda share: None,
) -> dict[str, Times]:
    """Call every stage `calls` times after a warm-up, in turns of `TURN`, and return their times.

    The first calls of a turn are not counted, so that no stage pays for the caches that another one emptied. After
    `limit_s` seconds no further turn begins. `on_progress` is told the share that is done.
    """
    begin = time.perf_counter()
    first = {name: _ms(stage) for name, stage in stages.items()}
    measured: dict[str, list[float]] = {name: [] for name in stages}
    for stage in stages.values():
        for _ in range(WARM_UP):
            stage()
    n_turns = -(-calls // TURN)
    for turn in range(n_turns):
        for place, (name, stage) in enumerate(stages.items()):
            for _ in range(UNCOUNTED):
                stage()
            measured[name] += [_ms(stage) for _ in range(TURN)]
            on_progress((turn + (place + 1) / len(stages)) / n_turns)
        if time.perf_counter() - begin > limit_s:
            break
    return {name: _times(first[name], values) for name, values in measured.items()}


def _times(first_ms: float, values: list[float]) -> Times:
    p50, p90, p95, p99 = np.percentile(values, (50, 90, 95, 99)).tolist()
    return Times(first_ms, p50, p90, p95, p99, len(values))


def _ms(stage: Stage) -> float:
    start = time.perf_counter()
    stage()
    return (time.perf_counter() - start) * 1000
