"""The users: who they are, which tenants they belong to, and how a platform lists them."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple
from uuid import uuid4

import orjson
from sqlalchemy import ColumnElement, Select, Text, bindparam, func, insert, select

from gql_service import strict_json
from gql_service.auth.principal import member_of
from gql_service.domain.pages import Page, PageRequest, keyset, page_of, page_parameters
from gql_service.domain.tenants import require_tenant
from gql_service.errors import BadUserInput
from gql_service.store.connection import Connection, Duplicate, rows_as
from gql_service.store.statement import Statement, among
from gql_service.store.tables import memberships, users

_USERNAME = re.compile(r"[\w.@+-]{1,150}")
_PERMISSION = re.compile(r"[A-Za-z0-9_-]{1,64}::[^\s:]{1,128}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class User(NamedTuple):
    """A row of `users`. What is stored as JSON is read when it is asked for, because few ask."""

    user_id: str
    tenant_id: str
    username: str
    email: str
    image: str | None
    stored_profile_fields: str
    stored_permissions: str
    stored_platform_owner: int
    revision: int
    created_at: int
    updated_at: int

    @property
    def permissions(self) -> list[str]:
        """What the user may do, each as `{TENANT_ID}::{PERMISSION}`."""
        found: list[str] = orjson.loads(self.stored_permissions)
        return found

    @property
    def is_platform_owner(self) -> bool:
        """Whether the user is admin everywhere."""
        return bool(self.stored_platform_owner)  # SQLite has no booleans

    @property
    def tenant_ids(self) -> frozenset[str]:
        """Every tenant the user belongs to."""
        return member_of(self.tenant_id, self.permissions)

    @property
    def display_name(self) -> str:
        """What to call the user: first and last name of the profile, or the username."""
        fields = orjson.loads(self.stored_profile_fields)
        names = [fields.get("firstName"), fields.get("lastName")]
        return " ".join([str(name["value"]) for name in names if name and name["value"]]) or self.username


_BY_IDS = Statement(select(users).where(among(users.c.id, "ids")))
_BY_USERNAMES = Statement(select(users).where(among(users.c.username, "usernames")))
_INSERT = Statement(insert(users))
_INSERT_MEMBERSHIP = Statement(insert(memberships))


async def by_ids(connection: Connection, ids: Sequence[str]) -> list[User | None]:
    """One user per id."""
    rows = rows_as(User, await connection.fetch(_BY_IDS, ids=set(ids)))
    found = {user.user_id: user for user in rows}
    return [found.get(id) for id in ids]


async def by_usernames(connection: Connection, usernames: Sequence[str]) -> list[User | None]:
    """One user per username."""
    rows = rows_as(User, await connection.fetch(_BY_USERNAMES, usernames=set(usernames)))
    found = {user.username: user for user in rows}
    return [found.get(username) for username in usernames]


async def page_of_tenant(
    connection: Connection, tenant_id: str, request: PageRequest, username_prefix: str | None = None
) -> Page[User]:
    """A page of the members of a tenant, in the order of their ids."""
    statement = _page(
        request._replace(size=0, after=request.after and "", before=request.before and ""),
        bool(username_prefix),
    )
    rows = await connection.fetch(
        statement, tenant_id=tenant_id, prefix=username_prefix, **page_parameters(request)
    )
    return page_of(rows_as(User, rows), request)


async def count_of_tenant(connection: Connection, tenant_id: str, username_prefix: str | None = None) -> int:
    """How many members a tenant has."""
    statement = _count(bool(username_prefix))
    rows = await connection.fetch(statement, tenant_id=tenant_id, prefix=username_prefix)
    return int(rows[0][0])


@cache
def _page(shape: PageRequest, prefixed: bool) -> Statement:
    """`shape` is a request without its size, as the statement does not depend on the values."""
    return Statement(keyset(_members(select(users), prefixed), memberships.c.user_id, shape), scans=prefixed)


@cache
def _count(prefixed: bool) -> Statement:
    return Statement(_members(select(func.count()).select_from(users), prefixed), scans=True)


def _members(statement: Select[Any], prefixed: bool) -> Select[Any]:
    statement = statement.join(memberships, memberships.c.user_id == users.c.id).where(
        memberships.c.tenant_id == bindparam("tenant_id")
    )
    return statement.where(_STARTS_WITH) if prefixed else statement


# Exact case on both databases, unlike LIKE, whose case rules differ between them.
_STARTS_WITH: ColumnElement[bool] = func.substr(
    users.c.username, 1, func.length(bindparam("prefix", type_=Text))
) == bindparam("prefix", type_=Text)


async def create(
    transaction: Connection,
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
    if id is not None and (await by_ids(transaction, [id]))[0]:
        raise BadUserInput(f"A user with the id {id} exists; choose another id.")
    user = User(
        user_id=id or str(uuid4()),
        tenant_id=tenant_id,
        username=username,
        email=email,
        image=image,
        stored_profile_fields=strict_json.dumps(profile_fields or {}),
        stored_permissions=strict_json.dumps(list(dict.fromkeys(permissions))),
        stored_platform_owner=is_platform_owner,
        revision=1,
        created_at=now,
        updated_at=now,
    )
    try:
        await transaction.execute(_INSERT, **dict(zip(users.c.keys(), user, strict=True)))
    except Duplicate:
        raise BadUserInput(f"The username {username} is taken; choose another.") from None
    for tenant in sorted(belongs_to):
        await transaction.execute(_INSERT_MEMBERSHIP, user_id=user.user_id, tenant_id=tenant)
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
