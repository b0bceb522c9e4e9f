"""The command `user update`, with an option for every field."""

from typing import Annotated, Any

import typer

from gql_service.auth.policy import Policy
from gql_service.cli import runner
from gql_service.cli import user_options as changes
from gql_service.cli.output import AsJson, print_result
from gql_service.cli.parameters import Username
from gql_service.domain.users import provisioning
from gql_service.domain.users import rows as users
from gql_service.errors import BadUserInput, RevisionConflict
from gql_service.store.connection import Connection, LostRace


def _option(help: str, metavar: str | None = None) -> Any:
    return typer.Option(help=help, metavar=metavar)


Text = str | None
Texts = list[str] | None
Flag = bool | None
_LANGUAGE = _option("A language code of ISO 639-1; '' to remove it.", "CODE")
_EMAIL = _option("The canonical email address; unverified unless --email-verified.", "ADDRESS")
_EMAIL_VERIFIED = _option("Whether the email address is verified.")
_IMAGE = _option("The URL of the profile image; '' to remove it.", "URL")
_GRANT = _option("TENANT_ID::PERMISSION to grant; may be repeated.", "PERMISSION")
_TAKE = _option("TENANT_ID::PERMISSION to remove; may be repeated.", "PERMISSION")
_NO_PASSWORD_CHANGE = _option("Whether the user is prevented from changing their password.")
_NO_PROJECT_CREATION = _option("Whether the user is prevented from creating projects.")
_NO_PROFILE_CHANGE = _option("Whether the user is prevented from changing their profile.")
_NO_MESSAGING = _option("Whether the user is prevented from creating messages.")
_PLATFORM_OWNER = _option("Whether the user is an admin of all tenants.")
_FIELD = _option(
    "NAME=VALUE, NAME=VALUE:private or NAME=VALUE:tenant; may be repeated. The field email has only a "
    "visibility: email=:tenant.",
    "FIELD",
)
_FIELDS = _option(
    'Profile fields to set, as JSON: {"NAME": {"value": "TEXT", "visibility": "private"}}; null removes one.',
    "JSON",
)
_PROJECTS = _option(
    'When projects were last opened, as JSON: {"ID": MILLISECONDS}; null removes one.', "JSON"
)
_AGENT = _option(
    'What the agent of the user may do, as JSON: {"PROJECT": {"TYPE": {"read": true, "write": false}}}; '
    "null removes a project.",
    "JSON",
)
_OPT_IN = _option("NAME=true or NAME=false, decided now; may be repeated.", "DECISION")
_RELEASE = _option("The last release whose notes the user has seen; '' to remove it.", "VERSION")
_REVISION = _option("Change the user only if they are at this revision.", "NUMBER")


def user_update(
    username: Username,
    language: Annotated[Text, _LANGUAGE] = None,
    email: Annotated[Text, _EMAIL] = None,
    email_verified: Annotated[Flag, _EMAIL_VERIFIED] = None,
    image: Annotated[Text, _IMAGE] = None,
    permission: Annotated[Texts, _GRANT] = None,
    remove_permission: Annotated[Texts, _TAKE] = None,
    password_change_disabled: Annotated[Flag, _NO_PASSWORD_CHANGE] = None,
    project_creation_disabled: Annotated[Flag, _NO_PROJECT_CREATION] = None,
    profile_field_change_disabled: Annotated[Flag, _NO_PROFILE_CHANGE] = None,
    messaging_disabled: Annotated[Flag, _NO_MESSAGING] = None,
    platform_owner: Annotated[Flag, _PLATFORM_OWNER] = None,
    profile_field: Annotated[Texts, _FIELD] = None,
    profile_fields: Annotated[Text, _FIELDS] = None,
    recent_projects: Annotated[Text, _PROJECTS] = None,
    agent_permissions: Annotated[Text, _AGENT] = None,
    opt_in: Annotated[Texts, _OPT_IN] = None,
    release_version: Annotated[Text, _RELEASE] = None,
    expected_revision: Annotated[int | None, _REVISION] = None,
    as_json: AsJson = False,
) -> None:
    """Change fields of a user.

    Fields without an option keep their values.
    """
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
        user = await runner.user_by_username(transaction, username)
        asked = changes.given(given)
        if permission or remove_permission:
            asked["permissions"] = changes.permissions(user.permissions, permission, remove_permission)
        if opt_in:
            asked["opt_in_decisions"] = changes.decisions(opt_in, now)
        if not asked:
            raise BadUserInput("Nothing to change: add an option. `user update --help` lists them.")
        return user, await _change(transaction, user, asked, expected_revision, now)

    before, after = runner.write(change)
    changed = after.revision != before.revision
    outcome = "is now" if changed else "did not change and is still"
    print_result(
        f"The user {username} {outcome} at revision {after.revision}.",
        {"userId": after.user_id, "username": username, "revision": after.revision, "changed": changed},
        as_json=as_json,
    )


async def _change(
    transaction: Connection, user: users.User, asked: dict[str, Any], expected: int | None, now: int
) -> users.User:
    """Change a user who has not changed since they were read: permissions are added to those they had."""
    access = Policy().user_for_operator(user.user_id)
    revision = user.revision if expected is None else expected
    try:
        return await provisioning.change(transaction, access, asked, expected_revision=revision, now=now)
    except RevisionConflict as conflict:
        if expected is None:
            raise LostRace from conflict
        raise
