"""One step of the dispatcher: note what came back, and make deliveries of new events.

All of it is one transaction of the holder of the lease, so that a process that has lost it changes nothing.
"""

import random
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, Boolean, Text, bindparam, case, func, null, select, update

from gql_service.domain.users.notifications import notify
from gql_service.domain.webhooks import lease
from gql_service.domain.webhooks.deliveries import DeliveryState
from gql_service.domain.webhooks.due import Due
from gql_service.domain.webhooks.fan_out import fan_out
from gql_service.domain.webhooks.webhooks import COLUMNS, DisabledReason, Webhook, WebhookState, store
from gql_service.observability.security_log import EventKind, SecurityEvent
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import any_of
from gql_service.store.statement import Statement
from gql_service.store.tables import permission_holders, platforms, webhook_deliveries, webhooks

RETRIED = 24 * 3600 * 1000
"""Milliseconds for which a delivery is tried, and after which a webhook that always fails is disabled."""
_MAX_DELAY = 3600 * 1000
_GONE = 410
_MAX_ADMINS = 100
"""Admins of a tenant who are notified."""


class Result(NamedTuple):
    """What came back of one attempt."""

    due: Due
    attempted_at: int
    status: int | None
    """The HTTP status; None if there was no response."""
    response: str | None
    error: str | None
    """Why it has failed, as a code; None if it was delivered."""
    retry_after: int = 0
    """Milliseconds that the receiver has asked for."""


_deliveries = webhook_deliveries.c
_ID = bindparam("delivery_id", type_=BigInteger)
_NOTE = Statement(
    update(webhook_deliveries)
    .where(_deliveries.id == _ID, _deliveries.attempts == bindparam("made"))
    .values({name: bindparam(name) for name in ("state", "attempts", "next_at", "attempted_at", "status",
                                                "response", "error")})
    .values(give_up_at=func.coalesce(_deliveries.give_up_at, bindparam("give_up", type_=BigInteger)))
    .returning(_deliveries.id)
)  # fmt: skip
_NEXT_OF_LANE = (
    select(func.min(_deliveries.id))
    .where(
        _deliveries.webhook_id == bindparam("of_webhook", type_=Text),
        _deliveries.lane == bindparam("of_lane", type_=Text),
        _deliveries.state == DeliveryState.PENDING.value,
    )
    .scalar_subquery()
)
_ADVANCE_LANE = Statement(
    update(webhook_deliveries)
    .where(_deliveries.id == _NEXT_OF_LANE, _deliveries.next_at.is_(None))
    .values(
        next_at=bindparam("now", type_=BigInteger),
        give_up_at=case(
            (bindparam("gave_up", type_=Boolean), _deliveries.created_at + RETRIED), else_=null()
        ),
    )
)
_LOCK_WEBHOOKS = Statement(
    select(*COLUMNS).where(any_of(webhooks.c.id, "ids")).order_by(webhooks.c.id).with_for_update()
)
_ADMINS = Statement(
    select(permission_holders.c.user_id)
    .where(permission_holders.c.permission == bindparam("permission", type_=Text))
    .order_by(permission_holders.c.user_id)
    .limit(_MAX_ADMINS)
)
_PLATFORM_KEY = Statement(
    select(platforms.c.key).where(platforms.c.id == bindparam("platform_id", type_=Text))
)


async def step(
    transaction: Connection,
    fence: int,
    results: Sequence[Result],
    *,
    renews: bool,
    admin_permission: str,
    now: int,
) -> bool | None:
    """Do one step; returns whether there may be more events.

    None if another process has taken the lease: then nothing is changed.
    """
    if not await lease.hold(transaction, fence, renews=renews):
        return None
    by_webhook: dict[str, list[Result]] = {}
    for result in results:
        by_webhook.setdefault(result.due.webhook_id, []).append(result)
    rows = await transaction.fetch(_LOCK_WEBHOOKS, ids=set(by_webhook)) if by_webhook else ()
    for webhook in rows_as(Webhook, rows):
        await _note_all(transaction, webhook, by_webhook[webhook.id], admin_permission, now)
    return await fan_out(transaction, now)


