"""The command line, `gql-service`."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from gql_service.cli.on_demand import group_of
from gql_service.cli.output import exit_with_error

_COMMANDS = {
    "serve": "serve:serve",
    "migrate": "serve:migrate",
    "doctor": "doctor:doctor",
    "config": "config:config",
    "healthcheck": "healthcheck:healthcheck",
    "backup": "backup:backup",
    "restore": "backup:restore",
    "export-schema": "serve:export_schema",
    "export": "transfer:export",
    "import": "transfer:import_",
    "erase": "erase:erase",
    "sweep": "erase:sweep",
    "sizes": "storage:sizes",
    "rotate-keys": "rotate_keys:rotate_keys",
    "tenant": "tenants:tenant_app",
    "platform": "storage:platform_app",
    "definition": "definition_reports:definition_app",
    "webhook": "webhooks:webhook_app",
    "user": "users:user_app",
    "token": "tokens:token_app",
    "identity": "identities:identity_app",
}
"""In the order of the help."""

# Typer's rich help cuts long option names at 80 columns; the plain one does not.
app = typer.Typer(
    cls=group_of(_COMMANDS),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="To complete commands and options with the Tab key, run: gql-service --install-completion",
)


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
