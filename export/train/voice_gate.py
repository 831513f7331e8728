"""Fit the rule that tells voices from music and from noise, and say how well it does on corpora it was not fitted on.

    python -m export.train.voice_gate --voices ../shared/data/ravdess --voices ../shared/data/emodb --music music/

Each folder of voices is a corpus, each folder of music a kind of it: with one of them left out, the rule is fitted on
the rest and judged on it, in turn. Every recording of a voice is heard as it is and in one of four other conditions:
in noise, with music behind it, in a room, over a telephone. Noises are made here. The command prints the figures, and
the numbers for `edge_emo/voice/evidence.py`, fitted on everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from edge_emo.media.sound import SAMPLE_RATE, Float32, read_sound
from edge_emo.media.sources import SOUND_SUFFIXES
from edge_emo.voice.activity import ActivityDetector, ActivityParameters
from edge_emo.voice.evidence import FEATURES, Rule, Term, standardized, statistics
from edge_emo.voice.frames import Frames

Floats = NDArray[np.float64]
Rng = np.random.Generator
Sound = NDArray[np.floating[Any]]

LONGEST_S = 30
MUSIC_TIME = 0.25
"""Share of the time of unknown music that may pass for a voice; the threshold follows from it."""
T = np.arange(SAMPLE_RATE * 8) / SAMPLE_RATE


@dataclass(frozen=True)
class Recording:
    """The stretches of one recording that might be a voice: what is known of each, and its length in frames."""

    corpus: str
    condition: str
    statistics: Floats
    lengths: NDArray[np.int64]


def candidates(samples: Float32, corpus: str, condition: str = "as it is") -> Recording:
    """Return what the detector would judge in a recording."""
    found: list[Frames] = []

    def keep(frames: Frames) -> float:
        found.append(frames)
        return 0.0

    detector = ActivityDetector(ActivityParameters(least_evidence=-inf), keep)
    detector.push(samples)
    detector.finish()
    rows = np.array([statistics(frames) for frames in found]).reshape(-1, len(FEATURES))
    return Recording(corpus, condition, rows, np.array([len(frames) for frames in found], np.int64))


# Voices in other conditions


def _in_noise(voice: Float32, rng: Rng, music: Sequence[Float32]) -> Sound:
    return voice + _level(voice) * 10 ** (-rng.uniform(8, 25) / 20) * _colored(len(voice), rng)


def _over_music(voice: Float32, rng: Rng, music: Sequence[Float32]) -> Sound:
    piece = music[int(rng.integers(len(music)))]
    start = int(rng.integers(max(1, len(piece) - len(voice))))
    behind = np.resize(piece[start:], len(voice))
    return voice + behind / (behind.std() + 1e-9) * _level(voice) * 10 ** (-rng.uniform(5, 20) / 20)


def _in_a_room(voice: Float32, rng: Rng, music: Sequence[Float32]) -> Sound:
    length = int(rng.uniform(0.2, 0.9) * SAMPLE_RATE)
    echo = rng.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
    echo *= rng.uniform(0.3, 1.2) / np.sqrt(np.square(echo).sum())
    echo[0] += 1
    size = 1 << (len(voice) + length).bit_length()
    return np.fft.irfft(np.fft.rfft(voice, size) * np.fft.rfft(echo, size), size)[: len(voice)]


def _by_telephone(voice: Float32, rng: Rng, music: Sequence[Float32]) -> Sound:
    spectrum, hz = np.fft.rfft(voice), np.fft.rfftfreq(len(voice), 1 / SAMPLE_RATE)
    spectrum[(hz < 300) | (hz > 3400)] = 0
    return np.fft.irfft(spectrum, len(voice))


CONDITIONS: dict[str, Callable[[Float32, Rng, Sequence[Float32]], Sound]] = {
    "noise": _in_noise,
    "music behind": _over_music,
    "room": _in_a_room,
    "telephone": _by_telephone,
}


def _level(voice: Float32) -> float:
    loud = voice[np.abs(voice) > 0.05 * np.abs(voice).max()]
    return float(np.sqrt(np.square(loud).mean())) if len(loud) else 0.0


def _colored(n: int, rng: Rng) -> Floats:
    """Return noise between white and brown, of power 1."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    sound = np.fft.irfft(spectrum / np.maximum(1, np.arange(len(spectrum))) ** rng.uniform(0, 1), n)
    return np.asarray(sound / sound.std())


