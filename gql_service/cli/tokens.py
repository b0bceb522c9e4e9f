"""The commands about access tokens."""

from typing import Annotated

import typer
from rich.table import Table

from gql_service.auth.policy import Policy
from gql_service.cli import runner as running
from gql_service.domain.users import access_tokens, provisioning
from gql_service.services.context import Services
from gql_service.store.connection import Connection

token_app = typer.Typer(no_args_is_help=True, help="Access tokens of users.")


@token_app.command("issue")
def token_issue(
    username: str,
    label: Annotated[str, typer.Option(help="What the token is for.")] = "",
    expires_in: Annotated[
        str | None, typer.Option(help="A number and s, m, h or d, such as 90d; by default never.")
    ] = None,
    replaces: Annotated[
        str | None, typer.Option(help="The id of a token of the same user, which ends after the overlap.")
    ] = None,
    overlap: Annotated[
        str | None, typer.Option(help="How long a replaced token goes on working, such as 10m; by default 0.")
    ] = None,
) -> None:
    """Make a token and print it, this once, alone on the last line."""
    lifetime, kept = running.seconds(expires_in), running.seconds(overlap)
    if kept is not None and replaces is None:
        running.fail("--overlap is about the token that --replaces names.")

    async def issue(transaction: Connection, now: int) -> str:
        user = await running.user_named(transaction, username)
        await provisioning.lock(transaction, user.user_id)
        token = await access_tokens.issue_for(
            transaction,
            Policy().user_for_operator(user.user_id),
            label=label,
            lifetime=lifetime,
            replaces=replaces,
            overlap=kept or 0,
            now=now,
        )
        return str(token)

    token = running.write(issue)
    typer.echo("Keep this token; it is not shown again:", err=True)
    typer.echo(token)


@token_app.command("revoke")
def token_revoke(id: str) -> None:
    """End a token at once."""
    running.write(lambda tx, now: access_tokens.revoke(tx, id, now=now))
    typer.echo(f"The token {id} is revoked.")


@token_app.command("list")
def token_list(username: str) -> None:
    """Show a user's tokens, without their secrets."""

    async def read(services: Services) -> list[access_tokens.AccessToken]:
        async with services.database.read() as connection:
            user = await running.user_named(connection, username)
            return await access_tokens.of_user(connection, user.user_id)

    table = Table("id", "label", "created", "expires", "revoked")
    for token in running.on_migrated(read):
        instants = (token.created_at, token.expires_at, token.revoked_at)
        table.add_row(token.id, running.plain(token.label), *map(running.instant, instants))
    running.show(table)
