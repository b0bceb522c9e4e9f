"""What tests of webhooks share: settings, mutations and reads."""

import base64
import json
from typing import Any

from sqlalchemy import bindparam, delete, insert, select

from gql_service.store import tables
from gql_service.store.connection import Connection
from gql_service.store.statement import Statement
from tests.support.service import wait_until
from tests.support.users import write
from tests.support.world import Caller, World

KEYS = json.dumps({"k1": base64.b64encode(bytes(32)).decode()})
SETTINGS: dict[str, Any] = {"encryption_keys": KEYS, "webhook_networks": ("127.0.0.0/8",)}
"""Of a server that sends to loopback."""
WEBHOOK = "webhookId url types state disabledReason failingSince"
WEBHOOKS = f"""query ($key: String!, $first: Int, $after: String) {{ platform(key: $key) {{
  webhooks {{ {WEBHOOK}
  deliveries(first: $first, after: $after) {{ edges {{ cursor }} pageInfo {{ hasNextPage }} nodes {{
    deliveryId state isTest attempts createdAt attemptedAt nextAt status response error }} }} }} }} }}"""


def create(world: World, url: str, caller: Caller | None = None, **input: Any) -> Any:
    """Create a webhook, which must succeed; its payload. It gets no events from before."""
    wait_until(lambda: _all_are_numbered(world))
    sent = {"platformKey": world.platform_key, "url": url} | input
    payload = write(caller or world.admin, "createWebhook", sent, f"webhook {{ {WEBHOOK} }} secret")
    assert payload["webhook"], payload
    return payload


def _all_are_numbered(world: World) -> bool:
    """On PostgreSQL, events get their positions soon after they were committed."""
    waiting = Statement(select(tables.events.c.id).where(tables.events.c.position.is_(None)).limit(1))
    return not world.service.write(lambda transaction: transaction.fetch(waiting))


def mutate(world: World, name: str, webhook_id: str, selection: str = "", **input: Any) -> Any:
    """Change a webhook; the payload."""
    sent = {"platformKey": world.platform_key, "webhookId": webhook_id} | input
    return write(world.admin, name, sent, selection)


def webhooks(world: World, first: int | None = None, after: str | None = None) -> list[Any]:
    """The webhooks of the world's platform, with their deliveries."""
    data = world.admin.ask(WEBHOOKS, key=world.platform_key, first=first, after=after)
    found: list[Any] = data["platform"]["webhooks"]
    return found


def deliveries(world: World) -> list[Any]:
    """The deliveries of the only webhook, newest first."""
    (webhook,) = webhooks(world)
    found: list[Any] = webhook["deliveries"]["nodes"]
    return found


def store_webhook(world: World) -> tuple[str, str]:
    """The ids of a disabled webhook with a delivery, both with all attributes. Others are deleted."""

    async def store(transaction: Connection) -> tuple[str, str]:
        platforms, events = tables.platforms.c, tables.events.c
        ((platform_id,),) = await transaction.fetch(
            Statement(select(platforms.id).where(platforms.key == bindparam("key"))), key=world.platform_key
        )
        rows = await transaction.fetch(
            Statement(select(events.id).where(events.platform_id == bindparam("of")).limit(1)), of=platform_id
        )
        webhooks = tables.webhooks
        old = Statement(delete(webhooks).where(webhooks.c.platform_id == bindparam("of")))
        await transaction.execute(old, of=platform_id)
        webhook = {
            "id": platform_id,
            "tenant_id": world.tenant_id,
            "platform_id": platform_id,
            "url": "https://hooks.invalid/",
            "types": '["user.erased"]',
            "state": "DISABLED",
            "disabled_reason": "GONE",
            "secret": "k1:",
            "previous_secret": None,
            "previous_until": None,
            "position": 0,
            "failing_since": 1,
            "created_at": 1,
            "updated_at": 1,
        }
        await transaction.execute(Statement(insert(webhooks)), **webhook)
        delivery = {
            "webhook_id": platform_id,
            "event_id": rows[0][0],
            "state": "PENDING",
            "attempts": 1,
            "created_at": 1,
            "next_at": 1,
            "attempted_at": 1,
            "status": 500,
            "response": "sorry",
            "error": "REFUSED",
        }
        deliveries = tables.webhook_deliveries
        values: dict[str, Any] = {name: bindparam(name) for name in delivery}
        new = Statement(insert(deliveries).values(values).returning(deliveries.c.id))
        ((id,),) = await transaction.fetch(new, **delivery)
        return str(platform_id), str(id)

    return world.service.write(store)
