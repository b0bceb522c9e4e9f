"""Pruning the changes of users that are too old or too many, by walking through all users.

Ids of changes sort by their time, so one id for each user tells what is due.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from sqlalchemy import Text, bindparam, delete, literal, select, tuple_

from gql_service.domain.retention import Retention
from gql_service.domain.users.changes import id_of
from gql_service.store import tables
from gql_service.store.connection import Connection, rows_as
from gql_service.store.database import Database
from gql_service.store.sql_functions import bytewise
from gql_service.store.statement import Statement

USERS_PER_STEP = 10_000
"""Users that are looked at between two waits of a server."""
_PAGE_SIZE = 500
_MAX_CHANGES = 500
"""Changes that one transaction deletes."""

_users, _changes = tables.users.c, tables.user_changes.c
_OF_USER = bindparam("of_user", type_=Text)
_OLD_ID = select(_changes.id).where(_changes.user_id == _users.id, _changes.id > bindparam("aged"))
_EXCESS_ID = select(_changes.id).where(_changes.user_id == _users.id).order_by(_changes.id)
_FIRST_OLD = _OLD_ID.order_by(_changes.id).limit(1).scalar_subquery()
_FIRST_EXCESS = _EXCESS_ID.offset(bindparam("most")).limit(1).scalar_subquery()
_PAGES = {
    is_counted: Statement(
        select(_users.id, _FIRST_OLD, _FIRST_EXCESS if is_counted else literal(None, Text))
        .where(bytewise(_users.id) > bindparam("after"))
        .order_by(bytewise(_users.id))
        .limit(bindparam("size")),
        scans=True,
    )
    for is_counted in (True, False)
}
"""By whether the number of changes is limited."""
_DUE = (
    select(_changes.user_id, _changes.id)
    .where(_changes.user_id == _OF_USER, _changes.id >= bindparam("first", type_=Text))
    .order_by(_changes.id)
    .limit(bindparam("size"))
)
_DELETE = Statement(
    delete(tables.user_changes).where(tuple_(_changes.user_id, _changes.id).in_(_DUE)).returning(_changes.id)
)


class _State(NamedTuple):
    """The newest change of a user that is too old, and the newest of those that are too many."""

    user_id: str
    old: str | None
    excess: str | None


class UserChangeWalk:
    """Walks through all users again and again, some at each step. Processes may do so concurrently."""

    def __init__(self, database: Database, retention: Retention, clock: Callable[[], int]) -> None:
        self._database = database
        self._retention = retention
        self._clock = clock
        self._after = ""

    async def step(self, most: int = USERS_PER_STEP) -> int:
        """Look at up to `most` users, or at those up to the end. Returns how many changes were deleted.

        Raises Unavailable.
        """
        deleted = 0
        for _ in range(0, most, _PAGE_SIZE):
            page = await self._next_page()
            for state in page:
                due = [id for id in (state.old, state.excess) if id is not None]
                if due:
                    deleted += await self._prune(state.user_id, min(due))
            if len(page) < _PAGE_SIZE:
                self._after = ""
                break
            self._after = page[-1].user_id
        return deleted

    async def whole(self) -> int:
        """Look at all users, from the first one. Raises Unavailable."""
        self._after = ""
        deleted = await self.step()
        while self._after:
            deleted += await self.step()
        return deleted

    async def _next_page(self) -> list[_State]:
        before, most = self._retention.changes_before(self._clock()), self._retention.history_max_changes
        parameters = {"after": self._after, "aged": id_of(before or 0), "size": _PAGE_SIZE}
        if most is not None:
            parameters["most"] = most
        async with self._database.read() as connection:
            return rows_as(_State, await connection.fetch(_PAGES[most is not None], **parameters))

    async def _prune(self, user_id: str, first: str) -> int:
        """Delete a change of a user and all that are older, in as many transactions as it takes."""
        total = 0
        while count := await self._database.write(partial(_delete, user_id=user_id, first=first)):
            total += count
        return total


async def _delete(transaction: Connection, user_id: str, first: str) -> int:
    return len(await transaction.fetch(_DELETE, of_user=user_id, first=first, size=_MAX_CHANGES))