# Noises, 8 s each


def _clicks(rng: Rng) -> Floats:
    """A keyboard, a pen, footsteps: short bursts of noise."""
    sound = 0.002 * _colored(len(T), rng)
    for start in rng.integers(0, len(T) - 4000, rng.integers(5, 60)):
        length = int(rng.integers(60, 2500))
        burst = rng.standard_normal(length) * np.exp(-np.arange(length) / (length / rng.uniform(2, 8)))
        sound[start : start + length] += rng.uniform(0.05, 0.4) * burst
    return sound


def _knocks(rng: Rng) -> Floats:
    """Wood, plates, doors: decaying partials."""
    sound = 0.002 * _colored(len(T), rng)
    for start in rng.integers(0, len(T) - 16000, rng.integers(4, 40)):
        time = np.arange(int(rng.integers(800, 12000))) / SAMPLE_RATE
        partials = sum(np.sin(2 * np.pi * hz * time) for hz in rng.uniform(120, 3500, rng.integers(1, 5)))
        sound[start : start + len(time)] += 0.2 * partials * np.exp(-time * rng.uniform(4, 120))
    return sound


def _tones(rng: Rng) -> Floats:
    """Beeps, bells, sirens and hum: steady or gliding harmonics that come and go."""
    hz = rng.uniform(50, 1500) * 2 ** (
        rng.uniform(0, 0.5) * np.sin(2 * np.pi * rng.uniform(0.1, 2) * T) * rng.integers(2)
    )
    phase = 2 * np.pi * np.cumsum(hz) / SAMPLE_RATE
    sound = sum(np.sin(k * phase) / k ** rng.uniform(0.5, 2) for k in range(1, int(rng.integers(2, 12))))
    period = rng.uniform(0.2, 4)
    return 0.1 * sound * ((T % period) < rng.uniform(0.2, 1) * period) + 0.002 * _colored(len(T), rng)


def _gusts(rng: Rng) -> Floats:
    """Wind, waves, traffic, applause: noise whose level sways."""
    n = int(rng.integers(6, 60))
    sway = np.interp(T, np.linspace(0, 8, n), rng.uniform(-25, 0, n))  # dB
    return 0.1 * _colored(len(T), rng) * 10 ** (sway / 20)


def _engine(rng: Rng) -> Floats:
    """Motors and drills: a buzz in noise that starts and stops."""
    phase = 2 * np.pi * np.cumsum(rng.uniform(25, 200) * (1 + 0.3 * np.clip(T - rng.uniform(0, 6), 0, 1))) / SAMPLE_RATE
    buzz = sum(np.sin(k * phase + rng.uniform(0, 6)) / k for k in range(1, 20))
    is_on = (rng.uniform(0, 3) < T) & (rng.uniform(4, 8) > T)
    return (0.1 * buzz + rng.uniform(0.02, 0.2) * _colored(len(T), rng)) * is_on + 0.002 * _colored(len(T), rng)


NOISES: dict[str, Callable[[Rng], Floats]] = {
    "clicks": _clicks,
    "knocks": _knocks,
    "tones": _tones,
    "gusts": _gusts,
    "engines": _engine,
}


# The rule


def fit(recordings: Sequence[Recording], is_voice: Callable[[str], bool]) -> Rule:
    """Return the logistic regression; voices weigh as much as the rest, and each corpus by the root of its size."""
    from sklearn.linear_model import LogisticRegression

    x = np.concatenate([r.statistics for r in recordings])
    corpus = np.concatenate([[r.corpus] * len(r.lengths) for r in recordings])
    y = np.array([is_voice(name) for name in corpus])
    _, which, sizes = np.unique(corpus, return_inverse=True, return_counts=True)
    weight = 1 / np.sqrt(sizes[which])
    for side in (y, ~y):
        weight[side] /= weight[side].sum()
    mean, std = x.mean(axis=0), x.std(axis=0)
    z = standardized(x, mean, std)
    model = LogisticRegression(C=10, max_iter=2000).fit(np.hstack([z, z**2]), y, sample_weight=weight * len(x))
    columns = (mean, std, *np.split(model.coef_[0], 2))
    terms = (Term(*row) for row in np.stack(columns, axis=1).tolist())
    return Rule(dict(zip(FEATURES, terms, strict=True)), float(model.intercept_[0]))


