"""Deleting events that are too old. Their last position is kept, so that who has missed some learns of it."""

from sqlalchemy import BigInteger, Text, bindparam, delete, func, select, union_all
from sqlalchemy.dialects.sqlite import insert

from gql_service.domain.events.events import OF_TENANT
from gql_service.errors import EventsDeleted
from gql_service.store.connection import Connection
from gql_service.store.database import Database
from gql_service.store.statement import Statement
from gql_service.store.tables import event_gaps, events, pruned_events
from gql_service.store.upsert import DoUpdate

_BATCH = 500
"""Events that one transaction deletes."""
_OLDEST = select(events.c.id).where(events.c.position.is_not(None)).order_by(events.c.id)
_DELETE = Statement(
    delete(events)
    .where(
        events.c.id.in_(_OLDEST.limit(bindparam("size")).scalar_subquery()),
        events.c.occurred_at < bindparam("before", type_=BigInteger),
    )
    .returning(events.c.tenant_id, events.c.platform_id, events.c.position)
)
_INSERT = insert(pruned_events)
_NOTE = Statement(
    _INSERT.ext(
        DoUpdate(
            index_elements=["tenant_id", "platform_id"],
            set_={"position": _INSERT.excluded.position},
            where=pruned_events.c.position < _INSERT.excluded.position,
        )
    )
)
_PRUNED = select(pruned_events.c.position).where(
    pruned_events.c.tenant_id == bindparam("tenant_id", type_=Text),
    pruned_events.c.platform_id.in_(
        [bindparam("platform_id", type_=Text), bindparam("no_platform", OF_TENANT, type_=Text)]
    ),
)
_AFTER = bindparam("after", type_=BigInteger)
_GAP = select(event_gaps.c.last.label("position")).where(
    event_gaps.c.first < _AFTER, event_gaps.c.last > _AFTER
)
_GONE = union_all(_PRUNED, _GAP).subquery()
_GONE_UNTIL = Statement(select(func.coalesce(func.max(_GONE.c.position), 0)))


async def prune(database: Database, before: int) -> int:
    """Delete older events, in short transactions; returns how many. Raises Unavailable."""
    total = 0
    while True:
        count = await database.write(lambda transaction: _prune_batch(transaction, before))
        total += count
        if not count:
            return total


async def check_known(connection: Connection, tenant_id: str, platform_id: str, after: int) -> None:
    """Raise EventsDeleted if events after a position are gone: those of a platform, or of its tenant as a
    whole, that were deleted, and all if the position was lost because a backup was restored.

    Call it after the events were read, so that what was deleted meanwhile is noticed.
    """
    ((position,),) = await connection.fetch(
        _GONE_UNTIL, tenant_id=tenant_id, platform_id=platform_id, after=after
    )
    if after < position:
        raise EventsDeleted


async def _prune_batch(transaction: Connection, before: int) -> int:
    rows = await transaction.fetch(_DELETE, before=before, size=_BATCH)
    last: dict[tuple[str, str], int] = {}
    for tenant_id, platform_id, position in rows:
        scope = tenant_id, platform_id
        last[scope] = max(position, last.get(scope, 0))
    await transaction.execute_many(
        _NOTE,
        [
            {"tenant_id": tenant_id, "platform_id": platform_id, "position": position}
            for (tenant_id, platform_id), position in sorted(last.items())
        ],
    )
    return len(rows)
