"""Users as they are written: created, and changed by themselves, by admins, or by the operator."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_nothing

from gql_service import strict_json
from gql_service.auth.access import UserAccess
from gql_service.auth.principal import tenant_ids_of
from gql_service.domain.tenants import tenant_exists
from gql_service.domain.users import access_tokens, profiles
from gql_service.domain.users.profiles import OptInDecision
from gql_service.domain.users.rows import User, by_ids
from gql_service.domain.values.refusals import reject_value
from gql_service.errors import MalformedData, NotFound, Problem, Rejected, RevisionConflict
from gql_service.quoting import quoted, shortened
from gql_service.store.connection import Connection, rows_as
from gql_service.store.statement import Statement
from gql_service.store.tables import memberships, users

USERNAME = re.compile(r"[\w.@+-]{1,150}")
_EMAIL = re.compile(r"[^\s@\0]{1,64}@[^\s@\0]{1,255}")
_PERMISSION = re.compile(r"[A-Za-z0-9_-]{1,64}::[^\s:\0]{1,128}")
USER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAX_PERMISSIONS = 1000

_INSERT = Statement(
    insert_or_nothing(users)
    .values({column.name: bindparam(column.name) for column in users.c})
    .on_conflict_do_nothing()
    .returning(users.c.id)
)
_LOCK = Statement(select(users).where(users.c.id == bindparam("id")).with_for_update())
_UPDATE = Statement(
    update(users)
    .where(users.c.id == bindparam("of_user"))
    .values({column.name: bindparam(column.name) for column in users.c if column.name != "id"})
)
_INSERT_MEMBERSHIP = Statement(insert(memberships))
_DELETE_MEMBERSHIPS = Statement(delete(memberships).where(memberships.c.user_id == bindparam("of_user")))

FLAGS = (
    "password_change_disabled",
    "project_creation_disabled",
    "profile_field_change_disabled",
    "messaging_disabled",
)
OWN = frozenset(
    {
        "language",
        "profile_fields",
        "recent_projects",
        "last_seen_release_version",
        "opt_in_decisions",
        "personal_agent_permissions",
    }
)
"""What users change themselves. All else only admins change."""

NULLABLE = frozenset({"language", "last_seen_release_version", "image"})

Changes = Mapping[str, Any]
"""What is to change, by the names of the columns; what is not named stays as it is."""


async def create(
    transaction: Connection,
    access: UserAccess,
    *,
    username: str,
    tenant_id: str,
    email: str,
    now: int,
    id: str | None = None,
    **more: Any,
) -> User:
    """Add a user, with `more` as `change` takes it. Raises Rejected."""
    access.verify()
    if not USERNAME.fullmatch(username):
        reject_value("username", "A username is 1 to 150 letters, digits and the characters . @ + - _")
    if id is not None and not USER_ID.fullmatch(id):
        reject_value("user_id", "An id is 1 to 64 letters, digits, hyphens and underscores.")
    user = blank_user(id or str(uuid4()), tenant_id, username, _check_email(email), now)
    _check_authority(access, user, more)
    user = apply_changes(user, more)
    for tenant in sorted(user.tenant_ids):
        await _require_tenant(transaction, tenant, "tenant_id" if tenant == tenant_id else "permissions")
    await insert_user(transaction, user)
    return user


def blank_user(id: str, tenant_id: str, username: str, email: str, now: int) -> User:
    return User(
        user_id=id,
        tenant_id=tenant_id,
        username=username,
        email=email,
        image=None,
        stored_profile_fields="{}",
        stored_permissions="[]",
        is_platform_owner=False,
        revision=1,
        created_at=now,
        updated_at=now,
        email_verified=False,
        language=None,
        password_change_disabled=False,
        project_creation_disabled=False,
        profile_field_change_disabled=False,
        messaging_disabled=False,
        stored_recent_projects="{}",
        last_seen_release_version=None,
        stored_personal_agent_permissions="{}",
        stored_opt_in_decisions="[]",
    )


async def insert_user(transaction: Connection, user: User) -> None:
    """Store a user whose values are known to be good. Raises Rejected where the id or username is taken."""
    if not await transaction.fetch(_INSERT, **dict(zip(users.c.keys(), user, strict=True))):
        if (await by_ids(transaction, [user.user_id]))[0]:
            message = f"A user with the id {user.user_id} exists; choose another id."
            raise Rejected(Problem.TAKEN, message, ("user_id",))
        message = f"The username {user.username} is taken; choose another."
        raise Rejected(Problem.TAKEN, message, ("username",))
    await _store_memberships(transaction, user)


async def locked(transaction: Connection, user_id: str) -> User:
    """A user whom nobody changes until the transaction ends. Raises NotFound."""
    rows = rows_as(User, await transaction.fetch(_LOCK, id=user_id))
    if not rows:
        raise NotFound("User not found")
    return rows[0]


async def change(
    transaction: Connection,
    access: UserAccess,
    changes: Changes,
    *,
    expected_revision: int | None = None,
    now: int,
) -> User:
    """Change a user. Raises Rejected, RevisionConflict or NotFound; then nothing has changed."""
    access.verify()
    current = await locked(transaction, access.user_id)
    if expected_revision is not None and expected_revision != current.revision:
        raise RevisionConflict(current.revision, what="user")
    _check_authority(access, current, changes)
    changed = apply_changes(current, changes)
    if changed == current:
        return current
    changed = changed._replace(revision=current.revision + 1, updated_at=now)
    for tenant in sorted(changed.tenant_ids - current.tenant_ids):
        await _require_tenant(transaction, tenant, "permissions")
    values = dict(zip(users.c.keys(), changed, strict=True))
    await transaction.execute(_UPDATE, of_user=values.pop("id"), **values)
    if _has_risen(current, changed):
        await access_tokens.revoke_made_by_others(transaction, changed.user_id, now)
    if changed.tenant_ids != current.tenant_ids:
        await transaction.execute(_DELETE_MEMBERSHIPS, of_user=changed.user_id)
        await _store_memberships(transaction, changed)
    return changed


def apply_changes(user: User, changes: Changes) -> User:
    """The user with the changes. Raises Rejected."""
    values: dict[str, Any] = {}
    for name, given in changes.items():
        match name:
            case "language":
                values[name] = profiles.check_language(given)
            case "last_seen_release_version":
                values[name] = profiles.check_version(given)
            case "email":
                values[name] = _check_email(given)
                if given != user.email and "email_verified" not in changes:
                    values["email_verified"] = False  # it was said of the old address
            case "image":
                values[name] = _check_image(given)
            case "permissions":
                values["stored_permissions"] = strict_json.dumps(_check_permissions(given))
            case "profile_fields":
                current = profiles.read_map(user.stored_profile_fields, "profileFields", user.user_id)
                values["stored_profile_fields"] = strict_json.dumps(
                    profiles.merge_profile_fields(current, given)
                )
            case "recent_projects":
                current = profiles.read_map(user.stored_recent_projects, "recentProjects", user.user_id)
                values["stored_recent_projects"] = strict_json.dumps(
                    profiles.merge_recent_projects(current, given)
                )
            case "personal_agent_permissions":
                stored = user.stored_personal_agent_permissions
                current = profiles.read_map(stored, "personalAgentPermissions", user.user_id)
                values["stored_personal_agent_permissions"] = strict_json.dumps(
                    profiles.merge_agent_permissions(current, given)
                )
            case "opt_in_decisions":
                values["stored_opt_in_decisions"] = _dump_decisions(
                    profiles.merge_decisions(user.opt_in_decisions, given)
                )
            case "email_verified" | "is_platform_owner":
                values[name] = given
            case _ if name in FLAGS:
                values[name] = given
            case _:
                raise KeyError(name)
    return user._replace(**values)


def _has_risen(before: User, after: User) -> bool:
    if after.is_platform_owner and not before.is_platform_owner:
        return True
    if after.stored_permissions == before.stored_permissions:
        return False
    try:
        return not set(after.permissions) <= set(before.permissions)
    except MalformedData:
        return True


def _check_authority(access: UserAccess, user: User, changes: Changes) -> None:
    """Who may change what: users their own things, admins all but what would raise somebody above them."""
    if not access.is_admin:
        for name in changes.keys() - OWN:
            raise Rejected(Problem.NOT_ALLOWED, "Only an admin may change this.", (name,))
        if "profile_fields" in changes and user.profile_field_change_disabled:
            message = "Changing your profile fields is disabled; ask an admin."
            raise Rejected(Problem.NOT_ALLOWED, message, ("profile_fields",))
    for name, given in changes.items():
        if given is None and name not in NULLABLE:
            reject_value(name, "This must not be null; leave it out to keep it as it is.")
    if "is_platform_owner" in changes and not access.is_owner:
        message = "Only a platform owner may make or unmake platform owners."
        raise Rejected(Problem.NOT_ALLOWED, message, ("is_platform_owner",))
    others = sorted(changes.keys() - {"permissions"})  # each of those is judged by its tenant
    if others and not access.covers(user):
        message = "This user has rights that you do not administer; ask somebody who administers them all."
        raise Rejected(Problem.NOT_ALLOWED, message, (others[0],))
    if "permissions" in changes and not access.is_owner:
        for permission in sorted(set(user.permissions) ^ set(changes["permissions"])):
            tenant, _, _ = permission.partition("::")
            if tenant not in access.administered:
                message = f"You may grant or take {quoted(permission)} only as an admin of that tenant."
                raise Rejected(Problem.NOT_ALLOWED, message, ("permissions",))


def _dump_decisions(decisions: Sequence[OptInDecision]) -> str:
    return strict_json.dumps([decision._asdict() for decision in decisions])


async def _store_memberships(transaction: Connection, user: User) -> None:
    belongs_to = sorted(tenant_ids_of(user.tenant_id, user.permissions))
    rows = [{"user_id": user.user_id, "tenant_id": tenant} for tenant in belongs_to]
    await transaction.execute_many(_INSERT_MEMBERSHIP, rows)


async def _require_tenant(transaction: Connection, tenant_id: str, field: str) -> None:
    if not await tenant_exists(transaction, tenant_id):
        message = f"There is no tenant {shortened(tenant_id)}; create it first."
        raise Rejected(Problem.UNKNOWN_TENANT, message, (field,))


def _check_email(email: str) -> str:
    if not _EMAIL.fullmatch(email):
        reject_value("email", f"{quoted(email)} is not an email address.")
    return email


def _check_image(image: str | None) -> str | None:
    if image is not None and not re.fullmatch(r"https?://[^\s\0]{1,2000}", image):
        reject_value("image", "An image is an address that begins with http:// or https://.")
    return image


def _check_permissions(permissions: Sequence[str]) -> list[str]:
    for permission in permissions:
        if not _PERMISSION.fullmatch(permission):
            reject_value(
                "permissions", f"A permission looks like TENANT_ID::PERMISSION, unlike {quoted(permission)}."
            )
    if len(permissions) > _MAX_PERMISSIONS:
        reject_value("permissions", f"A user has at most {_MAX_PERMISSIONS} permissions.")
    return list(dict.fromkeys(permissions))
