"""The commands about tenants and platforms."""

from typing import Annotated

import typer

from gql_service.cli import runner as running
from gql_service.domain import tenants

tenant_app = typer.Typer(no_args_is_help=True, help="Tenants: the organisations that own everything.")
platform_app = typer.Typer(no_args_is_help=True, help="Platforms: the applications of a tenant.")

TenantId = Annotated[str, typer.Option("--tenant", help="The id of the tenant.")]
NewId = Annotated[str | None, typer.Option("--id", help="The id to use; by default a random one.")]


@tenant_app.command("create")
def tenant_create(name: str, id: NewId = None) -> None:
    """Add a tenant and print its id."""
    typer.echo(running.write(lambda tx, now: tenants.create_tenant(tx, name=name, id=id, now=now)).id)


@platform_app.command("create")
def platform_create(
    key: str,
    tenant: TenantId,
    name: Annotated[str | None, typer.Option(help="What to call it; by default its key.")] = None,
) -> None:
    """Add a platform and print its id."""
    platform = running.write(
        lambda tx, now: tenants.create_platform(tx, key=key, tenant_id=tenant, name=name, now=now)
    )
    typer.echo(platform.id)
