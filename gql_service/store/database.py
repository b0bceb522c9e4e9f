"""The two ways into the database: `read()` for a connection, `write()` for one transaction."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gql_service.errors import Unavailable
from gql_service.settings import Settings
from gql_service.store import postgres, sqlite

T = TypeVar("T")
_ATTEMPTS = 10


class LostRace(Exception):
    """A concurrent transaction created the row first: run this one again, it will find the row."""


class Database:
    """One database, seen by one process."""

    def __init__(
        self,
        readers: AsyncEngine,
        writer: AsyncEngine,
        writing: Callable[[], AbstractAsyncContextManager[None]],
        is_retryable: Callable[[DBAPIError], bool],
        is_busy: Callable[[DBAPIError], bool],
    ) -> None:
        self.readers = readers
        self.writer = writer
        self._writing = writing
        self._is_retryable = is_retryable
        self._is_busy = is_busy

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which each statement sees what is committed when it starts.

        Raises Unavailable when the database does not answer in time.
        """
        with self._unavailable():
            async with self.readers.connect() as connection:
                yield connection

    async def write(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run `work` in one transaction, commit it, and return its result.

        `work` is run again from the start when the database asks for it (a deadlock, a serialization
        failure, a lost race to create a row), so it must not touch anything but its connection.
        Raises Unavailable when the database stays busy; then nothing was written, unless the connection
        broke in the very moment of the commit.
        """
        with self._unavailable():
            for _ in range(_ATTEMPTS):
                try:
                    async with self._writing(), self.writer.begin() as transaction:
                        return await work(transaction)
                except LostRace:
                    continue
                except DBAPIError as error:
                    if not self._is_retryable(error):
                        raise
        raise _too_busy()

    @contextmanager
    def _unavailable(self) -> Iterator[None]:
        """Tell a database that is busy or away, which passes, from a statement that is wrong."""
        try:
            yield
        except (OSError, TimeoutError, PoolTimeout) as error:
            raise _too_busy() from error
        except DBAPIError as error:
            if error.connection_invalidated or self._is_busy(error):
                raise _too_busy() from error
            raise

    async def ping(self) -> None:
        """Ask the database for a sign of life. Raises Unavailable."""
        async with self.read() as connection:
            await connection.execute(select(1))

    async def close(self) -> None:
        await self.readers.dispose()
        await self.writer.dispose()


def open_database(settings: Settings) -> Database:
    """Prepare the engines; nothing is connected yet."""
    if settings.database_url.startswith("sqlite"):
        engines = sqlite.create_engines(settings)
        lock = sqlite.WriterLock(sqlite.file_of(settings.database_url), settings.database_timeout)
        return Database(*engines, lock.hold, sqlite.is_retryable, sqlite.is_busy)
    return Database(
        *postgres.create_engines(settings), postgres.no_lock, postgres.is_retryable, postgres.is_busy
    )


def _too_busy() -> Unavailable:
    return Unavailable("The database did not answer in time; try again.")
