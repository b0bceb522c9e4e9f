"""What domain functions are given: a connection that runs statements, whatever the database."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from gql_service.store.statement import Statement

Row = Sequence[Any]
R = TypeVar("R", bound=tuple[Any, ...])


class Duplicate(Exception):
    """A row with the same key exists."""


class LostRace(Exception):
    """A concurrent transaction was first: run this one again, it will see what that one wrote."""


def rows_as(kind: type[R], rows: Iterable[Row]) -> list[R]:
    """Rows under the names of their columns. Unlike `_make`, it trusts the statement for their number."""
    new = tuple.__new__
    return [new(kind, row) for row in rows]


class Connection(Protocol):
    """A connection for reading, or the transaction of one write."""

    async def fetch(self, statement: Statement, **parameters: Any) -> Sequence[Row]:
        """The rows of a query."""
        ...

    async def hold(self, names: Iterable[str], *, alone: bool) -> None:
        """In a transaction: hold names until it ends, together with others, or alone. What somebody holds
        alone, nobody else holds. On SQLite transactions follow each other anyway."""
        ...

    async def execute(self, statement: Statement, **parameters: Any) -> None:
        """Run a statement without rows. Raises Duplicate."""
        ...

    async def execute_many(self, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement without rows once for each set of parameters. Raises Duplicate."""
        ...
