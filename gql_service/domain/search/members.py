"""Finding the members of a platform's tenant who meet search conditions, page by page.

The most selective condition drives the query: its rows are read from the index, and the other conditions are
EXISTS subqueries, looked up by primary key for each row. So a search costs about as much as reading the rows
of the condition that the fewest users are likely to meet.
"""

from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import (
    ColumnElement,
    FromClause,
    LargeBinary,
    Select,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    union,
)

from gql_service.auth.policy import is_member
from gql_service.domain.pagination import Page, PageRequest, keyset, page_of, page_parameters
from gql_service.domain.search import username_prefix
from gql_service.domain.search.conditions import MAX_SCANNED_TEXTS, Bounds, Condition, Searchability
from gql_service.domain.users import rows as users
from gql_service.domain.users.rows import User
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import contains_text, without_index
from gql_service.store.statement import Statement
from gql_service.store.tables import memberships, metadata_definitions, metadata_index, metadata_index_parts
from gql_service.store.tables import users as users_table

MAX_STATEMENTS = 256
"""Compiled statements that are cached."""
_OF_SUBSTRING = 4
"""The selectivity of a condition that reads all texts of a key."""


class OrderDirection(Enum):
    """Which values of an ordered list come first."""

    ASC = "ASC"
    DESC = "DESC"


class Order(NamedTuple):
    """The order of a list of members by the values of a key, or of a part of them."""

    key: str
    path: str = ""
    descending: bool = False

    @property
    def condition(self) -> Condition:
        """What holds for the users in the list."""
        return Condition(self.key, path=self.path, is_sortable=True)


class MemberSearch(NamedTuple):
    """The members of a tenant who meet all conditions on their metadata of a platform."""

    tenant_id: str
    platform_id: str
    username_prefix: str | None = None
    conditions: tuple[Condition, ...] = ()
    order: Order | None = None
    """None: the order of the user ids. For others see `domain.search.ordered`."""

    def holds(self, user: User) -> bool:
        """Whether a user may still be told of, by their rights of now."""
        return is_member(user, self.tenant_id)


class _ConditionShape(NamedTuple):
    """What the SQL of a condition depends on: all but its key and values. Shapes sort by selectivity."""

    selectivity: int
    absent: bool
    digests: int
    """How many parameters the SQL has for `Condition.digests`."""
    date_digests: int
    prefix_operators: tuple[str, ...]
    text_operators: tuple[str, ...]
    number_operators: tuple[str, ...]
    of_part: bool
    """Whether it is about parts of values."""
    folded: bool
    member: bool
    substring: bool
    is_sortable: bool

    @property
    def is_ordered(self) -> bool:
        """Whether an index returns the rows in the order of the user ids."""
        return self.digests == 1 or not (self.digests or self.has_bounds or self.substring)

    @property
    def has_bounds(self) -> bool:
        """Whether it compares values other than for equality."""
        return bool(self.prefix_operators or self.text_operators or self.number_operators)

    @property
    def table(self) -> Any:
        """The table of the index that answers it. A substring is in one of both, depending on the value."""
        return metadata_index_parts if self.of_part or self.member else metadata_index


Shapes = tuple[_ConditionShape, ...]
"""The shapes of all conditions, the most selective one first."""


async def page(connection: Connection, members: MemberSearch, request: PageRequest, now: int) -> Page[User]:
    """A page of members in the order of their ids. Entries must be valid at the instant `now`."""
    if not members.conditions:
        return await _page_without_conditions(connection, members, request)
    shapes, parameters = shapes_and_parameters(members, now)
    request_shape = request._replace(size=0, after=request.after and "", before=request.before and "")
    statement = _page(shapes, bool(members.username_prefix), request_shape)
    rows = await connection.fetch(statement, **parameters, **page_parameters(request))
    return page_of(rows_as(User, rows), request)


async def _page_without_conditions(
    connection: Connection, members: MemberSearch, request: PageRequest
) -> Page[User]:
    if members.username_prefix is None:
        return await users.page_of_tenant(connection, members.tenant_id, request)
    return await username_prefix.page(connection, members.tenant_id, members.username_prefix, request)


async def count(connection: Connection, members: MemberSearch, now: int) -> int:
    """How many members meet the conditions. Entries must be valid at the instant `now`."""
    if members.order is not None:
        members = members._replace(conditions=(*members.conditions, members.order.condition))
    if not members.conditions:
        if members.username_prefix is None:
            return await users.count_of_tenant(connection, members.tenant_id)
        return await username_prefix.count(connection, members.tenant_id, members.username_prefix)
    shapes, parameters = shapes_and_parameters(members, now)
    statement = _count(shapes, bool(members.username_prefix))
    ((number,),) = await connection.fetch(statement, **parameters)
    return int(number)


