"""The rows of `users`: reading them, listing the members of a tenant, and inserting them."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, bindparam, delete, func, insert, select

from gql_service.auth.principal import tenant_ids_of
from gql_service.domain.pagination import Page, PageRequest, keyset, page_of, page_parameters
from gql_service.domain.users import profiles
from gql_service.domain.users.profiles import OptInDecision
from gql_service.errors import MalformedData
from gql_service.names import fold, search_texts
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import any_of, bytewise
from gql_service.store.statement import Statement
from gql_service.store.tables import memberships, permission_holders, user_texts, users


class User(NamedTuple):
    """A row of `users`. On SQLite, booleans are 0 and 1.

    The attributes `stored_…` have JSON texts. They are decoded on access, because few requests need them.
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
        """The user's permissions, each as `{TENANT_ID}::{PERMISSION}`. Raises MalformedData."""
        return profiles.read_permissions(self.stored_permissions, self.user_id)

    @property
    def opt_in_decisions(self) -> list[OptInDecision]:
        """The user's decisions on offers. Raises MalformedData."""
        return profiles.read_decisions(self.stored_opt_in_decisions, self.user_id)

    @property
    def recent_projects(self) -> str:
        """When each project was last opened, as canonical JSON. Raises MalformedData."""
        profiles.read_object(self.stored_recent_projects, "recentProjects", self.user_id)
        return self.stored_recent_projects

    @property
    def personal_agent_permissions(self) -> str:
        """The permissions of the user's agent, as canonical JSON. Raises MalformedData."""
        profiles.read_object(self.stored_personal_agent_permissions, "personalAgentPermissions", self.user_id)
        return self.stored_personal_agent_permissions

    @property
    def tenant_ids(self) -> frozenset[str]:
        """Every tenant the user belongs to: their home tenant, and those they have permissions of."""
        try:
            return tenant_ids_of(self.tenant_id, self.permissions)
        except MalformedData:  # the field `permissions` reports it; the user stays visible
            return frozenset({self.tenant_id})

    @property
    def display_name(self) -> str:
        """The name from the profile, or the username if there is none that others may see."""
        try:
            return profiles.display_name(self.stored_profile_fields, self.user_id) or self.username
        except MalformedData:  # the field `profileFields` reports it; lists of users stay complete
            return self.username


def _column(attribute: str) -> ColumnElement[Any]:
    return users.c["id" if attribute == "user_id" else attribute.removeprefix("stored_")]


COLUMNS = tuple(_column(attribute) for attribute in User._fields)
"""The columns of `users`, in the order of the attributes of `User`."""

_ATTRIBUTES = {_column(attribute).name: attribute for attribute in User._fields}


def column_values(user: User) -> dict[str, Any]:
    """The row of a user, by the names of the columns, with those that are derived from others."""
    values = {column: getattr(user, attribute) for column, attribute in _ATTRIBUTES.items()}
    return values | {"name_key": fold(user.username), "email_key": fold(user.email)}


def membership_rows(rows: Iterable[User]) -> list[dict[str, Any]]:
    """The rows of `memberships` that users have."""
    return [
        {"user_id": user.user_id, "tenant_id": tenant} for user in rows for tenant in sorted(user.tenant_ids)
    ]


def permission_rows(rows: Iterable[User]) -> list[dict[str, Any]]:
    """The rows of `permission_holders` that users have."""
    return [
        {"permission": permission, "user_id": user.user_id}
        for user in rows
        for permission in _readable_permissions(user)
    ]


def _readable_permissions(user: User) -> list[str]:
    try:
        return sorted(set(user.permissions))
    except MalformedData:  # the field `permissions` reports it
        return []


def text_rows(rows: Iterable[User]) -> list[dict[str, Any]]:
    """The rows of `user_texts` that users have: in other tenants, without what these may not read."""
    return [
        {"user_id": user.user_id, "tenant_id": tenant, "text": text}
        for user in rows
        for tenant in sorted(user.tenant_ids)
        for text in sorted(_search_texts(user, is_home=tenant == user.tenant_id))
    ]


def _search_texts(user: User, *, is_home: bool) -> set[str]:
    try:
        profile = profiles.read_object(user.stored_profile_fields, "profileFields", user.user_id)
    except MalformedData:  # the field `profileFields` reports it
        profile = {}
    visibilities = (profiles.TENANT, profiles.PRIVATE) if is_home else (profiles.TENANT,)
    return search_texts(user.username, user.email if is_home else None, profile, visibilities)


_BY_IDS = Statement(select(*COLUMNS).where(any_of(users.c.id, "ids")))
_BY_USERNAMES = Statement(select(*COLUMNS).where(any_of(users.c.name_key, "keys")))
_BY_EMAILS = Statement(
    select(*COLUMNS).where(users.c.tenant_id == bindparam("tenant_id"), any_of(users.c.email_key, "keys"))
)


