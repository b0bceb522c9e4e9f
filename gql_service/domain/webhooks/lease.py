"""The lease of the dispatcher: only who holds it sends webhooks. Its time is that of the database.

A holder with nothing to do lets it expire, so that an idle database is not written. It goes on with it if
nobody else has taken it meanwhile.

Each new holder gets a higher fencing number. A holder that was stopped for long finds that the number has
changed, and writes nothing.
"""

from sqlalchemy import BigInteger, bindparam, select, update

from gql_service.store.connection import Connection
from gql_service.store.sql_functions import database_now
from gql_service.store.statement import Statement
from gql_service.store.tables import webhook_dispatcher

DURATION = 10.0
"""Seconds for which a lease is valid after it was taken or renewed."""
_END = database_now() + int(DURATION * 1000)
_HOLDER = webhook_dispatcher.c.fence == bindparam("held", type_=BigInteger)
_IS_FREE = Statement(select(webhook_dispatcher.c.expires_at <= database_now()))
_TAKE = Statement(
    update(webhook_dispatcher)
    .where(webhook_dispatcher.c.expires_at <= database_now())
    .values(fence=webhook_dispatcher.c.fence + 1, expires_at=_END)
    .returning(webhook_dispatcher.c.fence)
)
_RENEW = Statement(
    update(webhook_dispatcher).where(_HOLDER).values(expires_at=_END).returning(webhook_dispatcher.c.fence)
)
_LOCK = Statement(select(webhook_dispatcher.c.fence).where(_HOLDER).with_for_update())
_RELEASE = Statement(update(webhook_dispatcher).where(_HOLDER).values(expires_at=0))


async def is_free(connection: Connection) -> bool:
    """Whether nobody holds the lease."""
    ((is_free,),) = await connection.fetch(_IS_FREE)
    return bool(is_free)


async def take(transaction: Connection) -> int | None:
    """Take the lease; returns its fencing number. None if another process holds it."""
    rows = await transaction.fetch(_TAKE)
    return rows[0][0] if rows else None


async def hold(transaction: Connection, fence: int, *, renews: bool) -> bool:
    """Lock the lease until the transaction ends. False if another process has taken it."""
    return bool(await transaction.fetch(_RENEW if renews else _LOCK, held=fence))


async def release(transaction: Connection, fence: int) -> None:
    """Let another process take the lease at once."""
    await transaction.execute(_RELEASE, held=fence)
