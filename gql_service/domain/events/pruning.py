"""Deleting events that are too old. Their last position is kept, so that who has missed some learns of it."""

from sqlalchemy import BigInteger, Text, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from gql_service.domain.events.events import OF_TENANT
from gql_service.store.connection import Connection
from gql_service.store.database import Database
from gql_service.store.statement import Statement
from gql_service.store.tables import events, pruned_events

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
    _INSERT.on_conflict_do_update(
        index_elements=["tenant_id", "platform_id"],
        set_={"position": _INSERT.excluded.position},
        where=pruned_events.c.position < _INSERT.excluded.position,
    )
)
_PRUNED_UNTIL = Statement(
    select(func.coalesce(func.max(pruned_events.c.position), 0)).where(
        pruned_events.c.tenant_id == bindparam("tenant_id", type_=Text),
        pruned_events.c.platform_id.in_(
            [bindparam("platform_id", type_=Text), bindparam("no_platform", OF_TENANT, type_=Text)]
        ),
    )
)


async def prune(database: Database, before: int) -> int:
    """Delete older events, in short transactions; returns how many. Raises Unavailable."""
    total = 0
    while True:
        count = await database.write(lambda transaction: _prune_batch(transaction, before))
        total += count
        if not count:
            return total


async def pruned_until(connection: Connection, tenant_id: str, platform_id: str) -> int:
    """The last position that was deleted of a platform, or of its tenant as a whole; 0 if none was."""
    ((position,),) = await connection.fetch(_PRUNED_UNTIL, tenant_id=tenant_id, platform_id=platform_id)
    return int(position)


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
