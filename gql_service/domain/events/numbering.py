"""Numbering events on PostgreSQL, where transactions commit in another order than they insert.

An event gets its position after it was committed. One transaction at a time numbers, for it locks the row of
the counter. So positions become visible in ascending order, and a reader misses none, however long another
transaction holds a lower id.

Within a document, the order is that of the revisions: ids are drawn while the document is locked, so that
whoever sees an event also sees those of earlier revisions, and these have lower ids.
"""

from sqlalchemy import text

from gql_service.store.commits import CHANNEL
from gql_service.store.connection import Connection
from gql_service.store.statement import Statement

MAX_NUMBERED = 1000
"""Events that one transaction numbers."""
_ANY_WAITING = Statement(text("SELECT EXISTS (SELECT FROM events WHERE position IS NULL)"))
_LOCK = Statement(text("SELECT last FROM event_counter FOR UPDATE SKIP LOCKED"))
_NUMBER = Statement(
    text(
        "WITH due AS (SELECT id, row_number() OVER (ORDER BY id) AS number FROM events"
        " WHERE position IS NULL ORDER BY id LIMIT :most)"
        " UPDATE events SET position = CAST(:last AS bigint) + due.number FROM due"
        " WHERE events.id = due.id RETURNING events.id"
    )
)
# Whoever waits for events is notified here, and not by the writes: at the commit of a transaction that
# notifies, PostgreSQL takes a lock that all of them share.
_COUNT = Statement(
    text(
        "WITH counted AS (UPDATE event_counter SET last = CAST(:last AS bigint))"
        " SELECT pg_notify(:channel, '')"
    )
)


async def number(transaction: Connection) -> int | None:
    """Give positions to events; returns to how many. None if another transaction is numbering."""
    ((is_due,),) = await transaction.fetch(_ANY_WAITING)
    if not is_due:
        return 0  # a lock would be written to the log, which an idle database should not be
    rows = await transaction.fetch(_LOCK)
    if not rows:
        return None
    ((last,),) = rows
    count = len(await transaction.fetch(_NUMBER, last=last, most=MAX_NUMBERED))
    if count:
        await transaction.fetch(_COUNT, last=last + count, channel=CHANNEL)
    return count
