"""A live session at simulated speed: what a step costs, and what memory it takes, from the first hour to the last."""

from __future__ import annotations

import time

import numpy as np
from skimage.data import astronaut

from benchmarks.media import SPEECH
from edge_emo.analysis.analyzer import Analyzer
from edge_emo.analysis.fusion import STEP_S
from edge_emo.bench.machine import peak_mb, resident_mb
from edge_emo.media.film import Frame
from edge_emo.media.pictures import Pixels
from edge_emo.media.sound import SAMPLE_RATE, Float32, read_sound

FPS, SCENE_S = 2, 53  # the scenes do not repeat with the minutes
BLOCK = SAMPLE_RATE // 10


def scene() -> tuple[Float32, list[Pixels]]:
    """Return 53 s of sound and their frames: somebody who speaks, long and short, noise, a hum, a cut, nobody."""
    rng, voice = np.random.default_rng(0), read_sound(SPEECH)
    at_s = np.arange(6 * SAMPLE_RATE) / SAMPLE_RATE
    hum = np.float32(0.1) * np.sin(2 * np.pi * 220 * at_s).astype(np.float32)
    pause = np.zeros(4 * SAMPLE_RATE, np.float32)
    sound = np.resize(
        np.concatenate([voice, voice, voice, voice, pause, voice, pause, hum, pause]), SCENE_S * SAMPLE_RATE
    )
    sound += np.float32(1e-4) * rng.standard_normal(len(sound)).astype(np.float32)
    wide = np.full((360, 640, 3), 90, np.uint8)
    wide[30:330, 170:470] = astronaut()[:300, 80:380]
    frames = [np.roll(wide, 4 * (number % 7), axis=1) for number in range(SCENE_S * FPS)]
    frames[40:60] = [np.ascontiguousarray(frame[:, ::-1]) for frame in frames[40:60]]
    frames[80:90] = [np.zeros_like(wide)] * 10
    return sound, frames


def live_here(hours: int) -> dict[str, float]:
    """Return the seconds and the peak memory of a session of `hours`, what its steps cost, and how its memory grew."""
    sound, frames = scene()
    session = Analyzer().live_session()
    memory, cost_ms, n_steps, started = [], [], 0, time.perf_counter()
    busy, steps_before = time.process_time(), 0
    for number in range(hours * 3600 * FPS):
        session.push_frame(Frame(number / FPS, (number + 1) / FPS, frames[number % len(frames)]))
        for start in range(number * SAMPLE_RATE // FPS, (number + 1) * SAMPLE_RATE // FPS, BLOCK):
            session.push_sound(sound[start % len(sound) : start % len(sound) + BLOCK])
        n_steps += len(session.steps())
        session.provisional_steps()
        if (number + 1) % (60 * FPS) == 0:
            memory.append(resident_mb() or 0.0)
        if (number + 1) % (3600 * FPS) == 0:
            cost_ms.append((time.process_time() - busy) * 1000 / (n_steps - steps_before))
            busy, steps_before = time.process_time(), n_steps
    return {
        "seconds": time.perf_counter() - started,
        "peak_mb": peak_mb() or 0.0,
        "steps": n_steps / (hours * 3600 / STEP_S),
        "first_hour_ms": cost_ms[0],
        "last_hour_ms": cost_ms[-1],
        "dearest_hour_ms": max(cost_ms),
        "first_minute_mb": memory[0],
        "least_mb": min(memory),
        "most_mb": max(memory),
        "last_mb": memory[-1],
    }
