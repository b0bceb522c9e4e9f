"""From events to deliveries: each event becomes a delivery of every active webhook that wants its type.

A lane is what is delivered in order: the events of one document, or of what else belongs to one user. In a
lane, one delivery is due at a time.

While very many deliveries of a webhook wait, no more are made: its events wait where they are.
"""

from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, exists, insert, or_, select, update

from gql_service.domain.events.events import OF_TENANT, EventType
from gql_service.domain.events.feed import select_next
from gql_service.domain.webhooks.deliveries import DeliveryState, is_full
from gql_service.domain.webhooks.webhooks import COLUMNS, Webhook, WebhookState
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import any_of
from gql_service.store.statement import Statement
from gql_service.store.tables import events, webhook_deliveries, webhooks

_BATCH = 200
"""Events of one webhook that one transaction turns into deliveries."""
_MAX_BEHIND = 20
"""Webhooks that one transaction looks at."""


def _is_new(platform_id: Any) -> Any:
    return exists().where(
        events.c.tenant_id == webhooks.c.tenant_id,
        events.c.platform_id == platform_id,
        events.c.position > webhooks.c.position,
    )


_BEHIND = Statement(
    select(*COLUMNS)
    .where(
        webhooks.c.state == WebhookState.ACTIVE.value,
        or_(_is_new(webhooks.c.platform_id), _is_new(OF_TENANT)),
        ~is_full(webhooks.c.id),
    )
    .order_by(webhooks.c.position)
    .limit(_MAX_BEHIND)
)
_EVENTS = Statement(select_next(events.c.id, events.c.type, events.c.user_id, events.c.platform_id))
_BUSY_LANES = Statement(
    select(webhook_deliveries.c.lane)
    .where(
        webhook_deliveries.c.webhook_id == bindparam("webhook_id", type_=Text),
        webhook_deliveries.c.state == DeliveryState.PENDING.value,
        any_of(webhook_deliveries.c.lane, "lanes"),
    )
    .distinct()
)
_FROM_EVENT = ("webhook_id", "event_id", "user_id", "lane", "created_at", "next_at")
_INSERT = Statement(
    insert(webhook_deliveries)
    .values(state=DeliveryState.PENDING.value, attempts=0, **{name: bindparam(name) for name in _FROM_EVENT})
    .inline()
)
_ADVANCE = Statement(
    update(webhooks)
    .where(webhooks.c.id == bindparam("webhook_id", type_=Text))
    .values(position=bindparam("reached", type_=BigInteger))
)


async def is_behind(connection: Connection) -> bool:
    """Whether there are events of which deliveries are to be made."""
    return bool(await connection.fetch(_BEHIND))


async def fan_out(transaction: Connection, now: int) -> bool:
    """Make deliveries of events; returns whether there may be more."""
    behind = rows_as(Webhook, await transaction.fetch(_BEHIND))
    full = len(behind) == _MAX_BEHIND
    for webhook in behind:
        full |= await _fan_out_to(transaction, webhook, now) == _BATCH
    return full


async def _fan_out_to(transaction: Connection, webhook: Webhook, now: int) -> int:
    scope = {"tenant_id": webhook.tenant_id, "platform_id": webhook.platform_id}
    rows = await transaction.fetch(_EVENTS, **scope, after=webhook.position, size=_BATCH)
    types = None if webhook.types is None else frozenset(webhook.types)
    new = [
        {
            "webhook_id": webhook.id,
            "event_id": id,
            "user_id": user_id,
            "lane": f"{user_id or ''}:{platform_id}",
            "created_at": now,
            "next_at": now,
        }
        for _, id, type, user_id, platform_id in rows
        if types is None or EventType(type) in types
    ]
    lanes = {each["lane"] for each in new}
    busy = await transaction.fetch(_BUSY_LANES, webhook_id=webhook.id, lanes=lanes) if lanes else ()
    waiting = {lane for (lane,) in busy}
    for each in new:
        if each["lane"] in waiting:
            each["next_at"] = None
        waiting.add(each["lane"])
    await transaction.execute_many(_INSERT, new)
    if rows:
        await transaction.execute(_ADVANCE, webhook_id=webhook.id, reached=rows[-1][0])
    return len(rows)