async def by_ids(connection: Connection, ids: Sequence[str]) -> list[User | None]:
    """One user per id; None for unknown ids."""
    rows = rows_as(User, await connection.fetch(_BY_IDS, ids=set(ids)))
    found = {user.user_id: user for user in rows}
    return [found.get(id) for id in ids]


async def by_usernames(connection: Connection, usernames: Sequence[str]) -> list[User | None]:
    """One user per username in any spelling; None for unknown usernames."""
    keys = [fold(username) for username in usernames]
    rows = rows_as(User, await connection.fetch(_BY_USERNAMES, keys=set(keys)))
    found = {fold(user.username): user for user in rows}
    return [found.get(key) for key in keys]


async def by_emails(connection: Connection, tenant_id: str, emails: Sequence[str]) -> list[User | None]:
    """One user of a home tenant per email address in any spelling; None for unknown addresses."""
    keys = [fold(email) for email in emails]
    rows = rows_as(User, await connection.fetch(_BY_EMAILS, tenant_id=tenant_id, keys=set(keys)))
    found = {fold(user.email): user for user in rows}
    return [found.get(key) for key in keys]


async def page_of_tenant(connection: Connection, tenant_id: str, request: PageRequest) -> Page[User]:
    """A page of the members of a tenant, ordered by id."""
    rows = await connection.fetch(_page(request.shape), tenant_id=tenant_id, **page_parameters(request))
    return page_of(rows_as(User, rows), request)


async def count_of_tenant(connection: Connection, tenant_id: str) -> int:
    """The number of members of a tenant."""
    [(count,)] = await connection.fetch(_COUNT, tenant_id=tenant_id)
    return int(count)


_OF_TENANT = memberships.c.tenant_id == bindparam("tenant_id")
_COUNT = Statement(select(func.count()).select_from(memberships).where(_OF_TENANT), scans=True)


@cache
def _page(shape: PageRequest) -> Statement:
    members = select(*COLUMNS).join(memberships, memberships.c.user_id == users.c.id).where(_OF_TENANT)
    return Statement(keyset(members, memberships.c.user_id, shape))


_IDS_AFTER = Statement(
    select(users.c.id)
    .where(bytewise(users.c.id) > bindparam("after"))
    .order_by(bytewise(users.c.id))
    .limit(bindparam("size"))
)
_COUNT_ALL = Statement(select(func.count()).select_from(users), scans=True)
_INSERT_USER = Statement(insert(users))
_DELETE_MEMBERSHIPS = Statement(delete(memberships).where(memberships.c.user_id == bindparam("of_user")))
_DELETE_PERMISSIONS = Statement(
    delete(permission_holders).where(permission_holders.c.user_id == bindparam("of_user"))
)
_DELETE_TEXTS = Statement(delete(user_texts).where(user_texts.c.user_id == bindparam("of_user")))
_INSERT_MEMBERSHIP = Statement(insert(memberships))
_INSERT_PERMISSION = Statement(insert(permission_holders))
_INSERT_TEXT = Statement(insert(user_texts))


async def ids_after(connection: Connection, id: str, size: int) -> list[str]:
    """The next user ids after one; "" comes before all ids."""
    return [user_id for (user_id,) in await connection.fetch(_IDS_AFTER, after=id, size=size)]


async def count_all(connection: Connection) -> int:
    """The number of users of all tenants."""
    [(count,)] = await connection.fetch(_COUNT_ALL)
    return int(count)


async def insert_users(transaction: Connection, rows: Sequence[User]) -> None:
    """Store users whose values were checked, with their memberships. Raises Duplicate."""
    await transaction.execute_many(_INSERT_USER, [column_values(user) for user in rows])
    await insert_derived(transaction, rows)


async def insert_derived(transaction: Connection, rows: Sequence[User]) -> None:
    """Store the memberships and permissions of new users, and the texts that find them."""
    await transaction.execute_many(_INSERT_MEMBERSHIP, membership_rows(rows))
    if permissions := permission_rows(rows):
        await transaction.execute_many(_INSERT_PERMISSION, permissions)
    await transaction.execute_many(_INSERT_TEXT, text_rows(rows))


async def replace_derived(transaction: Connection, before: User, after: User) -> None:
    """Store what has changed of the memberships, the permissions and the texts of a user."""
    if before.tenant_ids != after.tenant_ids:
        await transaction.execute(_DELETE_MEMBERSHIPS, of_user=after.user_id)
        await transaction.execute_many(_INSERT_MEMBERSHIP, membership_rows([after]))
    if before.stored_permissions != after.stored_permissions:
        await transaction.execute(_DELETE_PERMISSIONS, of_user=after.user_id)
        await transaction.execute_many(_INSERT_PERMISSION, permission_rows([after]))
    if text_rows([before]) != text_rows([after]):
        await transaction.execute(_DELETE_TEXTS, of_user=after.user_id)
        await transaction.execute_many(_INSERT_TEXT, text_rows([after]))
