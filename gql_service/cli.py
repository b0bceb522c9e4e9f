"""The command line, `gql-service`: serving, migrating, and looking after the directory."""

import asyncio
import re
import signal
from collections.abc import Awaitable, Callable
from typing import Annotated, NoReturn, TypeVar

import typer
import uvicorn
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import DBAPIError

from gql_service import demo as demo_data
from gql_service import instants
from gql_service.app import build_services
from gql_service.auth.policy import Policy
from gql_service.domain import access_tokens, provisioning, tenants, users
from gql_service.errors import BadUserInput, NotFound, Rejected, ServiceError
from gql_service.schema.build import build_schema
from gql_service.schema.context import Services
from gql_service.settings import Settings
from gql_service.store import migrations
from gql_service.store.connection import Connection

T = TypeVar("T")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
tenant_app = typer.Typer(no_args_is_help=True, help="Tenants: the organisations that own everything.")
platform_app = typer.Typer(no_args_is_help=True, help="Platforms: the applications of a tenant.")
user_app = typer.Typer(no_args_is_help=True, help="Users.")
token_app = typer.Typer(no_args_is_help=True, help="Access tokens of users.")
app.add_typer(tenant_app, name="tenant")
app.add_typer(platform_app, name="platform")
app.add_typer(user_app, name="user")
app.add_typer(token_app, name="token")

TenantId = Annotated[str, typer.Option("--tenant", help="The id of the tenant.")]
NewId = Annotated[str | None, typer.Option("--id", help="The id to use; by default a random one.")]


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="How many processes answer.")] = 1,
    demo: Annotated[bool, typer.Option(help="Load demo data and print tokens; loopback only.")] = False,
) -> None:
    """Answer requests until stopped. The database must have been migrated."""
    if demo and host not in LOOPBACK:
        _fail(f"--demo hands out tokens, so it listens on loopback only; {host} is not loopback.")
    settings = _settings()
    _run(_require_migrated)
    if demo:
        _print_demo(_write(_load_demo), f"http://{f'[{host}]' if ':' in host else host}:{port}")
    signal.signal(signal.SIGTERM, _stopped)
    uvicorn.run(
        "gql_service.app:create_app",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        loop="uvloop",
        http="gql_service.web.protocol:HttpProtocol",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_level=settings.log_level,
        timeout_graceful_shutdown=10,
    )


@app.command()
def migrate() -> None:
    """Create the database's tables, or bring them up to date."""
    _run(_migrate)
    typer.echo("The database is up to date.")


@app.command()
def export_schema() -> None:
    """Print the schema in the schema definition language."""
    typer.echo(build_schema().as_str())


@tenant_app.command("create")
def tenant_create(name: str, id: NewId = None) -> None:
    """Add a tenant and print its id."""
    typer.echo(_write(lambda tx, now: tenants.create_tenant(tx, name=name, id=id, now=now)).id)


@platform_app.command("create")
def platform_create(
    key: str,
    tenant: TenantId,
    name: Annotated[str | None, typer.Option(help="What to call it; by default its key.")] = None,
) -> None:
    """Add a platform and print its id."""
    typer.echo(
        _write(lambda tx, now: tenants.create_platform(tx, key=key, tenant_id=tenant, name=name, now=now)).id
    )


@user_app.command("create")
def user_create(
    username: str,
    tenant: TenantId,
    email: Annotated[str, typer.Option(help="The canonical email address.")],
    id: NewId = None,
    permission: Annotated[
        list[str] | None, typer.Option(help="TENANT_ID::PERMISSION; may be repeated.")
    ] = None,
    platform_owner: Annotated[bool, typer.Option("--platform-owner", help="Admin everywhere.")] = False,
) -> None:
    """Add a user and print their id."""
    user = _write(
        lambda tx, now: provisioning.create(
            tx,
            Policy().operator(),
            username=username,
            tenant_id=tenant,
            email=email,
            id=id,
            permissions=permission or (),
            is_platform_owner=platform_owner,
            now=now,
        )
    )
    typer.echo(user.user_id)


