"""Build the bundled catalogue from a table of facts about tracks.

    python -m export.assets.catalogue --data ../shared/data

A song's valence, arousal and probabilities of the eight emotions follow from its editorial mood tags and its genre, see
`edge_emo.music.store.moods`.
"""

from __future__ import annotations

import csv
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import click

from edge_emo.core.files import atomic_write
from edge_emo.music.store.bundled import BUNDLED
from edge_emo.music.store.record import SongRecord
from edge_emo.music.store.schema import migrate
from edge_emo.music.store.writer import SongWriter

_GENRES = {"Country and Folk": "Country & Folk", "Country Folk": "Country & Folk"}
_INSTRUMENTS = {"PIano": "Piano", "Dums": "Drums"}  # slips of the source


def build(tracks: Path, target: Path) -> None:
    """Write the catalogue; the file changes only once it is complete."""
    with atomic_write(target) as draft, closing(sqlite3.connect(draft, isolation_level=None)) as connection:
        _fill(connection, tracks)


def _fill(connection: sqlite3.Connection, tracks: Path) -> None:
    migrate(connection)
    writer = SongWriter(connection, many=True)
    connection.execute("BEGIN")
    with tracks.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            writer.put(_record(row))
    writer.flush()
    connection.execute("COMMIT")
    connection.execute("INSERT INTO tracks_fts (tracks_fts) VALUES ('optimize')")
    connection.execute("ANALYZE")
    connection.execute("VACUUM")


def _record(row: dict[str, str]) -> SongRecord:
    return SongRecord(
        uid=row["uid"],
        source=row["source"],
        title=row["title"],
        artist=row["artist"],
        genre=_GENRES.get(row["genre"], row["genre"]),
        moods=_split(row["moods"]),
        instruments=tuple(_instrument(name) for name in _split(row["instruments"].replace(". ", "|"))),
        duration_s=float(row["duration_s"]),
        duration_from="publisher",
        bpm=float(row["bpm"]) if row["bpm"] else None,
        bpm_from="publisher" if row["bpm"] else "",
        license=row["license"],
        license_url=row["license_url"],
        link=row["link"],
    )


def _instrument(name: str) -> str:
    name = " ".join(word.capitalize() if word.islower() else word for word in name.split())
    return _INSTRUMENTS.get(name, name)


def _split(joined: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in joined.split("|") if part.strip())


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=os.environ.get("EDGE_EMO_DATA", "../shared/data"))
@click.option("--out", type=click.Path(path_type=Path), default=BUNDLED, show_default=True)
def main(data: Path, out: Path) -> None:
    """Build the catalogue."""
    build(data / "catalogue" / "tracks.csv", out)
    click.echo(f"{out}: {out.stat().st_size >> 10} kB", err=True)


if __name__ == "__main__":
    main()
