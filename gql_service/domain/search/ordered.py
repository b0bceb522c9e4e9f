"""Searches in the order of a metadata key: numbers and dates first, then texts, page by page.

Dates are among the numbers, as microseconds since 1970. Users with the same value are in the order of their
ids. Users without a value to sort by that is valid now are not in the list. The index returns its rows in
order, so that a page costs about as much as the rows up to its end. Where another condition selects few
users by equality, these are sorted instead.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Select, Text, bindparam, select, tuple_

from gql_service import strict_json
from gql_service.domain.pagination import Page, PageRequest, page_of
from gql_service.domain.search.members import (
    MAX_STATEMENTS,
    MemberSearch,
    Order,
    Shapes,
    is_valid,
    matches,
    selects_few,
    shapes_and_parameters,
    where_all_exist,
)
from gql_service.domain.users import rows as users
from gql_service.domain.users.rows import User
from gql_service.errors import BadUserInput
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import without_index
from gql_service.store.statement import Statement
from gql_service.store.tables import metadata_index, metadata_index_parts
from gql_service.store.tables import users as users_table

_OF_ORDER = "order"
"""In the place of the number of a condition, in the names of parameters."""


class _Position(NamedTuple):
    """Where a user is in the list."""

    value: float | str
    user_id: str

    @property
    def is_number(self) -> bool:
        return not isinstance(self.value, str)


class _Shape(NamedTuple):
    """What the SQL of a part of the list depends on, besides the conditions."""

    of_numbers: bool
    of_part: bool
    descending: bool
    backwards: bool
    has_after: bool
    has_before: bool


def check_cursors(order: Order, request: PageRequest) -> None:
    """Refuse cursors of lists in another order. Raises BadUserInput."""
    for cursor in (request.after, request.before):
        _position(order, cursor)


async def page(connection: Connection, members: MemberSearch, request: PageRequest, now: int) -> Page[User]:
    """A page of members in the order that the search asks for. Entries must be valid at the instant `now`."""
    order = members.order
    assert order is not None
    shapes, parameters = shapes_and_parameters(members, now)
    parameters |= {f"key_{_OF_ORDER}": order.key, f"path_{_OF_ORDER}": order.path}
    after, before = _position(order, request.after), _position(order, request.before)
    parameters |= _bounds("after", after) | _bounds("before", before)
    rows: list[Any] = []
    for of_numbers in _parts_between(order, after, before, backwards=request.backwards):
        shape = _Shape(
            of_numbers,
            bool(order.path),
            order.descending,
            request.backwards,
            after is not None and after.is_number is of_numbers,
            before is not None and before.is_number is of_numbers,
        )
        statement = _page(shapes, bool(members.username_prefix), shape)
        rows += await connection.fetch(statement, **parameters, size=request.size + 1 - len(rows))
        if len(rows) > request.size:
            break
    found = zip(rows_as(User, [row[:-1] for row in rows]), (row[-1] for row in rows), strict=True)
    result = page_of([(user, value) for user, value in found], request)
    cursors = {user.user_id: _cursor(order, value, user.user_id) for user, value in result.items}
    return Page([user for user, _ in result.items], result.has_previous, result.has_next, cursors)


def _parts_between(
    order: Order, after: _Position | None, before: _Position | None, *, backwards: bool
) -> Sequence[bool]:
    """The parts of the list that a page may be in, in the order to read them. True is that of the numbers."""
    parts = [False, True] if order.descending else [True, False]
    first = parts.index(after.is_number) if after else 0
    last = parts.index(before.is_number) if before else 1
    between = parts[first : last + 1]
    return between[::-1] if backwards else between


def _bounds(name: str, position: _Position | None) -> dict[str, Any]:
    return {} if position is None else {f"{name}_value": position.value, f"{name}_user": position.user_id}


def _cursor(order: Order, value: float | str, user_id: str) -> str:
    return orjson.dumps([order.key, order.path, value, user_id]).decode()


def _position(order: Order, cursor: str | None) -> _Position | None:
    """Raises BadUserInput."""
    if cursor is None:
        return None
    try:
        key, path, value, user_id = strict_json.loads(cursor.encode())
    except (ValueError, TypeError):
        key = path = value = user_id = None
    is_value = isinstance(value, int | float | str) and not isinstance(value, bool)
    if (key, path) != (order.key, order.path) or not is_value or not isinstance(user_id, str):
        raise BadUserInput("The cursor is not valid for this order.")
    return _Position(value if isinstance(value, str) else float(value), user_id)


@lru_cache(MAX_STATEMENTS)
def _page(shapes: Shapes, prefixed: bool, shape: _Shape) -> Statement:
    table = (metadata_index_parts if shape.of_part else metadata_index).alias("ordered")
    value: ColumnElement[Any] = table.c.number_value if shape.of_numbers else table.c.text_value
    statement: Select[Any] = select(*users.COLUMNS, value)
    few = bool(shapes) and selects_few(shapes[0])
    if few:
        driving = shapes[0].table.alias("entry_0")
        source = driving.join(table, table.c.user_id == driving.c.user_id)
        statement = statement.where(matches(driving, 0, shapes[0]))
        value = without_index(value)  # sorting few rows is cheaper than reading all in order
    else:
        source = table
    statement = statement.select_from(source.join(users_table, users_table.c.id == table.c.user_id))
    statement = statement.where(is_valid(table, _OF_ORDER, is_joined=few), value.is_not(None))
    if not shape.of_numbers:
        statement = statement.where(table.c.number_value.is_(None))
    others = list(enumerate(shapes))[1 if few else 0 :]
    statement = where_all_exist(statement, table, others, prefixed)
    return Statement(_keyset(statement, value, table.c.user_id, shape), scans=True)


def _keyset(
    statement: Select[Any], value: ColumnElement[Any], user_id: ColumnElement[str], shape: _Shape
) -> Select[Any]:
    position = tuple_(value, user_id)
    bounds = {"after": shape.has_after, "before": shape.has_before}
    for name in [name for name, is_present in bounds.items() if is_present]:
        bound = tuple_(bindparam(f"{name}_value", type_=value.type), bindparam(f"{name}_user", type_=Text))
        is_above = (name == "after") is not shape.descending
        statement = statement.where(position > bound if is_above else position < bound)
    if shape.descending is not shape.backwards:
        statement = statement.order_by(value.desc(), user_id.desc())
    else:
        statement = statement.order_by(value, user_id)
    return statement.limit(bindparam("size"))
