"""What became of the songs: every one that was shown, played, kept, skipped or downloaded is one row."""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from edge_emo.core.errors import UserDataError
from edge_emo.core.text import printable
from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.schema import in_order

Action = Literal["shown", "played", "kept", "skipped", "downloaded"]
LIKED: tuple[Action, ...] = ("played", "kept", "downloaded")

_AT_ONCE = 1000
_COLUMNS = "id, at, session, request, uid, action, emotion, strategy, position"


@dataclass(frozen=True)
class Event:
    """One row: `at` in seconds since 1970; songs shown together share a `request`, their `position` begins at 1."""

    id: int
    at: float
    session: str
    request: str
    uid: str
    action: Action
    emotion: str | None
    strategy: str | None
    position: int | None


@dataclass(frozen=True)
class HistoryStats:
    """How much is known: rows in all, by action, by emotion and action, and of how many songs; first and last time."""

    path: str
    events: int
    songs: int
    first: float | None
    last: float | None
    by_action: dict[str, int]
    by_emotion: dict[str, dict[str, int]]


class History:
    """The history in a user's database. A row is on the disk when the call that wrote it returns.

    `session` is what counts as one sitting: no song is recommended twice in it. `now` gives the time in seconds since
    1970. Threads may share it. Every method raises UserDataError.
    """

    def __init__(
        self, database: UserDatabase, *, session: str | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self.database = database
        self.session = printable(session or uuid.uuid4().hex)
        self.now = now

    def shown(self, uids: Sequence[str], emotion: str | Sequence[str | None] | None, strategy: str) -> str:
        """Keep that these songs were shown, in that order, for an emotion or each for its own; return the request."""
        request = uuid.uuid4().hex
        at = self.now()
        emotions = [emotion] * len(uids) if emotion is None or isinstance(emotion, str) else emotion
        strategy = printable(strategy)
        with self.database.transaction() as connection:
            connection.executemany(
                "INSERT INTO events (at, session, request, uid, action, emotion, strategy, position) "
                "VALUES (?, ?, ?, ?, 'shown', ?, ?, ?)",
                [
                    (at, self.session, request, uid, each and printable(each), strategy, position)
                    for position, (uid, each) in enumerate(zip(map(printable, uids), emotions, strict=True), start=1)
                ],
            )
        return request

    def add(self, action: Action, *uids: str, emotion: str | None = None) -> None:
        """Keep what became of songs, all of them or none.

        Where one was shown before, emotion, strategy and position are those of then. Raises ValueError for an unknown
        action.
        """
        if action not in get_args(Action):
            raise ValueError(f"{action}: unknown action; known are {', '.join(get_args(Action))}")
        with self.database.transaction() as connection:
            for uid in map(printable, uids):
                found = connection.execute(
                    "SELECT request, emotion, strategy, position FROM events WHERE uid = ? AND action = 'shown' "
                    "ORDER BY at DESC, id DESC LIMIT 1",
                    [uid],
                ).fetchone()
                request, then, strategy, position = found or (uuid.uuid4().hex, None, None, None)
                connection.execute(
                    "INSERT INTO events (at, session, request, uid, action, emotion, strategy, position) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        self.now(),
                        self.session,
                        request,
                        uid,
                        action,
                        printable(emotion or "") or then,
                        strategy,
                        position,
                    ],
                )

    def events(self, after: int = 0, *, last: int | None = None) -> Iterator[Event]:
        """Yield the rows with an `id` above `after` in the order they were written, only the `last` ones if given."""
        if last is not None:
            with self.database.reading() as connection:
                sql = "SELECT min(id) FROM (SELECT id FROM events WHERE id > ? ORDER BY id DESC LIMIT ?)"
                [(first,)] = connection.execute(sql, [after, last])
            after = after if first is None else first - 1
        while rows := self._rows(after):
            yield from rows
            after = rows[-1].id

    def _rows(self, after: int) -> list[Event]:
        with self.database.reading() as connection:
            sql = f"SELECT {_COLUMNS} FROM events WHERE id > ? ORDER BY id LIMIT {_AT_ONCE}"
            rows = [Event(*row) for row in connection.execute(sql, [after])]
            in_order([row.id for row in rows], after)
            return rows

    def shown_in_session(self) -> list[str]:
        """Return the songs shown in this session."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT DISTINCT uid FROM events WHERE session = ? AND action = 'shown'", [self.session]
            )
            return [uid for (uid,) in rows]

    def last_shown(self) -> dict[str, float]:
        """Return when each song was shown last."""
        with self.database.reading() as connection:
            return dict(connection.execute("SELECT uid, max(at) FROM events WHERE action = 'shown' GROUP BY uid"))

    def stats(self) -> HistoryStats:
        """Count the rows."""
        with self.database.reading() as connection:
            [(events, songs, first, last)] = connection.execute(
                "SELECT count(*), count(DISTINCT uid), min(at), max(at) FROM events"
            )
            by_emotion: dict[str, dict[str, int]] = {}
            by_action = dict.fromkeys(get_args(Action), 0)
            for emotion, action, n in connection.execute(
                "SELECT emotion, action, count(*) FROM events GROUP BY 1, 2 ORDER BY 1, 2"
            ):
                by_emotion.setdefault(emotion or "unknown", {})[action] = n
                by_action[action] += n
        return HistoryStats(printable(str(self.database.path)), events, songs, first, last, by_action, by_emotion)

    def forget(self, uid: str | None = None, *, before: float | None = None) -> int:
        """Delete rows for good, all of them or those of a song or of the time before; return how many.

        The file keeps no trace of them. The error says so where the rows are deleted, but the file could not be written
        anew without their traces.
        """
        conditions: list[str] = ["1"]
        values: list[str | float] = []
        if uid is not None:
            conditions.append("uid = ?")
            values.append(printable(uid))
        if before is not None:
            conditions.append("at < ?")
            values.append(before)
        with self.database.transaction() as connection:
            n = connection.execute(f"DELETE FROM events WHERE {' AND '.join(conditions)}", values).rowcount
            _set(connection, "generation", "hex(randomblob(8))")
        try:
            self.database.compact()
        except UserDataError as error:
            raise UserDataError(
                f"{error}; {n} rows are deleted, but the file may hold traces of them until "
                "`edge-emo history forget` is run again"
            ) from error
        return n

    def learn_anew(self) -> None:
        """Let ranking learn from now on only; the rows stay."""
        with self.database.transaction() as connection:
            _set(connection, "learn_after", "(SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'events')")
            _set(connection, "generation", "hex(randomblob(8))")

    def setting(self, name: Literal["learn_after", "generation"]) -> str:
        """Return the `id` after which ranking learns, or what changes when rows that it learned from are gone."""
        with self.database.reading() as connection:
            found = connection.execute("SELECT value FROM settings WHERE name = ?", [name]).fetchone()
        return str(found[0]) if found else "0"


def _set(connection: sqlite3.Connection, name: str, expression: str) -> None:
    connection.execute(
        f"INSERT INTO settings VALUES (?, {expression}) ON CONFLICT (name) DO UPDATE SET value = excluded.value", [name]
    )
