"""PostgreSQL through asyncpg: READ COMMITTED with row locks, timeouts, support for transaction poolers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, NoReturn, TypeVar

from gql_service.errors import OutcomeUnknown, ServiceError, Unavailable
from gql_service.observability.database_log import report_database_error
from gql_service.observability.security_log import OnCommit
from gql_service.settings import Settings
from gql_service.store.commits import POSTGRES_DATA_VERSION
from gql_service.store.connection import COMMIT, Connection, DatabaseLoad, LostRace, OnStatement
from gql_service.store.positions import PRIMARY_POSITION, UNKNOWN, Position, parse_primary
from gql_service.store.postgres_commits import PostgresCommits
from gql_service.store.postgres_errors import BUSY, ROLLED_BACK, is_retryable, is_stale, translate
from gql_service.store.postgres_pool import PostgresPool
from gql_service.store.postgres_session import PostgresReader, PostgresSession, RolledBack
from gql_service.store.probe import READ_ALL_TABLES, WRITE_NOTHING
from gql_service.store.turn import Turn

T = TypeVar("T")
_MAX_ATTEMPTS = 10
"""Runs of one transaction before it fails as unavailable."""


class PostgresDatabase:
    """See `store.database.Database`."""

    reads_inline = False
    numbers_events = False

    @property
    def inline_reader(self) -> Connection:
        raise RuntimeError("Every read of PostgreSQL waits.")

    def __init__(self, settings: Settings) -> None:
        self.turn = Turn()
        self.observers: list[Callable[[str], None]] = []
        self.on_statement: OnStatement | None = None
        self.on_events: Callable[[], None] | None = None
        self._settings = settings
        self._pool = PostgresPool(settings)
        self.commits = PostgresCommits(settings)
        self._finishing: set[asyncio.Task[None]] = set()
        self.position: Position | None = None
        """A position that the writes of this process have reached. Kept only if there are replicas."""

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """Behind a pooler, a read is a transaction: without one, the pooler could prepare a statement on one
        server connection and execute it on another."""
        in_transaction = self._settings.database_pooler
        reader = PostgresReader(self._pool, self.observers, self.on_statement, in_transaction=in_transaction)
        try:
            await reader.open()
            yield reader
        except asyncio.CancelledError:
            self._finish(reader.close())  # a silent server must not hold the request up
            raise
        except Exception as error:
            await reader.close()
            _raise(error, reader)
        else:
            await reader.close()

    async def data_version(self) -> tuple[Any, ...]:
        async with self.read() as connection:
            (version,) = await connection.fetch(POSTGRES_DATA_VERSION)
        return tuple(version)

    async def write(self, work: Callable[[Connection], Awaitable[T]], on_commit: OnCommit | None = None) -> T:
        has_reconnected = False
        for _ in range(_MAX_ATTEMPTS):
            transaction = PostgresSession(self._pool, self.observers, self.on_statement)
            try:
                return await self._attempt(transaction, work, on_commit)
            except LostRace:
                continue
            except Exception as error:
                if is_retryable(error):
                    continue
                if error is transaction.failure and is_stale(error) and not has_reconnected:
                    has_reconnected = True  # nothing was committed: that raises OutcomeUnknown
                    continue
                _raise(error, transaction)
        raise Unavailable(BUSY)

    async def probe(self) -> None:
        try:
            async with self.read() as connection:
                await connection.fetch(READ_ALL_TABLES)
                # Refused as every write: without the privilege, or if the session is read-only.
                await connection.fetch(WRITE_NOTHING, nobody="")
        except ServiceError:
            raise
        except Exception as error:  # a table or a privilege is missing, or the data is damaged
            raise Unavailable("The tables of the database cannot be used; see the log.") from error

    def load(self) -> DatabaseLoad:
        return self._pool.load()

    async def close(self) -> None:
        if self._finishing:
            await asyncio.wait(self._finishing, timeout=self._pool.deadline)
        await self.commits.stop()
        await self._pool.close()

    async def _attempt(
        self,
        transaction: PostgresSession,
        work: Callable[[Connection], Awaitable[T]],
        on_commit: OnCommit | None,
    ) -> T:
        try:
            await transaction.acquire()
            await transaction.begin()
            result = await work(transaction)
        except asyncio.CancelledError:
            self._finish(transaction.abandon())
            raise
        except Exception:
            await asyncio.shield(self._finish(transaction.abandon()))
            raise
        # A request that is cancelled now must not stop the commit, nor its lines in the security log.
        await asyncio.shield(self._finish(self._commit(transaction, on_commit)))
        return result

    async def _commit(self, transaction: PostgresSession, on_commit: OnCommit | None) -> None:
        try:
            await transaction.commit()
        except Exception as error:
            await transaction.abandon()
            if isinstance(error, RolledBack):
                report_database_error(ROLLED_BACK, COMMIT, "PostgreSQL has rolled the transaction back.")
                raise Unavailable("The database did not store the write; try again.") from error
            if isinstance(error, TimeoutError) or is_stale(error):
                translate(error, COMMIT)  # for the log
                raise OutcomeUnknown from error
            raise
        if self._settings.database_replica_url is not None:
            await self._note_position(transaction)
        await transaction.release()
        if transaction.has_events and self.on_events is not None:
            self.on_events()
        if transaction.security_events and on_commit is not None:
            on_commit(transaction.security_events)

    async def _note_position(self, session: PostgresSession) -> None:
        """Ask for the position after the COMMIT, which is therefore behind that of the commit.

        On the same connection, so that a write never waits for a second one. Never raises: the write is done.
        """
        try:
            if self._settings.database_pooler:
                await session.begin()  # see `read`
            self.note_position(parse_primary(await session.fetch(PRIMARY_POSITION)))
        except Exception as error:
            translate(error)  # for the log
            self.position = UNKNOWN
        if self._settings.database_pooler:
            await session.abandon()

    def note_position(self, position: Position) -> None:
        """Keep the farthest position; the new one, if it is of another cluster."""
        if self.position is None or self.position.system != position.system or self.position < position:
            self.position = position

    def _finish(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Start what must be done even if the request ends. `close` waits for it."""
        task = asyncio.create_task(work)
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)
        return task


def _raise(error: Exception, session: PostgresSession) -> NoReturn:
    """Raise the public error for an error of the driver, and others as they are."""
    public: ServiceError | None = None
    if error is session.failure:
        public = translate(error, session.failed_statement.name if session.failed_statement else "connection")
    if public is None:
        raise error
    raise public from error
