"""Lists of songs, databases and tags: made whole, read, and what was taken of them written again."""

from __future__ import annotations

import json
import tempfile
import uuid
from functools import partial
from pathlib import Path
from unittest import mock
from xml.etree import ElementTree

import soundfile

from benchmarks.fuzz_kind import Kind
from benchmarks.fuzz_media import tone, without_chance
from edge_emo.media.sound import SAMPLE_RATE
from edge_emo.music.library import exchange, lmc, tags
from edge_emo.music.library.playlist import write_playlist
from edge_emo.music.store.catalogue import Catalogue
from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.history import History
from edge_emo.music.store.song import Song

_SONGS = [
    {"title": "Evening", "artist": "Ada", "uid": "a:1", "genre": "jazz", "bpm": 90, "duration_s": 61.5,
     "moods": ["calm"], "license": "CC-BY-4.0", "link": "https://example.org/1", "path": "/music/a.mp3"},
    {"title": "Ночь", "artist": "B|c", "uid": "b:2", "happy": 0.5, "sad": 0.5, "valence": -0.5, "arousal": 0.25,
     "usage": "=1+1"},
]  # fmt: skip


def list_kinds() -> list[Kind]:
    """Return the kinds of lists that songs and moods are imported from."""
    columns = tuple(name.encode() for name in exchange.COLUMNS)
    pools = lmc.POOLS.read_bytes()
    songs_of_moods = b"artist,title,mood\nAda,Evening,calm\nBob,Night,sadness\n"
    return [
        Kind("csv", "csv", lambda: [csv_list(), csv_list().replace(b",", b";")], _import, columns),
        Kind("json lines", "jsonl", lambda: [_json_lines()], _import, columns),
        Kind("lyric moods", "csv", lambda: [songs_of_moods], _import_moods, (b"angst", b"mood", b"artist")),
        Kind("pools of moods", "csv", lambda: [pools], _read_pools),
    ]


def csv_list() -> bytes:
    """Return songs as CSV."""
    names = sorted({name for song in _SONGS for name in song})
    rows = [",".join(str(song.get(name, "")).strip("[]'") for name in names) for song in _SONGS]
    return "\r\n".join([",".join(names), *rows, ""]).encode()


def _json_lines() -> bytes:
    named = [{k: v for k, v in song.items() if k not in ("happy", "sad")} for song in _SONGS]
    named[0]["probabilities"] = [0.125] * 8
    return "".join(json.dumps(song, ensure_ascii=False) + "\n" for song in named).encode()


def _import(path: Path) -> None:
    """Import, and write what was taken as every playlist there is."""
    with UserDatabase(path.with_name("songs.sqlite")) as database:
        exchange.import_songs(database, path, skip_bad=True)
        own = database.path
    with Catalogue(own=own) as catalogue:
        _write_playlists(path.parent, list(catalogue.all_songs("own")))


def _write_playlists(folder: Path, songs: list[Song]) -> None:
    for suffix in (".m3u8", ".xspf"):
        write_playlist(folder / f"a{suffix}", songs)
    ElementTree.parse(folder / "a.xspf")
    with (folder / "again.csv").open("w", encoding="utf-8", newline="") as text:
        exchange.write_songs(songs, text, "csv")


def _import_moods(path: Path) -> None:
    with UserDatabase(path.with_name("songs.sqlite")) as database:
        lmc.import_lmc(database, path, skip_bad=True)


def _read_pools(path: Path) -> None:
    assert isinstance(lmc.read_pools(path), list)


def database_kinds() -> list[Kind]:
    """Return the kinds of databases."""
    words = (b"SQLite format 3\0", b"CREATE TABLE", b"tracks", b"history")
    return [
        Kind("user's database", "sqlite", _database, _read_database, words),
        Kind("catalogue", "sqlite", _database, _read_catalogue, words),
    ]


def _database() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        songs = Path(folder, "a.jsonl")
        songs.write_bytes(_json_lines())
        with UserDatabase(Path(folder, "a.sqlite")) as database:
            exchange.import_songs(database, songs)
            with mock.patch("uuid.uuid4", return_value=uuid.UUID(int=0)):
                History(database, session="one", now=lambda: 0.0).shown(["a:1", "b:2"], "happy", "match")
            database.connection.execute("PRAGMA journal_mode = DELETE")
        return [database.path.read_bytes()]


def _read_database(path: Path) -> None:
    with UserDatabase(path, busy_s=0.1) as database:
        history = History(database)
        list(history.events())
        history.stats()
        history.add("played", "a:1")
    with Catalogue(own=path) as catalogue:
        list(catalogue.all_songs("own"))
        catalogue.search("evening")


def _read_catalogue(path: Path) -> None:
    with Catalogue(path) as catalogue:
        catalogue.info()
        _write_playlists(path.parent, list(catalogue.all_songs()))
        catalogue.ranked()


def tag_kinds() -> list[Kind]:
    """Return a kind for tags in each format of sounds."""
    words = (b"TIT2", b"TXXX", b"TCON\0\0\0\4\0\0\3(9)", b"APETAGEX", b"TITLE=", b"\xa9nam", b"METADATA_BLOCK_PICTURE")
    return [
        Kind(f"tags of {suffix}", suffix, partial(_with_tags, suffix), _checked_record, words)
        for suffix in ("mp3", "flac", "ogg", "wav", "aiff")
    ]


def _with_tags(suffix: str) -> list[bytes]:
    import mutagen
    from mutagen import id3

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a.{suffix}")
        soundfile.write(path, tone(), SAMPLE_RATE)
        file = mutagen.File(path)
        if file.tags is None:
            file.add_tags()
        values = {"TIT2": "title", "TPE1": "artist", "TCON": "genre", "TBPM": "bpm"}
        for frame, name in values.items():
            if suffix in ("flac", "ogg"):
                file.tags[name] = ["90" if name == "bpm" else f"a {name}"]
            else:
                file.tags.add(getattr(id3, frame)(encoding=3, text=["90" if name == "bpm" else f"a {name}"]))
        file.save()
        return [without_chance(path.read_bytes())]


def _checked_record(path: Path) -> None:
    record = tags.read_tags(str(path)).song
    assert record.title and (record.duration_s is None or record.duration_s > 0)