async def _note_all(
    transaction: Connection, webhook: Webhook, results: Sequence[Result], admin_permission: str, now: int
) -> None:
    """Note results of one webhook; disable it if it is gone, or has failed for too long."""
    failing_since, reason = webhook.failing_since, None
    for result in sorted(results, key=lambda each: each.attempted_at):
        if result.error is None:
            failing_since, reason = None, None
            continue
        failing_since = failing_since or result.attempted_at
        if result.status == _GONE:
            reason = DisabledReason.GONE
        elif reason is None and result.attempted_at - failing_since >= RETRIED:
            reason = DisabledReason.FAILING
    disabled = webhook.state is WebhookState.ACTIVE and reason is not None
    for result in results:
        await _note(transaction, result, gives_up=not disabled, now=now)
    changed = webhook._replace(failing_since=failing_since)
    if disabled and reason is not None:
        changed = changed._replace(
            stored_state=WebhookState.DISABLED.value, stored_reason=reason.value, updated_at=now
        )
        await _tell_admins(transaction, changed, reason, admin_permission, now)
    if changed != webhook:
        await store(transaction, changed)


async def _note(transaction: Connection, result: Result, *, gives_up: bool, now: int) -> None:
    due, state, next_at = result.due, DeliveryState.PENDING, None
    give_up_at = due.give_up_at or result.attempted_at + RETRIED
    if result.error is None:
        state = DeliveryState.DELIVERED
    elif due.is_gone or (gives_up and result.attempted_at >= give_up_at):
        state = DeliveryState.FAILED
    else:
        delay = max(_delay(due.attempts), min(result.retry_after, _MAX_DELAY))
        next_at = now + delay if now >= give_up_at else min(now + delay, give_up_at)
    noted = await transaction.fetch(
        _NOTE,
        delivery_id=due.id,
        made=due.attempts,
        state=state.value,
        attempts=due.attempts + 1,
        next_at=next_at,
        attempted_at=result.attempted_at,
        status=result.status,
        response=result.response,
        error=result.error,
        give_up=give_up_at,
    )
    if noted and next_at is None and due.lane is not None:
        # After one that was given up, those that have waited for as long behind it are tried once.
        gave_up = state is DeliveryState.FAILED and not due.is_gone
        lane = {"of_webhook": due.webhook_id, "of_lane": due.lane}
        await transaction.execute(_ADVANCE_LANE, **lane, now=now, gave_up=gave_up)


def _delay(attempts: int) -> int:
    """Milliseconds until the next attempt: one second at first, then twice as long each time."""
    return int(min(1000 * 2 ** min(attempts, 20), _MAX_DELAY) * random.uniform(0.8, 1.2))  # noqa: S311


async def _tell_admins(
    transaction: Connection, webhook: Webhook, reason: DisabledReason, admin_permission: str, now: int
) -> None:
    why = {
        DisabledReason.GONE: "the receiver has answered that it is gone (410)",
        DisabledReason.FAILING: "nothing could be delivered for 24 hours",
    }
    keys = await transaction.fetch(_PLATFORM_KEY, platform_id=webhook.platform_id)
    key = keys[0][0] if keys else webhook.platform_id
    body = f"The webhook {webhook.id} of the platform {key} was disabled: {why[reason]}. Resume it to go on."
    permission = f"{webhook.tenant_id}::{admin_permission}"
    for (user_id,) in await transaction.fetch(_ADMINS, permission=permission):
        await notify(transaction, user_id, kind="webhook", title="Webhook disabled", body=body, now=now)
    transaction.security_events.append(
        SecurityEvent(EventKind.WEBHOOK_DISABLED, f"{key}:{webhook.id}", reason.value)
    )
