"""Write the ten songs that each emotion gets first, to be read by eye: docs/songs-by-emotion.md.

python -m export.assets.songs_by_emotion
"""

from __future__ import annotations

from pathlib import Path

import click

from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.files import atomic_write
from edge_emo.music.ranking.recommend import Recommender, one_hot
from edge_emo.music.store.catalogue import Catalogue

TARGET = Path(__file__).parents[2] / "docs" / "songs-by-emotion.md"

_HEAD = """# Songs by emotion

The first ten songs of the bundled catalogue for each emotion alone, under seed 0 and without any history:
`edge-emo recommend --mood EMOTION --seed 0`. Made by `python -m export.assets.songs_by_emotion`.
Valence and arousal go from -1 to 1; the score is that of `edge-emo recommend`.
"""


def document() -> str:
    """Return the page."""
    parts = [_HEAD]
    with Catalogue() as catalogue:
        recommender = Recommender(catalogue)
        for emotion in EMOTIONS:
            parts.append(f"\n## {emotion}\n\n| song | artist | genre | moods | valence | arousal | score |\n")
            parts.append("|---|---|---|---|---:|---:|---:|\n")
            for item in recommender(one_hot(emotion), 10, seed=0):
                song = item.song
                cells = [song.title, song.artist, song.genre, ", ".join(song.moods)]
                cells += [f"{song.valence:+.2f}", f"{song.arousal:+.2f}", f"{item.score:.2f}"]
                parts.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    return "".join(parts)


@click.command()
def main() -> None:
    """Write the page."""
    with atomic_write(TARGET) as draft:
        draft.write_text(document(), encoding="utf-8")
    click.echo(str(TARGET), err=True)


if __name__ == "__main__":
    main()
