"""The command `user update`, which changes any field of a user."""

from typing import Annotated, Any

import typer

from gql_service.auth.policy import Policy
from gql_service.cli import runner
from gql_service.cli.output import AsJson, print_result
from gql_service.cli.parameters import Username
from gql_service.cli.user_options import FieldOptions, update_options
from gql_service.domain.users import provisioning
from gql_service.domain.users import rows as users
from gql_service.errors import BadUserInput, RevisionConflict
from gql_service.store.connection import Connection, LostRace

_REVISION = typer.Option(help="Change the user only if they are at this revision.", metavar="NUMBER")


@update_options
def user_update(
    username: Username,
    *,
    options: FieldOptions,
    expected_revision: Annotated[int | None, _REVISION] = None,
    as_json: AsJson = False,
) -> None:
    """Change fields of a user.

    Fields without an option keep their values.
    """

    async def update(transaction: Connection, now: int) -> tuple[users.User, users.User]:
        user = await runner.user_by_username(transaction, username)
        changes = options.changes(user.permissions, now)
        if not changes:
            raise BadUserInput("Nothing to change: add an option. `user update --help` lists them.")
        return user, await _change(transaction, user, changes, expected_revision, now)

    before, after = runner.write(update)
    changed = after.revision != before.revision
    outcome = "is now" if changed else "did not change and is still"
    print_result(
        f"The user {username} {outcome} at revision {after.revision}.",
        {"userId": after.user_id, "username": username, "revision": after.revision, "changed": changed},
        as_json=as_json,
    )


async def _change(
    transaction: Connection, user: users.User, changes: dict[str, Any], expected: int | None, now: int
) -> users.User:
    """Change a user who is still as they were read, because the permissions to store depend on it."""
    access = Policy().user_for_operator(user.user_id)
    revision = user.revision if expected is None else expected
    try:
        return await provisioning.change(transaction, access, changes, expected_revision=revision, now=now)
    except RevisionConflict as conflict:
        if expected is None:
            raise LostRace from conflict
        raise
