"""What `edge-emo bench` prints as JSON."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """Where and with what something was measured; `models` holds the SHA-256 of each card's file.

    `memory_gb` is null where the system does not say.
    """

    date: str
    cpu: str
    cpu_flags: list[str]
    cores: int
    memory_gb: float | None
    system: str
    python: str
    versions: dict[str, str]
    threads: int
    models: dict[str, str]


@dataclass(frozen=True)
class Load:
    """What it takes to get ready: milliseconds of one step, and the memory in MB that the process holds after it.

    Memory is null where the system does not say.
    """

    name: str
    ms: float
    resident_mb: float | None


@dataclass(frozen=True)
class Times:
    """Milliseconds of one call: the first, which others do not count, and percentiles of `calls` warm ones."""

    first_ms: float
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    calls: int


@dataclass(frozen=True)
class BenchDocument:
    """Output of `edge-emo bench --json`: `loads` in the order they were done, and the times of each warm stage.

    `processor_share` is the time that the processors worked for this process while the stages ran, divided by the time
    that passed: on one thread close to 1, unless other work kept the machine busy. `peak_mb` is the most resident
    memory of the process, null where the system does not say.
    """

    machine: Machine
    loads: list[Load]
    stages: dict[str, Times]
    processor_share: float
    peak_mb: float | None
    version: int = 1
