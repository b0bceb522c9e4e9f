"""The command line, `gql-service`: serving, migrating, looking after people, and moving data."""

import sys

import typer

from gql_service.cli.definitions import definition_app
from gql_service.cli.erase import erase, sweep
from gql_service.cli.rotate_keys import rotate_keys
from gql_service.cli.runner import fail
from gql_service.cli.serve import export_schema, migrate, serve
from gql_service.cli.tenants import platform_app, tenant_app
from gql_service.cli.tokens import token_app
from gql_service.cli.transfer import export, import_
from gql_service.cli.users import user_app

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for command in (serve, migrate, export_schema, export, erase, sweep, rotate_keys):
    app.command()(command)
app.command("import")(import_)
app.add_typer(tenant_app, name="tenant")
app.add_typer(platform_app, name="platform")
app.add_typer(definition_app, name="definition")
app.add_typer(user_app, name="user")
app.add_typer(token_app, name="token")


@app.callback(help=__doc__)
def check() -> None:
    """Python passes on arguments that are not UTF-8, but neither database nor JSON has a place for them."""
    for argument in sys.argv:
        try:
            argument.encode()
        except UnicodeEncodeError:
            fail(f"{argument!a} is not valid UTF-8.")
