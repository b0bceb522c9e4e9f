"""Creating and changing users: by themselves, by admins, or by the operator."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn
from uuid import uuid4

from sqlalchemy import bindparam, insert, select, update

from gql_service.auth.access import UserAccess
from gql_service.domain.tenants import tenant_exists, tenant_lock
from gql_service.domain.tombstones import Grave, is_buried
from gql_service.domain.users import changes as changes_of_users
from gql_service.domain.users import security_events
from gql_service.domain.users.fields import REQUIRED, USER_FIELDS, Editor
from gql_service.domain.users.rows import (
    COLUMNS,
    User,
    by_emails,
    by_ids,
    by_usernames,
    column_values,
    insert_derived,
    replace_derived,
)
from gql_service.errors import NotFound, Problem, Rejected, RevisionConflict
from gql_service.names import fold, is_single_script
from gql_service.observability.security_log import EventKind, SecurityEvent
from gql_service.quoting import quoted, shortened
from gql_service.store.connection import Connection, Duplicate, LostRace, rows_as
from gql_service.store.statement import Statement
from gql_service.store.tables import users
from gql_service.store.upsert import DoNothing

USERNAME = re.compile(r"[\w.@+-]{1,150}")
USER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

_INSERT = Statement(
    insert(users)
    .values({column.name: bindparam(column.name) for column in users.c})
    .ext(DoNothing())
    .returning(users.c.id)
)
_LOCK = Statement(select(*COLUMNS).where(users.c.id == bindparam("id")).with_for_update())
_UPDATE = Statement(
    update(users)
    .where(users.c.id == bindparam("of_user"))
    .values({column.name: bindparam(column.name) for column in users.c if column.name != "id"})
)

Changes = Mapping[str, Any]
"""New values by the columns of `USER_FIELDS`; other fields keep theirs. Fields with `merge` take changes."""


async def create(
    transaction: Connection,
    access: UserAccess,
    *,
    username: str,
    tenant_id: str,
    now: int,
    id: str | None = None,
    **fields: Any,
) -> User:
    """Add a user. `fields` are as `Changes`, and must include those that are required. Raises Rejected."""
    access.verify()
    _check_username(username, "username")
    if id is not None and not USER_ID.fullmatch(id):
        _refuse("user_id", "An id is 1 to 64 letters, digits, hyphens and underscores.")
    blank = blank_user(id or str(uuid4()), tenant_id, username, now)
    _check_authority(access, blank, fields)
    user = complete_user(blank, fields)
    await transaction.lock(map(tenant_lock, user.tenant_ids), exclusive=False)
    for tenant in sorted(user.tenant_ids):
        await _require_tenant(transaction, tenant, "tenant_id" if tenant == tenant_id else "permissions")
    await _reserve_names(transaction, [username] if id is None else [username, id])
    if id is not None:
        await _require_unused_id(transaction, id)
    await _require_free_name(transaction, user.user_id, username, "username")
    await insert_user(transaction, user)
    transaction.security_events += security_events.of_creation(user)
    await changes_of_users.record_new(transaction, [user], access.author, now)
    return user


def blank_user(id: str, tenant_id: str, username: str, now: int) -> User:
    """A new user whose fields have their defaults; those that are required are empty texts."""
    defaults: dict[str, Any] = {
        field.attribute: "" if field.default is REQUIRED else field.encode(field.default)
        for field in USER_FIELDS.values()
    }
    return User(
        user_id=id,
        tenant_id=tenant_id,
        username=username,
        revision=1,
        created_at=now,
        updated_at=now,
        **defaults,
    )


def complete_user(blank: User, fields: Changes) -> User:
    """A blank user with these fields. Raises Rejected, or TypeError if a required field is missing."""
    missing = [
        name for name, field in USER_FIELDS.items() if field.default is REQUIRED and name not in fields
    ]
    if missing:
        raise TypeError(f"a new user needs {', '.join(missing)}")
    return apply_changes(blank, fields)


async def insert_user(transaction: Connection, user: User) -> None:
    """Store a user whose values were checked. Raises Rejected if the id, the name or the address is taken."""
    if not await transaction.fetch(_INSERT, **column_values(user)):
        if (await by_ids(transaction, [user.user_id]))[0]:
            message = f"A user with the id {user.user_id} exists; choose another id."
            raise Rejected(Problem.TAKEN, message, ("user_id",))
        await _require_free_address(transaction, user)
        raise _taken_name(user.username, "username")
    await insert_derived(transaction, [user])


async def lock(transaction: Connection, user_id: str) -> User:
    """Read a user, and keep others from changing them until the transaction ends. Raises NotFound."""
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
    """Change a user; changes without effect do not count as a revision.

    Raises Rejected, RevisionConflict or NotFound. Then nothing has changed.
    """
    access.verify()
    current = await lock(transaction, access.user_id)
    if expected_revision is not None and expected_revision != current.revision:
        raise RevisionConflict(current.revision, what="user")
    if access.is_guest:
        changes = {"permissions": _without_own(access, current, changes["permissions"] or [])}
    else:
        _check_authority(access, current, changes)
    changed = apply_changes(current, changes)
    if changed == current:
        return current
    changed = changed._replace(revision=current.revision + 1, updated_at=now)
    gained = changed.tenant_ids - current.tenant_ids
    await transaction.lock(map(tenant_lock, gained), exclusive=False)
    for tenant in sorted(gained):
        await _require_tenant(transaction, tenant, "permissions")
    if fold(changed.email) != fold(current.email):
        await _require_free_address(transaction, changed)
    await _store(transaction, current, changed)
    transaction.security_events += security_events.of_change(current, changed)
    await _record(transaction, access, current, changed, now)
    return changed


async def rename(
    transaction: Connection,
    access: UserAccess,
    username: str,
    *,
    expected_revision: int | None = None,
    now: int,
) -> User:
    """Give a user another name; the name that they have does not count as a revision.

    Raises Rejected, RevisionConflict or NotFound. Then nothing has changed.
    """
    access.verify()
    _check_username(username, "new_username")
    await _reserve_names(transaction, [username])
    current = await lock(transaction, access.user_id)
    if expected_revision is not None and expected_revision != current.revision:
        raise RevisionConflict(current.revision, what="user")
    if not (access.is_admin and access.covers(current)):
        message = "This user has rights that you do not administer; ask somebody who administers them all."
        raise Rejected(Problem.NOT_ALLOWED, message, ("username",))
    if username == current.username:
        return current
    await _require_free_name(transaction, current.user_id, username, "new_username")
    renamed = current._replace(username=username, revision=current.revision + 1, updated_at=now)
    await _store(transaction, current, renamed)
    transaction.security_events.append(SecurityEvent(EventKind.USER_RENAMED, renamed.user_id))
    await _record(transaction, access, current, renamed, now)
    return renamed


async def _record(transaction: Connection, access: UserAccess, before: User, after: User, now: int) -> None:
    recorded = changes_of_users.of_change(before, after)
    await changes_of_users.record(transaction, after.user_id, access.author, now, recorded)


async def _store(transaction: Connection, before: User, after: User) -> None:
    """Store a changed user. Raises LostRace if another transaction has just taken the name or address."""
    values = column_values(after)
    try:
        await transaction.execute(_UPDATE, of_user=values.pop("id"), **values)
    except Duplicate as duplicate:
        raise LostRace from duplicate
    await replace_derived(transaction, before, after)


def _check_username(username: str, field: str) -> None:
    if not USERNAME.fullmatch(username):
        _refuse(field, "A username is 1 to 150 letters, digits and the characters . @ + - _")
    if not is_single_script(username):
        message = (
            f"The letters of {quoted(username)} are of several scripts, some of which look the same; use one."
        )
        _refuse(field, message)


async def _reserve_names(transaction: Connection, names: Sequence[str]) -> None:
    """Keep other transactions from giving these names and ids to users: one checks names, another one ids."""
    await transaction.lock({f"user:{fold(name)}" for name in names}, exclusive=True)


async def _require_unused_id(transaction: Connection, id: str) -> None:
    (namesake,) = await by_usernames(transaction, [id])
    if namesake is not None or await is_buried(transaction, Grave.USER_ID, id):
        why = "another user has this name" if namesake else "it belonged to a user who was deleted"
        raise Rejected(
            Problem.TAKEN, f"The id {id} cannot be given out: {why}; choose another id.", ("user_id",)
        )


async def _require_free_name(transaction: Connection, user_id: str, username: str, field: str) -> None:
    (holder,) = await by_usernames(transaction, [username])
    others = await by_ids(transaction, [username, fold(username)])
    if any(other is not None and other.user_id != user_id for other in (holder, *others)):
        raise _taken_name(username, field)


def _taken_name(username: str, field: str) -> Rejected:
    message = f"The username {username} is taken, perhaps in another spelling or as an id; choose another."
    return Rejected(Problem.TAKEN, message, (field,))


async def _require_free_address(transaction: Connection, user: User) -> None:
    (holder,) = await by_emails(transaction, user.tenant_id, [user.email])
    if holder is not None and holder.user_id != user.user_id:
        message = "Another user of the tenant has this email address; upper and lower case do not differ."
        raise Rejected(Problem.TAKEN, message, ("email",))


def apply_changes(user: User, changes: Changes) -> User:
    """The user with the changes. Raises Rejected, or MalformedData where a stored value cannot be merged."""
    values = {USER_FIELDS[name].attribute: USER_FIELDS[name].changed(user, changes[name]) for name in changes}
    if values.get("email", user.email) != user.email and "email_verified" not in changes:
        values["email_verified"] = False  # the old address was verified, not the new one
    return user._replace(**values)


def _check_authority(access: UserAccess, user: User, changes: Changes) -> None:
    """Refuse changes that the caller may not make, and nulls where there must be a value. Raises Rejected.

    Users change what is their own. Admins change everything, but only of users all of whose rights they
    administer: otherwise, they could take over an account with more rights than their own.
    """
    if not access.is_admin:
        for name in changes:
            if USER_FIELDS[name].editor is not Editor.USER:
                raise Rejected(Problem.NOT_ALLOWED, "Only an admin may change this.", (name,))
        if "profile_fields" in changes and user.profile_field_change_disabled:
            message = "Changing your profile fields is disabled; ask an admin."
            raise Rejected(Problem.NOT_ALLOWED, message, ("profile_fields",))
    for name, value in changes.items():
        if value is None and not USER_FIELDS[name].nullable:
            _refuse(name, "This must not be null; leave it out to keep the current value.")
    for name in changes:
        if USER_FIELDS[name].editor is Editor.PLATFORM_OWNER and not access.is_owner:
            raise Rejected(Problem.NOT_ALLOWED, "Only a platform owner may change this.", (name,))
    others = sorted(changes.keys() - {"permissions"})  # each permission is checked by its own tenant below
    if others and not access.covers(user):
        message = "This user has rights that you do not administer; ask somebody who administers them all."
        raise Rejected(Problem.NOT_ALLOWED, message, (others[0],))
    if "permissions" in changes and not access.is_owner:
        for permission in sorted(set(user.permissions) ^ set(changes["permissions"])):
            tenant, _, _ = permission.partition("::")
            if tenant not in access.administered:
                message = f"You may grant or remove {quoted(permission)} only as an admin of that tenant."
                raise Rejected(Problem.NOT_ALLOWED, message, ("permissions",))


def _without_own(access: UserAccess, guest: User, permissions: Sequence[str]) -> list[str]:
    """The permissions of a guest after an admin has left them these. Those of other tenants stay, and the
    result does not depend on them. Raises Rejected for a permission of the admin's tenant that is new.
    """

    def is_own(permission: str) -> bool:
        return permission.partition("::")[0] in access.administered

    for permission in permissions:
        if is_own(permission) and permission not in guest.permissions:
            message = f"You may not grant {quoted(permission)} to users of other tenants, only take it."
            raise Rejected(Problem.NOT_ALLOWED, message, ("permissions",))
    return [each for each in guest.permissions if not is_own(each) or each in permissions]


async def _require_tenant(transaction: Connection, tenant_id: str, field: str) -> None:
    if not await tenant_exists(transaction, tenant_id):
        message = f"There is no tenant {shortened(tenant_id)}; create it first."
        raise Rejected(Problem.UNKNOWN_TENANT, message, (field,))


def _refuse(field: str, message: str) -> NoReturn:
    raise Rejected(Problem.INVALID_VALUE, message, (field,))
