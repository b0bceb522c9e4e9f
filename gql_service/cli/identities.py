"""The commands `identity link`, `identity list` and `identity unlink`."""

from typing import Annotated

import typer

from gql_service.auth.policy import Policy
from gql_service.cli import runner
from gql_service.cli.output import AsJson, Json, print_result, printable, table_of, timestamp
from gql_service.cli.parameters import Username
from gql_service.domain.users import identities, provisioning
from gql_service.domain.users.identities import Identity
from gql_service.errors import NotFound
from gql_service.services.context import Services
from gql_service.store.connection import Connection

identity_app = typer.Typer(no_args_is_help=True, help="Link accounts of an OpenID Connect issuer.")
Issuer = Annotated[
    str, typer.Argument(metavar="ISSUER", help="The URL of the issuer, exactly as in the claim iss.")
]
Subject = Annotated[
    str, typer.Argument(metavar="SUBJECT", help="The id of the account at the issuer, the claim sub.")
]


@identity_app.command("link")
def identity_link(username: Username, issuer: Issuer, subject: Subject, as_json: AsJson = False) -> None:
    """Let an account authenticate a user."""

    async def link(transaction: Connection, now: int) -> list[Identity]:
        user = await runner.user_by_username(transaction, username)
        await provisioning.lock(transaction, user.user_id)
        access = Policy().user_for_operator(user.user_id)
        await identities.link(transaction, access, issuer, subject, now=now)
        return await identities.of_user(transaction, user.user_id)

    linked = runner.write(link)
    message = f"{printable(subject)} of {printable(issuer)} authenticates {printable(username)}."
    print_result(message, {"identities": [_identity_json(each) for each in linked]}, as_json=as_json)


@identity_app.command("unlink")
def identity_unlink(username: Username, issuer: Issuer, subject: Subject, as_json: AsJson = False) -> None:
    """Stop an account from authenticating a user."""

    async def unlink(transaction: Connection, now: int) -> list[Identity]:
        user = await runner.user_by_username(transaction, username)
        await provisioning.lock(transaction, user.user_id)
        access = Policy().user_for_operator(user.user_id)
        if not await identities.unlink(transaction, access, issuer, subject, now=now):
            raise NotFound("The user has no such identity; `identity list` shows those they have.")
        return await identities.of_user(transaction, user.user_id)

    linked = runner.write(unlink)
    message = f"{printable(subject)} of {printable(issuer)} does not authenticate {printable(username)} now."
    print_result(message, {"identities": [_identity_json(each) for each in linked]}, as_json=as_json)


@identity_app.command("list")
def identity_list(username: Username, as_json: AsJson = False) -> None:
    """List the accounts that authenticate a user."""

    async def read(services: Services) -> list[Identity]:
        async with services.database.read() as connection:
            user = await runner.user_by_username(connection, username)
            return await identities.of_user(connection, user.user_id)

    linked = runner.run_on_migrated(read)
    headings = {"issuer": "issuer", "subject": "subject", "linkedAt": "linked"}
    with table_of(headings, as_json=as_json) as add_row:
        for identity in linked:
            add_row(_identity_json(identity))


def _identity_json(identity: Identity) -> Json:
    return {
        "issuer": identity.issuer,
        "subject": identity.subject,
        "linkedAt": timestamp(identity.linked_at),
    }
