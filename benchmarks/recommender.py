"""The recommender: what it learns from simulated listeners, how long it takes, and how fast songs come in.

python -m benchmarks.recommender --json benchmarks/results/recommender.json --picture docs/recommender.png
"""

from __future__ import annotations

import csv
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.random import Generator
from rich.progress import track
from scipy import stats
from threadpoolctl import threadpool_limits

from benchmarks import environment
from benchmarks.listeners import Listener
from edge_emo.bench.machine import pin
from edge_emo.core.files import atomic_write
from edge_emo.music.library.exchange import import_songs
from edge_emo.music.ranking.recommend import Recommender
from edge_emo.music.ranking.scores import Ranking
from edge_emo.music.store.catalogue import Catalogue
from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.history import History

KINDS = ("random", "unlearned", "learned")
N_LISTENERS, N_LISTS, PER_SITTING = 20, 250, 4
JUDGED = slice(200, 250)
"""The lists after 200 interactions, by which the kinds are compared."""
REGION = 25
HOURS_BETWEEN = 6
GENRES = ("Rock", "Pop", "Jazz", "Ambient", "Classical", "Funk", "World", "Cinematic", "Electronica", "Blues")


def kept_shares(catalogue: Catalogue, ranking: Ranking, kind: str, seed: int) -> list[float]:
    """Return for each list the probability with which a listener keeps one of its first five songs."""
    with tempfile.TemporaryDirectory() as folder, UserDatabase(Path(folder) / "history.sqlite") as database:
        database.connection.execute("PRAGMA synchronous = OFF")
        clock = 0.0
        history = History(database, now=lambda: clock)
        recommender = Recommender(catalogue, None if kind == "random" else history, learns=kind == "learned")
        recommender.ranking = ranking
        listener = Listener(ranking, seed)
        shares = []
        for number in range(N_LISTS):
            clock += HOURS_BETWEEN * 3600
            history.session = str(number // PER_SITTING)
            feeling = listener.feeling()
            found = recommender(feeling, 10, seed=number, strategy="random" if kind == "random" else "together")
            keys = catalogue.keys([item.song.uid for item in found])
            liking = listener.liking([keys[item.song.uid] for item in found], feeling)
            shares.append(float(liking[:5].mean()))
            if kind != "random":
                for action, uid in listener.answers(found, liking):
                    history.add(action, uid)
        return shares


def learning() -> dict[str, Any]:
    """Return the learning curves of all kinds, and how they compare after 200 lists, with 95 % intervals."""
    with Catalogue() as catalogue:
        ranking = Recommender(catalogue).ranking
        curves = {
            kind: np.array(
                [
                    kept_shares(catalogue, ranking, kind, seed)
                    for seed in track(range(N_LISTENERS), kind, transient=True)
                ]
            )
            for kind in KINDS
        }
    last = {kind: curve[:, JUDGED].mean(1) for kind, curve in curves.items()}
    early = {kind: curve[:, 10:35].mean(1) for kind, curve in curves.items()}
    return {
        "listeners": N_LISTENERS,
        "lists": N_LISTS,
        "curves": {
            kind: [[float(v) for v in _interval(part.mean(1))] for part in np.split(curve, N_LISTS // REGION, axis=1)]
            for kind, curve in curves.items()
        },
        "after_200": {kind: _interval(values) for kind, values in last.items()},
        "ratio_to_random": _ratio(last["learned"], last["random"]),
        "ratio_to_unlearned": _ratio(last["learned"], last["unlearned"]),
        "ratio_to_unlearned_lists_11_to_35": _ratio(early["learned"], early["unlearned"]),
    }


def latency(catalogue: Catalogue, runs: int) -> dict[str, float]:
    """Return milliseconds of a recommendation of ten songs for changing distributions, warm, on one thread."""
    recommender = Recommender(catalogue)
    rng = np.random.default_rng(0)
    start = time.perf_counter()
    recommender(list(rng.dirichlet(np.ones(8))), seed=0)
    first = time.perf_counter() - start
    times = []
    with threadpool_limits(1):
        for number in range(runs + 20):
            wanted = [float(p) for p in rng.dirichlet(np.full(8, 0.5))]
            start = time.perf_counter()
            recommender(wanted, seed=number)
            times.append((time.perf_counter() - start) * 1000)
    p50, p95, p99 = np.percentile(times[20:], [50, 95, 99])
    return {"first": first * 1000, "p50": p50, "p95": p95, "p99": p99}


def write_list(path: Path, n: int, rng: Generator) -> None:
    """Write a CSV of `n` made-up songs with tags, genres, licences and tempo as in the bundled catalogue."""
    with Catalogue() as catalogue:
        known = list(catalogue.all_songs())
    words = sorted({word for song in known for word in song.title.split() if word.isalpha()})
    titles, models = rng.integers(len(words), size=(n, 3)), rng.integers(len(known), size=n)
    artists, lengths, tempi = rng.integers(1 + n // 20, size=n), rng.integers(30, 400, n), rng.integers(60, 180, n)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        columns = ("uid", "title", "artist", "genre", "moods", "instruments", "duration_s", "bpm", "license", "link")
        writer.writerow(columns)
        for i in range(n):
            song = known[models[i]]
            moods, instruments = "|".join(song.moods), "|".join(song.instruments)
            title = " ".join(words[word] for word in titles[i])
            row = [f"made:{i}", title, f"Artist {artists[i]}", song.genre, moods, instruments, lengths[i], tempi[i]]
            writer.writerow([*row, song.license, song.link])


def at_size(n: int, runs: int) -> dict[str, Any]:
    """Return the time of importing `n` songs, of beginning to rank them, and of a recommendation among them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "songs.csv"
        write_list(path, n, np.random.default_rng(0))
        with UserDatabase(Path(folder) / "own.sqlite") as database:
            start = time.perf_counter()
            import_songs(database, path)
            seconds = time.perf_counter() - start
            with Catalogue(own=database.path) as catalogue:
                return {
                    "songs": n,
                    "import_s": seconds,
                    "songs_per_second": n / seconds,
                    "megabytes": database.path.stat().st_size / 1e6,
                    "recommendation_ms": latency(catalogue, runs),
                }


def draw(result: dict[str, Any], path: Path) -> None:
    """Draw the learning curves with their intervals."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axis = figure.subplots()
    at = np.arange(REGION // 2, N_LISTS, REGION)
    for kind, color in zip(KINDS, ("#999999", "#d08c3f", "#3b6ea5"), strict=True):
        mean, low, high = np.array(result["curves"][kind]).T
        axis.plot(at, mean, color=color, marker="o", markersize=3)
        axis.fill_between(at, low, high, color=color, alpha=0.2, linewidth=0)
        axis.annotate(kind, (at[-1], mean[-1]), textcoords="offset points", xytext=(8, -3), color=color)
    axis.set(
        xlim=(0, N_LISTS + 25),
        ylim=(0, None),
        xlabel="lists of ten shown",
        ylabel="share kept of the first five",
        title=f"{N_LISTENERS} simulated listeners, mean and 95 % interval",
    )
    with atomic_write(path) as draft:
        figure.savefig(draft, dpi=120)


def _interval(values: np.ndarray) -> tuple[float, float, float]:
    """Return the mean over listeners and its 95 % interval (Student)."""
    low, high = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
    return float(values.mean()), float(low), float(high)


def _ratio(first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
    """Return the ratio of two means over the same listeners, and its 95 % interval (bootstrap over listeners)."""
    found = stats.bootstrap(
        (first, second), lambda a, b, axis: a.mean(axis) / b.mean(axis), paired=True, vectorized=True, rng=0
    ).confidence_interval
    return float(first.mean() / second.mean()), float(found.low), float(found.high)


@click.command()
@click.option("--songs", type=click.IntRange(1), default=1_000_000, show_default=True, help="Of the large catalogue.")
@click.option("--runs", type=click.IntRange(1), default=500, show_default=True, help="Recommendations timed.")
@environment.json_option()
@click.option("--picture", type=click.Path(path_type=Path))
def main(songs: int, runs: int, json_path: Path | None, picture: Path | None) -> None:
    """Measure the recommender."""
    learned = learning()
    click.echo(f"{'lists':<10}" + "".join(f"{kind:>24}" for kind in KINDS))
    for row, begin in enumerate(range(0, N_LISTS, REGION)):
        cells = [learned["curves"][kind][row] for kind in KINDS]
        click.echo(f"{begin + 1:>3}-{begin + REGION:<6}" + "".join(f"{_range(cell):>24}" for cell in cells))
    for name in ("ratio_to_random", "ratio_to_unlearned", "ratio_to_unlearned_lists_11_to_35"):
        click.echo(f"{name:<40} {_range(learned[name])}")
    if picture:
        draw(learned, picture)
    pin()
    with Catalogue() as catalogue:
        bundled = latency(catalogue, runs)
    large = at_size(songs, runs)
    for name, times in (("bundled", bundled), (f"{songs} songs", large["recommendation_ms"])):
        click.echo(f"recommendation, {name}: " + ", ".join(f"{key} {value:.2f} ms" for key, value in times.items()))
    click.echo(f"import: {large['import_s']:.1f} s, {large['songs_per_second']:.0f} songs a second")
    environment.write(
        json_path, "recommender", {"learning": learned, "bundled_ms": bundled, "large": large}, models="none"
    )


def _range(values: tuple[float, float, float]) -> str:
    mean, low, high = values
    return f"{mean:.3f} ({low:.3f} to {high:.3f})"


if __name__ == "__main__":
    main()
