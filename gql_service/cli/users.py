"""The commands about users: who they are, their badges, and what they were told."""

from functools import partial
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table

from gql_service.auth.policy import Policy
from gql_service.cli import runner as running
from gql_service.cli.tenants import NewId, TenantId
from gql_service.cli.user_options import FieldOptions, create_options
from gql_service.cli.user_update import user_update
from gql_service.domain import tenants
from gql_service.domain.pagination import MAX_PAGE, PageRequest
from gql_service.domain.users import badges, notifications, provisioning
from gql_service.domain.users import rows as users
from gql_service.errors import MalformedData, NotFound
from gql_service.services.context import Services
from gql_service.store.connection import Connection
from gql_service.transfer.user_records import user_record

user_app = typer.Typer(no_args_is_help=True, help="Users, their badges, and what they were told.")
user_app.command("update")(user_update)


@user_app.command("create")
@create_options
def user_create(username: str, tenant: TenantId, id: NewId = None, *, options: FieldOptions) -> None:
    """Add a user and print their id."""
    user = running.write(
        lambda tx, now: provisioning.create(
            tx,
            Policy().user_for_operator(),
            username=username,
            tenant_id=tenant,
            id=id,
            now=now,
            **options.changes((), now),
        )
    )
    typer.echo(user.user_id)


@user_app.command("show")
def user_show(username: str) -> None:
    """Print everything about a user but tokens, as JSON; instants are milliseconds."""

    async def read(services: Services) -> dict[str, Any]:
        async with services.database.read() as connection:
            user = await running.user_named(connection, username)
            return user_record(user, await _badges(connection, user)) | {"displayName": user.display_name}

    typer.echo(orjson.dumps(running.on_migrated(read), option=orjson.OPT_INDENT_2))


@user_app.command("list")
def user_list(tenant: TenantId) -> None:
    """Print the members of a tenant, guests included, in the order of their ids.

    A line each, separated by tabs: username, id, email, own tenant.
    """

    async def read(services: Services) -> None:
        async with services.database.read() as connection:
            if not await tenants.tenant_exists(connection, tenant):
                raise NotFound(f"There is no tenant {tenant}.")
        request = PageRequest(MAX_PAGE, backwards=False, after=None, before=None)
        while True:
            async with services.database.read() as connection:
                page = await users.page_of_tenant(connection, tenant, request)
            for user in page.items:
                _line(user.username, user.user_id, user.email, user.tenant_id)
            if not page.has_next:
                return
            request = request._replace(after=page.items[-1].user_id)

    running.on_migrated(read)


@user_app.command("badge")
def user_badge(username: str, badge: str) -> None:
    """Award a badge of the catalogue; the user is told when it is new."""

    async def award(transaction: Connection, now: int) -> bool:
        user = await running.user_named(transaction, username)
        return await badges.award(transaction, Policy().user_for_operator(user.user_id), badge, now)

    new = running.write(award)
    typer.echo(f"{username} has earned the badge {badge}." if new else f"{username} has {badge} already.")


@user_app.command("badges")
def user_badges(username: str) -> None:
    """Show a user's badges, oldest first, and what is still to be earned."""

    async def read(services: Services) -> list[badges.EarnedBadge]:
        async with services.database.read() as connection:
            return await _badges(connection, await running.user_named(connection, username))

    table = Table("badge", "title", "earned")
    found = running.on_migrated(read)
    for earned in found:
        badge = badges.CATALOG.get(earned.name)
        title = badge.title if badge else ""
        table.add_row(running.plain(earned.name), title, running.instant(earned.earned_at))
    running.show(table)
    locked = badges.locked(found)
    typer.echo(f"{len(badges.CATALOG) - len(locked)} of {len(badges.CATALOG)} badges of the catalogue.")
    for badge in locked:
        typer.echo(f"To be earned: {badge.name}. {badge.criteria}")


@user_app.command("notifications")
def user_notifications(
    username: str,
    mark_read: Annotated[bool, typer.Option(help="Mark all as read, and print how many were not.")] = False,
) -> None:
    """Print what a user was told, the newest first.

    A line each, separated by tabs: when, when read, kind, title, body.
    """
    if mark_read:
        typer.echo(f"{running.write(partial(_mark_read, username=username))} notifications are read now.")
        return

    async def read(services: Services) -> None:
        async with services.database.read() as connection:
            user = await running.user_named(connection, username)
        after = (user.user_id, "")
        while True:
            async with services.database.read() as connection:
                page = await notifications.of_users(connection, [user.user_id], after, MAX_PAGE)
            for told in page:
                read_at = running.instant(told.read_at) or "unread"
                _line(running.instant(told.created_at), read_at, told.kind, told.title, told.body)
            if len(page) < MAX_PAGE:
                return
            after = page[-1].key

    running.on_migrated(read)


async def _mark_read(transaction: Connection, now: int, username: str) -> int:
    user = await running.user_named(transaction, username)
    return len(await notifications.mark_read(transaction, user.user_id, None, now))


async def _badges(connection: Connection, user: users.User) -> list[badges.EarnedBadge]:
    (earned,) = await badges.by_users(connection, [user.user_id])
    if isinstance(earned, MalformedData):
        raise earned
    return earned


def _line(*cells: str) -> None:
    typer.echo("\t".join(running.plain(cell) for cell in cells))
