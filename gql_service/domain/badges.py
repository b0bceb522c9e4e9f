"""The badges users have earned."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gql_service.store.tables import earned_badges


class EarnedBadge(NamedTuple):
    """A row of `earned_badges`."""

    user_id: str
    name: str
    earned_at: int


async def by_users(connection: AsyncConnection, user_ids: Sequence[str]) -> list[list[EarnedBadge]]:
    """The badges of each user, oldest first."""
    statement = (
        select(earned_badges)
        .where(earned_badges.c.user_id.in_(user_ids))
        .order_by(earned_badges.c.earned_at, earned_badges.c.name)
    )
    found: dict[str, list[EarnedBadge]] = {user_id: [] for user_id in user_ids}
    for row in await connection.execute(statement):
        found[row.user_id].append(EarnedBadge(*row))
    return [found[user_id] for user_id in user_ids]


async def record(transaction: AsyncConnection, user_id: str, name: str, earned_at: int) -> None:
    """Store a badge the user does not have yet."""
    await transaction.execute(insert(earned_badges).values(user_id=user_id, name=name, earned_at=earned_at))
