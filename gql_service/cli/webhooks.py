"""The commands `webhook …`: the same as the mutations of webhooks."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from gql_service.auth.access import PlatformAccess
from gql_service.cli import runner
from gql_service.cli.definitions import platform_access
from gql_service.cli.output import AsJson, Json, print_result, table_of, timestamp
from gql_service.cli.parameters import PlatformKey
from gql_service.domain.events.events import EventType
from gql_service.domain.pagination import DEFAULT_PAGE, MAX_PAGE, PageRequest
from gql_service.domain.webhooks import deliveries, webhooks
from gql_service.domain.webhooks.deliveries import Delivery
from gql_service.domain.webhooks.destinations import AllowedNetworks
from gql_service.domain.webhooks.webhooks import Webhook
from gql_service.services.context import Services
from gql_service.store.connection import Connection

T = TypeVar("T")
webhook_app = typer.Typer(no_args_is_help=True, help="Manage webhooks: URLs to which events are sent.")
_Url = Annotated[str, typer.Argument(metavar="URL", help="Where to send events.")]
_Id = Annotated[str, typer.Argument(metavar="ID", help="The id of the webhook.")]
_Types = Annotated[
    list[EventType] | None,
    typer.Option("--type", metavar="TYPE", help="Only events of this type, such as user.erased. Repeatable."),
]


@webhook_app.command("create")
def webhook_create(platform: PlatformKey, url: _Url, types: _Types = None, as_json: AsJson = False) -> None:
    """Create a webhook and print its id and secret.

    The secret is not shown again.
    """

    async def create(
        services: Services, transaction: Connection, access: PlatformAccess, now: int
    ) -> tuple[Webhook, str]:
        return await webhooks.create(
            transaction,
            access,
            url=url,
            types=frozenset(types) if types else None,
            keys=services.write_settings.keys,
            networks=_networks(services),
            now=now,
        )

    webhook, secret = _write(platform, create)
    document = _webhook_json(webhook) | {"secret": secret}
    print_result(f"{webhook.id}\n{secret}", document, as_json=as_json)


@webhook_app.command("list")
def webhook_list(platform: PlatformKey, as_json: AsJson = False) -> None:
    """List the webhooks of a platform, oldest first."""

    async def read(services: Services) -> list[Webhook]:
        async with services.database.read() as connection:
            access = await platform_access(connection, platform)
            (found,) = await webhooks.of_platforms(connection, [access.platform_id])
            return found

    headings = {"webhookId": "id", "url": "URL", "types": "types", "state": "state"}
    with table_of(headings, as_json=as_json) as add_row:
        for webhook in runner.run_on_migrated(read):
            add_row(_webhook_json(webhook))


@webhook_app.command("update")
def webhook_update(
    platform: PlatformKey,
    id: _Id,
    url: Annotated[str | None, typer.Option(metavar="URL", help="The new URL.")] = None,
    types: _Types = None,
    all_types: Annotated[bool, typer.Option("--all-types", help="Send events of all types.")] = False,
    paused: Annotated[bool | None, typer.Option("--pause/--resume", help="Whether events wait.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change, pause or resume a webhook."""

    async def change(
        services: Services, transaction: Connection, access: PlatformAccess, now: int
    ) -> Webhook:
        return await webhooks.change(
            transaction,
            access,
            id,
            networks=_networks(services),
            now=now,
            url=url,
            types=frozenset(types) if types else None,
            all_types=all_types,
            is_paused=paused,
        )

    webhook = _write(platform, change)
    message = f"The webhook {webhook.id} is {webhook.state.value.lower()}."
    print_result(message, _webhook_json(webhook), as_json=as_json)


@webhook_app.command("rotate-secret")
def webhook_rotate_secret(platform: PlatformKey, id: _Id, as_json: AsJson = False) -> None:
    """Give a webhook another secret and print it.

    For 24 hours, the old one signs, too.
    """

    async def rotate(
        services: Services, transaction: Connection, access: PlatformAccess, now: int
    ) -> tuple[Webhook, str]:
        keys = services.write_settings.keys
        return await webhooks.rotate_secret(transaction, access, id, keys=keys, now=now)

    webhook, secret = _write(platform, rotate)
    print_result(secret, _webhook_json(webhook) | {"secret": secret}, as_json=as_json)


