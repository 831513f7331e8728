"""Write what is recommended for emotions, mixtures and films, to be read by eye: docs/songs-by-emotion.md.

python -m export.assets.songs_by_emotion
"""

from __future__ import annotations

from pathlib import Path

import click

from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.files import atomic_write
from edge_emo.music.ranking.mixture import Mixture, one_hot, parts
from edge_emo.music.ranking.recommend import Recommender
from edge_emo.music.store.catalogue import Catalogue

TARGET = Path(__file__).parents[2] / "docs" / "songs-by-emotion.md"

_HEAD = """# Songs by emotion

Twenty lists of ten songs from the bundled catalogue, under seed 0 and without any history: what `edge-emo recommend`
proposes for each emotion (`--mood EMOTION --seed 0`), for recordings of several emotions, and for films.
Made by `python -m export.assets.songs_by_emotion`; a test compares it with what is recommended today.
[How songs are chosen](recommendation.md)
"""

MIXTURES = {
    "happy and sad": {"happy": 0.5, "sad": 0.5},
    "happy and surprised": {"happy": 0.6, "surprised": 0.4},
    "calm and sad": {"calm": 0.45, "sad": 0.4, "neutral": 0.15},
    "angry and fearful": {"angry": 0.55, "fearful": 0.45},
    "fearful and disgusted": {"fearful": 0.6, "disgust": 0.4},
}
"""What is heard in a recording in which several emotions stand out."""

DOUBTS = {
    "Uncertain, most likely happy": {
        "happy": 0.28,
        "neutral": 0.26,
        "angry": 0.22,
        "surprised": 0.1,
        "sad": 0.08,
        "disgust": 0.06,
    },
    "Uncertain, most likely sad": {
        "sad": 0.42,
        "calm": 0.14,
        "neutral": 0.14,
        "fearful": 0.14,
        "disgust": 0.09,
        "angry": 0.07,
    },
    "Uncertain between calm and neutral": {"calm": 0.38, "neutral": 0.36, "sad": 0.14, "happy": 0.12},
}
"""What is heard where the model is not sure."""

FILMS: dict[str, list[tuple[float, str]]] = {
    "A film: 20 s happy, 20 s sad, 20 s angry": [(20, "happy"), (20, "sad"), (20, "angry")],
    "A film: 90 s calm, 20 s fearful, 10 s surprised": [(90, "calm"), (20, "fearful"), (10, "surprised")],
    "A film: 40 s neutral, 30 s happy, 30 s neutral": [(40, "neutral"), (30, "happy"), (30, "neutral")],
    "A film: 60 s sad, 45 s fearful, 15 s disgust": [(60, "sad"), (45, "fearful"), (15, "disgust")],
}
"""Of each film the seconds of its segments, and what is found in them with 80 %."""


def lists() -> dict[str, Mixture]:
    """Return what is asked for by each of the twenty lists."""
    return {
        **{name: [(1.0, one_hot(name))] for name in EMOTIONS},
        **{f"A recording, {name}": [(1.0, _distribution(heard))] for name, heard in MIXTURES.items()},
        **{name: [(1.0, _distribution(heard))] for name, heard in DOUBTS.items()},
        **{
            name: [(seconds, [0.8 * p + 0.025 for p in one_hot(emotion)]) for seconds, emotion in segments]
            for name, segments in FILMS.items()
        },
    }


def document() -> str:
    """Return the page."""
    pieces = [_HEAD]
    with Catalogue() as catalogue:
        recommender = Recommender(catalogue)
        for name, mixture in lists().items():
            asked_for = parts(mixture)
            is_mixed = len(asked_for) > 1
            pieces.append(f"\n## {name}\n\n")
            if is_mixed:
                pieces.append(f"Asks for {', '.join(f'{p.emotion} ({p.share:.0%})' for p in asked_for)}.\n\n")
            pieces.append(f"| song | artist | genre | moods |{' for |' * is_mixed} score |\n")
            pieces.append(f"|---|---|---|---|{'---|' * is_mixed}---:|\n")
            for item in recommender.for_mixture(mixture, 10, seed=0):
                song = item.song
                cells = [song.title, song.artist, song.genre, ", ".join(song.moods)]
                cells += [item.asked_for] * is_mixed + [f"{item.score:.2f}"]
                pieces.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    return "".join(pieces)


def _distribution(heard: dict[str, float]) -> list[float]:
    return [heard.get(name, 0.0) for name in EMOTIONS]


@click.command()
def main() -> None:
    """Write the page."""
    with atomic_write(TARGET) as draft:
        draft.write_text(document(), encoding="utf-8")
    click.echo(str(TARGET), err=True)


if __name__ == "__main__":
    main()