def least_evidence(judged: Sequence[tuple[Rule, Recording]], share: float) -> float:
    """Return the log-odds that stretches of `share` of the whole time reach."""
    evidence = np.concatenate([rule(recording.statistics) for rule, recording in judged])
    lengths = np.concatenate([recording.lengths for _, recording in judged])
    order = np.argsort(-evidence, kind="stable")
    reached = np.cumsum(lengths[order]) / lengths.sum()
    return float(evidence[order][np.searchsorted(reached, share)])


def sounds(folder: Path, every: int) -> list[Path]:
    """Return the sound files below a folder, in order, or every n-th."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SOUND_SUFFIXES)[::every]


def measured(voices: Sequence[Path], music: Sequence[Path], every: int, seed: int) -> Iterator[Recording]:
    """Yield the candidates of every recording: voices as they are and in one other condition, music, and noises."""
    rng = np.random.default_rng(seed)
    pieces = {
        folder.name: [read_sound(p)[: LONGEST_S * 2 * SAMPLE_RATE] for p in track(sounds(folder, 1))]
        for folder in music
    }
    behind = [piece for kind in pieces.values() for piece in kind[::4]]
    pause = np.zeros(SAMPLE_RATE // 2, np.float32)
    for folder in voices:
        for number, path in enumerate(track(sounds(folder, every), folder.name)):
            voice = read_sound(path)[: LONGEST_S * SAMPLE_RATE]
            yield candidates(voice, folder.name)
            name = list(CONDITIONS)[number % len(CONDITIONS)]
            other = CONDITIONS[name](np.concatenate([pause, voice, pause]), rng, behind)
            yield candidates(other.astype(np.float32), folder.name, name)
    for kind, found in pieces.items():
        for piece in found:
            yield candidates(piece, kind)
    for name, make in NOISES.items():
        for _ in range(200):
            yield candidates(make(rng).astype(np.float32), name)


@click.command()
@click.option("--voices", type=click.Path(path_type=Path, exists=True), multiple=True, required=True)
@click.option("--music", type=click.Path(path_type=Path, exists=True), multiple=True, required=True)
@click.option("--every", default=1, show_default=True, help="Of voices only every n-th recording.")
@click.option("--seed", default=0, show_default=True)
def main(voices: Sequence[Path], music: Sequence[Path], every: int, seed: int) -> None:
    """Fit the rule and print its figures."""
    recordings = list(measured(voices, music, every, seed))
    spoken, played = {folder.name for folder in voices}, {folder.name for folder in music}
    groups = [{name} for name in [*sorted(spoken), *sorted(played), *NOISES]]
    unseen: dict[str, Rule] = {}
    for group in track(groups, "fitting"):
        rule = fit([r for r in recordings if r.corpus not in group], spoken.__contains__)
        unseen.update(dict.fromkeys(group, rule))
    least = least_evidence([(unseen[r.corpus], r) for r in recordings if r.corpus in played], MUSIC_TIME)
    for line in table(recordings, unseen, least):
        click.echo(line)
    rule = fit(recordings, spoken.__contains__)
    click.echo()
    for name, term in rule.terms.items():
        click.echo(f'        "{name}": Term({", ".join(f"{number:.4f}" for number in term)}),')
    click.echo(f"intercept {rule.intercept:.4f}, least evidence {least:.2f}")


def table(recordings: Sequence[Recording], unseen: Mapping[str, Rule], least: float) -> Iterator[str]:
    """Yield the lines of a table: in what share of each kind of recording, and of its time, a voice is found."""
    yield "| not fitted on | condition | recordings | a voice is found in | share of the time |"
    yield "| --- | --- | --- | --- | --- |"
    kinds: dict[tuple[str, str], list[Recording]] = {}
    for recording in recordings:
        kinds.setdefault((recording.corpus, recording.condition), []).append(recording)
    for (corpus, condition), part in kinds.items():
        passes = [unseen[corpus](r.statistics) >= least for r in part]
        time = sum(r.lengths[p].sum() for r, p in zip(part, passes, strict=True)) / sum(r.lengths.sum() for r in part)
        yield f"| {corpus} | {condition} | {len(part)} | {np.mean([p.any() for p in passes]):.3f} | {time:.2f} |"


if __name__ == "__main__":
    main()
