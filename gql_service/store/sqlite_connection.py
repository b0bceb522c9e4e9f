"""SQLite connections: one that runs statements in the event loop, and one that also works in a thread.

`aiosqlite` runs every call in the thread of its connection. A keyed read takes less time than the hop to
that thread and back, so keyed reads and the statements of a write run on the `sqlite3.Connection` itself.
"""

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from contextlib import suppress
from math import inf
from typing import Any, TypeVar

import aiosqlite

from gql_service.observability.security_log import SecurityEvent
from gql_service.store.connection import Duplicate, MissingReference, OnStatement, Row, observed
from gql_service.store.sqlite_errors import note_statement
from gql_service.store.statement import Statement

T = TypeVar("T")
_MAX_MAPPED = 1 << 30
"""Bytes of the database file that SQLite reads as memory. It reads the rest with system calls."""
_CHUNK = 64
"""Rows that an aiosqlite cursor fetches per call; no cursor is iterated here."""
_INTERRUPT_INTERVAL = 0.01
"""Seconds between two attempts to interrupt a call that has not started yet."""


def create_private(path: str) -> None:
    """Create a missing database file, readable by its owner only. SQLite creates its other files likewise.

    An existing file is never opened here: closing it would drop the locks that SQLite holds on it.
    """
    if path and path != ":memory:":
        with suppress(OSError):  # it exists, or SQLite reports what is wrong with the path
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def connect(path: str) -> sqlite3.Connection:
    """Open a database file with the settings that every connection has. Raises sqlite3.Error."""
    create_private(path)
    # The event loop and the thread of aiosqlite take turns, hence `check_same_thread=False`.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    # With `mmap_size`, a page outside SQLite's small cache costs no system call; see bench/README.md.
    pragmas = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"mmap_size={_MAX_MAPPED}")
    try:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


