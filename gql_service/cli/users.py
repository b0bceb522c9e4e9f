"""The commands that create and show users, their badges and notifications."""

from functools import partial
from typing import Annotated

import orjson
import typer

from gql_service import strict_json
from gql_service.auth.policy import Policy
from gql_service.auth.principal import Principal
from gql_service.cli import runner
from gql_service.cli.output import (
    AsJson,
    Json,
    count_of,
    print_fields,
    print_result,
    printable,
    table_of,
    timestamp,
)
from gql_service.cli.parameters import NewId, TenantId, Username
from gql_service.cli.user_changes import user_changes
from gql_service.cli.user_options import FieldOptions, create_options
from gql_service.cli.user_update import user_update
from gql_service.domain import tenants
from gql_service.domain.maintenance.user_export import export_user
from gql_service.domain.pagination import MAX_PAGE, PageRequest
from gql_service.domain.search import directory
from gql_service.domain.users import badges, notifications, provisioning
from gql_service.domain.users import rows as users
from gql_service.domain.users.notifications import Notification
from gql_service.errors import MalformedData, NotFound
from gql_service.observability.security_log import EventKind, SecurityEvent
from gql_service.services.context import Services
from gql_service.store.connection import Connection
from gql_service.transfer.user_records import user_record

user_app = typer.Typer(no_args_is_help=True, help="Manage users, their badges and notifications.")


