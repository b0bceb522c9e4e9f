"""Deliveries: the events that were or are to be sent to a webhook, and what came back.

A delivery names its event and copies nothing of it. So what is removed from an event is never sent.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Text, bindparam, delete, insert, null, select, update

from gql_service.auth.access import PlatformAccess
from gql_service.domain.pagination import Page, PageRequest, page_of
from gql_service.errors import BadUserInput, Problem, Rejected
from gql_service.store.connection import Connection, rows_as
from gql_service.store.database import Database
from gql_service.store.statement import Statement
from gql_service.store.tables import events, webhook_deliveries, webhooks

KEPT = 7 * 24 * 3600 * 1000
"""Milliseconds for which finished deliveries are kept."""
MAX_WAITING = 10_000
"""Deliveries of a webhook that wait, apart from those that one transaction adds at once."""
MAX_KEPT = 20_000
"""Deliveries of a webhook, from which on the oldest of the finished ones are deleted."""
MAX_RESPONSE = 1024
"""Characters of a response that are kept."""
_BATCH = 500
_MAX_ID = 2**63 - 1


class DeliveryState(Enum):
    """What has become of a delivery."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


class Delivery(NamedTuple):
    """A row of `webhook_deliveries`, with the type of its event."""

    id: int
    webhook_id: str
    event_id: int | None
    """None for a test."""
    stored_state: str
    attempts: int
    created_at: int
    next_at: int | None
    attempted_at: int | None
    status: int | None
    response: str | None
    error: str | None

    @property
    def state(self) -> DeliveryState:
        return DeliveryState(self.stored_state)

    @property
    def delivery_id(self) -> str:
        return str(self.id)

    @property
    def is_test(self) -> bool:
        return self.event_id is None


_deliveries = webhook_deliveries.c
_COLUMNS: list[Any] = [_deliveries["state" if name == "stored_state" else name] for name in Delivery._fields]
_WEBHOOK = bindparam("of_webhook", type_=Text)


def is_full(webhook_id: Any) -> Any:
    """Whether so many deliveries of a webhook wait that no more are made."""
    waiting = select(_deliveries.id).where(
        _deliveries.webhook_id == webhook_id, _deliveries.state == DeliveryState.PENDING.value
    )
    return waiting.offset(bindparam("most_waiting", MAX_WAITING - 1)).limit(1).exists()


_IS_FULL = Statement(select(is_full(_WEBHOOK)))
_INSERT_ONE = Statement(
    insert(webhook_deliveries)
    .values(
        webhook_id=_WEBHOOK,
        event_id=bindparam("event_id", type_=BigInteger),
        user_id=bindparam("user_id", type_=Text),
        lane=null(),
        state=DeliveryState.PENDING.value,
        attempts=0,
        created_at=bindparam("now", type_=BigInteger),
        next_at=bindparam("now", type_=BigInteger),
    )
    .returning(*_COLUMNS)
)
_PAGE = Statement(
    select(*_COLUMNS)
    .where(_deliveries.webhook_id == _WEBHOOK, _deliveries.id < bindparam("after", type_=BigInteger))
    .order_by(_deliveries.id.desc())
    .limit(bindparam("size"))
)
_FIND = Statement(
    select(_deliveries.event_id, _deliveries.user_id, events.c.id)
    .outerjoin(events, events.c.id == _deliveries.event_id)
    .where(_deliveries.webhook_id == _WEBHOOK, _deliveries.id == bindparam("delivery_id", type_=BigInteger))
)
_RESUME = Statement(
    update(webhook_deliveries)
    .where(
        _deliveries.webhook_id == _WEBHOOK,
        _deliveries.next_at.is_not(None),
    )
    .values(next_at=bindparam("now", type_=BigInteger), give_up_at=null())
)
_DELETE_OF_USER = Statement(
    delete(webhook_deliveries).where(_deliveries.user_id == bindparam("erased", type_=Text))
)
_FINISHED = select(_deliveries.id).where(
    _deliveries.attempted_at < bindparam("before", type_=BigInteger),
    _deliveries.state != DeliveryState.PENDING.value,
)
_PRUNE = Statement(
    delete(webhook_deliveries)
    .where(_deliveries.id.in_(_FINISHED.limit(bindparam("size")).scalar_subquery()))
    .returning(_deliveries.id)
)

