"""Serving, and what has to be done before."""

import signal
from collections.abc import Awaitable
from typing import Annotated, NoReturn

import typer
import uvicorn

from gql_service import demo as demo_data
from gql_service.app import build_services, print_schema
from gql_service.cli import runner as running
from gql_service.services.context import Services
from gql_service.store import migrations
from gql_service.store.connection import Connection

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="How many processes answer.")] = 1,
    demo: Annotated[bool, typer.Option(help="Load demo data and print tokens; loopback only.")] = False,
) -> None:
    """Answer requests until stopped. The database must have been migrated."""
    if demo and host not in LOOPBACK:
        running.fail(f"--demo hands out tokens, so it listens on loopback only; {host} is not loopback.")
    if demo and port == 0:
        running.fail("--demo prints the address to open, so it needs a port; 0 is whichever is free.")
    settings = running.settings()
    running.run(running.require_migrated)
    if demo:
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        _print_demo(running.write(_load_demo), address)
    signal.signal(signal.SIGTERM, _stopped)
    uvicorn.run(
        "gql_service.app:create_app",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        loop="uvloop",
        http="gql_service.web.http_protocol:HttpProtocol",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_level=settings.log_level,
        timeout_graceful_shutdown=10,
    )


def migrate() -> None:
    """Create the database's tables, or bring them up to date."""
    running.run(_migrate)
    typer.echo("The database is up to date.")


def export_schema() -> None:
    """Print the schema in the schema definition language."""
    typer.echo(print_schema())


async def _migrate(_services: Services) -> None:
    await running.known_state()
    await migrations.upgrade(running.settings())


def _stopped(_signal: int, _frame: object) -> NoReturn:
    """uvicorn raises the signal again once it has shut down: then this is a clean end, not a death."""
    raise SystemExit(0)


def _load_demo(transaction: Connection, now: int) -> Awaitable[demo_data.DemoTokens]:
    services = build_services(running.settings())
    return demo_data.load(transaction, policy=services.policy, rules=services.rules, now=now)


def _print_demo(tokens: demo_data.DemoTokens, address: str) -> None:
    query = '{"query":"{ me { username platformMetadata(platformKey: \\"acme-corp\\") { metadata } } }"}'
    typer.echo(
        f"GraphiQL       {address}/graphql\n"
        f"Member's token {tokens.member}\n"
        f"Admin's token  {tokens.admin}\n\n"
        f"curl {address}/graphql -H 'Authorization: Bearer {tokens.member}' "
        f"-H 'Content-Type: application/json' -d '{query}'\n"
    )
