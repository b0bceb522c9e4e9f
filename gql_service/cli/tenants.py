"""The commands that create, list, rename and delete tenants and platforms."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, TypeVar

import typer

from gql_service.auth.policy import Policy
from gql_service.cli import runner
from gql_service.cli.output import AsJson, Json, exit_with_error, print_result, printable, table_of, timestamp
from gql_service.cli.parameters import NewId, PlatformKey, TenantId
from gql_service.domain import tenants
from gql_service.domain.maintenance import deletion, user_erasure
from gql_service.domain.pagination import MAX_PAGE
from gql_service.domain.tenants import Platform, Tenant
from gql_service.errors import NotFound
from gql_service.services.context import Services
from gql_service.store.connection import Connection

T = TypeVar("T")
tenant_app = typer.Typer(no_args_is_help=True, help="Manage tenants: the owners of users and platforms.")
platform_app = typer.Typer(no_args_is_help=True, help="Manage platforms: the applications of a tenant.")
_Tenant = Annotated[str, typer.Argument(metavar="ID", help="The id of the tenant.")]
_Name = Annotated[str, typer.Argument(metavar="NAME", help="The new display name.")]
_Force = Annotated[bool, typer.Option("--force", help="Delete what belongs to it, too.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count what would be deleted.")]
_Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]


@tenant_app.command("create")
def tenant_create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The display name of the tenant.")],
    id: NewId = None,
    as_json: AsJson = False,
) -> None:
    """Create a tenant and print its id."""
    access = Policy().tenants_for_operator()
    tenant = runner.write(lambda tx, now: tenants.create_tenant(tx, access, name=name, id=id, now=now))
    print_result(tenant.id, _tenant_json(tenant), as_json=as_json)


@tenant_app.command("list")
def tenant_list(as_json: AsJson = False) -> None:
    """List all tenants, ordered by id."""
    headings = {"id": "id", "name": "name", "createdAt": "created"}
    _print_all(headings, tenants.tenants_after, "id", _tenant_json, as_json=as_json)


@tenant_app.command("rename")
def tenant_rename(id: _Tenant, name: _Name, as_json: AsJson = False) -> None:
    """Give a tenant another name; its id stays."""
    access = Policy().tenants_for_operator()
    tenant = runner.write(lambda tx, now: tenants.rename_tenant(tx, access, id, name))
    print_result(f"The tenant {tenant.id} has a new name.", _tenant_json(tenant), as_json=as_json)


@tenant_app.command("delete")
def tenant_delete(
    id: _Tenant, force: _Force = False, dry_run: _DryRun = False, yes: _Yes = False, as_json: AsJson = False
) -> None:
    """Permanently delete a tenant.

    With --force, its users and platforms are deleted, too. Its permissions are
    removed from everybody. Users are deleted one by one: if this is
    interrupted, run it again.
    """

    async def count(services: Services) -> deletion.TenantContents:
        async with services.database.read() as connection:
            if not await tenants.tenant_exists(connection, id):
                raise NotFound(f"There is no tenant {id}.")
            return await deletion.tenant_contents(connection, id)

    contents = runner.run_on_migrated(count)
    what = f"the tenant {printable(id)}: {_counts(contents._asdict())}"
    if not dry_run:
        if (contents.users or contents.platforms) and not force:
            exit_with_error(f"To delete {what}, use --force.")
        if not yes:
            typer.confirm(f"Permanently delete {what}?", abort=True, err=True)
        runner.run_on_migrated(partial(_delete_tenant, id=id))
    _print_deletion(what, contents._asdict() | {"id": id}, dry_run=dry_run, as_json=as_json)


async def _delete_tenant(services: Services, id: str) -> None:
    policy, on_commit = Policy(), partial(runner.log_events, services)

    async def erase_next(transaction: Connection) -> bool:
        user_ids = await deletion.next_users(transaction, id, 1)
        for user_id in user_ids:
            access = policy.user_for_operator(user_id)
            await user_erasure.erase(transaction, access, services.clock())
        return bool(user_ids)

    async def delete(transaction: Connection) -> None:
        access = policy.tenants_for_operator()
        await deletion.delete_tenant(transaction, access, id, now=services.clock())

    while await services.database.write(erase_next, on_commit):
        pass
    await services.database.write(delete, on_commit)
    await deletion.purge(services.database)


@platform_app.command("create")
def platform_create(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The unique key, such as acme-corp.")],
    tenant: TenantId,
    name: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The display name; the key by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create a platform and print its id."""
    access = Policy().tenants_for_operator()
    platform = runner.write(
        lambda tx, now: tenants.create_platform(tx, access, key=key, tenant_id=tenant, name=name, now=now)
    )
    document = platform_json(platform) | {"createdAt": timestamp(platform.created_at)}
    print_result(platform.id, document, as_json=as_json)


