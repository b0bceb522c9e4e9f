"""The command that changes users: an option for every field."""

from typing import Annotated, Any

import typer

from gql_service.auth.policy import Policy
from gql_service.cli import runner as running
from gql_service.cli import user_options as changes
from gql_service.domain.users import provisioning
from gql_service.domain.users import rows as users
from gql_service.errors import BadUserInput, RevisionConflict
from gql_service.store.connection import Connection, LostRace


def _option(help: str) -> Any:
    return typer.Option(help=help)


Text = str | None
Texts = list[str] | None
Flag = bool | None
_GRANT = _option("TENANT_ID::PERMISSION to grant; may be repeated.")
_TAKE = _option("TENANT_ID::PERMISSION to take; may be repeated.")
_FIELD = _option(
    "NAME=VALUE, NAME=VALUE:private or NAME=VALUE:tenant; may be repeated. `email` has only a visibility: "
    "email=:tenant."
)
_FIELDS = _option('Fields to set, as JSON: {"NAME": {"value": …, "visibility": …}}; null removes one.')
_PROJECTS = _option('Projects to set, as JSON: {"ID": milliseconds}; null removes one.')
_AGENT = _option(
    'Projects to set, as JSON: {"ID": {"TYPE": {"read": true, "write": false}}}; null removes one.'
)


def user_update(
    username: str,
    language: Annotated[Text, _option("A code of ISO 639-1; an empty text for none.")] = None,
    email: Annotated[Text, _option("The canonical email address, not verified unless said.")] = None,
    email_verified: Annotated[Flag, _option("Whether the address is known to be theirs.")] = None,
    image: Annotated[Text, _option("The address of the profile image; an empty text for none.")] = None,
    permission: Annotated[Texts, _GRANT] = None,
    remove_permission: Annotated[Texts, _TAKE] = None,
    password_change_disabled: Annotated[Flag, _option("They cannot change their password.")] = None,
    project_creation_disabled: Annotated[Flag, _option("They cannot create projects.")] = None,
    profile_field_change_disabled: Annotated[Flag, _option("They cannot change their profile.")] = None,
    messaging_disabled: Annotated[Flag, _option("They cannot create messages.")] = None,
    platform_owner: Annotated[Flag, _option("Admin everywhere.")] = None,
    profile_field: Annotated[Texts, _FIELD] = None,
    profile_fields: Annotated[Text, _FIELDS] = None,
    recent_projects: Annotated[Text, _PROJECTS] = None,
    agent_permissions: Annotated[Text, _AGENT] = None,
    opt_in: Annotated[Texts, _option("NAME=true or NAME=false, decided now; may be repeated.")] = None,
    release_version: Annotated[
        Text, _option("The last release whose notes they saw; empty for none.")
    ] = None,
    expected_revision: Annotated[int | None, _option("Write only if the user is at this revision.")] = None,
) -> None:
    """Change a user. What is not named stays as it is."""
    given = {
        "language": language,
        "email": email,
        "email_verified": email_verified,
        "image": image,
        "password_change_disabled": password_change_disabled,
        "project_creation_disabled": project_creation_disabled,
        "profile_field_change_disabled": profile_field_change_disabled,
        "messaging_disabled": messaging_disabled,
        "is_platform_owner": platform_owner,
        "last_seen_release_version": release_version,
        "profile_fields": changes.profile_fields(profile_fields, profile_field),
        "recent_projects": changes.json_object("--recent-projects", recent_projects),
        "personal_agent_permissions": changes.json_object("--agent-permissions", agent_permissions),
    }

    async def change(transaction: Connection, now: int) -> tuple[users.User, users.User]:
        user = await running.user_named(transaction, username)
        asked = changes.given(given)
        if permission or remove_permission:
            asked["permissions"] = changes.permissions(user.permissions, permission, remove_permission)
        if opt_in:
            asked["opt_in_decisions"] = changes.decisions(opt_in, now)
        if not asked:
            raise BadUserInput("Say what to change; `user update --help` lists it.")
        return user, await _change(transaction, user, asked, expected_revision, now)

    before, after = running.write(change)
    outcome = "is now" if after.revision != before.revision else "did not change, and is"
    typer.echo(f"The user {username} {outcome} at revision {after.revision}.")


async def _change(
    transaction: Connection, user: users.User, asked: dict[str, Any], expected: int | None, now: int
) -> users.User:
    """Change a user who is still as they were read: what is granted is added to what they had."""
    access = Policy().user_for_operator(user.user_id)
    revision = user.revision if expected is None else expected
    try:
        return await provisioning.change(transaction, access, asked, expected_revision=revision, now=now)
    except RevisionConflict as conflict:
        if expected is None:
            raise LostRace from conflict
        raise
