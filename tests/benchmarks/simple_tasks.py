"""Tasks for a worker under test."""

from pathlib import Path

from benchmarks.peer_worker import Stage, Tasks


def letters(folder: Path) -> Stage:
    return lambda: [*(folder / "word").read_text()]


TASKS: Tasks = {"letters": letters}