@platform_app.command("list")
def platform_list(as_json: AsJson = False) -> None:
    """List the platforms of all tenants, ordered by key."""
    headings = {"key": "key", "name": "name", "tenantId": "tenant"}
    _print_all(headings, tenants.platforms_after, "key", platform_json, as_json=as_json)


@platform_app.command("rename")
def platform_rename(key: PlatformKey, name: _Name, as_json: AsJson = False) -> None:
    """Give a platform another name; its key stays."""

    async def rename(transaction: Connection, now: int) -> Platform:
        platform = await _platform(transaction, key)
        access = Policy().platform_for_operator(platform)
        return await tenants.rename_platform(transaction, access, name)

    platform = runner.write(rename)
    print_result(f"The platform {platform.key} has a new name.", platform_json(platform), as_json=as_json)


@platform_app.command("delete")
def platform_delete(
    key: PlatformKey,
    force: _Force = False,
    dry_run: _DryRun = False,
    yes: _Yes = False,
    as_json: AsJson = False,
) -> None:
    """Permanently delete a platform.

    With --force, its documents with history and index are deleted, too. Nobody
    finds the platform from then on. If this is interrupted, the rest of the
    documents is deleted by the next sweep.
    """

    async def count(services: Services) -> deletion.PlatformContents:
        async with services.database.read() as connection:
            platform = await _platform(connection, key)
            return await deletion.platform_contents(connection, platform.id)

    contents = runner.run_on_migrated(count)
    what = f"the platform {printable(key)}: {_counts(contents._asdict())}"
    if not dry_run:
        if contents.documents and not force:
            exit_with_error(f"To delete {what}, use --force.")
        if not yes:
            typer.confirm(f"Permanently delete {what}?", abort=True, err=True)
        runner.run_on_migrated(partial(_delete_platform, key=key, force=force))
    _print_deletion(what, contents._asdict() | {"key": key}, dry_run=dry_run, as_json=as_json)


async def _delete_platform(services: Services, key: str, *, force: bool) -> None:
    async def delete(transaction: Connection) -> None:
        access = Policy().platform_for_operator(await _platform(transaction, key))
        await deletion.delete_platform(transaction, access, force=force)

    await services.database.write(delete, partial(runner.log_events, services))
    await deletion.purge(services.database)


def _print_all(
    headings: dict[str, str],
    read_after: Callable[[Connection, str, int], Awaitable[list[T]]],
    order: str,
    to_json: Callable[[T], Json],
    *,
    as_json: bool,
) -> None:
    """Print all rows, page by page. `order` is the attribute that they are ordered by."""

    async def read_page(services: Services, after: str) -> list[T]:
        async with services.database.read() as connection:
            return await read_after(connection, after, MAX_PAGE)

    async def print_pages(services: Services) -> None:
        with table_of(headings, as_json=as_json) as add_row:
            after = ""
            while page := await read_page(services, after):
                for row in page:
                    add_row(to_json(row))
                after = getattr(page[-1], order)

    runner.run_on_migrated(print_pages)


async def _platform(connection: Connection, key: str) -> Platform:
    """Raises NotFound."""
    (platform,) = await tenants.platforms_by_keys(connection, [key])
    if platform is None:
        raise NotFound(f"There is no platform {key}.")
    return platform


def _print_deletion(what: str, document: Json, *, dry_run: bool, as_json: bool) -> None:
    message = f"{'Would delete' if dry_run else 'Deleted'} {what}."
    print_result(message, document | {"dryRun": dry_run}, as_json=as_json)


def _counts(counts: Json) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _tenant_json(tenant: Tenant) -> Json:
    return {"id": tenant.id, "name": tenant.name, "createdAt": timestamp(tenant.created_at)}


def platform_json(platform: Platform) -> Json:
    """A platform with the keys of the GraphQL schema; the id is that of the database."""
    return {
        "id": platform.id,
        "key": platform.key,
        "tenantId": platform.tenant_id,
        "name": platform.name,
        "mode": platform.mode.value,
    }
