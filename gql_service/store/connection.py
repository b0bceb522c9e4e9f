"""The connection that domain functions get. It is the same for every database."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from time import perf_counter
from typing import Any, NamedTuple, Protocol, TypeVar

from gql_service.observability.security_log import SecurityEvent
from gql_service.store.statement import Statement

Row = Sequence[Any]
R = TypeVar("R", bound=tuple[Any, ...])
OnStatement = Callable[[str, float, BaseException | None], None]
"""Called after a statement with its name, when it began by `time.perf_counter`, and its error."""


COMMIT = "commit"
"""The name of a commit, for `OnStatement`."""
CONNECT = "connect"
"""The name of getting a connection to PostgreSQL."""


class DatabaseLoad(NamedTuple):
    """How busy a database is. What it does not have is 0."""

    waiting_writes: int = 0
    used_connections: int = 0
    idle_connections: int = 0
    max_connections: int = 0


class Duplicate(Exception):
    """A row with the same primary key or unique columns exists."""


class MissingReference(Exception):
    """A row refers to a row of another table that does not exist."""


class LostRace(Exception):
    """A concurrent transaction won. Run this transaction again; it then sees what the other one wrote."""


def rows_as(kind: type[R], rows: Iterable[Row]) -> list[R]:
    """Convert rows to a named tuple type. Unlike `_make`, this does not check the number of columns."""
    new = tuple.__new__
    return [new(kind, row) for row in rows]


class observed:
    """`with observed(on_statement, statement):` tells the end of a statement."""

    __slots__ = ("_on_statement", "_started", "_statement")

    def __init__(self, on_statement: OnStatement, statement: Statement) -> None:
        self._on_statement = on_statement
        self._statement = statement

    def __enter__(self) -> None:
        self._started = perf_counter()

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._on_statement(self._statement.name, self._started, error)


class Connection(Protocol):
    """A connection for reading, or the transaction of one write."""

    security_events: list[SecurityEvent]
    """What the transaction has done that belongs in the security log once it is committed."""
    has_events: bool
    """Whether the transaction has written events: see `domain.events`."""
    is_alone: bool
    """Whether no other transaction writes at the same time, so that all rows are free."""

    async def fetch(self, statement: Statement, **parameters: Any) -> Sequence[Row]:
        """Return all rows of a query."""
        ...

    async def lock(self, names: Iterable[str], *, exclusive: bool) -> None:
        """Lock names until the transaction ends, `exclusive`ly or shared with others.

        SQLite needs no such locks, because its transactions run one after the other.
        """
        ...

    async def lock_free(self, names: Set[str]) -> Set[str]:
        """Lock those of the names that are free, shared with others, until the transaction ends.

        From then on, the transaction waits for other locks only for a moment: statements raise Locked.
        """
        ...

    async def execute(self, statement: Statement, **parameters: Any) -> None:
        """Run a statement that returns no rows. Raises Duplicate or MissingReference."""
        ...

    async def execute_many(self, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement that returns no rows once per set of parameters.

        Raises Duplicate or MissingReference.
        """
        ...
