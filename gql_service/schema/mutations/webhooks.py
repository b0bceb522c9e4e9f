"""Mutations that create, change, test and delete webhooks."""

from typing import Annotated, Any

import strawberry
from strawberry import Info

from gql_service.domain.webhooks import deliveries, webhooks
from gql_service.domain.webhooks.destinations import AllowedNetworks
from gql_service.schema.auth_directive import AUTHENTICATED, TENANT_ADMIN
from gql_service.schema.inputs.webhooks import (
    CreateWebhookInput,
    DeleteWebhookInput,
    RedeliverInput,
    RotateWebhookSecretInput,
    TestWebhookInput,
    UpdateWebhookInput,
)
from gql_service.schema.mutations.payloads import INPUT, Payload, payload_of
from gql_service.schema.types.webhook import Webhook, WebhookDelivery
from gql_service.services.context import Context
from gql_service.store.connection import Connection

_SECRET = "The secret that verifies signatures. Only this response has it. Null if the write was rejected."  # noqa: S105


@strawberry.type(directives=AUTHENTICATED, description="A write of a webhook.")
class WebhookPayload(Payload):
    webhook: Webhook | None = strawberry.field(
        default=None, description="The webhook after the write. Null if the write was rejected."
    )


@strawberry.type(directives=AUTHENTICATED, description="The result of `createWebhook`.")
class CreateWebhookPayload(WebhookPayload):
    secret: str | None = strawberry.field(default=None, description=_SECRET)


@strawberry.type(directives=AUTHENTICATED, description="The result of `updateWebhook`.")
class UpdateWebhookPayload(WebhookPayload):
    pass


@strawberry.type(directives=AUTHENTICATED, description="The result of `rotateWebhookSecret`.")
class RotateWebhookSecretPayload(WebhookPayload):
    secret: str | None = strawberry.field(default=None, description=_SECRET)


@strawberry.type(directives=AUTHENTICATED, description="The result of `deleteWebhook`.")
class DeleteWebhookPayload(Payload):
    deleted_webhook_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of the webhook that was deleted. Null if the write was rejected."
    )


@strawberry.type(directives=AUTHENTICATED, description="A new delivery.")
class DeliveryPayload(Payload):
    delivery: WebhookDelivery | None = strawberry.field(
        default=None, description="The delivery, which is sent soon. Null if the write was rejected."
    )


@strawberry.type(directives=AUTHENTICATED, description="The result of `testWebhook`.")
class TestWebhookPayload(DeliveryPayload):
    pass


@strawberry.type(directives=AUTHENTICATED, description="The result of `redeliver`.")
class RedeliverPayload(DeliveryPayload):
    pass


