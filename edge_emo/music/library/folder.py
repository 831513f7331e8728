"""One's own music: the user's database follows what lies in folders of sound files."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, NamedTuple

import msgspec

from edge_emo.core.errors import FolderError, MediaError, SongNotFoundError
from edge_emo.core.text import printable
from edge_emo.music.library.tags import SOURCE, Misread, Tags, read_tags
from edge_emo.music.library.walk import SoundFile, Unreadable, is_empty, real_folder, reason, walk
from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.moods import is_known, mood_position
from edge_emo.music.store.record import SongRecord
from edge_emo.music.store.schema import in_order
from edge_emo.music.store.writer import Content, SongWriter

_BATCH_FILES, _BATCH_BYTES = 256, 256 << 20  # read between two transactions
_CHUNK = 1 << 20
_ROWS = 1000
_KEPT = "what was written before stays; add the folder again for the rest"

Fate = Literal["added", "changed", "moved", "copies", "unchanged"]


@dataclass(frozen=True)
class Added:
    """What became of the files in `folders`.

    `moved` files are known by their content, `copies` hold what another file of a song does, `gone` files were taken
    out, `missing` ones are not there but kept. `unplaced` of those added or changed name neither a mood nor a genre
    that is known, so that they are hardly recommended; `unplaced_files` are their paths. `unknown_moods` are the mood
    tags of those added or changed that are not known. `misread` files have tags that seem to be in another encoding
    than they say; `add_folders` with that `tag_encoding` reads them so.
    """

    folders: tuple[str, ...]
    added: int
    changed: int
    moved: int
    copies: int
    unchanged: int
    gone: int
    missing: int
    unplaced: int
    unreadable: tuple[Unreadable, ...]
    misread: tuple[Misread, ...]
    unplaced_files: tuple[str, ...] = ()
    unknown_moods: tuple[str, ...] = ()


def add_folders(
    database: UserDatabase,
    folders: Iterable[str | os.PathLike[str]],
    *,
    keep_missing: bool = False,
    follow_links: bool = True,
    tag_encoding: str | None = None,
    on_progress: Callable[[float], object] | None = None,
) -> Added:
    """Bring the user's songs in line with the sound files below `folders`.

    Files whose size and time are known are not opened. A song keeps its identifier, and with it its history, when its
    file is tagged anew or moved. What was read is written every few hundred files: an interruption loses the last of
    them. Songs of files that are gone are taken out, unless `keep_missing`, or the folder is empty as that of a disk
    which is not mounted. With a `tag_encoding`, such as "cp1251", every file is opened, and tags that say to be Latin-1
    and seem not to be are read in it. `on_progress` receives how far it is, 0 to 1; it costs a walk ahead of the first.

    Raises FolderError for a folder that is not there, UserDataError where the database cannot be written,
    ExtraMissingError without mutagen, and LookupError for an unknown encoding.
    """
    if tag_encoding:
        _check_encoding(tag_encoding)
    roots = _outermost(folders)
    total = sum(1 for _ in walk(roots, follow_links=follow_links)) if on_progress else 0
    done = 0
    n: Counter[str] = Counter()
    unplaced: list[str] = []
    unknown_moods: dict[str, None] = {}
    unreadable: list[Unreadable] = []
    misread: list[Misread] = []
    read: list[_Read] = []
    found = walk(roots, follow_links=follow_links)
    while batch := list(islice(found, _BATCH_FILES)):
        n_bytes = 0
        known = _known(database, [file.path for file in batch])
        for file in batch:
            done += 1
            if isinstance(file, Unreadable):
                unreadable.append(file)
            elif not tag_encoding and known.get(file.path) == (file.size, file.modified_ns):
                n["unchanged"] += 1
            else:
                try:
                    read.append(_read(file, tag_encoding))
                    misread += filter(None, [read[-1].tags.misread] if not tag_encoding else [])
                    n_bytes += file.size
                except OSError as error:
                    unreadable.append(Unreadable(file.path, reason(error)))
                except MediaError as error:
                    unreadable.append(Unreadable(file.path, str(error).removeprefix(f"{file.path}: ")))
            if n_bytes > _BATCH_BYTES:
                n.update(_written(database, read, unplaced, unknown_moods))
                n_bytes = 0
            if on_progress:
                on_progress(min(done / max(total, 1), 1.0))
        n.update(_written(database, read, unplaced, unknown_moods))
    for root in roots:
        lost, kept = _take_out_lost(database, root, keep_missing or is_empty(root))
        n.update({"gone": lost, "missing": kept})
    counts = {name: n[name] for name in ("added", "changed", "moved", "copies", "unchanged", "gone", "missing")}
    return Added(
        tuple(map(printable, roots)),
        **counts,
        unplaced=len(unplaced),
        unreadable=tuple(unreadable),
        misread=tuple(misread),
        unplaced_files=tuple(unplaced),
        unknown_moods=tuple(unknown_moods),
    )


def remove_songs(database: UserDatabase, names: Sequence[str]) -> int:
    """Take own songs out, named by identifier, file or folder, and return how many; their files stay where they are.

    All are taken out, or none. Raises SongNotFoundError for a name that is none of them, FolderError for what
    no path can be, and UserDataError.
    """
    removed = 0
    with database.transaction() as connection:
        writer = SongWriter(connection)
        for name in map(printable, names):
            row = connection.execute("SELECT id FROM tracks WHERE uid = ?", [name]).fetchone()
            if row:
                writer.remove(row[0])
                removed += 1
                continue
            path = real_folder(name)
            limits = [path, *_below(path)]
            rows = connection.execute("SELECT path FROM files WHERE path = ? OR path > ? AND path < ?", limits)
            paths = [path for (path,) in rows]
            if not paths:
                raise SongNotFoundError(
                    f"{name}: none of your own songs, and no folder of them; nothing was removed. Those that ship stay"
                )
            removed += sum(_take_out(connection, writer, path) for path in paths)
    return removed


class _Read(NamedTuple):
    content: Content
    tags: Tags


class _Known(NamedTuple):
    """A file in the database, and its song."""

    path: str
    sha256: str | None
    track_id: int
    uid: str
    source: str
    n_files: int


_KNOWN = (
    "SELECT f.path, f.sha256, t.id, t.uid, t.source, (SELECT count(*) FROM files c WHERE c.track_id = t.id) "
    "FROM files f JOIN tracks t ON t.id = f.track_id WHERE "
)


def _read(file: SoundFile, tag_encoding: str | None) -> _Read:
    """Return what a file holds. Raises OSError, MediaError or ExtraMissingError."""
    if not file.size:
        raise MediaError(f"{file.path}: is empty (0 bytes); copy it again")
    digest = hashlib.sha256()
    with open(file.path, "rb") as opened:
        while chunk := opened.read(_CHUNK):
            digest.update(chunk)
    return _Read(Content(file.size, file.modified_ns, digest.hexdigest()), read_tags(file.path, tag_encoding))


def _written(
    database: UserDatabase, read: list[_Read], unplaced: list[str], unknown_moods: dict[str, None]
) -> Counter[str]:
    """Write what was read and forget it; return the fates of the files, and add what is not known of them."""
    fates: Counter[str] = Counter()
    if read:
        with database.transaction(_KEPT) as connection:
            writer = SongWriter(connection)
            for one in read:
                record = one.tags.song
                fate = _write(connection, writer, one.content, record, is_repaired=one.tags.misread is not None)
                fates[fate] += 1
                if fate in ("added", "changed"):
                    if mood_position(record.moods, record.genre)[1] == "nothing":
                        unplaced.append(str(record.path))
                    unknown_moods.update((mood, None) for mood in record.moods if not is_known(mood))
        read.clear()
    return fates


def _write(
    connection: sqlite3.Connection, writer: SongWriter, content: Content, record: SongRecord, *, is_repaired: bool
) -> Fate:
    path = str(record.path)

    def files(condition: str, *values: str) -> list[_Known]:
        return [_Known(*row) for row in connection.execute(_KNOWN + condition, values)]

    known = next(iter(files("f.path = ?", path)), None)
    same = files("f.sha256 = ? AND f.path <> ?", content.sha256, path)
    if known and known.sha256 in (None, content.sha256):  # none where a list that was imported names the file
        is_to_mend = is_repaired and known.source == SOURCE and known.n_files == 1
        if is_to_mend:
            writer.put(msgspec.structs.replace(record, uid=known.uid))
        writer.place(known.track_id, path, content)
        return "changed" if is_to_mend else "unchanged"
    if same:
        moved = next((file for file in same if _is_gone(file.path)), None)
        home = moved or same[0]
        if moved:
            writer.displace(moved.path)
        if known:
            _take_out(connection, writer, path)
        writer.place(home.track_id, path, content)
        if moved and home.source == SOURCE:  # without a title tag, the name of the file is the title
            writer.put(msgspec.structs.replace(record, uid=home.uid))
        return "moved" if moved else "copies"
    if known and known.n_files == 1:
        if known.source == SOURCE:
            writer.put(msgspec.structs.replace(record, uid=known.uid))
        writer.place(known.track_id, path, content)
        return "changed"
    track_id = writer.put(msgspec.structs.replace(record, uid=_free_uid(connection, content.sha256)))
    writer.place(track_id, path, content)
    return "added"


def _free_uid(connection: sqlite3.Connection, sha256: str) -> str:
    """Return an identifier by the content, which a song may have that was tagged anew since."""
    first = uid = f"{SOURCE}:{sha256[:16]}"
    number = 1
    while connection.execute("SELECT 1 FROM tracks WHERE uid = ?", [uid]).fetchone():
        number += 1
        uid = f"{first}-{number}"
    return uid


def _known(database: UserDatabase, paths: Sequence[str]) -> dict[str, tuple[int, int]]:
    with database.reading() as connection:
        marks = ", ".join("?" * len(paths))
        rows = connection.execute(
            f"SELECT path, size, modified_ns FROM files WHERE sha256 IS NOT NULL AND path IN ({marks})", paths
        )
        return {path: (size, modified_ns) for path, size, modified_ns in rows}


def _take_out_lost(database: UserDatabase, root: str, keep: bool) -> tuple[int, int]:
    """Take out the files below a folder that are not there any more; return how many, and how many were kept."""
    gone = kept = 0
    after, end = _below(root)
    while True:
        with database.reading() as connection:
            sql = "SELECT path FROM files WHERE path > ? AND path < ? ORDER BY path LIMIT ?"
            paths = [path for (path,) in connection.execute(sql, [after, end, _ROWS])]
            in_order(paths, after)
        if not paths:
            return gone, kept
        lost = [path for path in paths if _is_gone(path)]
        if keep:
            kept += len(lost)
        elif lost:
            with database.transaction(_KEPT) as connection:
                writer = SongWriter(connection)
                for path in lost:
                    _take_out(connection, writer, path)
            gone += len(lost)
        after = paths[-1]


def _take_out(connection: sqlite3.Connection, writer: SongWriter, path: str) -> bool:
    """Forget a file, and its song where it was the only one; songs of lists stay. Return whether a song went."""
    row = connection.execute(_KNOWN + "f.path = ?", [path]).fetchone()
    if row is None:  # another process did so
        return False
    known = _Known(*row)
    if known.source == SOURCE and known.n_files == 1:
        writer.remove(known.track_id)
        return True
    writer.displace(path)
    return False


def _outermost(folders: Iterable[str | os.PathLike[str]]) -> list[str]:
    """Return absolute paths, without those that lie below others. Raises FolderError."""
    paths: list[str] = []
    for path in sorted(map(real_folder, folders)):
        if not os.path.isdir(path):
            what = "is no folder" if os.path.exists(path) else "no such folder"
            raise FolderError(f"{printable(path)}: {what}; name a folder of sound files")
        if printable(path) != path:
            raise FolderError(f"{printable(path)}: its name is not UTF-8; rename it")
        if not any(path == root or path.startswith(_below(root)[0]) for root in paths):
            paths.append(path)
    return paths


def _check_encoding(name: str) -> None:
    try:
        "".encode(name)
    except ValueError as error:  # a NUL, or no UTF-8
        raise LookupError(f"unknown encoding: {name!r}") from error


def _below(path: str) -> tuple[str, str]:
    """Return the limits between which the paths below a folder sort."""
    start = path if path.endswith(os.sep) else path + os.sep
    return start, start[:-1] + chr(ord(os.sep) + 1)


def _is_gone(path: str) -> bool:
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # in a folder that may not be entered, or on a disk that does not answer
        return False
    return False
