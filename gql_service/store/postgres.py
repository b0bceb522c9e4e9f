"""PostgreSQL through asyncpg: READ COMMITTED with row locks, timeouts, support for transaction poolers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Text, bindparam, func, literal_column, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from gql_service.errors import Locked, Unavailable
from gql_service.observability.security_log import OnCommit, SecurityEvent
from gql_service.settings import Settings
from gql_service.store.connection import Connection, Duplicate, LostRace, MissingReference, Row
from gql_service.store.statement import Statement

try:
    import asyncpg
except ModuleNotFoundError:  # the extra `postgres` is not installed; SQLite does not need it
    if not TYPE_CHECKING:
        asyncpg = None

T = TypeVar("T")
_MAX_ATTEMPTS = 10
"""Runs of one transaction before it fails as unavailable."""
_RETRYABLE = ("40001", "40P01")  # serialization_failure, deadlock_detected
_LOCKED = "55P03"  # lock_not_available
_PATIENCE = "100ms"
"""How long a transaction waits for the locks of others that waits for none."""
_BUSY = ("57014", "53300", "57P03")  # statement timeout, too many connections, starting up


def _lock_statement(lock: Callable[..., Any]) -> Statement:
    names = func.unnest(bindparam("names", type_=ARRAY(Text))).column_valued("name")
    return Statement(select(lock(func.hashtextextended(names, 0))))


_LOCK_SHARED = _lock_statement(func.pg_advisory_xact_lock_shared)
_LOCK_EXCLUSIVE = _lock_statement(func.pg_advisory_xact_lock)


def _lock_free_statement() -> Statement:
    """Returns the names that were free, and sets how long the rest of the transaction waits for a lock."""
    name = func.unnest(bindparam("names", type_=ARRAY(Text))).column_valued("name")
    free = select(name).where(func.pg_try_advisory_xact_lock_shared(func.hashtextextended(name, 0)))
    patience = func.set_config(literal_column("'lock_timeout'"), literal_column(f"'{_PATIENCE}'"), true())
    return Statement(select(patience, func.array(free.scalar_subquery(), type_=ARRAY(Text))))


_LOCK_FREE = _lock_free_statement()


class _PostgresConnection:
    """See `store.connection.Connection`. A connection of the pool."""

    is_alone = False

    def __init__(self, raw: Any, observers: list[Callable[[str], None]]) -> None:
        self._raw = raw
        self._observers = observers
        self.security_events: list[SecurityEvent] = []

    async def fetch(self, statement: Statement, **parameters: Any) -> Sequence[Row]:
        sql, bind, _ = statement.for_postgres
        for observe in self._observers:
            observe(sql)
        rows: Sequence[Row] = await self._raw.fetch(sql, *bind(parameters))
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
                await self._raw.fetch(sql, *bind(rows[0]))
            else:
                await self._raw.executemany(sql, [bind(row) for row in rows])
        except asyncpg.UniqueViolationError as error:
            raise Duplicate from error
        except asyncpg.ForeignKeyViolationError as error:
            raise MissingReference from error


class PostgresDatabase:
    """See `store.database.Database`."""

    reads_inline = False

    @property
    def inline_reader(self) -> Connection:
        raise RuntimeError("Every read of PostgreSQL waits.")

    def __init__(self, settings: Settings) -> None:
        if asyncpg is None:
            raise ModuleNotFoundError("PostgreSQL needs an extra: pip install 'gql-service[postgres]'")
        self.observers: list[Callable[[str], None]] = []
        self._settings = settings
        self._pool: Any = None
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """Behind a pooler, a read is a transaction: without one, the pooler could prepare a statement on one
        server connection and execute it on another."""
        with _translating_errors():
            async with self._acquire() as raw:
                if not self._settings.database_pooler:
                    yield _PostgresConnection(raw, self.observers)
                    return
                async with raw.transaction():
                    yield _PostgresConnection(raw, self.observers)

    async def write(self, work: Callable[[Connection], Awaitable[T]], on_commit: OnCommit | None = None) -> T:
        with _translating_errors():
            for _ in range(_MAX_ATTEMPTS):
                try:
                    async with self._acquire() as raw:
                        transaction = _PostgresConnection(raw, self.observers)
                        async with raw.transaction():
                            result = await work(transaction)
                        if transaction.security_events and on_commit is not None:
                            on_commit(transaction.security_events)
                    return result
                except LostRace:
                    continue
                except asyncpg.PostgresError as error:
                    if error.sqlstate not in _RETRYABLE:
                        raise
        raise _unavailable()

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()

    @asynccontextmanager
    async def _acquire(self) -> AsyncIterator[Any]:
        if self._pool is None:
            async with self._opening:
                self._pool = self._pool or await self._open()
        async with self._pool.acquire(timeout=self._settings.database_timeout) as raw:
            yield raw

    async def _open(self) -> Any:
        settings = self._settings
        options: dict[str, Any] = {"timeout": settings.database_timeout, "reset": _keep_session}
        if settings.database_pooler:
            options["statement_cache_size"] = 0
        else:
            milliseconds = str(int(settings.database_timeout * 1000))
            options["server_settings"] = {
                "application_name": "gql_service",
                "jit": "off",
                "statement_timeout": milliseconds,
                "lock_timeout": milliseconds,
                "idle_in_transaction_session_timeout": milliseconds,
            }
        dsn = settings.database_url.replace("postgresql+asyncpg://", "postgresql://", 1)
        return await asyncpg.create_pool(dsn, min_size=1, max_size=settings.database_pool_size, **options)


async def _keep_session(_raw: Any) -> None:
    """Replaces the reset of asyncpg, a round trip per use: no statement here changes the session."""


@contextmanager
def _translating_errors() -> Iterator[None]:
    """Raise Unavailable if the database is busy or unreachable. Raise other errors as they are."""
    try:
        yield
    except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError) as error:
        raise _unavailable() from error
    except asyncpg.PostgresError as error:
        if error.sqlstate == _LOCKED:
            raise Locked from error
        if error.sqlstate in _BUSY:
            raise _unavailable() from error
        raise


def _unavailable() -> Unavailable:
    return Unavailable("The database did not answer in time; try again.")
