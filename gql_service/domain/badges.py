"""The badges users have earned."""

from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import insert, select

from gql_service.store.connection import Connection, rows_as
from gql_service.store.statement import Statement, among
from gql_service.store.tables import earned_badges

_BY_USERS = Statement(select(earned_badges).where(among(earned_badges.c.user_id, "user_ids")))
_INSERT = Statement(insert(earned_badges))


class EarnedBadge(NamedTuple):
    """A row of `earned_badges`."""

    user_id: str
    name: str
    earned_at: int


_AGE = itemgetter(2, 1)


async def by_users(connection: Connection, user_ids: Sequence[str]) -> list[list[EarnedBadge]]:
    """The badges of each user, oldest first."""
    found: dict[str, list[EarnedBadge]] = {user_id: [] for user_id in user_ids}
    for badge in rows_as(EarnedBadge, await connection.fetch(_BY_USERS, user_ids=found)):
        found[badge[0]].append(badge)
    for badges in found.values():
        badges.sort(key=_AGE)  # a few at a time; the database would sort those of all users together
    return [found[user_id] for user_id in user_ids]


async def record(transaction: Connection, user_id: str, name: str, earned_at: int) -> None:
    """Store a badge the user does not have yet."""
    await transaction.execute(_INSERT, user_id=user_id, name=name, earned_at=earned_at)
