"""Reading events in their order."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import BigInteger, CompoundSelect, Select, Text, bindparam, select, union_all

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


def _first_of(platform_id: Any, columns: Sequence[Any]) -> Select[Any]:
    first = (
        select(events.c.position, *columns)
        .where(
            events.c.tenant_id == bindparam("tenant_id", type_=Text),
            events.c.platform_id == platform_id,
            events.c.position > bindparam("after", type_=BigInteger),
        )
        .order_by(events.c.position)
        .limit(bindparam("size"))
    )
    return select(first.subquery())


def select_next(*columns: Any) -> CompoundSelect[Any]:
    """Select the next `size` events `after` a position that concern a platform, or its tenant as a whole:
    their positions, and `columns`.

    It is one statement, and so one snapshot: of two, the second could see an event after one that the first
    missed.
    """
    both = union_all(
        _first_of(bindparam("platform_id", type_=Text), columns),
        _first_of(bindparam("no_platform", OF_TENANT, type_=Text), columns),
    )
    return both.order_by("position").limit(bindparam("size"))


_PAGE = Statement(select_next(*_COLUMNS))


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

    Raises EventsDeleted if events after the cursor were deleted already.
    """
    after = int(request.after or 0)
    rows = await connection.fetch(
        _PAGE, tenant_id=tenant_id, platform_id=platform_id, after=after, size=request.size + 1
    )
    if request.after is not None:
        await check_known(connection, tenant_id, platform_id, after)
    return page_of([_event(row) for row in rows], request)


def check_page(request: PageRequest) -> PageRequest:
    """The cursors of a feed are positions. Raises BadUserInput for others."""
    cursor = request.after
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
