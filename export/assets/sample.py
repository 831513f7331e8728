"""Make the recording that ships: a happy voice that no person has, see `export.assets.synthetic_voice`.

    python -m export.assets.sample              # the file, the same bytes every time
    python -m export.assets.sample --search 100 # another voice, for another model: prints the numbers to put below

Pitch, length and effort of the syllables come from a search for a sound in which the voice model that ships is sure of
one emotion, even when the beginning, the end or everything above 4 kHz is cut off. So the sample shows what an answer
looks like, and nothing about how often answers are right.
"""

from __future__ import annotations

import io

import click
import numpy as np
import soundfile
from numpy.typing import NDArray

from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.files import atomic_write
from edge_emo.media.sound import resample
from edge_emo.media.sources import sample_path
from edge_emo.voice.evidence import voice_evidence
from edge_emo.voice.frames import measure
from edge_emo.voice.recognizer import VoiceRecognizer
from export.assets.synthetic_voice import SAMPLE_RATE, Syllable, Voice, speak

Floats = NDArray[np.float64]

EMOTION = "happy"
SOUNDS = ("w iy", "w ah n", "y eh s", "w iy", "r ih", "l iy", "d ih d", "ih t", "w iy", "w ah n")
RESTS_AFTER = (1, 2, 7)
"""We won! Yes! We really did it! We won!"""

VOICE = Voice(pitch_hz=240, tract=1.1, open_quotient=0.59, tilt_hz=2120, breath=0.019, jitter=0.016)
PROSODY = (
    (1.2, 8.6, 1.19, 1.08),
    (6.1, -2.8, 1.88, 1.25),
    (9.9, 4, 1.06, 1.17),
    (0.3, 5.7, 1.55, 0.74),
    (0.9, 2.5, 0.79, 1),
    (-0, 8, 1.35, 1.45),
    (4.8, 7.6, 1.03, 1.17),
    (6, -5.7, 1.53, 0.99),
    (-1.7, 3.1, 1.42, 1.01),
    (3.4, 1.1, 1.14, 1.09),
)
"""Of each syllable: pitch at its start and end in semitones, length, effort."""

_FREEDOM = (3.0, 3.0, 0.25, 0.2)  # how far the search goes from where it starts, at first
_LOWEST, _HIGHEST = (-6.0, -8.0, 0.75, 0.6), (11.0, 10.0, 2.0, 1.5)
_LEAST_EVIDENCE = 1.5  # of a voice, in log-odds
_LEAP = 0.003  # what a leap of a semitone between syllables costs, squared


def sample(prosody: Floats | None = None) -> Floats:
    """Return the sound, shape (samples,), between -1 and 1, at `SAMPLE_RATE`."""
    rows = np.array(PROSODY) if prosody is None else prosody
    syllables = [
        Syllable(tuple(sounds.split()), start, end, length, effort, rests=number in RESTS_AFTER)
        for number, (sounds, (start, end, length, effort)) in enumerate(zip(SOUNDS, rows.tolist(), strict=True))
    ]
    return speak(syllables, VOICE)


def heard_worse(samples: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return the sound as it is, cut by 0.2 s at its start or 0.25 s at its end, and without what is above 4 kHz."""
    dull = resample(resample(samples, SAMPLE_RATE, 8000), 8000, SAMPLE_RATE)
    return [samples, samples[3200:], samples[:-4000], dull]


def search(rounds: int, seed: int = 0) -> Floats:
    """Return the prosody of which the model is surest that is found: a small evolution from `PROSODY` on."""
    recognizers = [VoiceRecognizer(precision=precision) for precision in ("int8", "fp32")]
    rng = np.random.default_rng(seed)
    best = middle = np.array(PROSODY)
    least, freedom = _doubt(best, recognizers), 1.0
    for number in range(rounds):
        tries = [
            np.clip(middle + freedom * np.array(_FREEDOM) * rng.normal(size=best.shape), _LOWEST, _HIGHEST).round(2)
            for _ in range(14)
        ]
        doubts = [_doubt(each, recognizers) for each in tries]
        order = np.argsort(doubts, kind="stable")
        freedom = min(1.2, 1.05 * freedom) if doubts[order[0]] < least else max(0.1, 0.93 * freedom)
        if doubts[order[0]] < least:
            best, least = tries[order[0]], doubts[order[0]]
        middle = (np.mean([tries[i] for i in order[:4]], axis=0) + best) / 2
        click.echo(f"{number + 1}: {least:.3f}", err=True)
    return best


def _doubt(prosody: Floats, recognizers: list[VoiceRecognizer]) -> float:
    """Return how unsure the model is of the emotion at worst and on average, and how unlike a voice the sound is."""
    samples = sample(prosody).astype(np.float32)
    readings = [r for each in recognizers for sound in heard_worse(samples) for r in each.readings(sound)]
    if not readings:
        return np.inf
    surprise = -np.log([reading.probabilities[EMOTIONS.index(EMOTION)] + 1e-6 for reading in readings])
    faint = max(0.0, _LEAST_EVIDENCE - voice_evidence(measure(samples)))
    leaps = [prosody[i + 1, 0] - prosody[i, 1] for i in range(len(prosody) - 1) if i not in RESTS_AFTER]
    return float((surprise.max() + surprise.mean()) / 2 + faint + _LEAP * np.mean(np.square(leaps)))


@click.command()
@click.option("--search", "rounds", type=click.IntRange(1), help="Rounds of 14 tries; half a second a try.")
def main(rounds: int | None) -> None:
    """Write the sample as FLAC, or search for another."""
    if rounds:
        click.echo("\n".join(f"    {tuple(map(float, row))}," for row in search(rounds)))
        return
    file = io.BytesIO()
    soundfile.write(file, sample(), SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    with atomic_write(sample_path()) as draft:
        draft.write_bytes(file.getvalue())


if __name__ == "__main__":
    main()
