"""Reading events in their order."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import BigInteger, CompoundSelect, Select, Text, bindparam, desc, select, union_all

from gql_service.domain.events.events import OF_TENANT, Event, EventType
from gql_service.domain.events.pruning import check_known
from gql_service.domain.pagination import Page, PageRequest, page_of
from gql_service.errors import BadUserInput
from gql_service.store.connection import Connection, Row, rows_as
from gql_service.store.statement import Statement
from gql_service.store.tables import events

_MAX_POSITION = 2**63 - 1


class UserMoment(NamedTuple):
    """When something happened to a user, with the position of its event."""

    position: int
    occurred_at: int


class PositionedEvent(NamedTuple):
    """An event, with its position in the order of all events."""

    position: int
    event: Event

    def __getattr__(self, name: str) -> Any:
        return getattr(self.event, name)

    @property
    def changed_keys(self) -> list[str]:
        """All of them, for admins."""
        return sorted((*self.event.changed_keys, *self.event.hidden_keys))


_COLUMNS: list[Any] = [events.c[name] for name in Event._fields]


class _Way(NamedTuple):
    """Which of the events after a position are selected: the first or, `backwards`, the last of them; all or
    those that are `before` another position."""

    backwards: bool
    has_end: bool


_FORWARD = _Way(False, False)


def _some_of(platform_id: Any, columns: Sequence[Any], way: _Way) -> Select[Any]:
    position = events.c.position
    found = select(position, *columns).where(
        events.c.tenant_id == bindparam("tenant_id", type_=Text),
        events.c.platform_id == platform_id,
        position > bindparam("after", type_=BigInteger),
    )
    if way.has_end:
        found = found.where(position < bindparam("before", type_=BigInteger))
    order = position.desc() if way.backwards else position.asc()
    return select(found.order_by(order).limit(bindparam("size")).subquery())


def select_next(*columns: Any, way: _Way = _FORWARD) -> CompoundSelect[Any]:
    """Select the next `size` events `after` a position that concern a platform, or its tenant as a whole:
    their positions, and `columns`.

    It is one statement, and so one snapshot: of two, the second could see an event after one that the first
    missed.
    """
    both = union_all(
        _some_of(bindparam("platform_id", type_=Text), columns, way),
        _some_of(bindparam("no_platform", OF_TENANT, type_=Text), columns, way),
    )
    return both.order_by(desc("position") if way.backwards else "position").limit(bindparam("size"))


_PAGES = {
    way: Statement(select_next(*_COLUMNS, way=way)) for way in (_FORWARD, _Way(False, True), _Way(True, True))
}


_OF_USER = Statement(
    select(events.c.position, events.c.occurred_at)
    .where(
        events.c.user_id == bindparam("user_id", type_=Text),
        events.c.type == bindparam("type", type_=Text),
        events.c.position > bindparam("after", type_=BigInteger),
    )
    .order_by(events.c.position)
    .limit(bindparam("size"))
)


async def moments_of_user(
    connection: Connection, user_id: str, type_: EventType, after: int, size: int
) -> list[UserMoment]:
    """The next events of a type that concern a user, after a position."""
    rows = await connection.fetch(_OF_USER, user_id=user_id, type=type_.value, after=after, size=size)
    return rows_as(UserMoment, rows)


async def page(
    connection: Connection, tenant_id: str, platform_id: str, request: PageRequest
) -> Page[PositionedEvent]:
    """The events that concern a platform, and its tenant as a whole, in the order of their positions.

    Raises EventsDeleted if events after the cursor `after` were deleted already. Where a page goes back from
    the newest events, or from `before`, it ends where older ones were deleted.
    """
    after = int(request.after or 0)
    way = _Way(request.backwards, request.backwards or request.before is not None)
    bounds = {"before": int(request.before or _MAX_POSITION)} if way.has_end else {}
    rows = await connection.fetch(
        _PAGES[way],
        tenant_id=tenant_id,
        platform_id=platform_id,
        after=after,
        size=request.size + 1,
        **bounds,
    )
    if request.after is not None:
        await check_known(connection, tenant_id, platform_id, after)
    return page_of([_event(row) for row in rows], request)


def check_page(request: PageRequest) -> PageRequest:
    """The cursors of a feed are positions. Raises BadUserInput for others."""
    for cursor in (request.after, request.before):
        if cursor is not None and not (
            cursor.isascii() and cursor.isdigit() and len(cursor) < 20 and int(cursor) <= _MAX_POSITION
        ):
            raise BadUserInput("The cursor is not one of a feed. Use a cursor that `events` returned.")
    return request


def _event(row: Row) -> PositionedEvent:
    position, type_, *others, changed, hidden = row
    columns: list[Any] = [
        EventType(type_),
        *others,
        tuple(orjson.loads(changed)),
        tuple(orjson.loads(hidden)),
    ]
    return PositionedEvent(position, Event(*columns))
