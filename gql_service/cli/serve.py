"""The commands `serve`, `migrate` and `export-schema`."""

import os
import signal
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated, NoReturn, cast

import typer
from graphql import build_schema, introspection_from_schema

from gql_service import demo as demo_data
from gql_service.app import build_services, print_schema
from gql_service.cli import runner
from gql_service.cli.output import AsJson, Json, exit_with_error, print_json, print_result
from gql_service.observability import logging
from gql_service.observability.metrics_server import MetricsServer
from gql_service.server import run
from gql_service.server.listener import CannotListen, open_listeners
from gql_service.services.context import Services
from gql_service.settings import Settings
from gql_service.store import migrations
from gql_service.store.connection import Connection
from gql_service.store.migrations.collisions import Collisions, Solutions

LOOPBACK = ("127.0.0.1", "::1", "localhost")
_STANDARD_ERROR = 2


def serve(
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="The port to listen on; 0 for a free one.")
    ] = 8000,
    fd: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", min=0, help="Listen on this open socket instead of an address."),
    ] = None,
    workers: Annotated[int, typer.Option(metavar="NUMBER", min=1, help="The number of processes.")] = 1,
    demo: Annotated[
        bool, typer.Option("--demo", help="Load demo data and print tokens; on loopback only.")
    ] = False,
) -> None:
    """Run the server.

    The database must be migrated. SIGINT or SIGTERM stops the server: it goes
    on for GQL_SERVICE_DRAIN_SECONDS, while /health/ready responds 503; a second
    signal ends it at once. SIGHUP replaces the workers one by one, and stops a
    server with one process. Sockets of systemd's socket activation are used.
    """
    if demo and host not in LOOPBACK:
        exit_with_error(
            f"--demo prints tokens, so it may listen on loopback only; {host} is not a loopback address."
        )
    if demo and port == 0:
        exit_with_error("--demo prints the address of the server, so it needs a port other than 0.")
    _open_standard_streams()
    settings, trusted_documents = runner.server_settings()
    runner.run(runner.require_migrated, settings)
    if demo:
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        _print_demo(runner.write(_load_demo), address)
        settings = settings.model_copy(update={"drain_seconds": 0.0})  # there is no load balancer
    signal.signal(signal.SIGTERM, _exit_cleanly)
    logging.configure(settings.log_level, settings.security_log)
    try:
        listeners = open_listeners(host, port, fd)
    except CannotListen as error:
        logging.report(str(error), "error")
        raise typer.Exit(1) from None
    with _serving_metrics(settings) as settings:
        raise typer.Exit(run.serve(settings, trusted_documents, listeners, workers))


@contextmanager
def _serving_metrics(settings: Settings) -> Iterator[Settings]:
    """Serve `/metrics` if the settings ask for it. Returns the settings with the folder for the workers."""
    address = settings.metrics_host_and_port
    if address is None:
        yield settings
        return
    metrics = MetricsServer(*address)
    metrics.start()
    try:
        yield settings.model_copy(update={"metrics_folder": metrics.folder})
    finally:
        metrics.close()


def migrate(
    rename: Annotated[
        list[str] | None,
        typer.Option(metavar="OLD=NEW", help="Rename a user whose name collides. Can be repeated."),
    ] = None,
    set_email: Annotated[
        list[str] | None,
        typer.Option(
            metavar="USERNAME=ADDRESS",
            help="Change the address of a user whose address collides. Can be repeated.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create or update the tables of the database.

    Usernames and, in a tenant, email addresses must differ in more than their
    spelling (Ann and ann). If stored users of an older version collide, this
    prints the pairs and changes nothing. The two options solve that, in the
    same transaction; without such users they have no effect.
    """
    solutions = Solutions(_assignments("--rename", rename), _assignments("--set-email", set_email))
    changed = runner.run(partial(_migrate, solutions=solutions))
    print_result("The database is up to date.", {"upToDate": True, "changed": changed}, as_json=as_json)


def export_schema(
    api: Annotated[
        bool,
        typer.Option("--api", help="Leave out federation, for tools that do not know it."),
    ] = False,
    subgraph: Annotated[
        bool,
        typer.Option("--subgraph", help="Print what federation gateways compose with other services."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the GraphQL schema.

    It is printed in the schema definition language; with --json, as the
    result of an introspection query.
    """
    if api and subgraph:
        raise typer.BadParameter("Use either --api or --subgraph.")
    schema = print_schema("api" if api else "subgraph" if subgraph else "complete")
    if as_json:
        # The directives of Apollo Federation are not defined in the schema itself.
        introspection = introspection_from_schema(build_schema(schema, assume_valid_sdl=True))
        print_json(cast(Json, introspection))
    else:
        typer.echo(schema)


def _assignments(option: str, texts: list[str] | None) -> dict[str, str]:
    """The texts `NAME=VALUE` of an option. Ends the command if one is malformed."""
    pairs = [text.partition("=") for text in texts or ()]
    if malformed := [name for name, separator, value in pairs if not (name and separator and value)]:
        exit_with_error(f"{option}: {malformed[0]!r} needs an equals sign and a new value.")
    return {name: value for name, _, value in pairs}


async def _migrate(_services: Services, solutions: Solutions) -> bool:
    """Returns whether the tables were not up to date."""
    before = await runner.migration_state()
    try:
        await migrations.upgrade(runner.settings(), solutions)
    except Collisions as collisions:
        exit_with_error(*collisions.lines)
    return before is migrations.State.BEHIND


def _open_standard_streams() -> None:
    """Replace closed standard streams by the null device.

    Otherwise, their numbers go to sockets of the event loop, and uvloop aborts when it closes one of these.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STANDARD_ERROR:
        pass
    os.close(descriptor)


def _exit_cleanly(_signal: int, _frame: object) -> NoReturn:
    """A signal before the server handles it: there is nothing to finish."""
    raise SystemExit(0)


def _load_demo(transaction: Connection, now: int) -> Awaitable[demo_data.DemoTokens]:
    services = build_services(runner.settings())
    return demo_data.load(
        transaction, policy=services.policy, write_settings=services.write_settings, now=now
    )


def _print_demo(tokens: demo_data.DemoTokens, address: str) -> None:
    query = '{"query":"{ me { username platformMetadata(platformKey: \\"acme-corp\\") { metadata } } }"}'
    typer.echo(
        f"GraphiQL       {address}/graphql\n"
        f"Member's token {tokens.member}\n"
        f"Admin's token  {tokens.admin}\n\n"
        f"curl {address}/graphql -H 'Authorization: Bearer {tokens.member}' "
        f"-H 'Content-Type: application/json' -d '{query}'\n"
    )
