"""Finding the members of a tenant by who they are: names, ids, email addresses, and the beginnings of texts.

The beginning of a text is one range of `user_texts`; names, ids and addresses are looked up by their indexes.
If the range is long, the members are read in their order instead, each with a look whether it has such a
text: many of them do, and nothing has to be sorted.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Boolean, ColumnElement, Select, Text, bindparam, exists, func, literal_column, select

from gql_service.auth.policy import is_member
from gql_service.domain.pagination import Page, PageRequest, keyset, page_of, page_parameters
from gql_service.domain.search.conditions import end_of_prefix
from gql_service.domain.users import rows as users
from gql_service.domain.users.rows import User
from gql_service.errors import BadUserInput
from gql_service.names import MAX_TEXT, fold
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import any_of, without_index
from gql_service.store.statement import Statement
from gql_service.store.tables import memberships, permission_holders, user_texts
from gql_service.store.tables import users as users_table

MANY_TEXTS = 2_000
"""Texts of users whose ids are not sorted, which would take milliseconds, but read in their order."""
MAX_LISTED = 100
"""Names, ids or addresses of one search."""
_LISTS = {
    "name_keys": users_table.c.name_key,
    "user_ids": users_table.c.id,
    "email_keys": users_table.c.email_key,
}


class UserSearch(NamedTuple):
    """The members of a tenant who meet all conditions. None means that there is no such condition."""

    tenant_id: str
    name_keys: tuple[str, ...] | None = None
    user_ids: tuple[str, ...] | None = None
    email_keys: tuple[str, ...] | None = None
    text: str | None = None
    """The beginning of a text in `user_texts`."""
    permission: str | None = None
    """A permission of the tenant."""
    is_owner: bool = False
    """Platform owners are wanted instead, whatever their tenant is."""

    def holds(self, user: User) -> bool:
        """Whether a user may still be told of, by their rights of now. Raises MalformedData."""
        if self.is_owner:
            return bool(user.is_platform_owner)
        has_permission = self.permission is None or self.permission in user.permissions
        return has_permission and is_member(user, self.tenant_id)

    @property
    def lists(self) -> tuple[str, ...]:
        """The names of the conditions that are lists."""
        return tuple(name for name in _LISTS if getattr(self, name) is not None)

    @property
    def is_everybody(self) -> bool:
        """Whether there is no condition but the tenant."""
        conditions = (*self.lists, self.text, self.permission)
        return not self.is_owner and not any(each is not None for each in conditions)

    @property
    def parameters(self) -> dict[str, Any]:
        text = self.text or ""
        return self._asdict() | {"text": text, "end": end_of_prefix(text)}


PLATFORM_OWNERS = UserSearch("", is_owner=True)
"""The users who are admins of all tenants."""


def user_search(
    tenant_id: str,
    usernames: Sequence[str] | None,
    user_ids: Sequence[str] | None,
    emails: Sequence[str] | None,
    text: str | None,
    permission: str | None = None,
) -> UserSearch:
    """A search, whatever the spelling of names and addresses. Raises BadUserInput if the text is too long."""
    if text is not None and not 1 <= len(fold(text)) <= MAX_TEXT:
        raise BadUserInput(f"`text` must have 1 to {MAX_TEXT} characters.")

    def keys(names: Sequence[str] | None) -> tuple[str, ...] | None:
        return None if names is None else tuple(sorted({fold(name) for name in names}))

    ids = None if user_ids is None else tuple(sorted(set(user_ids)))
    folded = text if text is None else fold(text)
    return UserSearch(tenant_id, keys(usernames), ids, keys(emails), folded, permission)


async def page(connection: Connection, search: UserSearch, request: PageRequest) -> Page[User]:
    """A page of the users who are found, in the order of their ids."""
    if search.is_everybody:
        return await users.page_of_tenant(connection, search.tenant_id, request)
    statement = _page_of(search, request.shape, has_many=await _has_many_texts(connection, search))
    rows = await connection.fetch(statement, **search.parameters, **page_parameters(request))
    return page_of(rows_as(User, rows), request)


async def count(connection: Connection, search: UserSearch) -> int:
    """How many users are found."""
    if search.is_everybody:
        return await users.count_of_tenant(connection, search.tenant_id)
    statement = _count_of(search, has_many=await _has_many_texts(connection, search))
    ((number,),) = await connection.fetch(statement, **search.parameters)
    return int(number)


async def _has_many_texts(connection: Connection, search: UserSearch) -> bool:
    """Whether a text is all that is searched, and more texts begin with it than are worth sorting."""
    if search.is_owner or search.lists or search.permission is not None:
        return False
    ((number,),) = await connection.fetch(_COUNT_TEXTS, **search.parameters, most=MANY_TEXTS)
    return int(number) == MANY_TEXTS


def _page_of(search: UserSearch, shape: PageRequest, *, has_many: bool) -> Statement:
    if search.is_owner:
        return _owners_page(shape)
    if search.permission is not None:
        return _holders_page(search.lists, search.text is not None, shape)
    if has_many:
        return _page_of_many(shape)
    return _page(search.lists, search.text is not None, shape)


def _count_of(search: UserSearch, *, has_many: bool) -> Statement:
    if search.is_owner:
        return _OWNERS_COUNT
    if search.permission is not None:
        return _holders_count(search.lists, search.text is not None)
    if has_many:
        return _COUNT_MANY
    return _count(search.lists, search.text is not None)


@cache
def _owners_page(shape: PageRequest) -> Statement:
    return Statement(keyset(select(*users.COLUMNS).where(_IS_OWNER), users_table.c.id, shape), scans=True)


_IS_OWNER = users_table.c.is_platform_owner
_OWNERS_COUNT = Statement(select(func.count()).select_from(users_table).where(_IS_OWNER), scans=True)


@cache
def _holders_page(lists: tuple[str, ...], has_text: bool, shape: PageRequest) -> Statement:
    found = _holders(select(*users.COLUMNS), lists, has_text)
    return Statement(keyset(found, permission_holders.c.user_id, shape), scans=True)


@cache
def _holders_count(lists: tuple[str, ...], has_text: bool) -> Statement:
    return Statement(_holders(select(func.count()).select_from(users_table), lists, has_text), scans=True)


def _holders(statement: Select[Any], lists: tuple[str, ...], has_text: bool) -> Select[Any]:
    """Those who have the permission: they are members of its tenant."""
    statement = statement.join(permission_holders, permission_holders.c.user_id == users_table.c.id).where(
        permission_holders.c.permission == bindparam("permission")
    )
    return _matching(statement, lists, has_text)


@cache
def _page(lists: tuple[str, ...], has_text: bool, shape: PageRequest) -> Statement:
    if lists:
        found = _listed(select(*users.COLUMNS), lists, has_text)
        return Statement(keyset(found, without_index(users_table.c.id), shape), scans=True)
    ids = _found_by_text()
    id_page = keyset(ids, without_index(user_texts.c.user_id), shape).subquery("page")
    order = id_page.c.user_id.desc() if shape.backwards else id_page.c.user_id.asc()
    statement = select(*users.COLUMNS).join_from(id_page, users_table, users_table.c.id == id_page.c.user_id)
    return Statement(statement.order_by(order), scans=True)


@cache
def _count(lists: tuple[str, ...], has_text: bool) -> Statement:
    if lists:
        return Statement(_listed(select(func.count()).select_from(users_table), lists, has_text), scans=True)
    return Statement(select(func.count()).select_from(_found_by_text().subquery()), scans=True)


@cache
def _page_of_many(shape: PageRequest) -> Statement:
    page = select(*users.COLUMNS).join_from(
        memberships, users_table, users_table.c.id == memberships.c.user_id
    )
    page = keyset(page.where(_of_tenant()), memberships.c.user_id, shape)
    # A lateral join makes PostgreSQL look at one member after the other.
    text = select(user_texts.c.text).where(_of_member(), *_begins()).limit(literal_column("1"))
    has_text = text.correlate(memberships).lateral("found")
    on_postgres = page.join(has_text, literal_column("true", Boolean))
    return Statement(page.where(_has_text()), scans=True, on_postgres=on_postgres)


def _of_tenant() -> ColumnElement[bool]:
    return memberships.c.tenant_id == bindparam("tenant_id")


def _of_member() -> ColumnElement[bool]:
    return user_texts.c.user_id == memberships.c.user_id


def _has_text() -> ColumnElement[bool]:
    return exists().where(_of_member(), *_begins()).correlate(memberships)


def _found_by_text() -> Select[Any]:
    return select(user_texts.c.user_id).where(*_begins()).distinct()


def _begins() -> list[Any]:
    text, end = bindparam("text", type_=Text), bindparam("end", type_=Text)
    return [
        user_texts.c.tenant_id == bindparam("tenant_id"),
        user_texts.c.text >= text,
        user_texts.c.text < end,
    ]


_COUNT_TEXTS = Statement(
    select(func.count()).select_from(
        select(user_texts.c.user_id).where(*_begins()).limit(bindparam("most")).subquery()
    ),
    scans=True,
)
_COUNT_MANY = Statement(
    select(func.count()).select_from(memberships).where(_of_tenant(), _has_text()), scans=True
)


def _listed(statement: Select[Any], lists: tuple[str, ...], has_text: bool) -> Select[Any]:
    member = exists().where(
        memberships.c.user_id == users_table.c.id, memberships.c.tenant_id == bindparam("tenant_id")
    )
    return _matching(statement.where(member.correlate(users_table)), lists, has_text)


def _matching(statement: Select[Any], lists: tuple[str, ...], has_text: bool) -> Select[Any]:
    statement = statement.where(*(any_of(_LISTS[name], name) for name in lists))
    if "email_keys" in lists:  # addresses are unique in a home tenant, whose admins may read them
        statement = statement.where(users_table.c.tenant_id == bindparam("tenant_id"))
    if has_text:
        begins = exists().where(user_texts.c.user_id == users_table.c.id, *_begins())
        statement = statement.where(begins.correlate(users_table))
    return statement
