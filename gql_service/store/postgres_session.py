"""A connection of the pool in use: each step has a deadline, and one that misses it ends the connection."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import ARRAY, Text, bindparam, func, literal_column, select, true

from gql_service.observability.security_log import SecurityEvent
from gql_service.store.connection import COMMIT, CONNECT, Duplicate, MissingReference, OnStatement, Row
from gql_service.store.postgres_errors import is_stale
from gql_service.store.postgres_pool import Lease, PostgresPool
from gql_service.store.statement import Statement

try:
    import asyncpg
except ModuleNotFoundError:  # see `store.postgres_pool`
    if not TYPE_CHECKING:
        asyncpg = None

T = TypeVar("T")


class RolledBack(Exception):
    """PostgreSQL answered COMMIT with a rollback, because a statement of the transaction had failed."""


def _lock_statement(lock: Callable[..., Any]) -> Statement:
    names = func.unnest(bindparam("names", type_=ARRAY(Text))).column_valued("name")
    return Statement(select(lock(func.hashtextextended(names, 0))))


_LOCK_SHARED = _lock_statement(func.pg_advisory_xact_lock_shared)
_LOCK_EXCLUSIVE = _lock_statement(func.pg_advisory_xact_lock)
_PATIENCE = "100ms"
"""How long a transaction waits for the locks of others that waits for none."""


def _lock_free_statement() -> Statement:
    """Returns the names that were free, and sets how long the rest of the transaction waits for a lock."""
    name = func.unnest(bindparam("names", type_=ARRAY(Text))).column_valued("name")
    free = select(name).where(func.pg_try_advisory_xact_lock_shared(func.hashtextextended(name, 0)))
    patience = func.set_config(literal_column("'lock_timeout'"), literal_column(f"'{_PATIENCE}'"), true())
    return Statement(select(patience, func.array(free.scalar_subquery(), type_=ARRAY(Text))))


_LOCK_FREE = _lock_free_statement()


class PostgresSession:
    """See `store.connection.Connection`."""

    is_alone = False

    def __init__(
        self, pool: PostgresPool, observers: list[Callable[[str], None]], on_statement: OnStatement | None
    ) -> None:
        self._pool = pool
        self._observers = observers
        self._on_statement = on_statement
        self._lease: Lease | None = None
        self.security_events: list[SecurityEvent] = []
        self.has_events = False
        self.failure: Exception | None = None
        """The last error of the driver. Other errors come from whoever uses the session."""
        self.failed_statement: Statement | None = None

    async def acquire(self) -> None:
        started = perf_counter()
        try:
            self._lease = await self._pool.acquire()
        except Exception as error:
            self.failure = error
            raise
        finally:
            if self._on_statement is not None:
                self._on_statement(CONNECT, started, self.failure)

    async def release(self) -> None:
        """Return the connection to the pool, if it is still alive."""
        lease, self._lease = self._lease, None
        if lease is not None:
            await self._pool.release(lease)

    def terminate(self) -> None:
        """End the connection. The server rolls its transaction back."""
        lease, self._lease = self._lease, None
        if lease is not None:
            self._pool.terminate(lease)

    async def begin(self) -> None:
        await self._in_time(None, self._raw.execute, self._pool.begin)

    async def commit(self) -> None:
        started = perf_counter()
        status = await self._in_time(None, self._raw.execute, "COMMIT")
        if self._on_statement is not None:
            self._on_statement(COMMIT, started, None)
        if status != "COMMIT":
            raise RolledBack

    async def abandon(self) -> None:
        """Roll back, and return the connection. Never raises."""
        try:
            if self._lease is not None:
                await self._in_time(None, self._raw.execute, "ROLLBACK")
                await self.release()
        except Exception:
            self.terminate()

    async def fetch(self, statement: Statement, **parameters: Any) -> Sequence[Row]:
        sql, bind, _ = statement.for_postgres
        for observe in self._observers:
            observe(sql)
        rows: Sequence[Row] = await self._in_time(statement, self._raw.fetch, sql, *bind(parameters))
        return rows

    async def lock(self, names: Iterable[str], *, exclusive: bool) -> None:
        if ordered := sorted(names):  # one order for all transactions, or they could deadlock
            await self.fetch(_LOCK_EXCLUSIVE if exclusive else _LOCK_SHARED, names=ordered)

    async def lock_free(self, names: Set[str]) -> Set[str]:
        ((_, locked),) = await self.fetch(_LOCK_FREE, names=sorted(names))
        return set(locked)

    async def execute(self, statement: Statement, **parameters: Any) -> None:
        await self.execute_many(statement, [parameters])

    async def execute_many(self, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        """Send all sets of parameters in one round trip."""
        if not rows:
            return
        sql, bind, _ = statement.for_postgres
        for observe in self._observers:
            observe(sql)
        try:
            if len(rows) == 1:
                await self._in_time(statement, self._raw.fetch, sql, *bind(rows[0]))
            else:
                await self._in_time(statement, self._raw.executemany, sql, [bind(row) for row in rows])
        except asyncpg.UniqueViolationError as error:
            raise Duplicate from error
        except asyncpg.ForeignKeyViolationError as error:
            raise MissingReference from error

    @property
    def _raw(self) -> Any:
        if self._lease is None:
            raise asyncpg.InterfaceError("the connection was ended")
        return self._lease.raw

    async def _in_time(
        self, statement: Statement | None, call: Callable[..., Awaitable[T]], *arguments: Any
    ) -> T:
        failure: Exception | None = None
        started = perf_counter()
        try:
            async with asyncio.timeout(self._pool.deadline):
                return await call(*arguments)
        except Exception as error:
            failure = self.failure = error
            self.failed_statement = statement
            if isinstance(error, TimeoutError) or is_stale(error):
                self.terminate()
            raise
        finally:
            if self._on_statement is not None and statement is not None:
                self._on_statement(statement.name, started, failure)


class PostgresReader(PostgresSession):
    """A session for reading: if its connection has ended, it goes on with another one."""

    def __init__(
        self,
        pool: PostgresPool,
        observers: list[Callable[[str], None]],
        on_statement: OnStatement | None,
        *,
        in_transaction: bool,
    ) -> None:
        super().__init__(pool, observers, on_statement)
        self._in_transaction = in_transaction

    async def open(self) -> None:
        await self.acquire()
        if self._in_transaction:
            await self.begin()

    async def fetch(self, statement: Statement, **parameters: Any) -> Sequence[Row]:
        try:
            return await super().fetch(statement, **parameters)
        except Exception as error:
            if isinstance(error, TimeoutError) or self._lease is not None or error is not self.failure:
                raise
        await self.open()
        return await super().fetch(statement, **parameters)

    async def close(self) -> None:
        """Return the connection. Never raises."""
        if self._in_transaction:
            await self.abandon()
            return
        with suppress(Exception):  # then asyncpg has ended the connection
            await self.release()
