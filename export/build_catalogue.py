"""Build the bundled catalogue from a table of facts about tracks.

    python -m export.build_catalogue --data ../shared/data

A song's valence, arousal and shares of the eight emotions are those of its editorial mood tags
(`export/data/mood_tags.csv`), a quarter of the weight going to its genre (`export/data/genres.csv`); both tables
are hand-set, after Russell (1980) for the tags that name an emotion.
"""

from __future__ import annotations

import csv
import os
import sqlite3
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from edge_emo.emotions import EMOTIONS
from edge_emo.music.catalogue import SCHEMA_VERSION

HERE = Path(__file__).parent
TARGET = HERE.parent / "edge_emo" / "music" / "data" / "catalogue.sqlite"

GENRE_WEIGHT = 0.25
UNKNOWN = np.array([0, 0, *[1 / len(EMOTIONS)] * len(EMOTIONS)])

LICENSES = {
    "CC BY 4.0": (
        "https://creativecommons.org/licenses/by/4.0/",
        "Free to use, change and publish, also in commercial videos, if the credit line is shown and changes are "
        "named.",
    ),
    "YouTube Audio Library licence": (
        "",
        "Free in videos, also monetised ones, without a credit line; get it in the YouTube Audio Library. "
        "The file itself may not be passed on.",
    ),
}

SCHEMA = f"""
CREATE TABLE licenses (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, url TEXT NOT NULL, usage TEXT NOT NULL);
CREATE TABLE tracks (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    title TEXT NOT NULL,
    artist TEXT NOT NULL,
    duration_s REAL NOT NULL,
    bpm REAL,
    genre TEXT NOT NULL,
    license_id INTEGER NOT NULL REFERENCES licenses (id),
    credit TEXT,
    link TEXT NOT NULL,
    valence REAL NOT NULL CHECK (valence BETWEEN -1 AND 1),
    arousal REAL NOT NULL CHECK (arousal BETWEEN -1 AND 1),
    {", ".join(f"{name} REAL NOT NULL" for name in EMOTIONS)}
);
CREATE TABLE moods (track_id INTEGER NOT NULL REFERENCES tracks (id), tag TEXT NOT NULL);
CREATE INDEX moods_track ON moods (track_id);
CREATE TABLE instruments (track_id INTEGER NOT NULL REFERENCES tracks (id), name TEXT NOT NULL);
CREATE INDEX instruments_track ON instruments (track_id);
CREATE VIRTUAL TABLE tracks_fts USING fts5 (
    title, artist, content='tracks', content_rowid='id', tokenize="unicode61 remove_diacritics 2", prefix='2 3'
);
"""


def read_table(name: str) -> dict[str, NDArray[np.float64]]:
    """Return valence, arousal and the eight shares of each row of a hand-set table."""
    with (HERE / "data" / name).open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    table = {row[0]: np.array(row[1:], float) for row in rows}
    for key, values in table.items():
        if not np.isclose(values[2:].sum(), 1):
            raise ValueError(f"{name}: the shares of {key} add up to {values[2:].sum():.2f}, not 1")
    return table


def place(moods: list[str], genre: str, tags: dict[str, NDArray], genres: dict[str, NDArray]) -> NDArray[np.float64]:
    """Return valence, arousal and shares of a track. Raises KeyError for a tag or genre without a row."""
    of_moods = [tags[mood] for mood in moods]
    of_genre = genres[genre] if genre else UNKNOWN
    if not of_moods:  # a genre alone says little
        return (of_genre + UNKNOWN) / 2
    return (1 - GENRE_WEIGHT) * np.mean(of_moods, axis=0) + GENRE_WEIGHT * of_genre


def credit_line(row: dict[str, str]) -> str | None:
    """Return the credit a licence asks for: incompetech's own wording, else title, author, source, licence."""
    if row["license"] != "CC BY 4.0":
        return None
    url = row["license_url"]
    if row["source"] == "incompetech":
        return (
            f'"{row["title"]}" {row["artist"]} (incompetech.com) '
            f"Licensed under Creative Commons: By Attribution 4.0 License {url}"
        )
    where = f" ({row['link']})" if row["link"] else ""
    return f'"{row["title"]}" by {row["artist"]}{where} is licensed under CC BY 4.0, {url}'


def build(tracks: Path, target: Path) -> None:
    """Write the catalogue; the file changes only once it is complete."""
    tags, genres = read_table("mood_tags.csv"), read_table("genres.csv")
    with tracks.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    unfinished = target.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    connection = sqlite3.connect(unfinished)
    connection.execute("PRAGMA page_size = 4096")
    connection.executescript(SCHEMA)
    connection.executemany(
        "INSERT INTO licenses (name, url, usage) VALUES (?, ?, ?)", [(name, *rest) for name, rest in LICENSES.items()]
    )
    license_ids = dict(connection.execute("SELECT name, id FROM licenses"))
    marks = ", ".join("?" * (13 + len(EMOTIONS)))
    for number, row in enumerate(rows, start=1):
        moods, instruments = _split(row["moods"]), _split(row["instruments"])
        values = [round(float(v), 4) for v in place(moods, row["genre"], tags, genres)]
        fields = [number, row["uid"], row["source"], row["title"], row["artist"], float(row["duration_s"])]
        fields += [float(row["bpm"]) if row["bpm"] else None, row["genre"], license_ids[row["license"]]]
        fields += [credit_line(row), row["link"], *values]
        connection.execute(f"INSERT INTO tracks VALUES ({marks})", fields)
        connection.executemany("INSERT INTO moods VALUES (?, ?)", [(number, mood) for mood in moods])
        connection.executemany("INSERT INTO instruments VALUES (?, ?)", [(number, name) for name in instruments])
    connection.execute("INSERT INTO tracks_fts (tracks_fts) VALUES ('rebuild')")
    connection.execute("INSERT INTO tracks_fts (tracks_fts) VALUES ('optimize')")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.commit()
    connection.execute("VACUUM")
    connection.close()
    unfinished.replace(target)


def _split(joined: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in joined.split("|") if part.strip()))


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=os.environ.get("EDGE_EMO_DATA", "../shared/data"))
@click.option("--out", type=click.Path(path_type=Path), default=TARGET, show_default=True)
def main(data: Path, out: Path) -> None:
    """Build the catalogue."""
    build(data / "catalogue" / "tracks.csv", out)
    click.echo(f"{out}: {out.stat().st_size >> 10} kB", err=True)


if __name__ == "__main__":
    main()
