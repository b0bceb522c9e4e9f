"""Access to the database: `read()` gives a connection, `write()` runs one transaction."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import Any, Protocol, TypeVar

from gql_service.observability.security_log import OnCommit
from gql_service.settings import Settings
from gql_service.store.commits import CommitWatch
from gql_service.store.connection import Connection, DatabaseLoad, OnStatement
from gql_service.store.positions import Position
from gql_service.store.sqlite import SqliteDatabase
from gql_service.store.turn import Turn

T = TypeVar("T")


class ReadSource(Protocol):
    """What can be read."""

    turn: Turn
    """The combined reads that are due."""
    reads_inline: bool
    """Whether every read except a scan finishes without waiting, and so without a turn of the event loop."""

    @property
    def inline_reader(self) -> Connection:
        """The connection for such reads. `read` would take longer, for its context manager."""
        ...

    def read(self) -> AbstractAsyncContextManager[Connection]:
        """A connection on which each statement sees what was committed before the statement started.

        Raises Unavailable if the database does not answer in time.
        """
        ...


class Database(ReadSource, Protocol):
    """The database of one process."""

    observers: list[Callable[[str], None]]
    """Called with the text of every SQL statement that is run."""
    on_statement: OnStatement | None
    """Called after every statement, and after every commit with the name `commit`. To be set before the first
    use. None costs nothing."""
    numbers_events: bool
    """Whether events have their positions from the start, because transactions run one after the other."""
    on_events: Callable[[], None] | None
    """Called after each commit of transactions that have written events. It must not raise."""

    async def data_version(self) -> tuple[Any, ...]:
        """It is the same as long as nobody commits anything. Raises Unavailable."""
        ...

    @property
    def commits(self) -> CommitWatch:
        """Learns of the commits of all processes."""
        ...

    async def write(self, work: Callable[[Connection], Awaitable[T]], on_commit: OnCommit | None = None) -> T:
        """Run `work` in a transaction of its own, commit, and return its result.

        After the commit, `on_commit` is called with the security events of the transaction, if it has any.

        After a lost race or a serialization failure, `work` is run again from the start, so it must have
        no effects except through its connection. Raises Unavailable if the database cannot write now. Then
        nothing was written, except after OutcomeUnknown.
        """
        ...

    def load(self) -> DatabaseLoad:
        """How busy the database is now."""
        ...

    async def probe(self) -> None:
        """Prove that rows can be read and written, without changing anything. Raises Unavailable."""
        ...

    async def close(self) -> None:
        """Close all connections. Pending writes are finished first."""
        ...


class Replica(ReadSource, Protocol):
    """A replica of the database."""

    name: str
    """Its host and port."""
    problem: str | None
    """Why it is not used; None if it is."""

    @property
    def lag(self) -> float | None:
        """The seconds that it may be behind the primary; None if that is not known."""
        ...

    def has(self, position: Position | None) -> bool:
        """Whether it may be read now: it is hardly behind, and has what was committed up to the position."""
        ...


class Replicas(Protocol):
    """The replicas of the database, of one process."""

    each: Sequence[Replica]

    @property
    def position(self) -> Position | None:
        """A position of the primary that all writes of this process have reached so far. None before any."""
        ...

    async def watch(self) -> None:
        """Ask the primary and the replicas again and again how far they are, until cancelled. Before that, no
        replica is used."""
        ...

    async def ask(self) -> None:
        """Ask them once. Never raises."""
        ...

    async def close(self) -> None:
        """Close all connections to the replicas."""
        ...


def open_replicas(settings: Settings, database: Database) -> Replicas | None:
    """The replicas of the settings; None if there are none. Raises BadUserInput for a wrong URL."""
    if settings.database_replica_url is None:
        return None
    module = import_module("gql_service.store.postgres_replicas")
    replicas: Replicas = module.PostgresReplicas(settings, database)
    return replicas


def open_database(settings: Settings) -> Database:
    """The database of the settings. It connects at the first use."""
    if settings.database_url.startswith("sqlite"):
        return SqliteDatabase(settings)
    # On SQLite, the driver of PostgreSQL is not needed, and its import takes time.
    database: Database = import_module("gql_service.store.postgres").PostgresDatabase(settings)
    return database
