"""The two ways into the database: `read()` for a connection, `write()` for one transaction."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from gql_service.settings import Settings
from gql_service.store.connection import Connection
from gql_service.store.postgres import PostgresDatabase
from gql_service.store.sqlite import SqliteDatabase

T = TypeVar("T")


class Database(Protocol):
    """One database, seen by one process."""

    observers: list[Callable[[str], None]]
    """Told the text of every statement that is run."""
    reads_inline: bool
    """Whether a read, other than a scan, is done at once, without waiting for anything."""

    def read(self) -> AbstractAsyncContextManager[Connection]:
        """A connection on which each statement sees what is committed when it starts.

        Raises Unavailable when the database does not answer in time.
        """
        ...

    async def write(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run `work` in a transaction of its own, commit it, and return its result.

        `work` is run again from the start when it lost a race or the database asks for it, so it must
        not touch anything but its connection. Raises Unavailable when the database stays busy; then
        nothing was written, unless time ran out in the very moment of the commit.
        """
        ...

    async def close(self) -> None: ...


def open_database(settings: Settings) -> Database:
    """Nothing is connected before the first use."""
    if settings.database_url.startswith("sqlite"):
        return SqliteDatabase(settings)
    return PostgresDatabase(settings)
