"""The badges users have earned."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import insert, select

from gql_service.store.connection import Connection
from gql_service.store.statement import Statement, among
from gql_service.store.tables import earned_badges

_BY_USERS = Statement(
    select(earned_badges)
    .where(among(earned_badges.c.user_id, "user_ids"))
    .order_by(earned_badges.c.earned_at, earned_badges.c.name)
)
_INSERT = Statement(insert(earned_badges))


class EarnedBadge(NamedTuple):
    """A row of `earned_badges`."""

    user_id: str
    name: str
    earned_at: int


async def by_users(connection: Connection, user_ids: Sequence[str]) -> list[list[EarnedBadge]]:
    """The badges of each user, oldest first."""
    found: dict[str, list[EarnedBadge]] = {user_id: [] for user_id in user_ids}
    for row in await connection.fetch(_BY_USERS, user_ids=list(found)):
        found[row[0]].append(EarnedBadge._make(row))
    return [found[user_id] for user_id in user_ids]


async def record(transaction: Connection, user_id: str, name: str, earned_at: int) -> None:
    """Store a badge the user does not have yet."""
    await transaction.execute(_INSERT, user_id=user_id, name=name, earned_at=earned_at)
