"""SQLite: keyed reads run in the event loop; writes wait in a queue for one transaction after the other.

A keyed read takes less time than a hop to a thread. Only what waits for the disk goes to the thread of an
`aiosqlite.Connection`: scans, and commits, except the commit of a single write while the disk is quick.

Group commit: writes that arrive while a transaction commits share the next transaction. Each runs in a
savepoint, so that one that fails does not undo the others. For document writes this is the inner of two
nested groups: `services.batch_writer` already merges concurrent document writes into one call of `write`.
It does so for PostgreSQL, where each call is a transaction of its own. On SQLite it saves statements, and
the savepoints here let such a batch share a commit with all other writes.
"""

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from sqlalchemy.engine import make_url

from gql_service.errors import OutcomeUnknown, Unavailable
from gql_service.observability.database_log import report_database_error, report_files
from gql_service.observability.security_log import OnCommit
from gql_service.settings import Settings
from gql_service.store.commits import SQLITE_DATA_VERSION
from gql_service.store.connection import (
    COMMIT,
    Connection,
    DatabaseLoad,
    LostRace,
    OnStatement,
    Row,
    observed,
)
from gql_service.store.file_lock import FileLock
from gql_service.store.probe import READ_ALL_TABLES, WRITE_NOTHING
from gql_service.store.sqlite_commits import SqliteCommits
from gql_service.store.sqlite_connection import (
    InlineConnection,
    ObservedInlineConnection,
    ThreadedConnection,
    connect,
)
from gql_service.store.sqlite_errors import (
    error_name,
    is_busy,
    is_read_only,
    seems_full,
    translate_error,
    translate_lock_error,
)
from gql_service.store.sqlite_files import FilesReplaced, OpenFiles
from gql_service.store.statement import Statement
from gql_service.store.turn import Turn

T = TypeVar("T")
_MAX_GROUP_SIZE = 100
"""Writes that share one commit."""
_QUICK_COMMIT = 0.001
"""Seconds. After a commit that took longer, the next one runs in the thread: the event loop must not wait."""
_WATCH_INTERVAL = 0.5
"""Seconds between two looks at the files of the database."""
_BUSY_INTERVAL = 0.005
"""Seconds between two attempts to begin a transaction while another program writes."""


class _Reader(InlineConnection):
    """Runs keyed reads in the event loop, and scans in a thread on a connection of their own.

    Keyed reads use the connection that writes while it has no transaction: it keeps its cached pages when it
    commits, and every other connection has to read all of them again.
    """

    def __init__(self, path: str, observers: list[Callable[[str], None]]) -> None:
        super().__init__(connect(path), observers)
        self._path = path
        self._own = self._raw
        self._raw: Any = self._own
        self._open = self._own
        self._snapshot: sqlite3.Connection | None = None
        """The connection that has a transaction for reading."""
        self._refusal: Unavailable | None = None
        try:
            self._scanner = ThreadedConnection(path)
        except BaseException:
            self._raw.close()
            raise

    def refuse(self, refusal: Unavailable | None) -> None:
        """From now on, raise this error instead of reading; None ends that. It costs a keyed read nothing."""
        self._refusal = refusal
        self._raw = self._open if refusal is None else _Refusing(refusal)

    def use(self, writer: sqlite3.Connection | None) -> None:
        """From now on, run keyed reads on the connection that writes, or (None) on the own one."""
        self._open = self._own if writer is None else writer
        self.refuse(self._refusal)

    def begin(self) -> None:
        """Begin a transaction, unless there is one. A file that cannot be read is reported by the reads."""
        if self._snapshot is None:
            with suppress(sqlite3.Error):
                self._open.execute("BEGIN")
                self._snapshot = self._open

    def end(self) -> None:
        """End the transaction, if there is one: a failed read may have ended it."""
        snapshot, self._snapshot = self._snapshot, None
        if snapshot is not None and snapshot.in_transaction:
            snapshot.execute("COMMIT")

    async def __aenter__(self) -> "_Reader":
        return self

    async def __aexit__(self, *_error: object) -> None:
        pass

    async def fetch(self, statement: Statement, **parameters: Any) -> list[Row]:
        try:
            if statement.scans:
                if self._refusal is not None:
                    raise self._refusal
                return await self._scanner.fetch_all(*self._bind(statement, parameters))
            return self._run(statement, parameters).fetchall()
        except sqlite3.Error as error:
            raise translate_error(error, self._path) from error

    def data_version(self) -> tuple[Any, ...]:
        """Read on the own connection, which does not write, so that every commit changes it."""
        if self._refusal is not None:
            raise self._refusal
        for observe in self._observers:
            observe(SQLITE_DATA_VERSION)
        try:
            version: tuple[Any, ...] = self._own.execute(SQLITE_DATA_VERSION).fetchone()
            return version
        except sqlite3.Error as error:
            raise translate_error(error, self._path) from error

    async def close(self) -> None:
        self._own.close()
        await self._scanner.close()