@webhook_app.command("delete")
def webhook_delete(platform: PlatformKey, id: _Id, as_json: AsJson = False) -> None:
    """Delete a webhook with its deliveries."""

    async def delete(_services: Services, transaction: Connection, access: PlatformAccess, _now: int) -> None:
        await webhooks.remove(transaction, access, id)

    _write(platform, delete)
    print_result(f"The webhook {id} is deleted.", {"deletedWebhookId": id}, as_json=as_json)


@webhook_app.command("test")
def webhook_test(platform: PlatformKey, id: _Id, as_json: AsJson = False) -> None:
    """Let a running server send a test to a webhook."""

    async def test(
        _services: Services, transaction: Connection, access: PlatformAccess, now: int
    ) -> Delivery:
        webhook = await webhooks.locked(transaction, access, id)
        return await deliveries.send_test(transaction, access, webhook.id, now)

    _print_delivery(_write(platform, test), as_json=as_json)


@webhook_app.command("deliveries")
def webhook_deliveries(
    platform: PlatformKey,
    id: _Id,
    count: Annotated[int, typer.Option(min=1, max=MAX_PAGE, help="How many.")] = DEFAULT_PAGE,
    as_json: AsJson = False,
) -> None:
    """List the latest deliveries of a webhook, newest first."""

    async def read(
        _services: Services, transaction: Connection, access: PlatformAccess, _now: int
    ) -> list[Delivery]:
        webhook = await webhooks.locked(transaction, access, id)
        (page,) = await deliveries.pages(transaction, [webhook.id], PageRequest(count, False, None, None))
        return page.items

    headings = {
        "deliveryId": "id",
        "state": "state",
        "attempts": "attempts",
        "attemptedAt": "last attempt",
        "status": "status",
        "error": "error",
    }
    with table_of(headings, as_json=as_json) as add_row:
        for delivery in _write(platform, read):
            add_row(_delivery_json(delivery))


@webhook_app.command("redeliver")
def webhook_redeliver(
    platform: PlatformKey,
    id: _Id,
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="The id of the delivery.")],
    as_json: AsJson = False,
) -> None:
    """Let a running server send the event of a delivery once more."""

    async def repeat(
        _services: Services, transaction: Connection, access: PlatformAccess, now: int
    ) -> Delivery:
        webhook = await webhooks.locked(transaction, access, id)
        return await deliveries.repeat(transaction, access, webhook.id, delivery, now)

    _print_delivery(_write(platform, repeat), as_json=as_json)


def _write(platform: str, work: Callable[[Services, Connection, PlatformAccess, int], Awaitable[T]]) -> T:
    """Run `work` in one transaction, with access to the platform and the current time."""

    async def run(services: Services) -> T:
        async def write(transaction: Connection) -> T:
            access = await platform_access(transaction, platform)
            return await work(services, transaction, access, services.clock())

        return await services.database.write(write, lambda events: runner.log_events(services, events))

    return runner.run_on_migrated(run)


def _networks(services: Services) -> AllowedNetworks:
    return AllowedNetworks(services.settings.webhook_networks)


def _print_delivery(delivery: Delivery, *, as_json: bool) -> None:
    message = f"The delivery {delivery.id} is sent by a running server."
    print_result(message, _delivery_json(delivery), as_json=as_json)


def _webhook_json(webhook: Webhook) -> Json:
    """A webhook as the GraphQL type Webhook."""
    types, reason = webhook.types, webhook.disabled_reason
    return {
        "webhookId": webhook.id,
        "url": webhook.url,
        "types": None if types is None else [type.name for type in types],
        "state": webhook.state.value,
        "disabledReason": None if reason is None else reason.value,
        "failingSince": timestamp(webhook.failing_since),
        "createdAt": timestamp(webhook.created_at),
        "updatedAt": timestamp(webhook.updated_at),
    }


def _delivery_json(delivery: Delivery) -> Json:
    """A delivery as the GraphQL type WebhookDelivery."""
    return {
        "deliveryId": delivery.delivery_id,
        "state": delivery.state.value,
        "isTest": delivery.is_test,
        "attempts": delivery.attempts,
        "createdAt": timestamp(delivery.created_at),
        "attemptedAt": timestamp(delivery.attempted_at),
        "nextAt": timestamp(delivery.next_at),
        "status": delivery.status,
        "response": delivery.response,
        "error": delivery.error,
    }