class SearchKey(NamedTuple):
    """What a condition is about."""

    platform_id: str
    key: str
    path: str = ""


def keys_to_scan(platform_id: str, conditions: Sequence[Condition]) -> list[SearchKey]:
    """The keys of which a search reads all texts: it has no condition that selects fewer users."""
    if any(_selectivity(each) < _OF_SUBSTRING for each in conditions):
        return []
    return [SearchKey(platform_id, each.key, each.path) for each in conditions if each.substring]


async def text_counts(connection: Connection, keys: Sequence[SearchKey]) -> list[int]:
    """How many texts of each key are indexed, counted up to one more than a search may read."""
    return [await _text_count(connection, key) for key in keys]


async def _text_count(connection: Connection, key: SearchKey) -> int:
    statement = _COUNT_TEXTS_OF_PARTS if key.path else _COUNT_TEXTS
    rows = await connection.fetch(
        statement,
        of_platform=key.platform_id,
        of_key=key.key,
        of_path=key.path,
        size=MAX_SCANNED_TEXTS + 1,
    )
    return int(rows[0][0])


async def searchability(connection: Connection, keys: Sequence[tuple[str, str]]) -> list[Searchability]:
    """How users can be searched by each (platform id, key)."""
    found = {key: await _searchability(connection, *key) for key in set(keys)}
    return [found[key] for key in keys]


async def _searchability(connection: Connection, platform_id: str, key: str) -> Searchability:
    rows = await connection.fetch(_SEARCHABILITY, of_platform=platform_id, of_key=key)
    ((has_indexed, defaults_text, rules_text),) = rows
    defaults, rules = orjson.loads(defaults_text or "{}"), orjson.loads(rules_text or "{}")
    return Searchability(
        bool(has_indexed) or defaults.get("is_indexed", False),
        rules.get("indexedPaths", []),
    )


def _of_key(table: Any) -> ColumnElement[bool]:
    return and_(table.c.platform_id == bindparam("of_platform"), table.c.key == bindparam("of_key"))


def _count_texts(table: Any, *conditions: ColumnElement[bool]) -> Statement:
    texts = select(table.c.user_id).where(_of_key(table), table.c.text_value.is_not(None), *conditions)
    return Statement(
        select(func.count()).select_from(texts.limit(bindparam("size")).subquery("texts")), scans=True
    )


_COUNT_TEXTS = _count_texts(metadata_index)
_COUNT_TEXTS_OF_PARTS = _count_texts(
    metadata_index_parts, metadata_index_parts.c.path == bindparam("of_path")
)
_DEFINITION = select(metadata_definitions).where(_of_key(metadata_definitions))
_SEARCHABILITY = Statement(
    select(
        exists().where(_of_key(metadata_index)),
        _DEFINITION.with_only_columns(metadata_definitions.c.defaults).scalar_subquery(),
        _DEFINITION.with_only_columns(metadata_definitions.c.rules).scalar_subquery(),
    )
)


def shapes_and_parameters(members: MemberSearch, now: int) -> tuple[Shapes, dict[str, Any]]:
    """What the statement depends on, and its parameters."""
    pairs = sorted(((_shape_of(each), each) for each in members.conditions), key=lambda pair: pair[0])
    parameters: dict[str, Any] = {
        "tenant_id": members.tenant_id,
        "platform_id": members.platform_id,
        "now": now,
        **username_prefix.parameters_of(members.username_prefix),
    }
    for number, (shape, condition) in enumerate(pairs):
        parameters |= {
            f"key_{number}": condition.key,
            f"path_{number}": condition.path,
            f"folded_{number}": condition.folded,
            f"member_{number}": condition.member,
            f"substring_{number}": condition.substring,
        }
        lists: dict[str, Sequence[Any]] = {
            "digest": _pad(condition.digests, shape.digests),
            "date_digest": _pad(condition.date_digests, shape.date_digests),
            "prefix": _operands(condition.prefix_bounds),
            "text": _operands(condition.text_bounds),
            "number": _operands(condition.number_bounds),
        }
        for name, values in lists.items():
            parameters |= {f"{name}_{number}_{index}": value for index, value in enumerate(values)}
    return tuple(shape for shape, _ in pairs), parameters


