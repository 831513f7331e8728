"""The user's database: own songs and history, in one SQLite file in the user's data folder."""

from __future__ import annotations

import os
import sqlite3
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_emo.core.errors import UserDataError
from edge_emo.music.store.privacy import make_private
from edge_emo.music.store.schema import DAMAGED, SCHEMA_VERSION, migrate, version_of

FILE_NAME = "edge-emo.sqlite"

_CHECKED_WHOLE = 64 << 20  # bytes up to which the file is read whole when it is opened
_BUSY_S = 30.0
_CACHE_KB = 64 << 10  # of pages, at most; with the 2 MB that SQLite takes, a long import takes twice as long


def data_folder(given: str | Path | None = None) -> Path:
    """Return the folder of the user's data: the one given, that of `EDGE_EMO_HOME`, or the platform's."""
    if given or os.environ.get("EDGE_EMO_HOME"):
        return Path(given or os.environ["EDGE_EMO_HOME"])
    import platformdirs

    return Path(platformdirs.user_data_dir("edge-emo", appauthor=False))


class UserDatabase:
    """Own songs and history; made when missing. Several processes and threads may use it at once.

    `lock` is held while one of the threads reads or writes; hold it for steps that belong together.

    Every committed change is on the disk when the call returns. A file that is damaged is moved aside, named in
    `warnings`, and a new one begun. Raises UserDataError where the file cannot be used: a folder that cannot be
    written, a database of a newer release or one that another process holds locked for more than `busy_s` seconds.
    """

    def __init__(self, path: str | Path | None = None, *, busy_s: float = _BUSY_S) -> None:
        self.path = Path(path) if path else data_folder() / FILE_NAME
        self.warnings: list[str] = []
        self.lock = threading.RLock()
        self._busy_s = busy_s
        self.connection = self._opened()

    def __enter__(self) -> UserDatabase:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            self.connection.close()

    @contextmanager
    def transaction(self, undone: str = "nothing was changed") -> Iterator[sqlite3.Connection]:
        """Write all or nothing. Raises UserDataError where the database is locked, damaged, or the disk full.

        `undone` is what the error says of what was to be written.
        """
        with self.lock, self._errors(undone):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            finally:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read what is written, and nothing half written by another thread. Raises UserDataError."""
        with self.lock, self._errors():
            yield self.connection

    def compact(self) -> None:
        """Write the file anew without the traces of what was deleted. Raises UserDataError; nothing is lost then."""
        with self.lock, self._errors():
            self.connection.execute("VACUUM")
            [(is_busy, *_)] = self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            if is_busy:
                raise sqlite3.OperationalError("database is locked")

    @contextmanager
    def _errors(self, *said: str) -> Iterator[None]:
        """Turn SQLite's errors into UserDataError."""
        try:
            yield
        except DAMAGED as error:
            raise self._told(error, *said) from error

    def _told(self, error: Exception, *said: str) -> UserDataError:
        return UserDataError(f"{self.path}: {'; '.join(filter(None, [str(error), _next_step(error), *said]))}")

    def _opened(self) -> sqlite3.Connection:
        try:
            make_private(self.path)
        except OSError as error:
            raise UserDataError(f"{error}; name another folder with --data-dir") from error
        try:
            return self._connected()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            if isinstance(error, sqlite3.OperationalError):  # locked, not writable, a full disk: nothing is damaged
                raise self._told(error, "nothing was changed") from error
        aside = self._move_aside()
        self.warnings.append(
            f"{self.path}: damaged; it is kept as {aside.name}, and a new one was begun, without your songs and history"
        )
        with self._errors("nothing was changed"):
            return self._connected()

    def _connected(self) -> sqlite3.Connection:
        """Return a connection; sqlite3.DatabaseError that is no OperationalError means a damaged file."""
        if _is_cut(self.path):
            raise sqlite3.DatabaseError("shorter than it says")
        connection = sqlite3.connect(self.path, timeout=self._busy_s, isolation_level=None, check_same_thread=False)
        try:
            version = version_of(connection)
            if version > SCHEMA_VERSION:
                raise UserDataError(
                    f"{self.path}: written by a newer edge-emo (schema {version}, this release reads "
                    f"{SCHEMA_VERSION}); install that release, or name another folder with --data-dir"
                )
            _keep_journal(connection, self._busy_s)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
            if self.path.stat().st_size <= _CHECKED_WHOLE:
                found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
                if found != "ok":
                    raise sqlite3.DatabaseError(found)
            migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _move_aside(self) -> Path:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        aside = self.path.with_name(f"{self.path.name}.damaged-{stamp}")
        number = 1
        while aside.exists():
            number += 1
            aside = self.path.with_name(f"{self.path.name}.damaged-{stamp}-{number}")
        for suffix in ("-wal", "-shm", ""):
            part = self.path.with_name(self.path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
        return aside


def _keep_journal(connection: sqlite3.Connection, busy_s: float) -> None:
    """Turn write-ahead logging on; SQLite itself does not wait for others while it does."""
    deadline = time.monotonic() + busy_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def _is_cut(path: Path) -> bool:
    """Return whether the file lacks pages that its header counts and no journal can hold them.

    The header: SQLite's file format, section 1.3.
    """
    wal = path.with_name(path.name + "-wal")
    if not path.exists() or (wal.exists() and wal.stat().st_size):
        return False
    try:
        with path.open("rb") as file:
            header = file.read(100)
            size = file.seek(0, os.SEEK_END)
    except OSError:  # of a disk that fails, SQLite says best
        return False
    if len(header) < 100:
        return size > 0
    page_size, pages = struct.unpack(">H", header[16:18])[0], struct.unpack(">I", header[28:32])[0]
    counted = header[24:28] == header[92:96]  # else the count of pages is not valid
    return header[:16] == b"SQLite format 3\0" and counted and size < (65536 if page_size == 1 else page_size) * pages


def _next_step(error: Exception) -> str | None:
    text = str(error)
    if "locked" in text or "busy" in text:
        return "another process holds it; end that one, or try again"
    if "full" in text:
        return "make room on the disk"
    if "readonly" in text or "unable to open" in text:
        return "make its folder writable, or name another with --data-dir"
    if "malformed" in text or "not a database" in text or isinstance(error, UnicodeDecodeError):
        return "it is moved aside when it is opened next"
    if "disk I/O" in text:
        return "make room on the disk, or look whether it works"
    return None
