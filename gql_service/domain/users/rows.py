"""The users as they are read: who they are, which tenants they belong to, how a platform lists them."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Text, bindparam, func, insert, select

from gql_service.auth.principal import tenant_ids_of
from gql_service.domain.pagination import Page, PageRequest, keyset, page_of, page_parameters
from gql_service.domain.users import profiles
from gql_service.domain.users.profiles import OptInDecision
from gql_service.errors import MalformedData
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import any_of, bytewise
from gql_service.store.statement import Statement
from gql_service.store.tables import memberships, users


class User(NamedTuple):
    """A row of `users`; on SQLite, booleans are 0 and 1.

    What is stored as JSON is read when it is asked for, because few ask.
    """

    user_id: str
    tenant_id: str
    username: str
    email: str
    image: str | None
    stored_profile_fields: str
    stored_permissions: str
    is_platform_owner: bool
    revision: int
    created_at: int
    updated_at: int
    email_verified: bool
    language: str | None
    password_change_disabled: bool
    project_creation_disabled: bool
    profile_field_change_disabled: bool
    messaging_disabled: bool
    stored_recent_projects: str
    last_seen_release_version: str | None
    stored_personal_agent_permissions: str
    stored_opt_in_decisions: str

    @property
    def permissions(self) -> list[str]:
        """What the user may do, each as `{TENANT_ID}::{PERMISSION}`. Raises MalformedData."""
        return profiles.read_permissions(self.stored_permissions, self.user_id)

    @property
    def opt_in_decisions(self) -> list[OptInDecision]:
        """Raises MalformedData."""
        return profiles.read_decisions(self.stored_opt_in_decisions, self.user_id)

    @property
    def recent_projects(self) -> str:
        """The canonical text of when each project was last opened. Raises MalformedData."""
        profiles.read_map(self.stored_recent_projects, "recentProjects", self.user_id)
        return self.stored_recent_projects

    @property
    def personal_agent_permissions(self) -> str:
        """The canonical text of what the agent may do. Raises MalformedData."""
        profiles.read_map(self.stored_personal_agent_permissions, "personalAgentPermissions", self.user_id)
        return self.stored_personal_agent_permissions

    @property
    def tenant_ids(self) -> frozenset[str]:
        """Every tenant the user belongs to."""
        try:
            return tenant_ids_of(self.tenant_id, self.permissions)
        except MalformedData:  # who may see the user is not for a broken list to decide
            return frozenset({self.tenant_id})

    @property
    def display_name(self) -> str:
        """What to call the user: by their username where the profile has no name to show."""
        try:
            return profiles.display_name(self.stored_profile_fields, self.user_id) or self.username
        except MalformedData:  # `profileFields` tells; a list of people need not lose one over it
            return self.username


_BY_IDS = Statement(select(users).where(any_of(users.c.id, "ids")))
_BY_USERNAMES = Statement(select(users).where(any_of(users.c.username, "usernames")))


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
    return statement.where(STARTS_WITH) if prefixed else statement


# Exact case on both databases, unlike LIKE, whose case rules differ between them.
STARTS_WITH: ColumnElement[bool] = func.substr(
    users.c.username, 1, func.length(bindparam("prefix", type_=Text))
) == bindparam("prefix", type_=Text)
"""The username begins with the parameter `prefix`."""


_IDS_AFTER = Statement(
    select(users.c.id)
    .where(bytewise(users.c.id) > bindparam("after"))
    .order_by(bytewise(users.c.id))
    .limit(bindparam("size"))
)
_COUNT_ALL = Statement(select(func.count()).select_from(users), scans=True)
_INSERT_USER = Statement(insert(users))
_INSERT_MEMBERSHIP = Statement(insert(memberships))
_COLUMNS = users.c.keys()


async def ids_after(connection: Connection, id: str, size: int) -> list[str]:
    """The next ids of users in their order; "" comes before all."""
    return [row[0] for row in await connection.fetch(_IDS_AFTER, after=id, size=size)]


async def count_all(connection: Connection) -> int:
    """How many users there are."""
    return int((await connection.fetch(_COUNT_ALL))[0][0])


async def insert_users(transaction: Connection, rows: Sequence[User]) -> None:
    """Store users whose values are known to be good, with their memberships. Raises Duplicate."""
    await transaction.execute_many(_INSERT_USER, [dict(zip(_COLUMNS, row, strict=True)) for row in rows])
    belongs_to = [
        {"user_id": row.user_id, "tenant_id": tenant} for row in rows for tenant in sorted(row.tenant_ids)
    ]
    await transaction.execute_many(_INSERT_MEMBERSHIP, belongs_to)
