"""The inputs of mutations on webhooks."""

import strawberry

from gql_service.domain.events.events import EventType as AllEventTypes
from gql_service.schema.enums import EventType
from gql_service.schema.list_limits import max_items

_PLATFORM = "The platform key."
_WEBHOOK = "The id of the webhook."
_URL = (
    "Where to send events: an https URL, whose host has public addresses, of at most 2,000 ASCII characters."
)
_MAX_TYPES = max_items(len(AllEventTypes))


@strawberry.input(description="A new webhook.")
class CreateWebhookInput:
    platform_key: str = strawberry.field(description=_PLATFORM)
    url: str = strawberry.field(description=_URL)
    types: list[EventType] | None = strawberry.field(
        default=None, description="Which events to send. Default: all.", metadata=_MAX_TYPES
    )


@strawberry.input(description="A webhook, and what to change. Fields that are left out stay.")
class UpdateWebhookInput:
    platform_key: str = strawberry.field(description=_PLATFORM)
    webhook_id: strawberry.ID = strawberry.field(description=_WEBHOOK)
    url: str | None = strawberry.field(default=None, description=_URL)
    types: list[EventType] | None = strawberry.field(
        default=strawberry.UNSET, description="Which events to send. Null means all.", metadata=_MAX_TYPES
    )
    paused: bool | None = strawberry.field(
        default=None,
        description="True pauses the webhook: events wait. False resumes it, also if the service had "
        "disabled it; what waits is sent at once.",
    )


@strawberry.input(description="The webhook that gets another secret.")
class RotateWebhookSecretInput:
    platform_key: str = strawberry.field(description=_PLATFORM)
    webhook_id: strawberry.ID = strawberry.field(description=_WEBHOOK)


@strawberry.input(description="The webhook to delete.")
class DeleteWebhookInput:
    platform_key: str = strawberry.field(description=_PLATFORM)
    webhook_id: strawberry.ID = strawberry.field(description=_WEBHOOK)


@strawberry.input(description="The webhook to test.")
class TestWebhookInput:
    platform_key: str = strawberry.field(description=_PLATFORM)
    webhook_id: strawberry.ID = strawberry.field(description=_WEBHOOK)


@strawberry.input(description="The delivery to repeat.")
class RedeliverInput:
    platform_key: str = strawberry.field(description=_PLATFORM)
    webhook_id: strawberry.ID = strawberry.field(description=_WEBHOOK)
    delivery_id: strawberry.ID = strawberry.field(description="The id of the delivery.")