def _shape_of(condition: Condition) -> _ConditionShape:
    return _ConditionShape(
        _selectivity(condition),
        condition.absent,
        _next_power_of_two(len(condition.digests)),
        _next_power_of_two(len(condition.date_digests)),
        _operators(condition.prefix_bounds),
        _operators(condition.text_bounds),
        _operators(condition.number_bounds),
        bool(condition.path),
        bool(condition.folded),
        bool(condition.member),
        bool(condition.substring),
        condition.is_sortable,
    )


def _operators(bounds: Bounds) -> tuple[str, ...]:
    return tuple([operator for operator, _ in bounds])


def _operands(bounds: Bounds) -> list[Any]:
    return [operand for _, operand in bounds]


def _selectivity(condition: Condition) -> int:
    """An estimated rank: the fewer users are likely to meet the condition, the lower."""
    if condition.digests or condition.folded:
        return 1 if len(condition.digests) > 1 else 0
    if condition.substring:
        return _OF_SUBSTRING
    if condition.member:
        return 1
    if condition.has_bounds:
        bounds = condition.prefix_bounds or condition.text_bounds or condition.number_bounds
        return 2 if len(bounds) > 1 else 3
    return 6 if condition.absent else 5


def _next_power_of_two(count: int) -> int:
    """The number of parameters for a list, so that few statements serve lists of all lengths."""
    return 1 << (count - 1).bit_length() if count else 0


def _pad(digests: Sequence[bytes], size: int) -> Sequence[bytes]:
    return [*digests, *[digests[-1]] * (size - len(digests))] if digests else []


@lru_cache(MAX_STATEMENTS)
def _page(shapes: Shapes, prefixed: bool, request_shape: PageRequest) -> Statement:
    """`request_shape` is a request without its values, on which the statement does not depend."""
    driving, *_ = shapes
    table = _driving_table(driving)
    user_id = table.c.user_id
    if driving.absent or driving.is_ordered:
        statement = select(*users.COLUMNS).join_from(table, users_table, users_table.c.id == user_id)
        matching = _where_all_hold(statement, table, shapes, prefixed)
        return Statement(keyset(matching, user_id, request_shape), scans=True)
    # All matching rows must be sorted: sort their ids alone, and look up only the users of the page.
    ids = select(user_id).select_from(table)
    if prefixed:
        ids = ids.join(users_table, users_table.c.id == user_id)
    matching = _where_all_hold(ids, table, shapes, prefixed)
    id_page = keyset(matching, without_index(user_id), request_shape).subquery("page")
    statement = select(*users.COLUMNS).join_from(id_page, users_table, users_table.c.id == id_page.c.user_id)
    order = id_page.c.user_id.desc() if request_shape.backwards else id_page.c.user_id.asc()
    return Statement(statement.order_by(order), scans=True)


@lru_cache(MAX_STATEMENTS)
def _count(shapes: Shapes, prefixed: bool) -> Statement:
    table = _driving_table(shapes[0])
    statement = select(func.count()).select_from(table)
    if prefixed:
        statement = statement.join(users_table, users_table.c.id == table.c.user_id)
    return Statement(_where_all_hold(statement, table, shapes, prefixed), scans=True)


def _where_all_hold(statement: Select[Any], table: FromClause, shapes: Shapes, prefixed: bool) -> Select[Any]:
    """Restrict a query of the driving table to the members of the tenant who meet all conditions."""
    (_, driving), *others = enumerate(shapes)
    if driving.absent:
        others = list(enumerate(shapes))  # the driving table is that of the members, not the index
    elif not driving.substring:  # its rows were selected already
        statement = statement.where(matches(table, 0, driving))
    return where_all_exist(statement, table, others, prefixed)


def where_all_exist(
    statement: Select[Any], table: FromClause, shapes: Sequence[tuple[int, _ConditionShape]], prefixed: bool
) -> Select[Any]:
    """Restrict a query of a table with user ids to the members of the tenant who meet these conditions."""
    user_id = table.c.user_id
    if table is memberships:
        statement = statement.where(_of_tenant(table))
    else:
        member = exists().where(memberships.c.user_id == user_id, _of_tenant(memberships))
        statement = statement.where(member.correlate(table))
    for number, shape in shapes:
        match = or_(
            *(
                exists().where(entry.c.user_id == user_id, clause).correlate(table)
                for entry, clause in _alternatives(number, shape)
            )
        )
        statement = statement.where(~match if shape.absent else match)
    return statement.where(username_prefix.HAS_PREFIX) if prefixed else statement