class InlineConnection:
    """See `store.connection.Connection`. Runs each statement at once, in the event loop."""

    is_alone = True

    def __init__(self, raw: sqlite3.Connection, observers: list[Callable[[str], None]]) -> None:
        self._raw = raw
        self._observers = observers
        self.security_events: list[SecurityEvent] = []
        self.has_events = False

    async def fetch(self, statement: Statement, **parameters: Any) -> list[Row]:
        return self._run(statement, parameters).fetchall()

    async def lock(self, _names: Iterable[str], *, exclusive: bool) -> None:
        """Do nothing: SQLite runs one write transaction at a time."""

    async def lock_free(self, names: Set[str]) -> Set[str]:
        return names

    async def execute(self, statement: Statement, **parameters: Any) -> None:
        await self.execute_many(statement, [parameters])

    async def execute_many(self, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        try:
            for parameters in rows:
                self._run(statement, parameters)
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorname in ("SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_UNIQUE"):
                raise Duplicate from error
            if error.sqlite_errorname == "SQLITE_CONSTRAINT_FOREIGNKEY":
                raise MissingReference from error
            raise

    def _run(self, statement: Statement, parameters: Mapping[str, Any]) -> sqlite3.Cursor:
        sql, values = self._bind(statement, parameters)
        try:
            return self._raw.execute(sql, values)
        except sqlite3.Error as error:
            note_statement(error, sql)
            raise

    def _bind(self, statement: Statement, parameters: Mapping[str, Any]) -> tuple[str, tuple[Any, ...]]:
        """The SQL text and its values. Tells the observers, so the statement must then be run."""
        sql, bind, lists = statement.for_sqlite
        for name in lists:
            if len(parameters[name]) != 1:
                break
        else:
            if lists:
                sql, bind, _ = statement.for_sqlite_single_key
        for observe in self._observers:
            observe(sql)
        return sql, bind(parameters)


class ObservedInlineConnection(InlineConnection):
    """Tells the end of each statement."""

    def __init__(
        self, raw: sqlite3.Connection, observers: list[Callable[[str], None]], on_statement: OnStatement
    ) -> None:
        super().__init__(raw, observers)
        self._on_statement = on_statement

    async def fetch(self, statement: Statement, **parameters: Any) -> list[Row]:
        with observed(self._on_statement, statement):
            return await super().fetch(statement, **parameters)

    async def execute_many(self, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        with observed(self._on_statement, statement):
            await super().execute_many(statement, rows)


class _TimedCommits:
    """A connection that measures how long the disk takes for a commit.

    The way to a thread and back is not measured: on a busy machine it takes longer than a quick disk.
    """

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw
        self.last = inf

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def commit(self) -> None:
        started = time.perf_counter()
        self._raw.commit()
        self.last = time.perf_counter() - started


class ThreadedConnection:
    """A connection that the event loop and the thread of an `aiosqlite.Connection` use in turns.

    aiosqlite gets the open connection from its connector. Only one call is in the thread at a time, and
    `inline` refuses the connection to the event loop meanwhile. A cancelled call ends before the
    cancellation is raised, so that the connection is always free afterwards.
    """

    def __init__(self, path: str) -> None:
        self._raw = connect(path)
        self._timed = _TimedCommits(self._raw)
        self._aiosqlite: aiosqlite.Connection | None = None
        self._turn = asyncio.Lock()

    @property
    def inline(self) -> sqlite3.Connection:
        """The connection, for use in the event loop until the next `await`ed method of this class."""
        if self._turn.locked():
            raise RuntimeError("The connection is in use by its thread.")
        return self._raw

    @property
    def last_commit(self) -> float:
        """The seconds that the disk took for the last commit; infinite before the first."""
        return self._timed.last

    def commit_inline(self) -> None:
        """Commit in the event loop."""
        assert self.inline
        self._timed.commit()

    async def commit(self) -> None:
        """Commit in the thread. A cancellation does not stop the commit."""
        await self._in_thread(lambda connection: connection.commit(), interrupt=False)

    async def fetch_all(self, sql: str, values: tuple[Any, ...]) -> list[Row]:
        """Run a query in the thread and fetch all its rows. A cancellation interrupts the query."""
        return list(
            await self._in_thread(lambda connection: connection.execute_fetchall(sql, values), interrupt=True)
        )

    async def close(self) -> None:
        """Close the connection after the calls that already wait for the thread, and end the thread."""
        async with self._turn:
            if self._aiosqlite is None:
                self._raw.close()
            else:
                await self._aiosqlite.close()

    async def _in_thread(self, call: Callable[[aiosqlite.Connection], Awaitable[T]], *, interrupt: bool) -> T:
        async with self._turn:  # a call that is cancelled while it waits here never starts
            if self._aiosqlite is None:
                self._aiosqlite = await _with_daemon_thread(self._timed)
            try:
                return await call(self._aiosqlite)
            except asyncio.CancelledError:
                await _wait_until_idle(self._aiosqlite, interrupt=interrupt)
                raise


def _with_daemon_thread(raw: Any) -> aiosqlite.Connection:
    """Wrap an open connection. A process that ends without closing it must not wait for its thread.

    aiosqlite has no option for this. Its thread is a daemon if the thread that creates it is one.
    """
    created: list[aiosqlite.Connection] = []
    creator = threading.Thread(
        target=lambda: created.append(aiosqlite.Connection(lambda: raw, _CHUNK)), daemon=True
    )
    creator.start()
    creator.join()
    return created[0]


async def _wait_until_idle(connection: aiosqlite.Connection, *, interrupt: bool) -> None:
    """Wait until the thread has done what it was given, even if this wait is cancelled, too.

    The thread works first in, first out: when a new call has returned, the calls before it have ended.
    """
    while True:
        if interrupt:
            await connection.interrupt()
        try:
            async with asyncio.timeout(_INTERRUPT_INTERVAL):
                await connection.cursor()
                return
        except (TimeoutError, asyncio.CancelledError):
            continue
