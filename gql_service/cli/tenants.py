"""The commands `tenant create` and `platform create`."""

from typing import Annotated

import typer

from gql_service.cli import runner
from gql_service.cli.output import AsJson, Json, print_result, timestamp
from gql_service.cli.parameters import NewId, TenantId
from gql_service.domain import tenants
from gql_service.domain.tenants import Platform

tenant_app = typer.Typer(no_args_is_help=True, help="Manage tenants: the owners of users and platforms.")
platform_app = typer.Typer(no_args_is_help=True, help="Manage platforms: the applications of a tenant.")


@tenant_app.command("create")
def tenant_create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The display name of the tenant.")],
    id: NewId = None,
    as_json: AsJson = False,
) -> None:
    """Create a tenant and print its id."""
    tenant = runner.write(lambda tx, now: tenants.create_tenant(tx, name=name, id=id, now=now))
    document = {"id": tenant.id, "name": tenant.name, "createdAt": timestamp(tenant.created_at)}
    print_result(tenant.id, document, as_json=as_json)


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
    platform = runner.write(
        lambda tx, now: tenants.create_platform(tx, key=key, tenant_id=tenant, name=name, now=now)
    )
    document = platform_json(platform) | {"createdAt": timestamp(platform.created_at)}
    print_result(platform.id, document, as_json=as_json)


def platform_json(platform: Platform) -> Json:
    """A platform with the keys of the GraphQL schema; the id is that of the database."""
    return {
        "id": platform.id,
        "key": platform.key,
        "tenantId": platform.tenant_id,
        "name": platform.name,
        "mode": platform.mode.value,
    }
