"""The commands `token issue`, `token list` and `token revoke`."""

from typing import Annotated

import typer

from gql_service.auth.policy import Policy
from gql_service.auth.scopes import Scope
from gql_service.auth.tokens import Token
from gql_service.cli import runner
from gql_service.cli.output import (
    AsJson,
    Json,
    count_of,
    exit_with_error,
    print_remark,
    print_result,
    printable,
    table_of,
    timestamp,
)
from gql_service.cli.parameters import Username, parse_duration
from gql_service.domain.users import access_tokens, provisioning
from gql_service.domain.users.access_tokens import AccessToken
from gql_service.services.context import Services
from gql_service.store.connection import Connection

token_app = typer.Typer(no_args_is_help=True, help="Issue, list and revoke access tokens of users.")


@token_app.command("issue")
def token_issue(
    username: Username,
    label: Annotated[str, typer.Option(metavar="TEXT", help="What the token is for.")] = "",
    expires_in: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION", help="A whole number and s, m, h or d, such as 90d; by default, never."
        ),
    ] = None,
    replaces: Annotated[
        str | None,
        typer.Option(metavar="ID", help="A token of the same user, which expires after the overlap."),
    ] = None,
    overlap: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION", help="How long the replaced token remains valid, such as 10m; 0 by default."
        ),
    ] = None,
    scope: Annotated[
        list[Scope] | None,
        typer.Option(help="What the token may be used for; repeatable. By default, everything."),
    ] = None,
    platform: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="A platform that the token is limited to; repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Issue a token and print it.

    The token is the last line of the output. It is not shown again.
    """
    lifetime, overlap_seconds = parse_duration(expires_in), parse_duration(overlap)
    if overlap_seconds is not None and replaces is None:
        exit_with_error("--overlap applies to a token that is replaced: add --replaces.")

    async def issue(transaction: Connection, now: int) -> tuple[Token, AccessToken]:
        user = await runner.user_by_username(transaction, username)
        await provisioning.lock(transaction, user.user_id)
        token = await access_tokens.issue_for(
            transaction,
            Policy().user_for_operator(user.user_id),
            label=label,
            lifetime=lifetime,
            replaces=replaces,
            overlap=overlap_seconds or 0,
            now=now,
            scopes=scope or None,
            platform_keys=platform or None,
        )
        return token, await access_tokens.by_id(transaction, token.id)

    token, stored_token = runner.write(issue)
    print_remark("Keep this token; it is not shown again:")
    document = {
        "token": str(token),
        "id": stored_token.id,
        "expiresAt": timestamp(stored_token.expires_at),
    }
    print_result(str(token), document, as_json=as_json)


@token_app.command("revoke")
def token_revoke(
    id: Annotated[str, typer.Argument(metavar="ID", help="The id of the token: see token list.")],
    as_json: AsJson = False,
) -> None:
    """Revoke a token; it stops working immediately."""

    async def revoke(transaction: Connection, now: int) -> AccessToken:
        await access_tokens.revoke(transaction, id, now=now)
        return await access_tokens.by_id(transaction, id)

    token = runner.write(revoke)
    print_result(f"The token {token.id} is revoked.", _token_json(token), as_json=as_json)


@token_app.command("revoke-all")
def token_revoke_all(username: Username, as_json: AsJson = False) -> None:
    """Revoke all tokens of a user; they stop working immediately."""

    async def revoke(transaction: Connection, now: int) -> list[str]:
        user = await runner.user_by_username(transaction, username)
        await provisioning.lock(transaction, user.user_id)
        access = Policy().user_for_operator(user.user_id)
        return await access_tokens.revoke_all(transaction, access, now)

    revoked = runner.write(revoke)
    message = f"Revoked {count_of(len(revoked), 'token', 'tokens')} of {printable(username)}."
    print_result(message, {"revokedIds": revoked}, as_json=as_json)


@token_app.command("list")
def token_list(username: Username, as_json: AsJson = False) -> None:
    """List the tokens of a user, oldest first, without secrets."""

    async def read(services: Services) -> list[AccessToken]:
        async with services.database.read() as connection:
            user = await runner.user_by_username(connection, username)
            return await access_tokens.of_user(connection, user.user_id)

    tokens = runner.run_on_migrated(read)
    headings = {
        "id": "id",
        "label": "label",
        "createdAt": "created",
        "expiresAt": "expires",
        "revokedAt": "revoked",
    }
    with table_of(headings, as_json=as_json) as add_row:
        for token in tokens:
            add_row(_token_json(token))


def _token_json(token: AccessToken) -> Json:
    return {
        "id": token.id,
        "label": token.label,
        "createdAt": timestamp(token.created_at),
        "expiresAt": timestamp(token.expires_at),
        "revokedAt": timestamp(token.revoked_at),
    }
