"""What is sent: a CloudEvent 1.0 in structured mode. It is made when it is sent, and never has values."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
from cloudevents.core.bindings.http import to_structured_event
from cloudevents.core.v1.event import CloudEvent

TEST_TYPE = "webhook.test"
"""The type of what `testWebhook` sends."""


class EventFacts(NamedTuple):
    """An event, as it is stored when it is sent."""

    id: int | None
    """None if the event was deleted."""
    type: str
    platform_key: str | None
    user_id: str | None
    actor_id: str | None
    occurred_at: int
    revision: int | None
    changed_keys: str
    hidden_keys: str


class Message(NamedTuple):
    """The body of a request, and its id, which is the same for every attempt."""

    id: str
    headers: Mapping[str, str]
    body: bytes


def of_event(event: EventFacts, tenant_id: str) -> Message:
    """The message about an event. Its id has the time, because a restored database gives ids again."""
    return _message(
        f"evt_{event.id}_{event.occurred_at:x}",
        event.type,
        _source(tenant_id, event.platform_key),
        event.occurred_at,
        event.user_id,
        {
            "tenantId": tenant_id,
            "platformKey": event.platform_key,
            "userId": event.user_id,
            "actorId": event.actor_id,
            "revision": event.revision,
            "changedKeys": sorted((*orjson.loads(event.changed_keys), *orjson.loads(event.hidden_keys))),
        },
    )


def of_test(delivery_id: int, created_at: int, tenant_id: str, platform_key: str | None) -> Message:
    """The message of a test."""
    data = {"tenantId": tenant_id, "platformKey": platform_key}
    id, source = f"test_{delivery_id}_{created_at:x}", _source(tenant_id, platform_key)
    return _message(id, TEST_TYPE, source, created_at, None, data)


def _message(
    id: str, type: str, source: str, time: int, subject: str | None, data: dict[str, Any]
) -> Message:
    attributes = {
        "id": id,
        "source": source,
        "specversion": "1.0",
        "type": type,
        "time": datetime.fromtimestamp(time / 1000, UTC),
        "datacontenttype": "application/json",
    }
    attributes |= {} if subject is None else {"subject": subject}
    message = to_structured_event(CloudEvent(attributes, data))
    return Message(id, message.headers, message.body)


def _source(tenant_id: str, platform_key: str | None) -> str:
    platform = "" if platform_key is None else f"/platforms/{platform_key}"
    return f"/tenants/{tenant_id}{platform}"
