"""Events: each says what a transaction has changed, and is written in that transaction. None has a value.

Readers follow events by their positions. Whoever has read the event at a position has missed none with a
lower one: on SQLite because transactions run one after the other, on PostgreSQL because of `numbering`.
"""

from collections.abc import Iterable, Sequence, Set
from enum import Enum
from typing import NamedTuple

import orjson
from sqlalchemy import Text, bindparam, delete, insert, null, select, update

from gql_service import strict_json
from gql_service.store.connection import Connection
from gql_service.store.statement import Statement
from gql_service.store.tables import events

OF_TENANT = ""
"""The `platform_id` of events that concern no platform: user-wide documents, and users themselves."""


class EventType(Enum):
    """What has happened."""

    DOCUMENT_CHANGED = "document.changed"
    DOCUMENT_CLEARED = "document.cleared"
    DEFINITION_CHANGED = "definition.changed"
    DEFINITION_REMOVED = "definition.removed"
    USER_CREATED = "user.created"
    USER_CHANGED = "user.changed"
    USER_ERASED = "user.erased"
    BADGE_AWARDED = "badge.awarded"
    NOTIFICATION_CREATED = "notification.created"
    NOTIFICATION_READ = "notification.read"
    TOKEN_ISSUED = "token.issued"  # noqa: S105 - the name of an event
    TOKEN_REVOKED = "token.revoked"  # noqa: S105


class Event(NamedTuple):
    """What has happened, to what, by whom, and when."""

    type: EventType
    tenant_id: str
    """The tenant whose admins learn of it."""
    platform_id: str
    """OF_TENANT if it concerns no platform."""
    user_id: str | None
    """Whose data has changed."""
    actor_id: str | None
    occurred_at: int
    revision: int | None = None
    """Of the document or user, after the change."""
    changed_keys: tuple[str, ...] = ()
    """The metadata keys or the fields that have changed, and that their user may know of."""
    hidden_keys: tuple[str, ...] = ()
    """Those that only admins may know of."""


_INSERT = Statement(insert(events).values({name: bindparam(name) for name in Event._fields}).inline())
_OF_DOCUMENT = Statement(
    select(events.c.id, events.c.changed_keys, events.c.hidden_keys).where(
        events.c.user_id == bindparam("user_id", type_=Text),
        events.c.platform_id == bindparam("platform_id", type_=Text),
        events.c.type == bindparam("type", EventType.DOCUMENT_CHANGED.value),
    )
)
_SET_KEYS = Statement(
    update(events)
    .where(events.c.id == bindparam("of_event"))
    .values(changed_keys=bindparam("changed_keys"), hidden_keys=bindparam("hidden_keys"))
)
_DELETE_OF_USER = Statement(delete(events).where(events.c.user_id == bindparam("user_id", type_=Text)))
_FORGET_ACTOR = Statement(
    update(events).where(events.c.actor_id == bindparam("erased", type_=Text)).values(actor_id=null())
)


async def record(transaction: Connection, new: Sequence[Event]) -> None:
    """Add events. What they tell of must be locked or written by the transaction already: that keeps the
    events of one document in the order of its revisions."""
    if new:
        transaction.has_events = True
        await transaction.execute_many(_INSERT, [_parameters(event) for event in new])


async def conceal(transaction: Connection, user_id: str, platform_id: str, keep: Set[str]) -> None:
    """Remove the names of all keys, except those to keep, from the events of a document."""
    rows = await transaction.fetch(_OF_DOCUMENT, user_id=user_id, platform_id=platform_id)
    changed = [
        {"of_event": id, "changed_keys": _kept(keys, keep), "hidden_keys": _kept(hidden, keep)}
        for id, keys, hidden in rows
        if not keep >= {*orjson.loads(keys), *orjson.loads(hidden)}
    ]
    await transaction.execute_many(_SET_KEYS, changed)


async def erase(transaction: Connection, user_id: str, tenant_ids: Iterable[str], now: int) -> None:
    """Delete the events of a user. All tenants that the user belonged to learn that they are erased."""
    erased = [
        Event(EventType.USER_ERASED, tenant_id, OF_TENANT, user_id, actor_id=None, occurred_at=now)
        for tenant_id in sorted(tenant_ids)
    ]
    await transaction.execute(_DELETE_OF_USER, user_id=user_id)
    await transaction.execute(_FORGET_ACTOR, erased=user_id)
    await record(transaction, erased)


def _parameters(event: Event) -> dict[str, object]:
    columns = event._asdict()
    columns |= {
        "type": event.type.value,
        "changed_keys": strict_json.dumps(event.changed_keys),
        "hidden_keys": strict_json.dumps(event.hidden_keys),
    }
    return columns


def _kept(keys: str, keep: Set[str]) -> str:
    return strict_json.dumps([key for key in orjson.loads(keys) if key in keep])