class _ObservedReader(_Reader):
    """Tells the end of each statement."""

    def __init__(self, path: str, observers: list[Callable[[str], None]], on_statement: OnStatement) -> None:
        super().__init__(path, observers)
        self._on_statement = on_statement

    async def fetch(self, statement: Statement, **parameters: Any) -> list[Row]:
        with observed(self._on_statement, statement):
            return await super().fetch(statement, **parameters)


class _Refusing:
    """Stands in for the connection of a reader that must not read."""

    def __init__(self, refusal: Unavailable) -> None:
        self._refusal = refusal

    def execute(self, *_statement: object) -> sqlite3.Cursor:
        raise self._refusal


class _PendingWrite(NamedTuple):
    """A write in the queue."""

    work: Callable[[Connection], Awaitable[Any]]
    result: asyncio.Future[Any]
    on_commit: OnCommit | None


class _UncommittedWrite(NamedTuple):
    """A write whose work is done."""

    pending: _PendingWrite
    value: Any
    transaction: Connection

    def acknowledge(self) -> None:
        """To be called after the commit."""
        if not self.pending.result.done():
            self.pending.result.set_result(self.value)

    def report_events(self) -> None:
        """To be called after all writes of the group are acknowledged, because it may fail."""
        if self.transaction.security_events and self.pending.on_commit is not None:
            self.pending.on_commit(self.transaction.security_events)


