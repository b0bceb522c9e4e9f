"""The webhooks of platforms: to which URL which events are sent."""

from collections.abc import Sequence, Set
from enum import Enum
from typing import Any, NamedTuple
from uuid import uuid4

import orjson
from sqlalchemy import Text, bindparam, delete, func, insert, select, update

from gql_service import strict_json
from gql_service.auth.access import PlatformAccess
from gql_service.domain.events.events import OF_TENANT, EventType
from gql_service.domain.values.encryption import KeyRing
from gql_service.domain.webhooks import deliveries, secrets
from gql_service.domain.webhooks.destinations import AllowedNetworks
from gql_service.errors import Problem, Rejected
from gql_service.observability.security_log import EventKind, SecurityEvent
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import any_of
from gql_service.store.statement import Statement
from gql_service.store.tables import events, webhooks

MAX_WEBHOOKS = 10
"""Webhooks of one platform."""
OVERLAP = 24 * 3600 * 1000
"""Milliseconds for which the previous secret signs, too."""


class WebhookState(Enum):
    """Whether events are sent."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    DISABLED = "DISABLED"


class DisabledReason(Enum):
    """Why the service has disabled a webhook."""

    GONE = "GONE"
    FAILING = "FAILING"


class Webhook(NamedTuple):
    """A row of `webhooks`."""

    id: str
    tenant_id: str
    platform_id: str
    url: str
    stored_types: str | None
    stored_state: str
    stored_reason: str | None
    secret: str
    previous_secret: str | None
    previous_until: int | None
    position: int
    """Up to which position of events its deliveries exist."""
    failing_since: int | None
    created_at: int
    updated_at: int

    @property
    def webhook_id(self) -> str:
        return self.id

    @property
    def types(self) -> list[EventType] | None:
        """The types of events that are sent; None for all."""
        return None if self.stored_types is None else list(map(EventType, orjson.loads(self.stored_types)))

    @property
    def state(self) -> WebhookState:
        return WebhookState(self.stored_state)

    @property
    def disabled_reason(self) -> DisabledReason | None:
        return None if self.stored_reason is None else DisabledReason(self.stored_reason)


_RENAMED = {"stored_types": "types", "stored_state": "state", "stored_reason": "disabled_reason"}
COLUMNS: list[Any] = [webhooks.c[_RENAMED.get(name, name)] for name in Webhook._fields]
_ID = bindparam("webhook_id", type_=Text)
_INSERT = Statement(insert(webhooks))
_OF_PLATFORMS = Statement(
    select(*COLUMNS)
    .where(any_of(webhooks.c.platform_id, "platform_ids"))
    .order_by(webhooks.c.created_at, webhooks.c.id)
)
_ANY = Statement(select(webhooks.c.id).limit(1))
_LOCK = Statement(select(*COLUMNS).where(webhooks.c.id == _ID).with_for_update())
_STORED = ("url", "types", "state", "disabled_reason", "secret", "previous_secret", "previous_until",
           "failing_since", "updated_at")  # fmt: skip
_UPDATE = Statement(
    update(webhooks).where(webhooks.c.id == _ID).values({name: bindparam(name) for name in _STORED})
)
_DELETE = Statement(delete(webhooks).where(webhooks.c.id == _ID))
_LAST_POSITION = Statement(
    select(func.coalesce(func.max(events.c.position), 0)).where(
        events.c.tenant_id == bindparam("tenant_id", type_=Text),
        events.c.platform_id.in_([bindparam("platform_id", type_=Text), bindparam("none", OF_TENANT)]),
    )
)


async def of_platforms(connection: Connection, platform_ids: Sequence[str]) -> list[list[Webhook]]:
    """The webhooks of each platform, oldest first."""
    found: dict[str, list[Webhook]] = {id: [] for id in platform_ids}
    for webhook in rows_as(Webhook, await connection.fetch(_OF_PLATFORMS, platform_ids=set(found))):
        found[webhook.platform_id].append(webhook)
    return [found[id] for id in platform_ids]


async def any_exists(connection: Connection) -> bool:
    """Whether any platform has a webhook."""
    return bool(await connection.fetch(_ANY))


async def create(
    transaction: Connection,
    access: PlatformAccess,
    *,
    url: str,
    types: Set[EventType] | None,
    keys: KeyRing,
    networks: AllowedNetworks,
    now: int,
) -> tuple[Webhook, str]:
    """Add a webhook, to which the events from now on are sent; returns it and its secret. Raises Rejected."""
    access.verify()
    networks.check_url(url)
    await transaction.lock({f"webhooks:{access.platform_id}"}, exclusive=True)
    (existing,) = await of_platforms(transaction, [access.platform_id])
    if len(existing) >= MAX_WEBHOOKS:
        message = f"The platform has {MAX_WEBHOOKS} webhooks; delete one first."
        raise Rejected(Problem.TOO_MANY_WEBHOOKS, message, ())
    id, secret = str(uuid4()), secrets.generate()
    scope = {"tenant_id": access.tenant_id, "platform_id": access.platform_id}
    ((position,),) = await transaction.fetch(_LAST_POSITION, **scope)
    webhook = Webhook(
        id=id,
        url=url,
        stored_types=_types_text(types),
        stored_state=WebhookState.ACTIVE.value,
        stored_reason=None,
        secret=secrets.encrypt(keys, access.tenant_id, id, secret),
        previous_secret=None,
        previous_until=None,
        position=position,
        failing_since=None,
        created_at=now,
        updated_at=now,
        **scope,
    )
    await transaction.execute(_INSERT, **_columns(webhook))
    _log(transaction, EventKind.WEBHOOK_CREATED, access, id)
    return webhook, secret


async def change(
    transaction: Connection,
    access: PlatformAccess,
    id: str,
    *,
    networks: AllowedNetworks,
    now: int,
    url: str | None = None,
    types: Set[EventType] | None = None,
    all_types: bool = False,
    is_paused: bool | None = None,
) -> Webhook:
    """Change what is not None. Raises Rejected.

    `is_paused=False` also enables a webhook that was disabled; what waits is then sent at once.
    """
    webhook = await locked(transaction, access, id)
    changed = webhook
    if url is not None:
        networks.check_url(url)
        changed = changed._replace(url=url)
    if types is not None or all_types:
        changed = changed._replace(stored_types=_types_text(None if all_types else types))
    if is_paused is not None:
        state = WebhookState.PAUSED if is_paused else WebhookState.ACTIVE
        changed = changed._replace(stored_state=state.value, stored_reason=None, failing_since=None)
        if not is_paused and webhook.state is not WebhookState.ACTIVE:
            await deliveries.resume(transaction, id, now)
    if changed == webhook:
        return webhook
    changed = changed._replace(updated_at=now)
    await store(transaction, changed)
    _log(transaction, EventKind.WEBHOOK_CHANGED, access, id)
    return changed


async def rotate_secret(
    transaction: Connection, access: PlatformAccess, id: str, *, keys: KeyRing, now: int
) -> tuple[Webhook, str]:
    """Give a webhook another secret. The previous one signs for some time, too. Raises Rejected."""
    webhook, secret = await locked(transaction, access, id), secrets.generate()
    rotated = webhook._replace(
        secret=secrets.encrypt(keys, webhook.tenant_id, id, secret),
        previous_secret=webhook.secret,
        previous_until=now + OVERLAP,
        updated_at=now,
    )
    await store(transaction, rotated)
    _log(transaction, EventKind.WEBHOOK_SECRET_ROTATED, access, id)
    return rotated, secret


async def remove(transaction: Connection, access: PlatformAccess, id: str) -> None:
    """Delete a webhook with its deliveries. Raises Rejected."""
    await locked(transaction, access, id)
    await transaction.execute(_DELETE, webhook_id=id)
    _log(transaction, EventKind.WEBHOOK_DELETED, access, id)


async def locked(transaction: Connection, access: PlatformAccess, id: str) -> Webhook:
    """A webhook of the platform, locked until the transaction ends. Raises Rejected."""
    access.verify()
    rows = [] if "\0" in id else rows_as(Webhook, await transaction.fetch(_LOCK, webhook_id=id))
    if not rows or rows[0].platform_id != access.platform_id:
        raise Rejected(Problem.UNKNOWN_WEBHOOK, "The platform has no such webhook.", ("webhook_id",))
    return rows[0]


async def store(transaction: Connection, webhook: Webhook) -> None:
    """Store a changed webhook, except its position."""
    columns = _columns(webhook)
    changed = {name: columns[name] for name in _STORED}
    await transaction.execute(_UPDATE, webhook_id=webhook.id, **changed)


def _columns(webhook: Webhook) -> dict[str, Any]:
    return {_RENAMED.get(name, name): value for name, value in webhook._asdict().items()}


def _types_text(types: Set[EventType] | None) -> str | None:
    if types is None:
        return None
    if not types:
        message = "Name at least one type of event, or leave the field out for all."
        raise Rejected(Problem.INVALID_VALUE, message, ("types",))
    return strict_json.dumps(sorted(type.value for type in types))


def _log(transaction: Connection, kind: EventKind, access: PlatformAccess, id: str) -> None:
    transaction.security_events.append(SecurityEvent(kind, f"{access.platform_key}:{id}"))
