"""Deliveries that are due, with all that is needed to send them."""

from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Text, bindparam, case, func, or_, select

from gql_service.domain.webhooks.deliveries import DeliveryState
from gql_service.domain.webhooks.message import EventFacts, Message, of_event, of_test
from gql_service.domain.webhooks.webhooks import WebhookState
from gql_service.store.connection import Connection, rows_as
from gql_service.store.statement import Statement
from gql_service.store.tables import events, platforms, webhook_deliveries, webhooks

_deliveries = webhook_deliveries.c


class Waiting(NamedTuple):
    """A webhook for which deliveries wait."""

    tenant_id: str
    webhook_id: str
    soonest: int
    """When the first of them is due."""


class Due(NamedTuple):
    """A delivery that is due."""

    id: int
    webhook_id: str
    lane: str | None
    attempts: int
    give_up_at: int | None
    tenant_id: str
    url: str
    secret: str
    """Encrypted, as is the next one."""
    previous_secret: str | None
    previous_until: int | None
    event_id: int | None
    """None for a test."""
    created_at: int
    platform_key: str | None
    """Of the webhook."""
    event: EventFacts

    @property
    def is_gone(self) -> bool:
        """Whether there is nothing left to send, because the event was deleted."""
        return self.event_id is not None and self.event.id is None

    @property
    def message(self) -> Message:
        """What is to be sent."""
        if self.event_id is None:
            return of_test(self.id, self.created_at, self.tenant_id, self.platform_key)
        return of_event(self.event, self.tenant_id)


def _soonest(*conditions: Any) -> Any:
    of_webhook = (_deliveries.webhook_id == webhooks.c.id, *conditions)
    return select(func.min(_deliveries.next_at)).where(*of_webhook).scalar_subquery()


_IS_ACTIVE = webhooks.c.state == WebhookState.ACTIVE.value
# Both use an index of their own: those that wait for a paused webhook may be many.
_OF_ACTIVE = _soonest(_deliveries.next_at.is_not(None))
_OF_OTHERS = _soonest(
    _deliveries.state == DeliveryState.PENDING.value,
    _deliveries.lane.is_(None),
    _deliveries.event_id.is_(None),
)
_waiting = select(
    webhooks.c.tenant_id, webhooks.c.id, case((_IS_ACTIVE, _OF_ACTIVE), else_=_OF_OTHERS).label("soonest")
).subquery()
_WAITING = Statement(select(_waiting).where(_waiting.c.soonest.is_not(None)))
_OF_DELIVERY = [_deliveries[name] for name in ("id", "webhook_id", "lane", "attempts", "give_up_at")]
_OF_WEBHOOK = [
    webhooks.c[name] for name in ("tenant_id", "url", "secret", "previous_secret", "previous_until")
]
_own_platform = platforms.alias("own_platforms")


def _event_column(name: str) -> Any:
    column = platforms.c.key if name == "platform_key" else events.c[name]
    return column.label(f"event_{name}")


_DUE = Statement(
    select(*_OF_DELIVERY, *_OF_WEBHOOK, _deliveries.event_id, _deliveries.created_at, _own_platform.c.key,
           *map(_event_column, EventFacts._fields))
    .join(webhooks, webhooks.c.id == _deliveries.webhook_id)
    .outerjoin(_own_platform, _own_platform.c.id == webhooks.c.platform_id)
    .outerjoin(events, events.c.id == _deliveries.event_id)
    .outerjoin(platforms, platforms.c.id == events.c.platform_id)
    .where(
        _deliveries.webhook_id == bindparam("of_webhook", type_=Text),
        _deliveries.next_at <= bindparam("now", type_=BigInteger),
        or_(_IS_ACTIVE, _deliveries.event_id.is_(None)),
    )
    .order_by(_deliveries.next_at, _deliveries.id)
    .limit(bindparam("size"))
)  # fmt: skip
_OWN = len(Due._fields) - 1


async def find_waiting(connection: Connection) -> list[Waiting]:
    """All webhooks for which something waits that may be sent, now or later."""
    return rows_as(Waiting, await connection.fetch(_WAITING))


async def find_due(connection: Connection, webhook_id: str, now: int, size: int) -> list[Due]:
    """The oldest deliveries of a webhook that are due. Those that are being sent are among them."""
    rows = await connection.fetch(_DUE, of_webhook=webhook_id, now=now, size=size)
    return [Due(*(*row[:_OWN], EventFacts(*row[_OWN:]))) for row in rows]
