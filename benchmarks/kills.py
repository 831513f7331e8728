"""`kill -9` at random moments: of the processes of the devices, and of the service itself, which is started again.

python -m benchmarks.kills --json benchmarks/results/kills.json
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import click

from benchmarks import environment
from benchmarks.idle import scene
from edge_emo.music.store.database import FILE_NAME, UserDatabase
from edge_emo.music.store.history import History

_LONGEST_WAIT_S = 120.0


class Watched:
    """A service, and what it tells."""

    def __init__(self, film: Path, sound: Path, home: Path) -> None:
        command = [sys.executable, "-m", "edge_emo", "live", "--jsonl", "--every", "1", "--hold", "1"]
        self.process = subprocess.Popen(
            [*command, "--camera", str(film), "--microphone", str(sound)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "EDGE_EMO_HOME": str(home)},
        )
        self.states: dict[str, str] = {}
        self.shown: list[str] = []
        self.torn_lines = self.n_lost = self._n_noticed = 0
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                event = json.loads(line)
            except ValueError:  # the one that was being written when it was killed
                self.torn_lines += 1
                continue
            if event["event"] == "device":
                self.states[event["device"]] = event["state"]
                self.n_lost += event["state"] == "lost"
            elif event["event"] == "songs":
                self.shown += [item["song"]["uid"] for item in event["songs"]]

    def works(self) -> bool:
        """Wait until both devices work, and return whether they do."""
        deadline = time.monotonic() + _LONGEST_WAIT_S
        while list(self.states.values()) != ["open", "open"]:
            if time.monotonic() > deadline or self.process.poll() is not None:
                return False
            time.sleep(0.05)
        return True

    def notices(self) -> bool:
        """Wait until it is told that a device is lost, and return whether it is."""
        deadline = time.monotonic() + _LONGEST_WAIT_S
        while self.n_lost == self._n_noticed:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        self._n_noticed = self.n_lost
        return True

    def devices(self) -> list[int]:
        """Return the processes of its devices."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def kill(self) -> None:
        """Kill it, and read what it had told."""
        self.process.kill()
        self.process.wait()
        self._thread.join()


def kill(times: int, seed: int = 0) -> dict[str, Any]:
    """Return what became of a service of which something was killed so many times."""
    rng, found = random.Random(seed), Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name) / "home"
        film, sound = scene(Path(name), 600, somebody=True)
        service, told = Watched(film, sound, home), []
        for _ in range(times):
            found["came back"] += service.works()
            time.sleep(rng.uniform(0, 2.0))
            who = rng.choice(("a device", "the service"))
            found[who] += 1
            devices = service.devices()
            if who == "a device" and devices:
                os.kill(rng.choice(devices), signal.SIGKILL)
                found["noticed"] += service.notices()
                continue
            service.kill()
            told.append(service)
            time.sleep(0.3)
            found["left behind"] += sum(_runs(pid) for pid in devices)
            service = Watched(film, sound, home)
        found["came back"] += service.works()
        service.kill()
        told.append(service)
        with UserDatabase(home / FILE_NAME) as database:
            [(state,)] = database.connection.execute("PRAGMA integrity_check")
            kept = Counter(event.uid for event in History(database).events())
        shown = Counter(uid for each in told for uid in each.shown)
    return {
        "kills": times,
        "of_devices": found["a device"],
        "of_the_service": found["the service"],
        "came_back": found["came back"] - 1,
        "noticed": found["noticed"],
        "left_behind": found["left behind"],
        "songs_told": shown.total(),
        "songs_told_but_not_kept": (shown - kept).total(),
        "database": state,
    }


def _runs(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@click.command()
@click.option("--times", type=click.IntRange(1), default=200, show_default=True)
@environment.json_option()
def main(times: int, json_path: Path | None) -> None:
    """Kill again and again."""
    found = kill(times)
    for name, value in found.items():
        click.echo(f"{name:<24} {value}")
    environment.write(json_path, "kills", found)


if __name__ == "__main__":
    main()