@token_app.command("issue")
def token_issue(
    username: str,
    label: Annotated[str, typer.Option(help="What the token is for.")] = "",
    expires_in: Annotated[
        str | None, typer.Option(help="A number and s, m, h or d, such as 90d; by default never.")
    ] = None,
) -> None:
    """Make a token and print it, this once, alone on the last line."""
    lifetime = _milliseconds(expires_in)

    async def issue(transaction: Connection, now: int) -> str:
        user = await _user_named(transaction, username)
        expires_at = None if lifetime is None else now + lifetime
        return str(
            await access_tokens.issue(transaction, user.user_id, label=label, expires_at=expires_at, now=now)
        )

    token = _write(issue)
    typer.echo("Keep this token; it is not shown again:", err=True)
    typer.echo(token)


@token_app.command("revoke")
def token_revoke(id: str) -> None:
    """End a token at once."""
    _write(lambda tx, now: access_tokens.revoke(tx, id, now=now))
    typer.echo(f"The token {id} is revoked.")


@token_app.command("list")
def token_list(username: str) -> None:
    """Show a user's tokens, without their secrets."""

    async def read(services: Services) -> list[access_tokens.AccessToken]:
        async with services.database.read() as connection:
            user = await _user_named(connection, username)
            return await access_tokens.of_user(connection, user.user_id)

    table = Table("id", "label", "created", "expires", "revoked")
    for token in _run(read):
        instants_ = (token.created_at, token.expires_at, token.revoked_at)
        table.add_row(
            token.id, token.label, *("" if each is None else instants.rfc3339(each) for each in instants_)
        )
    Console(width=None if Console().is_terminal else 120).print(table)


async def _user_named(connection: Connection, username: str) -> users.User:
    user = (await users.by_usernames(connection, [username]))[0]
    if user is None:
        raise NotFound(f"There is no user {username}.")
    return user


async def _migrate(services: Services) -> None:
    await _known_state()
    await migrations.upgrade(_settings())


async def _require_migrated(services: Services) -> None:
    if await _known_state() is migrations.State.BEHIND:
        raise BadUserInput("The database is not up to date. Run: gql-service migrate")


async def _known_state() -> migrations.State:
    state = await migrations.state(_settings())
    if state is migrations.State.UNKNOWN:
        raise BadUserInput("The database was migrated by a newer gql-service. Install that version.")
    return state


def _stopped(_signal: int, _frame: object) -> NoReturn:
    """uvicorn raises the signal again once it has shut down: then this is a clean end, not a death."""
    raise SystemExit(0)


def _load_demo(transaction: Connection, now: int) -> Awaitable[demo_data.DemoTokens]:
    services = build_services(_settings())
    return demo_data.load(transaction, policy=services.policy, limits=services.limits, now=now)


def _print_demo(tokens: demo_data.DemoTokens, address: str) -> None:
    query = '{"query":"{ me { username platformMetadata(platformKey: \\"acme-corp\\") { metadata } } }"}'
    typer.echo(
        f"GraphiQL       {address}/graphql\n"
        f"Member's token {tokens.member}\n"
        f"Admin's token  {tokens.admin}\n\n"
        f"curl {address}/graphql -H 'Authorization: Bearer {tokens.member}' "
        f"-H 'Content-Type: application/json' -d '{query}'\n"
    )


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        details = error.errors()[0]
        _fail(f"GQL_SERVICE_{str(details['loc'][0]).upper()}: {details['msg'].removeprefix('Value error, ')}")


def _write(work: Callable[[Connection, int], Awaitable[T]]) -> T:
    """Run one transaction on a migrated database, given the current instant."""

    async def write(services: Services) -> T:
        await _require_migrated(services)
        return await services.database.write(lambda transaction: work(transaction, services.clock()))

    return _run(write)


def _run(work: Callable[[Services], Awaitable[T]]) -> T:
    """Run `work` to its end; what the operator can mend is told without a traceback."""
    settings = _settings()

    async def run() -> T:
        services = build_services(settings)
        try:
            return await work(services)
        finally:
            await services.database.close()

    try:
        return asyncio.run(run())
    except (ServiceError, Rejected) as error:
        _fail(error.message)
    except DBAPIError as error:
        _fail(f"The database refused: {error.orig}")
    except OSError as error:
        _fail(f"The database cannot be reached: {error}")


def _milliseconds(duration: str | None) -> int | None:
    if duration is None:
        return None
    match = re.fullmatch(r"([1-9]\d{0,8})([smhd])", duration)
    if match is None:
        _fail(f"{duration!r} is no duration; write a number and s, m, h or d, such as 90d.")
    return int(match[1]) * _UNITS[match[2]] * 1000


def _fail(message: str) -> NoReturn:
    typer.echo(f"gql-service: {message}", err=True)
    raise typer.Exit(1)
