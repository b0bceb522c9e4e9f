"""The users: who they are, which tenants they belong to, and how a platform lists them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import uuid4

import orjson
from sqlalchemy import ColumnElement, Row, Select, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gql_service import strict_json
from gql_service.auth.principal import member_of
from gql_service.domain.pages import Page, PageRequest, fetch_page
from gql_service.domain.tenants import require_tenant
from gql_service.errors import BadUserInput
from gql_service.store.tables import memberships, users

_USERNAME = re.compile(r"[\w.@+-]{1,150}")
_PERMISSION = re.compile(r"[A-Za-z0-9_-]{1,64}::[^\s:]{1,128}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class User(NamedTuple):
    """A row of `users`."""

    id: str
    tenant_id: str
    username: str
    email: str
    image: str | None
    profile_fields: Mapping[str, Any]
    permissions: tuple[str, ...]
    is_platform_owner: bool
    revision: int
    created_at: int
    updated_at: int

    @property
    def tenant_ids(self) -> frozenset[str]:
        """Every tenant the user belongs to."""
        return member_of(self.tenant_id, self.permissions)

    @property
    def display_name(self) -> str:
        """What to call the user: first and last name of the profile, or the username."""
        names = (self.profile_fields.get(field) for field in ("firstName", "lastName"))
        given = [name["value"] for name in names if isinstance(name, Mapping) and name.get("value")]
        return " ".join(map(str, given)) or self.username


def from_row(row: Row[Any]) -> User:
    """Read the JSON columns of a row of `users`."""
    user = User._make(row)
    return user._replace(
        profile_fields=orjson.loads(row.profile_fields), permissions=tuple(orjson.loads(row.permissions))
    )


async def by_ids(connection: AsyncConnection, ids: Sequence[str]) -> list[User | None]:
    """One user per id."""
    rows = await connection.execute(select(users).where(users.c.id.in_(ids)))
    found = {row[0]: from_row(row) for row in rows}
    return [found.get(id) for id in ids]


async def by_usernames(connection: AsyncConnection, usernames: Sequence[str]) -> list[User | None]:
    """One user per username."""
    rows = await connection.execute(select(users).where(users.c.username.in_(usernames)))
    found = {row.username: from_row(row) for row in rows}
    return [found.get(username) for username in usernames]


async def page_of_tenant(
    connection: AsyncConnection, tenant_id: str, request: PageRequest, username_prefix: str | None = None
) -> Page[User]:
    """A page of the members of a tenant, in the order of their ids."""
    statement = _members(select(users), tenant_id, username_prefix)
    page = await fetch_page(connection, statement, users.c.id, request)
    return Page([from_row(row) for row in page.items], page.has_previous, page.has_next)


async def count_of_tenant(
    connection: AsyncConnection, tenant_id: str, username_prefix: str | None = None
) -> int:
    """How many members a tenant has."""
    statement = _members(select(func.count()).select_from(users), tenant_id, username_prefix)
    return int((await connection.execute(statement)).scalar_one())


def _members(statement: Select[Any], tenant_id: str, username_prefix: str | None) -> Select[Any]:
    statement = statement.join(memberships, memberships.c.user_id == users.c.id).where(
        memberships.c.tenant_id == tenant_id
    )
    return statement.where(_starts_with(username_prefix)) if username_prefix else statement


def _starts_with(prefix: str) -> ColumnElement[bool]:
    """Exact case on both databases, unlike LIKE, whose case rules differ between them."""
    return func.substr(users.c.username, 1, len(prefix)) == prefix


async def create(
    transaction: AsyncConnection,
    *,
    username: str,
    tenant_id: str,
    email: str,
    now: int,
    id: str | None = None,
    permissions: Sequence[str] = (),
    is_platform_owner: bool = False,
    profile_fields: Mapping[str, Any] | None = None,
    image: str | None = None,
) -> User:
    """Add a user. Raises BadUserInput when a value is malformed or taken, or a tenant unknown."""
    _check_new_user(username, email, id, permissions)
    belongs_to = member_of(tenant_id, permissions)
    for tenant in sorted(belongs_to):
        await require_tenant(transaction, tenant)
    if (await by_usernames(transaction, [username]))[0]:
        raise BadUserInput(f"The username {username} is taken; choose another.")
    if id is not None and (await by_ids(transaction, [id]))[0]:
        raise BadUserInput(f"A user with the id {id} exists; choose another id.")
    user = User(
        id=id or str(uuid4()),
        tenant_id=tenant_id,
        username=username,
        email=email,
        image=image,
        profile_fields=profile_fields or {},
        permissions=tuple(dict.fromkeys(permissions)),
        is_platform_owner=is_platform_owner,
        revision=1,
        created_at=now,
        updated_at=now,
    )
    stored = user._asdict() | {
        "profile_fields": strict_json.dumps(user.profile_fields),
        "permissions": strict_json.dumps(user.permissions),
    }
    await transaction.execute(insert(users).values(stored))
    await transaction.execute(
        insert(memberships), [{"user_id": user.id, "tenant_id": tenant} for tenant in sorted(belongs_to)]
    )
    return user


def _check_new_user(username: str, email: str, id: str | None, permissions: Sequence[str]) -> None:
    if not _USERNAME.fullmatch(username):
        raise BadUserInput("A username is 1 to 150 letters, digits and the characters . @ + - _")
    if not re.fullmatch(r"[^\s@\0]+@[^\s@\0]+", email):
        raise BadUserInput(f"{email!r} is not an email address.")
    if id is not None and not _ID.fullmatch(id):
        raise BadUserInput("An id is 1 to 64 letters, digits, hyphens and underscores.")
    for permission in permissions:
        if not _PERMISSION.fullmatch(permission):
            raise BadUserInput(f"A permission looks like TENANT_ID::PERMISSION, unlike {permission!r}.")
