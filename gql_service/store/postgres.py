"""PostgreSQL: asyncpg, READ COMMITTED with row locks, timeouts, and life behind a transaction pooler."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from gql_service.errors import Unavailable
from gql_service.settings import Settings
from gql_service.store.connection import Connection, Duplicate, LostRace, Row
from gql_service.store.statement import Statement

try:
    import asyncpg
except ModuleNotFoundError:  # the extra `postgres` is not installed, and SQLite needs none of it
    if not TYPE_CHECKING:
        asyncpg = None

T = TypeVar("T")
_ATTEMPTS = 10
_AGAIN = ("40001", "40P01")  # serialization_failure, deadlock_detected
_BUSY = ("55P03", "57014", "53300", "57P03")  # lock or statement timeout, too many or no connections yet


def _hold(lock: Callable[..., Any]) -> Statement:
    names = func.unnest(bindparam("names", type_=ARRAY(Text))).column_valued("name")
    return Statement(select(lock(func.hashtextextended(names, 0))))


_HOLD = _hold(func.pg_advisory_xact_lock_shared)
_HOLD_ALONE = _hold(func.pg_advisory_xact_lock)


class _Connected:
    """A connection of the pool."""

    def __init__(self, raw: Any, observers: list[Callable[[str], None]]) -> None:
        self._raw = raw
        self._observers = observers

    async def fetch(self, statement: Statement, **parameters: Any) -> Sequence[Row]:
        sql, bind, _ = statement.for_postgres
        for observe in self._observers:
            observe(sql)
        rows: Sequence[Row] = await self._raw.fetch(sql, *bind(parameters))
        return rows

    async def hold(self, names: Iterable[str], *, alone: bool) -> None:
        if wanted := sorted(names):
            await self.fetch(_HOLD_ALONE if alone else _HOLD, names=wanted)

    async def execute(self, statement: Statement, **parameters: Any) -> None:
        await self.execute_many(statement, [parameters])

    async def execute_many(self, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        """Several sets of parameters go out together, and are answered together."""
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


class PostgresDatabase:
    """See `store.database.Database`."""

    reads_inline = False

    def __init__(self, settings: Settings) -> None:
        if asyncpg is None:
            raise ModuleNotFoundError("PostgreSQL needs the extra: pip install 'gql-service[postgres]'")
        self.observers: list[Callable[[str], None]] = []
        self._settings = settings
        self._pool: Any = None
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """A pooler may send a statement's preparation and its execution to different server connections,
        unless a transaction holds them together."""
        with _unavailable():
            async with self._acquire() as raw:
                if not self._settings.database_pooler:
                    yield _Connected(raw, self.observers)
                    return
                async with raw.transaction():
                    yield _Connected(raw, self.observers)

    async def write(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        with _unavailable():
            for _ in range(_ATTEMPTS):
                try:
                    async with self._acquire() as raw, raw.transaction():
                        return await work(_Connected(raw, self.observers))
                except LostRace:
                    continue
                except asyncpg.PostgresError as error:
                    if error.sqlstate not in _AGAIN:
                        raise
        raise _too_busy()

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
        options: dict[str, Any] = {"timeout": settings.database_timeout, "reset": _keep}
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


async def _keep(_raw: Any) -> None:
    """Nothing we run changes the session, so a connection goes back to the pool as it is."""


@contextmanager
def _unavailable() -> Iterator[None]:
    """Tell a database that is busy or away, which passes, from a statement that is wrong."""
    try:
        yield
    except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError) as error:
        raise _too_busy() from error
    except asyncpg.PostgresError as error:
        if error.sqlstate in _BUSY:
            raise _too_busy() from error
        raise


def _too_busy() -> Unavailable:
    return Unavailable("The database did not answer in time; try again.")