def selects_few(shape: _ConditionShape) -> bool:
    """Whether few users are likely to meet a condition, which is true of equality."""
    return shape.selectivity <= 1


def _driving_table(shape: _ConditionShape) -> FromClause:
    if shape.absent:
        return memberships
    if shape.substring:
        found = (select(entry.c.user_id).where(clause) for entry, clause in _alternatives(0, shape))
        return union(*found).subquery("found")
    entry: FromClause = shape.table.alias("entry_0")
    return entry


def _alternatives(number: int, shape: _ConditionShape) -> list[tuple[Any, ColumnElement[bool]]]:
    """The tables whose rows may meet a condition, each with the clause that they must meet."""
    entry = shape.table.alias(f"entry_{number}")
    if not shape.substring:
        return [(entry, matches(entry, number, shape))]
    text = (metadata_index_parts if shape.of_part else metadata_index).alias(f"text_{number}")
    contains = and_(
        text.c.text_value.is_not(None),
        contains_text(text.c.text_value, f"substring_{number}"),
    )
    return [
        (text, and_(is_valid(text, number), contains)),
        (entry, matches(entry, number, shape)),
    ]


def _of_tenant(table: FromClause) -> ColumnElement[bool]:
    return table.c.tenant_id == bindparam("tenant_id")


def matches(entry: FromClause, number: int, shape: _ConditionShape) -> ColumnElement[bool]:
    """Whether a row of the index meets the condition with this number and shape."""
    clauses = [is_valid(entry, number)]
    number_value, text_value = entry.c.number_value, entry.c.text_value
    if shape.member:
        clauses.append(entry.c.equality == bindparam(f"member_{number}", type_=LargeBinary))
        return and_(*clauses)
    if shape.of_part and not (shape.digests or shape.folded or shape.has_bounds):
        clauses.append(~entry.c.is_member)
    if shape.folded:
        clauses.append(entry.c.folded == bindparam(f"folded_{number}", type_=LargeBinary))
    if shape.is_sortable:
        clauses.append(or_(without_index(number_value).is_not(None), without_index(text_value).is_not(None)))
    if shape.digests:
        clauses.append(_equals_any(entry.c.equality, f"digest_{number}", shape.digests))
    if shape.date_digests:
        is_date_digest = _equals_any(
            without_index(entry.c.equality), f"date_digest_{number}", shape.date_digests
        )
        # Only dates have a number beside their text; of encrypted values, the type is not indexed.
        may_be_date = [] if shape.of_part else [without_index(number_value).is_not(None), entry.c.encrypted]
        clauses.append(or_(~is_date_digest, *may_be_date))
    clauses += _comparisons(text_value, f"prefix_{number}", shape.prefix_operators)
    of_text = _comparisons(text_value, f"text_{number}", shape.text_operators)
    of_number = _comparisons(number_value, f"number_{number}", shape.number_operators)
    if of_text and of_number:
        as_text = and_(without_index(number_value).is_(None), *of_text)
        as_date = and_(without_index(text_value).is_not(None), *of_number)
        clauses.append(or_(as_text, as_date))
    elif of_number:
        clauses += [without_index(text_value).is_(None), *of_number]
    else:
        clauses += of_text
    return and_(*clauses)


def is_valid(entry: Any, number: int | str, *, is_joined: bool = False) -> ColumnElement[bool]:
    """Whether a row of the index is of the key and the path, and its entry is valid now.

    Rows that are joined to others are to be found by their users, not by their key.
    """
    platform_id: Any = without_index(entry.c.platform_id) if is_joined else entry.c.platform_id
    at_path = [entry.c.path == bindparam(f"path_{number}")] if "path" in entry.c else []
    return and_(
        platform_id == bindparam("platform_id"),
        entry.c.key == bindparam(f"key_{number}"),
        *at_path,
        or_(entry.c.valid_from.is_(None), entry.c.valid_from <= bindparam("now")),
        or_(entry.c.valid_until.is_(None), entry.c.valid_until > bindparam("now")),
    )


def _equals_any(column: ColumnElement[bytes], name: str, count: int) -> ColumnElement[bool]:
    digests = [bindparam(f"{name}_{index}", type_=LargeBinary) for index in range(count)]
    return column == digests[0] if count == 1 else column.in_(digests)


def _comparisons(
    column: ColumnElement[Any], name: str, operators: Sequence[str]
) -> list[ColumnElement[bool]]:
    return [
        column.op(operator, is_comparison=True)(bindparam(f"{name}_{index}", type_=column.type))
        for index, operator in enumerate(operators)
    ]
