"""What domain functions are given: a connection that runs statements, whatever the database."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from gql_service.store.statement import Statement

Row = Sequence[Any]


class Duplicate(Exception):
    """A row with the same key exists."""


class LostRace(Exception):
    """A concurrent transaction was first: run this one again, it will see what that one wrote."""


class Connection(Protocol):
    """A connection for reading, or the transaction of one write."""

    async def fetch(self, statement: Statement, **parameters: Any) -> Sequence[Row]:
        """The rows of a query."""
        ...

    async def execute(self, statement: Statement, **parameters: Any) -> None:
        """Run a statement without rows. Raises Duplicate."""
        ...

    async def execute_many(self, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement without rows once for each set of parameters. Raises Duplicate."""
        ...