_WEBHOOK_IDS = Statement(select(webhooks.c.id), scans=True)
_OLDEST_KEPT = (
    select(_deliveries.id)
    .where(_deliveries.webhook_id == _WEBHOOK)
    .order_by(_deliveries.id.desc())
    .offset(bindparam("kept"))
    .limit(1)
    .scalar_subquery()
)
_SURPLUS = select(_deliveries.id).where(
    _deliveries.webhook_id == _WEBHOOK,
    _deliveries.id <= _OLDEST_KEPT,
    _deliveries.state != DeliveryState.PENDING.value,
)
_PRUNE_SURPLUS = Statement(
    delete(webhook_deliveries)
    .where(_deliveries.id.in_(_SURPLUS.limit(bindparam("size")).scalar_subquery()))
    .returning(_deliveries.id)
)


async def send_test(transaction: Connection, access: PlatformAccess, webhook_id: str, now: int) -> Delivery:
    """Let a test event be sent, whatever the state of the webhook, which must be locked. Raises Rejected."""
    access.verify()
    return await _insert(transaction, webhook_id, None, None, now)


async def repeat(
    transaction: Connection, access: PlatformAccess, webhook_id: str, delivery_id: str, now: int
) -> Delivery:
    """Let the event of a delivery be sent once more, now. The webhook must be locked. Raises Rejected."""
    access.verify()
    number = _number(delivery_id)
    rows = () if number is None else await transaction.fetch(_FIND, of_webhook=webhook_id, delivery_id=number)
    if not rows:
        raise Rejected(Problem.UNKNOWN_DELIVERY, "The webhook has no such delivery.", ("delivery_id",))
    ((event_id, user_id, existing),) = rows
    if event_id != existing:
        raise Rejected(Problem.UNKNOWN_DELIVERY, "The event of the delivery was deleted.", ("delivery_id",))
    return await _insert(transaction, webhook_id, event_id, user_id, now)


async def resume(transaction: Connection, webhook_id: str, now: int) -> None:
    """Let what waits be sent now, and be tried for as long as if it were new."""
    await transaction.execute(_RESUME, of_webhook=webhook_id, now=now)


async def erase(transaction: Connection, user_id: str) -> None:
    """Delete the deliveries of a user's events."""
    await transaction.execute(_DELETE_OF_USER, erased=user_id)


async def prune(database: Database, now: int) -> None:
    """Delete finished deliveries that are too old or too many, in short transactions. Raises Unavailable."""
    await _delete(database, _PRUNE, before=now - KEPT)
    async with database.read() as connection:
        rows = await connection.fetch(_WEBHOOK_IDS)
    for (webhook_id,) in rows:
        await _delete(database, _PRUNE_SURPLUS, of_webhook=webhook_id, kept=MAX_KEPT)


async def _delete(database: Database, statement: Statement, **parameters: Any) -> None:
    async def batch(transaction: Connection) -> int:
        return len(await transaction.fetch(statement, size=_BATCH, **parameters))

    while await database.write(batch) == _BATCH:
        pass


async def pages(
    connection: Connection, webhook_ids: Sequence[str], request: PageRequest
) -> list[Page[Delivery]]:
    """The same page of the deliveries of each webhook, newest first."""
    after = _MAX_ID if request.after is None else int(request.after)
    found = []
    for webhook_id in webhook_ids:
        parameters = {"of_webhook": webhook_id, "after": after, "size": request.size + 1}
        found.append(page_of(rows_as(Delivery, await connection.fetch(_PAGE, **parameters)), request))
    return found


def check_page(request: PageRequest) -> PageRequest:
    """The cursors of deliveries are their ids. Raises BadUserInput for others."""
    cursor = request.after
    if cursor is not None and not (
        cursor.isascii() and cursor.isdigit() and len(cursor) < 20 and int(cursor) <= _MAX_ID
    ):
        raise BadUserInput("The cursor is not one of deliveries. Use a cursor that `deliveries` returned.")
    return request


def _number(text: str) -> int | None:
    """The id of a delivery in a text; None if there is none."""
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _MAX_ID):
        return None
    return int(text)


async def _insert(
    transaction: Connection, webhook_id: str, event_id: int | None, user_id: str | None, now: int
) -> Delivery:
    ((is_full,),) = await transaction.fetch(_IS_FULL, of_webhook=webhook_id)
    if is_full:
        message = f"{MAX_WAITING:,} deliveries of the webhook wait already. Let its receiver take them first."
        raise Rejected(Problem.TOO_MANY_DELIVERIES, message, ("webhook_id",))
    parameters = {"of_webhook": webhook_id, "event_id": event_id, "user_id": user_id, "now": now}
    (delivery,) = rows_as(Delivery, await transaction.fetch(_INSERT_ONE, **parameters))
    return delivery
