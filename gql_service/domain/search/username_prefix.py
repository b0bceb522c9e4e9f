"""Finding the members of a tenant whose usernames begin with a text, in the order of their ids.

Such names are one range of an index, which has the users of all tenants. If the range is short, its members
are sorted. If it is long, the members of the tenant are read in their order, each with a look at the name:
where many names have this beginning, a page is soon full. It takes long only if almost all of them are in
other tenants, and this one is large, too.
"""

from functools import cache
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
)

from gql_service.domain.pagination import Page, PageRequest, keyset, page_of, page_parameters
from gql_service.domain.search.conditions import end_of_prefix
from gql_service.domain.users import rows as users
from gql_service.domain.users.rows import User
from gql_service.store.connection import Connection, rows_as
from gql_service.store.statement import Statement
from gql_service.store.tables import memberships
from gql_service.store.tables import users as users_table

MANY_NAMES = 2_000
"""Names of users whose ids are not sorted, which would take milliseconds, but read in their order."""
MANY_COUNTED = 10 * MANY_NAMES
"""Names that are looked up to count those of a tenant, even if the tenant has fewer members."""


def parameters_of(prefix: str | None) -> dict[str, str | None]:
    """The parameters of `HAS_PREFIX`."""
    return {"prefix": prefix, "prefix_end": end_of_prefix(prefix or "")}


async def page(connection: Connection, tenant_id: str, prefix: str, request: PageRequest) -> Page[User]:
    """A page of the members of a tenant. `prefix` is not empty; upper and lower case differ."""
    parameters: dict[str, Any] = {"tenant_id": tenant_id, **parameters_of(prefix)}
    names = await _names(connection, parameters, MANY_NAMES)
    statement = (_page_of_names if names < MANY_NAMES else _page_of_members)(request.shape)
    rows = await connection.fetch(statement, **parameters, **page_parameters(request))
    return page_of(rows_as(User, rows), request)


async def count(connection: Connection, tenant_id: str, prefix: str) -> int:
    """How many members of a tenant have such a name."""
    parameters: dict[str, Any] = {"tenant_id": tenant_id, **parameters_of(prefix)}
    statement = _COUNT_NAMES
    if await _names(connection, parameters, MANY_COUNTED) == MANY_COUNTED:
        ((members,),) = await connection.fetch(_MEMBERS, **parameters, most=MANY_COUNTED)
        statement = _COUNT_MEMBERS if members < MANY_COUNTED else _COUNT_MANY_NAMES
    ((number,),) = await connection.fetch(statement, **parameters)
    return int(number)


async def _names(connection: Connection, parameters: dict[str, Any], most: int) -> int:
    """How many names of all tenants have the beginning, counted up to `most`."""
    ((number,),) = await connection.fetch(_NAMES, **parameters, most=most)
    return int(number)


def _range() -> ColumnElement[bool]:
    """A range of the index of the names: both databases sort them by their bytes."""
    username = users_table.c.username
    return and_(username >= bindparam("prefix"), username < bindparam("prefix_end"))


HAS_PREFIX: ColumnElement[bool] = case((_range(), true()), else_=false())
"""The username begins with a text, for rows that are found without the index of the names.

It is no plain comparison: PostgreSQL would expect that few names meet it, and SQLite would use the index.
"""


def _of_tenant() -> ColumnElement[bool]:
    return memberships.c.tenant_id == bindparam("tenant_id")


def _members_in_range(column: ColumnElement[Any], is_guest: ColumnElement[bool]) -> Select[Any]:
    # Most members have their home in the tenant, which is in the row that is read anyway.
    is_home = users_table.c.tenant_id == bindparam("tenant_id")
    return select(column).select_from(users_table).where(_range(), or_(is_home, is_guest))


_ONE: ColumnElement[Any] = literal_column("1")
_MEMBERSHIP = and_(memberships.c.user_id == users_table.c.id, _of_tenant())
_HAS_MEMBERSHIP = exists().where(_MEMBERSHIP).correlate(users_table)
# With a limit, it is looked up for each user. Without, PostgreSQL may read those of all members once.
_LOOKED_UP = select(_ONE).where(_MEMBERSHIP).limit(_ONE).correlate(users_table).scalar_subquery().is_not(None)


@cache
def _page_of_names(shape: PageRequest) -> Statement:
    # PostgreSQL does not plan across an offset: else it may read users in the order of their ids.
    found = _members_in_range(users_table.c.id, _LOOKED_UP).offset(literal_column("0"))
    ids = found.subquery("ids").c.id
    id_page = keyset(select(ids), ids, shape).subquery("page")
    order = id_page.c.id.desc() if shape.backwards else id_page.c.id.asc()
    statement = select(*users.COLUMNS).join_from(id_page, users_table, users_table.c.id == id_page.c.id)
    return Statement(statement.order_by(order), scans=True)


@cache
def _page_of_members(shape: PageRequest) -> Statement:
    is_user = users_table.c.id == memberships.c.user_id
    members = select(*users.COLUMNS).join_from(memberships, users_table, is_user)
    # A lateral join makes PostgreSQL look at one member after the other.
    found = select(*users.COLUMNS).where(is_user, HAS_PREFIX).limit(_ONE)
    of_member = found.correlate(memberships).lateral("found")
    columns = [of_member.c[column.name] for column in users.COLUMNS]
    on_postgres = select(*columns).join_from(memberships, of_member, literal_column("true", Boolean))
    statements = (each.where(_of_tenant()) for each in (members.where(HAS_PREFIX), on_postgres))
    on_sqlite, on_postgres = (keyset(each, memberships.c.user_id, shape) for each in statements)
    return Statement(on_sqlite, scans=True, on_postgres=on_postgres)


def _counting(rows: Any) -> Select[Any]:
    return select(func.count()).select_from(rows.subquery("found"))


_NAMES = Statement(
    _counting(select(_ONE).select_from(users_table).where(_range()).limit(bindparam("most"))), scans=True
)
_MEMBERS = Statement(
    _counting(select(_ONE).select_from(memberships).where(_of_tenant()).limit(bindparam("most"))), scans=True
)
_COUNT_NAMES = Statement(_members_in_range(func.count(), _LOOKED_UP), scans=True)
_COUNT_MANY_NAMES = Statement(_members_in_range(func.count(), _HAS_MEMBERSHIP), scans=True)
_COUNT_MEMBERS = Statement(
    select(func.count())
    .join_from(memberships, users_table, users_table.c.id == memberships.c.user_id)
    .where(_of_tenant(), HAS_PREFIX),
    scans=True,
)
