"""The command line, `gql-service`."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from gql_service.cli.backup import backup, restore
from gql_service.cli.config import config
from gql_service.cli.definitions import definition_app
from gql_service.cli.doctor import doctor
from gql_service.cli.erase import erase, sweep
from gql_service.cli.healthcheck import healthcheck
from gql_service.cli.rotate_keys import rotate_keys
from gql_service.cli.runner import exit_with_error
from gql_service.cli.serve import export_schema, migrate, serve
from gql_service.cli.storage import sizes
from gql_service.cli.tenants import platform_app, tenant_app
from gql_service.cli.tokens import token_app
from gql_service.cli.transfer import export, import_
from gql_service.cli.users import user_app

# Typer's rich help cuts long option names at 80 columns; the plain one does not.
app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="To complete commands and options with the Tab key, run: gql-service --install-completion",
)
app.command()(serve)
app.command()(migrate)
app.command()(doctor)
app.command()(config)
app.command()(healthcheck)
app.command()(backup)
app.command()(restore)
app.command()(export_schema)
app.command()(export)
app.command("import")(import_)
app.command()(erase)
app.command()(sweep)
app.command()(sizes)
app.command()(rotate_keys)
app.add_typer(tenant_app, name="tenant")
app.add_typer(platform_app, name="platform")
app.add_typer(definition_app, name="definition")
app.add_typer(user_app, name="user")
app.add_typer(token_app, name="token")


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"gql-service {version('gql-service')}")
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Run the server, migrate the database, manage users, and move data.

    Most commands print text for people; with --json, they print one JSON
    document on standard output instead.

    Settings are read from environment variables that begin with GQL_SERVICE_.
    """
    # Python accepts arguments that are not UTF-8; neither the databases nor JSON can hold them.
    for argument in sys.argv:
        try:
            argument.encode()
        except UnicodeEncodeError:
            exit_with_error(f"{argument!a} is not valid UTF-8.")
