"""From the 17 moods of the lyric mood corpus to the eight emotions, as the original system did it.

The songs of a pool of moods are numbered from 1, mood after mood in the order of the table and each in the order of
the list. Where one pool feeds two emotions, odd rows go to the one and even rows to the other; where a pool is larger
than needed, even rows are picked; at most 1,000 an emotion. `data/lmc_pools.csv` is the table; it can be another.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge_emo.core.emotions import EMOTIONS, VALENCE_AROUSAL
from edge_emo.core.errors import SongListError
from edge_emo.music.library.csv_files import CsvRows, opened, split
from edge_emo.music.library.exchange import ADVICE, Rejected, of_cells, plainly
from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.record import SongRecord, digest
from edge_emo.music.store.writer import SongWriter

MOODS = (
    "aggression", "anger", "angst", "brooding", "calm", "cheerful", "confident", "depressed", "desire", "earnest",
    "excitement", "grief", "happy", "pessimism", "romantic", "sad", "upbeat",
)  # fmt: skip
"""The moods of the corpus."""

POOLS = Path(__file__).parents[1] / "data" / "lmc_pools.csv"

_STARTS = {"all": (0, 1), "odd": (0, 2), "even": (1, 2)}


@dataclass(frozen=True)
class Pool:
    """Which songs an emotion gets: those of these moods, all rows or every other one, at most `limit`.

    Of a pool that is not larger than the limit and feeds no other emotion, all rows are taken.
    """

    emotion: str
    moods: tuple[str, ...]
    rows: str
    limit: int


@dataclass(frozen=True)
class Converted:
    """How many songs each emotion got, in the order of `EMOTIONS`, how many the list holds for each mood, the rest."""

    emotions: dict[str, int]
    moods: dict[str, int]
    rejected: tuple[Rejected, ...]

    @property
    def total(self) -> int:
        """Songs in all."""
        return sum(self.emotions.values())


def read_pools(path: Path = POOLS) -> list[Pool]:
    """Return the table of pools. Raises SongListError for one that cannot be followed."""
    pools: list[Pool] = []
    with opened(path, "utf-8-sig") as (text, _):
        for line, row in CsvRows(text, path, ("emotion", "moods", "rows", "limit")):
            limit = int(row["limit"]) if re.fullmatch("[0-9]{1,9}", row["limit"]) else 0
            pool = Pool(row["emotion"], split(row["moods"]), row["rows"], limit)
            unknown = [mood for mood in pool.moods if mood not in MOODS]
            for is_wrong, what in (
                (pool.emotion not in EMOTIONS, f"{pool.emotion} is none of the emotions {', '.join(EMOTIONS)}"),
                (pool.emotion in {known.emotion for known in pools}, f"{pool.emotion} has a line already"),
                (bool(unknown) or not pool.moods, f"{row['moods']} names other moods than {', '.join(MOODS)}"),
                (pool.rows not in _STARTS, f"rows are {pool.rows!r}, not {', '.join(_STARTS)}"),
                (pool.limit < 1, f"the limit {row['limit']!r} is no number from 1 on"),
            ):
                if is_wrong:
                    raise SongListError(f"{path}, line {line}: {what}")
            pools.append(pool)
    return pools


def convert(songs: dict[str, list[SongRecord]], pools: list[Pool]) -> dict[str, list[SongRecord]]:
    """Return the songs of each emotion, from those of each mood of the corpus."""
    found = {}
    for pool in pools:
        rows = [song for mood in pool.moods for song in songs.get(mood, [])]
        shared = any(set(pool.moods) & set(other.moods) for other in pools if other is not pool)
        if shared or len(rows) > pool.limit:
            start, step = _STARTS[pool.rows]
            rows = rows[start::step]
        found[pool.emotion] = rows[: pool.limit]
    return found


def import_lmc(
    database: UserDatabase,
    file: str | Path,
    *,
    pools: Path = POOLS,
    encoding: str = "utf-8-sig",
    skip_bad: bool = False,
    on_progress: Callable[[float], object] = lambda share: None,
) -> Converted:
    """Write a list of songs (columns artist, title, mood) into the user's database, each for its emotion.

    All or nothing; with `skip_bad`, rows that cannot be taken are reported and the others written. Raises SongListError
    for a list or table that cannot be read, UserDataError.
    """
    path, table = Path(file), read_pools(pools)
    songs: dict[str, list[SongRecord]] = {mood: [] for mood in MOODS}
    rejected: list[Rejected] = []
    with opened(path, encoding) as (text, share_read):
        for line, row in CsvRows(text, path, ("artist", "title", "mood")):
            mood = row["mood"].strip().lower()
            try:
                if not row["title"]:
                    raise ValueError("no title")
                if mood not in songs:
                    raise ValueError(f"{row['mood']!r} is none of the moods {', '.join(MOODS)}")
                songs[mood].append(of_cells({"title": row["title"], "artist": row["artist"], "moods": mood}, "lmc"))
            except ValueError as error:
                if not skip_bad:
                    raise SongListError(
                        f"{path}, line {line}: {plainly(error)}; nothing was imported. {ADVICE}"
                    ) from error
                rejected.append(Rejected(line, plainly(error)))
                continue
            on_progress(share_read())
    counts = dict.fromkeys(EMOTIONS, 0)
    with database.transaction() as connection:
        writer = SongWriter(connection, many=True)
        for emotion, records in convert(songs, table).items():
            counts[emotion] = len({writer.put(_for(emotion, record)) for record in records})
        writer.flush()
    return Converted(counts, {mood: len(own) for mood, own in songs.items()}, tuple(rejected))


def _for(emotion: str, song: SongRecord) -> SongRecord:
    valence, arousal = VALENCE_AROUSAL[emotion]
    return SongRecord(
        uid=f"lmc:{emotion}:{digest(song)}",  # a song may be listed under several moods
        title=song.title,
        artist=song.artist,
        moods=song.moods,
        source="lmc",
        valence=valence,
        arousal=arousal,
        probabilities=tuple(float(name == emotion) for name in EMOTIONS),  # type: ignore[arg-type]
        mood_from="lyric mood corpus",
    )
