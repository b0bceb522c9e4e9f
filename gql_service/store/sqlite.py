"""SQLite: reads run inline, and writers queue for one transaction after the other.

A keyed read takes less time than handing it to a thread. Only what waits for the disk goes to a thread:
scans, and commits, unless one write is alone and the disk quick. Writes that queue up while one commits share
the next commit, each in a savepoint.
"""

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from math import inf
from typing import Any, NamedTuple, TypeVar

from sqlalchemy.engine import make_url

from gql_service.errors import Unavailable
from gql_service.settings import Settings
from gql_service.store.connection import Connection, Duplicate, LostRace, Row
from gql_service.store.file_lock import FileLock
from gql_service.store.statement import Statement

T = TypeVar("T")
_MAX_GROUP = 100
"""Writes that share one commit."""
_QUICK = 0.001
"""Seconds for which everybody may wait for one commit; a disk that took longer is left to a thread."""
_MAX_MAPPED = 1 << 30
"""Bytes of the database file that are read as memory; what is beyond is read as a file."""


class _Inline:
    """A connection whose statements run at once, in the event loop."""

    def __init__(self, raw: sqlite3.Connection, observers: list[Callable[[str], None]]) -> None:
        self._raw = raw
        self._observers = observers

    async def fetch(self, statement: Statement, **parameters: Any) -> list[Row]:
        return self._run(statement, parameters).fetchall()

    async def hold(self, _names: Iterable[str], *, alone: bool) -> None:
        pass

    async def execute(self, statement: Statement, **parameters: Any) -> None:
        await self.execute_many(statement, [parameters])

    async def execute_many(self, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        try:
            for parameters in rows:
                self._run(statement, parameters)
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorname in ("SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_UNIQUE"):
                raise Duplicate from error
            raise

    def _run(self, statement: Statement, parameters: Mapping[str, Any]) -> sqlite3.Cursor:
        sql, bind, lists = statement.for_sqlite
        if {len(parameters[name]) for name in lists} == {1}:
            sql, bind, _ = statement.for_sqlite_single_key
        for observe in self._observers:
            observe(sql)
        return self._raw.execute(sql, bind(parameters))


class _Reader(_Inline):
    """Runs scans in a thread, on a connection of their own; to be entered for each read."""

    def __init__(self, database: "SqliteDatabase") -> None:
        super().__init__(database._connect(), database.observers)
        self._scanning = _Inline(database._connect(), database.observers)
        self._thread = ThreadPoolExecutor(1, "sqlite-scan")

    async def __aenter__(self) -> "_Reader":
        return self

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, sqlite3.OperationalError):
            raise _told(error) from error

    async def fetch(self, statement: Statement, **parameters: Any) -> list[Row]:
        if not statement.scans:
            return self._run(statement, parameters).fetchall()

        def scan() -> list[Row]:
            return self._scanning._run(statement, parameters).fetchall()

        return await asyncio.get_running_loop().run_in_executor(self._thread, scan)

    def close(self) -> None:
        self._thread.shutdown()
        self._scanning._raw.close()
        self._raw.close()


class _Waiting(NamedTuple):
    """A write in the queue."""

    work: Callable[[Connection], Awaitable[Any]]
    result: asyncio.Future[Any]


class SqliteDatabase:
    """See `store.database.Database`."""

    reads_inline = True

    def __init__(self, settings: Settings) -> None:
        self.observers: list[Callable[[str], None]] = []
        self._path = make_url(settings.database_url).database or ""
        self._timeout = settings.database_timeout
        self._lock = FileLock(f"{self._path}.lock", self._timeout)
        self._queue: deque[_Waiting] = deque()
        self._draining: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "sqlite-commit")
        self._last_commit = inf
        """How many seconds it took."""

    def read(self) -> "_Reader":
        return self._reader

    async def write(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        waiting = _Waiting(work, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain())
        try:
            async with asyncio.timeout(self._timeout):
                result: T = await waiting.result
                return result
        except TimeoutError:
            raise _too_busy() from None
        except sqlite3.OperationalError as error:
            raise _told(error) from error

    async def close(self) -> None:
        if self._draining is not None:
            await self._draining
        self._thread.shutdown()
        for connection in ("_reader", "_writer"):
            if connection in self.__dict__:
                self.__dict__.pop(connection).close()

    @cached_property
    def _reader(self) -> _Reader:
        return _Reader(self)

    @cached_property
    def _writer(self) -> sqlite3.Connection:
        writer = self._connect()
        writer.execute("PRAGMA busy_timeout=0")  # waiting in SQLite would stop the event loop
        return writer

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        # Mapped, a page that SQLite's own small cache has lost costs no system call; see bench/README.md.
        pragmas = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"mmap_size={_MAX_MAPPED}")
        try:
            for pragma in pragmas:
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
        return connection

    async def _drain(self) -> None:
        """Write until the queue is empty."""
        try:
            while self._queue:
                group = [self._queue.popleft() for _ in range(min(len(self._queue), _MAX_GROUP))]
                try:
                    await self._write_group(group)
                except Exception as error:
                    for _, result in group:
                        if not result.done():
                            result.set_exception(error)
        finally:
            self._draining = None

    async def _write_group(self, group: list[_Waiting]) -> None:
        """One transaction, in which each write stands or falls alone."""
        written: list[tuple[asyncio.Future[Any], Any]] = []
        async with self._lock.hold():
            await self._begin()
            try:
                for waiting in group:
                    if not waiting.result.done():
                        await self._write_one(waiting, written)
                await self._commit(alone=len(written) == 1)
            except BaseException:
                if self._writer.in_transaction:  # SQLite may have ended it itself, when the disk is full
                    self._writer.execute("ROLLBACK")
                raise
        for result, value in written:
            if not result.done():
                result.set_result(value)

    async def _write_one(self, waiting: _Waiting, written: list[tuple[asyncio.Future[Any], Any]]) -> None:
        work, result = waiting
        self._writer.execute("SAVEPOINT one")
        try:
            value = await work(_Inline(self._writer, self.observers))
            if result.done():  # the caller has given up
                raise asyncio.CancelledError
            written.append((result, value))
        except LostRace:
            self._writer.execute("ROLLBACK TO one")
            self._queue.append(waiting)
        except BaseException as error:
            self._writer.execute("ROLLBACK TO one")
            if not result.done():
                result.set_exception(error)
        self._writer.execute("RELEASE one")

    async def _commit(self, *, alone: bool) -> None:
        """Wait for the disk in a thread; but to hand one write over takes longer than a quick disk does."""
        started = time.perf_counter()
        if alone and self._last_commit < _QUICK:
            self._writer.execute("COMMIT")
        else:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._writer.execute, "COMMIT")
        self._last_commit = time.perf_counter() - started

    async def _begin(self) -> None:
        """Wait, without stopping the event loop, for a writer that knows nothing of our lock."""
        async with asyncio.timeout(self._timeout):
            while True:
                try:
                    self._writer.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.OperationalError as error:
                    if not _is_busy(error):
                        raise
                await asyncio.sleep(0.005)


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _told(error: sqlite3.OperationalError) -> Exception:
    return _too_busy() if _is_busy(error) else error


def _too_busy() -> Unavailable:
    return Unavailable("The database did not answer in time; try again.")