@strawberry.type
class WebhookMutation:
    @strawberry.mutation(
        directives=TENANT_ADMIN,
        description="Create a webhook, to which the events from now on are sent. Needs the scope EVENTS.",
    )
    async def create_webhook(
        self, info: Info[Context, None], input: Annotated[CreateWebhookInput, INPUT]
    ) -> CreateWebhookPayload:
        access, services = await info.context.webhook_access(input.platform_key), info.context.services
        types = None if input.types is None else frozenset(input.types)
        facts: dict[str, Any] = {"keys": services.write_settings.keys, "networks": _networks(info.context)}

        async def create(connection: Connection, now: int) -> CreateWebhookPayload:
            row, secret = await webhooks.create(
                connection, access, url=input.url, types=types, now=now, **facts
            )
            return CreateWebhookPayload(webhook=Webhook(row=row), secret=secret)

        return await payload_of(info.context.write_with(create, input.platform_key), CreateWebhookPayload)

    @strawberry.mutation(
        directives=TENANT_ADMIN, description="Change, pause or resume a webhook. Needs the scope EVENTS."
    )
    async def update_webhook(
        self, info: Info[Context, None], input: Annotated[UpdateWebhookInput, INPUT]
    ) -> UpdateWebhookPayload:
        access, changes = await info.context.webhook_access(input.platform_key), _changes(input)
        networks = _networks(info.context)

        async def change(connection: Connection, now: int) -> UpdateWebhookPayload:
            row = await webhooks.change(
                connection, access, input.webhook_id, networks=networks, now=now, **changes
            )
            return UpdateWebhookPayload(webhook=Webhook(row=row))

        return await payload_of(info.context.write_with(change, input.platform_key), UpdateWebhookPayload)

    @strawberry.mutation(
        directives=TENANT_ADMIN,
        description="Give a webhook another secret. For 24 hours, the previous one signs as well. Needs the "
        "scope EVENTS.",
    )
    async def rotate_webhook_secret(
        self, info: Info[Context, None], input: Annotated[RotateWebhookSecretInput, INPUT]
    ) -> RotateWebhookSecretPayload:
        access = await info.context.webhook_access(input.platform_key)
        keys = info.context.services.write_settings.keys

        async def rotate(connection: Connection, now: int) -> RotateWebhookSecretPayload:
            row, secret = await webhooks.rotate_secret(
                connection, access, input.webhook_id, keys=keys, now=now
            )
            return RotateWebhookSecretPayload(webhook=Webhook(row=row), secret=secret)

        writing = info.context.write_with(rotate, input.platform_key)
        return await payload_of(writing, RotateWebhookSecretPayload)

    @strawberry.mutation(
        directives=TENANT_ADMIN,
        description="Delete a webhook with its deliveries. Needs the scope EVENTS.",
    )
    async def delete_webhook(
        self, info: Info[Context, None], input: Annotated[DeleteWebhookInput, INPUT]
    ) -> DeleteWebhookPayload:
        access = await info.context.webhook_access(input.platform_key)

        async def delete(connection: Connection, now: int) -> DeleteWebhookPayload:
            await webhooks.remove(connection, access, input.webhook_id)
            return DeleteWebhookPayload(deleted_webhook_id=input.webhook_id)

        return await payload_of(info.context.write_with(delete, input.platform_key), DeleteWebhookPayload)

    @strawberry.mutation(
        directives=TENANT_ADMIN,
        description="Send an event of the type `webhook.test` to a webhook, whatever its state. Needs the "
        "scope EVENTS.",
    )
    async def test_webhook(
        self, info: Info[Context, None], input: Annotated[TestWebhookInput, INPUT]
    ) -> TestWebhookPayload:
        access = await info.context.webhook_access(input.platform_key)

        async def test(connection: Connection, now: int) -> TestWebhookPayload:
            webhook = await webhooks.locked(connection, access, input.webhook_id)
            row = await deliveries.send_test(connection, access, webhook.id, now)
            return TestWebhookPayload(delivery=WebhookDelivery(row=row))

        return await payload_of(info.context.write_with(test, input.platform_key), TestWebhookPayload)

    @strawberry.mutation(
        directives=TENANT_ADMIN,
        description="Send the event of a delivery once more, with the same `webhook-id`, and out of order. "
        "Needs the scope EVENTS.",
    )
    async def redeliver(
        self, info: Info[Context, None], input: Annotated[RedeliverInput, INPUT]
    ) -> RedeliverPayload:
        access = await info.context.webhook_access(input.platform_key)

        async def repeat(connection: Connection, now: int) -> RedeliverPayload:
            webhook = await webhooks.locked(connection, access, input.webhook_id)
            row = await deliveries.repeat(connection, access, webhook.id, input.delivery_id, now)
            return RedeliverPayload(delivery=WebhookDelivery(row=row))

        return await payload_of(info.context.write_with(repeat, input.platform_key), RedeliverPayload)


def _networks(context: Context) -> AllowedNetworks:
    return AllowedNetworks(context.services.settings.webhook_networks)


def _changes(input: UpdateWebhookInput) -> dict[str, Any]:
    types = input.types
    return {
        "url": input.url,
        "types": None if types is None or types is strawberry.UNSET else frozenset(types),
        "all_types": types is None,
        "is_paused": input.paused,
    }