class SqliteDatabase:
    """See `store.database.Database`."""

    reads_inline = True
    numbers_events = True

    def __init__(self, settings: Settings) -> None:
        self.turn = Turn(self)
        self.observers: list[Callable[[str], None]] = []
        self.on_statement: OnStatement | None = None
        self.on_events: Callable[[], None] | None = None
        self._path = make_url(settings.database_url).database or ""
        self.commits = SqliteCommits(self._path)
        self._timeout = settings.database_timeout
        self._lock = FileLock(f"{self._path}.lock", self._timeout)
        self._queue: deque[_PendingWrite] = deque()
        self._draining: asyncio.Task[None] | None = None
        self._committing: list[_UncommittedWrite] = []
        self._in_doubt = False
        """Whether a write has failed since one is known to have reached the disk."""
        self._is_read_only = False
        """Whether the connection for writing has found a read-only file."""
        self._files = OpenFiles(self._path)
        self._refusal: Unavailable | None = None
        """Why nothing is read or written."""
        self._watch: asyncio.TimerHandle | None = None
        self._closed = False

    def read(self) -> _Reader:
        return self._reader

    @property
    def inline_reader(self) -> _Reader:
        return self._reader

    def begin_snapshot(self) -> None:
        """Read in one transaction from now on: SQLite locks and unlocks the file for each transaction."""
        if "_reader" in self.__dict__:  # the first read opens it
            self._reader.begin()

    def end_snapshot(self) -> None:
        if "_reader" in self.__dict__:
            self._reader.end()

    async def data_version(self) -> tuple[Any, ...]:
        return self._reader.data_version()

    async def write(self, work: Callable[[Connection], Awaitable[T]], on_commit: OnCommit | None = None) -> T:
        if asyncio.current_task() is None:  # as in `web.lone_requests`; a timeout needs a task
            await asyncio.sleep(0)
        pending = _PendingWrite(work, asyncio.get_running_loop().create_future(), on_commit)
        self._queue.append(pending)
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain())
        try:
            async with asyncio.timeout(self._timeout):
                result: T = await pending.result
                return result
        except TimeoutError:
            if any(each.pending is pending for each in self._committing):
                report_database_error("TimeoutError", COMMIT, "The disk did not take the commit in time.")
                raise OutcomeUnknown from None
            raise Unavailable("The database did not write in time; try again.") from None

    async def probe(self) -> None:
        """A commit that waits for the disk is only needed while it is not known that the disk takes it."""
        self._look_for_files()
        try:
            await self._reader.fetch(READ_ALL_TABLES)
            await self.write(self._probe_write)
        except sqlite3.Error as error:
            name = error_name(error)
            raise Unavailable(f"The database is damaged or lacks a table ({name}).") from error
        self._in_doubt = False

    async def _probe_write(self, transaction: Connection) -> None:
        await transaction.execute(WRITE_NOTHING, nobody="")
        if self._in_doubt or seems_full(self._path):
            connection = self._writer.inline
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            connection.execute(f"PRAGMA user_version={version}")  # writes a page, which keeps its content

    def load(self) -> DatabaseLoad:
        return DatabaseLoad(waiting_writes=len(self._queue))

    async def close(self) -> None:
        """Finish the writes in the queue, then close every connection. The database cannot be reopened."""
        if self._watch is not None:
            self._watch.cancel()
        if self._draining is not None:
            await self._draining
        self._closed = True
        await self.commits.stop()
        if "_reader" in self.__dict__:
            await self.__dict__.pop("_reader").close()
        await self._close_writer()
        self._lock.close()

    async def _close_writer(self) -> None:
        """The next write opens another one. One that has found a read-only file would never write."""
        if "_writer" in self.__dict__:
            if "_reader" in self.__dict__:
                self._reader.use(None)
            await self.__dict__.pop("_writer").close()

    @cached_property
    def _reader(self) -> _Reader:
        self._require_open()
        try:
            reader = self._open_reader()
        except sqlite3.Error as error:
            raise translate_error(error, self._path) from error
        self._files.remember()
        self._watch = asyncio.get_running_loop().call_later(_WATCH_INTERVAL, self._watch_files)
        return reader

    def _open_reader(self) -> _Reader:
        if self.on_statement is not None:
            return _ObservedReader(self._path, self.observers, self.on_statement)
        return _Reader(self._path, self.observers)

    @cached_property
    def _writer(self) -> ThreadedConnection:
        self._require_open()
        assert self._reader  # knows the files
        writer = ThreadedConnection(self._path)
        # A wait for SQLite's own lock would stop the event loop; `_begin` waits instead.
        writer.inline.execute("PRAGMA busy_timeout=0")
        return writer

    def _require_open(self) -> None:
        """A connection that is opened after `close` would never be closed."""
        if self._closed:
            raise Unavailable("The database is closed.")

    def _watch_files(self) -> None:
        """Look for the files at intervals: reads do not."""
        self._look_for_files()
        self._watch = asyncio.get_running_loop().call_later(_WATCH_INTERVAL, self._watch_files)

    def _look_for_files(self) -> None:
        """Refuse to read and write while a file is gone, and say so in the log."""
        try:
            self._files.check()
            refusal = None
        except FilesReplaced as error:
            refusal = error
        if (refusal is None) == (self._refusal is None):
            return
        self._refusal = refusal
        self._reader.refuse(refusal)
        report_files(self._path, are_back=refusal is None)

    async def _drain(self) -> None:
        """Write until the queue is empty."""
        try:
            while self._queue:
                group = [self._queue.popleft() for _ in range(min(len(self._queue), _MAX_GROUP_SIZE))]
                try:
                    await self._write_group(group)
                except Exception as error:
                    self._look_for_files()
                    failure = self._failure(translate_lock_error(error))
                    for pending in group:
                        if not pending.result.done():
                            pending.result.set_exception(failure)
                if self._is_read_only:
                    self._is_read_only = False
                    await self._close_writer()
        finally:
            self._draining = None

    def _failure(self, error: Exception) -> Exception:
        """The error to raise for what a write has raised."""
        failure = translate_error(error, self._path)
        self._is_read_only = self._is_read_only or is_read_only(error)
        self._in_doubt = self._in_doubt or isinstance(failure, Unavailable)
        return failure

    async def _write_group(self, group: list[_PendingWrite]) -> None:
        """Run one transaction with a savepoint for each write, so that each fails or succeeds alone."""
        written: list[_UncommittedWrite] = []
        if self._refusal is not None:
            raise self._refusal
        async with self._lock.hold():
            writer = self._writer
            self._reader.use(None)  # reads must not see what is not committed
            await self._begin()
            try:
                for pending in group:
                    if not pending.result.done():
                        await self._write_one(pending, written)
                self._committing = written
                await self._commit(single=len(written) == 1)
                self._files.check_written()
            except BaseException:
                connection = writer.inline
                if connection.in_transaction:  # on a full disk, SQLite may have rolled back already
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._committing = []
            self._reader.use(writer.inline)
        for each in written:
            each.acknowledge()
        if self.on_events is not None and any(each.transaction.has_events for each in written):
            self.on_events()
        for each in written:
            each.report_events()

    async def _write_one(self, pending: _PendingWrite, written: list[_UncommittedWrite]) -> None:
        work, result, _ = pending
        connection = self._writer.inline
        connection.execute("SAVEPOINT one")
        try:
            transaction = self._transaction(connection)
            value = await work(transaction)
            if result.done():  # the caller was cancelled, or its time ran out
                raise asyncio.CancelledError
            written.append(_UncommittedWrite(pending, value, transaction))
        except LostRace:
            connection.execute("ROLLBACK TO one")
            self._queue.append(pending)
        except BaseException as error:
            if not connection.in_transaction:  # on a full disk, SQLite has rolled back the whole group
                raise
            connection.execute("ROLLBACK TO one")
            if not result.done():
                result.set_exception(self._failure(error) if isinstance(error, Exception) else error)
        connection.execute("RELEASE one")

    def _transaction(self, connection: sqlite3.Connection) -> InlineConnection:
        if self.on_statement is not None:
            return ObservedInlineConnection(connection, self.observers, self.on_statement)
        return InlineConnection(connection, self.observers)

    async def _commit(self, *, single: bool) -> None:
        """Commit in the thread, except for a single write on a quick disk: the hop would take longer."""
        started = time.perf_counter()
        if single and self._writer.last_commit < _QUICK_COMMIT:
            self._writer.commit_inline()
        else:
            await self._writer.commit()
        if self.on_statement is not None:
            self.on_statement(COMMIT, started, None)

    async def _begin(self) -> None:
        """Begin a transaction. Waits for programs that write without the lock file, and lets the event
        loop run meanwhile. Raises TimeoutError."""
        connection = self._writer.inline
        async with asyncio.timeout(self._timeout):
            while True:
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.OperationalError as error:
                    if not is_busy(error):
                        raise
                await asyncio.sleep(_BUSY_INTERVAL)
