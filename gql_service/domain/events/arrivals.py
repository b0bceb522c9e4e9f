"""Which events have come since a position, for those who wait for events: whom they concern, and no more."""

from typing import NamedTuple

from sqlalchemy import BigInteger, bindparam, select, text

from gql_service.errors import EventsDeleted
from gql_service.store.connection import Connection, rows_as
from gql_service.store.statement import Statement
from gql_service.store.tables import events

MAX_ARRIVALS = 1000
"""Events that are read at a time."""
_COLUMNS = (events.c.position, events.c.tenant_id, events.c.platform_id, events.c.user_id)
_SELECT = select(*_COLUMNS).limit(bindparam("size", MAX_ARRIVALS))
_AFTER = bindparam("after", type_=BigInteger)
_BY_POSITION = Statement(_SELECT.where(events.c.position > _AFTER).order_by(events.c.position))
# On SQLite, the position is computed from the id, and only the id has an index.
_BY_ID = Statement(_SELECT.where(events.c.id > _AFTER).order_by(events.c.id))
_LAST_POSITION = Statement(text("SELECT last FROM event_counter"))
# The highest id that was ever given, also if its event was deleted.
_LAST_ID = Statement(text("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'events'"))


class Arrival(NamedTuple):
    """An event that has come."""

    position: int
    tenant_id: str
    platform_id: str
    user_id: str | None


async def last_position(connection: Connection, *, numbers_events: bool) -> int:
    """The last position that was given; 0 before any. See `Database.numbers_events`."""
    ((position,),) = await connection.fetch(_LAST_ID if numbers_events else _LAST_POSITION)
    return int(position)


async def check_given(connection: Connection, position: int, *, numbers_events: bool) -> None:
    """Raise EventsDeleted for a position that was never given: that of an event which was lost."""
    if position > await last_position(connection, numbers_events=numbers_events):
        raise EventsDeleted


async def arrivals(connection: Connection, after: int, *, numbers_events: bool) -> list[Arrival]:
    """The next events after a position, at most `MAX_ARRIVALS`."""
    rows = await connection.fetch(_BY_ID if numbers_events else _BY_POSITION, after=after)
    return rows_as(Arrival, rows)