@user_app.command("create")
@create_options
def user_create(
    username: Username, tenant: TenantId, id: NewId = None, *, options: FieldOptions, as_json: AsJson = False
) -> None:
    """Create a user and print their id."""
    user = runner.write(
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
    print_result(user.user_id, _member_json(user), as_json=as_json)


user_app.command("update")(user_update)
user_app.command("changes")(user_changes)


@user_app.command("export")
def user_export(
    username: Username,
    include_hidden: Annotated[
        bool, typer.Option("--include-hidden", help="Include entries that the user does not see.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print everything that is stored about a user.

    That is what the user may see; documents say whether they have hidden
    entries. Answer requests of users for their data with it. To move data, use
    the command export.
    """

    async def read(services: Services) -> Json:
        async with services.database.read() as connection:
            user = await runner.user_by_username(connection, username)
            operator = Principal.create("", "", user.tenant_id, (), is_platform_owner=True)
            settings = services.write_settings
            exported = await export_user(
                connection,
                operator,
                services.policy,
                user,
                include_hidden=include_hidden,
                keys=settings.keys,
                now=services.clock(),
                count=lambda _: None,
            )
        reason = "WITH_HIDDEN" if include_hidden else None
        runner.log_events(services, [SecurityEvent(EventKind.USER_EXPORTED, user.user_id, reason)])
        return exported

    # Stored values are texts that only the encoder knows.
    exported = orjson.loads(strict_json.dumps(runner.run_on_migrated(read)))
    print_fields(exported, as_json=as_json)


@user_app.command("rename")
def user_rename(
    username: Username,
    new: Annotated[str, typer.Argument(metavar="NEW", help="The new name.")],
    as_json: AsJson = False,
) -> None:
    """Give a user another name; their id and all their data stay."""

    async def rename(transaction: Connection, now: int) -> users.User:
        user = await runner.user_by_username(transaction, username)
        access = Policy().user_for_operator(user.user_id)
        return await provisioning.rename(transaction, access, new, now=now)

    user = runner.write(rename)
    message = f"{printable(username)} is now {printable(user.username)}."
    print_result(message, _member_json(user), as_json=as_json)


@user_app.command("show")
def user_show(username: Username, as_json: AsJson = False) -> None:
    """Show all fields of a user, and their badges."""

    async def read(services: Services) -> Json:
        async with services.database.read() as connection:
            user = await runner.user_by_username(connection, username)
            return _user_json(user, await _earned_badges(connection, user))

    print_fields(runner.run_on_migrated(read), as_json=as_json)


@user_app.command("list")
def user_list(
    tenant: TenantId,
    text: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Only users whose username, address or name begins with it."),
    ] = None,
    email: Annotated[
        list[str] | None, typer.Option(metavar="ADDRESS", help="Only users with this address. Repeatable.")
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option("--username", metavar="USERNAME", help="Only users with this name. Repeatable."),
    ] = None,
    id: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only users with this id. Repeatable.")
    ] = None,
    admins: Annotated[bool, typer.Option("--admins", help="Only the admins of the tenant.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the members of a tenant, ordered by id.

    These are its own users, and those of other tenants with a permission in it.
    """
    headings = {"username": "username", "userId": "id", "email": "email", "tenantId": "own tenant"}

    async def read(services: Services) -> None:
        async with services.database.read() as connection:
            if not await tenants.tenant_exists(connection, tenant):
                raise NotFound(f"There is no tenant {tenant}.")
        permission = services.policy.admin_permission_of(tenant) if admins else None
        search = directory.user_search(tenant, name or None, id or None, email or None, text, permission)
        request = PageRequest(MAX_PAGE, backwards=False, after=None, before=None)
        with table_of(headings, as_json=as_json) as add_row:
            while True:
                async with services.database.read() as connection:
                    page = await directory.page(connection, search, request)
                for user in page.items:
                    add_row(_member_json(user))
                if not page.has_next:
                    return
                request = request._replace(after=page.items[-1].user_id)

    runner.run_on_migrated(read)


@user_app.command("badge")
def user_badge(
    username: Username,
    badge: Annotated[str, typer.Argument(metavar="BADGE", help="The name of the badge: see user badges.")],
    as_json: AsJson = False,
) -> None:
    """Award a badge to a user, and notify them if it is new."""

    async def award(transaction: Connection, now: int) -> bool:
        user = await runner.user_by_username(transaction, username)
        return await badges.award(transaction, Policy().user_for_operator(user.user_id), badge, now)

    awarded = runner.write(award)
    message = f"{username} has earned {badge}." if awarded else f"{username} already has {badge}."
    print_result(message, {"awarded": awarded}, as_json=as_json)


@user_app.command("badges")
def user_badges(username: Username, as_json: AsJson = False) -> None:
    """List the badges a user has earned and can earn."""

    async def read(services: Services) -> list[badges.EarnedBadge]:
        async with services.database.read() as connection:
            user = await runner.user_by_username(connection, username)
            return await _earned_badges(connection, user)

    earned = runner.run_on_migrated(read)
    rows: list[Json] = []
    for earned_badge in earned:
        entry = badges.CATALOG.get(earned_badge.name)
        rows.append(
            {
                "name": earned_badge.name,
                "title": entry and entry.title,
                "earnedAt": earned_badge.earned_at,
                "criteria": entry and entry.criteria,
            }
        )
    for badge in badges.locked(earned):
        rows.append({"name": badge.name, "title": badge.title, "earnedAt": None, "criteria": badge.criteria})
    headings = {"name": "badge", "title": "title", "earnedAt": "earned", "criteria": "criteria"}
    with table_of(headings, as_json=as_json, to_cells=_badge_cells) as add_row:
        for row in rows:
            add_row(row)


@user_app.command("notifications")
def user_notifications(
    username: Username,
    mark_read: Annotated[
        bool, typer.Option("--mark-read", help="Mark all as read instead, and print how many were unread.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the notifications of a user, newest first."""
    if mark_read:
        read_ids = runner.write(partial(_mark_read, username=username))
        message = f"Marked {count_of(len(read_ids), 'notification', 'notifications')} as read."
        print_result(message, {"readIds": read_ids}, as_json=as_json)
        return
    headings = {"createdAt": "created", "readAt": "read", "kind": "kind", "title": "title", "body": "body"}

    async def read(services: Services) -> None:
        async with services.database.read() as connection:
            user = await runner.user_by_username(connection, username)
        after = (user.user_id, "")
        with table_of(headings, as_json=as_json, to_cells=_notification_cells) as add_row:
            while True:
                async with services.database.read() as connection:
                    page = await notifications.of_users(connection, [user.user_id], after, MAX_PAGE)
                for notification in page:
                    add_row(_notification_json(notification))
                if len(page) < MAX_PAGE:
                    return
                after = page[-1].key

    runner.run_on_migrated(read)


async def _mark_read(transaction: Connection, now: int, username: str) -> list[str]:
    user = await runner.user_by_username(transaction, username)
    return await notifications.mark_read(transaction, user.user_id, None, now)


async def _earned_badges(connection: Connection, user: users.User) -> list[badges.EarnedBadge]:
    (earned,) = await badges.by_users(connection, [user.user_id])
    if isinstance(earned, MalformedData):
        raise earned
    return earned


def _user_json(user: users.User, earned: list[badges.EarnedBadge]) -> Json:
    """The fields of a user as the GraphQL type User has them. Raises MalformedData."""
    record = user_record(user, earned)
    fields = {"userId": record.pop("id"), "displayName": user.display_name} | record
    return fields | {name: timestamp(fields[name]) for name in ("createdAt", "updatedAt")}


def _member_json(user: users.User) -> Json:
    return {
        "userId": user.user_id,
        "tenantId": user.tenant_id,
        "username": user.username,
        "email": user.email,
    }


def _badge_cells(badge: Json) -> Json:
    return badge | {"earnedAt": timestamp(badge["earnedAt"])}


def _notification_json(notification: Notification) -> Json:
    return {
        "id": notification.id,
        "kind": notification.kind,
        "title": notification.title,
        "body": notification.body,
        "createdAt": timestamp(notification.created_at),
        "readAt": timestamp(notification.read_at),
    }


def _notification_cells(notification: Json) -> Json:
    return notification | {"readAt": notification["readAt"] or "unread"}
