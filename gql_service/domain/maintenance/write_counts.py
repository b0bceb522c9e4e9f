"""How many writes the documents of each platform get in a day (UTC)."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.sqlite import insert

from gql_service.auth.access import PlatformAccess
from gql_service.domain import tenants
from gql_service.instants import rfc3339
from gql_service.store.connection import Connection
from gql_service.store.statement import Statement
from gql_service.store.tables import platform_writes
from gql_service.store.upsert import DoUpdate

DAY = 86_400_000
"""Milliseconds."""
MAX_DAYS = 366

_added = insert(platform_writes).values({each.name: bindparam(each.name) for each in platform_writes.c})
_ADD = Statement(
    _added.ext(
        DoUpdate(
            index_elements=["platform_id", "day"],
            set_={"writes": platform_writes.c.writes + _added.excluded.writes},
        )
    )
)
_OF_PLATFORM = Statement(
    select(platform_writes.c.day, platform_writes.c.writes).where(
        platform_writes.c.platform_id == bindparam("of_platform"),
        platform_writes.c.day >= bindparam("first_day"),
    )
)


class DailyWrites(NamedTuple):
    """The writes of one day (UTC), such as `2024-03-01`."""

    day: str
    writes: int


async def add(transaction: Connection, counts: Mapping[tuple[str, int], int]) -> None:
    """Add writes by platform id and day. Those of platforms that were deleted meanwhile are dropped."""
    ids = {platform_id for platform_id, _ in counts}
    await transaction.lock(ids, exclusive=False)
    existing = {
        each.id for each in await tenants.platforms_by_ids(transaction, list(ids)) if each is not None
    }
    rows = [
        {"platform_id": platform_id, "day": day, "writes": writes}
        for (platform_id, day), writes in sorted(counts.items())
        if platform_id in existing
    ]
    await transaction.execute_many(_ADD, rows)


async def per_day(
    connection: Connection,
    access: PlatformAccess,
    pending: Mapping[tuple[str, int], int],
    *,
    now: int,
    days: int,
) -> list[DailyWrites]:
    """The writes of the last days, today included, oldest first. `pending` are not stored yet."""
    access.verify()
    today = now // DAY
    first = today - days + 1
    rows = await connection.fetch(_OF_PLATFORM, of_platform=access.platform_id, first_day=first)
    stored = {int(day): int(writes) for day, writes in rows}
    return [
        DailyWrites(rfc3339(day * DAY)[:10], stored.get(day, 0) + pending.get((access.platform_id, day), 0))
        for day in range(first, today + 1)
    ]
