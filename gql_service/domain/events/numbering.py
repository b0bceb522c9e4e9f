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
# Whoever waits for events is notified here, and not by the writes: at the commit of a transaction that
# notifies, PostgreSQL takes a lock that all of them share.
_NUMBER = Statement(
    text(
        "WITH due AS (SELECT id, row_number() OVER (ORDER BY id) AS number FROM events"
        " WHERE position IS NULL ORDER BY id LIMIT :most),"
        " numbered AS (UPDATE events SET position = event_counter.last + due.number FROM due, event_counter"
        " WHERE events.id = due.id RETURNING events.id),"
        " total AS (SELECT count(*) AS events FROM numbered),"
        " counted AS (UPDATE event_counter SET last = last + total.events FROM total"
        " WHERE total.events > 0 RETURNING pg_notify(:channel, ''))"
        " SELECT total.events, counted.* FROM total LEFT JOIN counted ON true"
    )
)


async def number(transaction: Connection, *, is_expected: bool = True) -> int | None:
    """Give positions to events; returns to how many. None if another transaction is numbering.

    If it is not expected that there are any, they are looked for first: a lock would be written to the log,
    which an idle database should not be.
    """
    if not is_expected:
        ((is_due,),) = await transaction.fetch(_ANY_WAITING)
        if not is_due:
            return 0
    # A statement of its own: the next one must see what was numbered before the lock was free.
    if not await transaction.fetch(_LOCK):
        return None
    ((count, _),) = await transaction.fetch(_NUMBER, most=MAX_NUMBERED, channel=CHANNEL)
    return int(count)
