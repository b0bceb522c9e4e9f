"""`Webhook`: a URL to which events are sent, and its deliveries."""

from typing import Annotated

import strawberry
from strawberry import Info

from gql_service.domain.webhooks import deliveries
from gql_service.domain.webhooks import webhooks as rows
from gql_service.schema.auth_directive import AUTHENTICATED
from gql_service.schema.enums import DeliveryState, DisabledReason, EventType, WebhookState
from gql_service.schema.row_fields import column
from gql_service.schema.scalars import DateTime
from gql_service.schema.types.relay import AFTER, FIRST, Connection, read_page
from gql_service.services.context import Context


@strawberry.type(
    directives=AUTHENTICATED,
    description="The delivery of an event to a webhook, or of a test. Finished ones are kept for 7 days.",
)
class WebhookDelivery:
    row: strawberry.Private[deliveries.Delivery]
    delivery_id: strawberry.ID = column("The id, unique in the whole service.")
    state: DeliveryState = column("What has become of it.")
    is_test: bool = column("Whether it is a test, and not an event.")
    attempts: int = column("How often it was sent.")
    created_at: DateTime = column("When it was created.")
    attempted_at: DateTime | None = column("When it was sent last. Null before the first attempt.")
    next_at: DateTime | None = column(
        "When it is sent next. Null if it is finished, or if an earlier one of the same document comes first."
    )
    status: int | None = column("The HTTP status of the last response. Null if there was none.")
    response: str | None = column("The first 1,024 bytes of the last response.")
    error: str | None = column(
        "Why the last attempt has failed: REFUSED (by its status), REDIRECTED, TIMEOUT, CONNECTION_FAILED, "
        "INVALID_RESPONSE (no HTTP, or too long headers), TLS_FAILED, HOST_NOT_FOUND, ADDRESS_NOT_ALLOWED, "
        "SECRET_UNAVAILABLE, EVENT_DELETED or INTERNAL_ERROR."
    )


@strawberry.type(directives=AUTHENTICATED, description="A page of deliveries, newest first.")
class WebhookDeliveryConnection(Connection[WebhookDelivery]):
    node_type = WebhookDelivery

    @staticmethod
    def sort_key(row: deliveries.Delivery) -> str:
        return row.delivery_id


@strawberry.type(
    directives=AUTHENTICATED,
    description="A URL to which the events of a platform are sent, and those of its tenant as a whole.",
)
class Webhook:
    row: strawberry.Private[rows.Webhook]
    webhook_id: strawberry.ID = column("The id, unique in the whole service.")
    url: str = column("Where events are sent.")
    types: list[EventType] | None = column("Which events are sent. Null means all.")
    state: WebhookState = column("Whether events are sent.")
    disabled_reason: DisabledReason | None = column("Why it was disabled. Null if it was not.")
    failing_since: DateTime | None = column(
        "Since when every attempt has failed. Null if the last one succeeded."
    )
    created_at: DateTime = column("When it was created.")
    updated_at: DateTime = column("When it was last changed.")

    @strawberry.field(description="Its deliveries, newest first.")
    async def deliveries(
        self,
        info: Info[Context, None],
        first: Annotated[int | None, FIRST] = None,
        after: Annotated[str | None, AFTER] = None,
    ) -> WebhookDeliveryConnection | None:
        request = deliveries.check_page(read_page(first, after, None, None))
        page = await info.context.services.loaders.delivery_pages.load((self.row.id, request))
        return WebhookDeliveryConnection(page=page)
