"""Which members of a platform's tenant are meant: found by the index of their metadata, page by page.

One condition leads: its rows are read from the index, and each must have its counterpart for every other one.
It is joined, as the others are not, so that a condition that few users meet costs as few lookups.
"""

from collections.abc import Sequence
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
)

from gql_service.domain.pagination import Page, PageRequest, keyset, page_of, page_parameters
from gql_service.domain.search.conditions import Condition, Searchable
from gql_service.domain.users import rows as users
from gql_service.domain.users.rows import User
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import without_index
from gql_service.store.statement import Statement
from gql_service.store.tables import memberships, metadata_definitions, metadata_index
from gql_service.store.tables import users as users_table

_MAX_SHAPES = 256
"""Statements that are kept compiled."""


class Members(NamedTuple):
    """Which members of a tenant are meant: those who meet all conditions on their metadata of a platform."""

    tenant_id: str
    platform_id: str
    username_prefix: str | None = None
    conditions: tuple[Condition, ...] = ()


class _Form(NamedTuple):
    """What the statement of a condition depends on; those come first that few users are likely to meet."""

    rank: int
    absent: bool
    digests: int
    dated: int
    begins: tuple[str, ...]
    texts: tuple[str, ...]
    numbers: tuple[str, ...]

    @property
    def in_order(self) -> bool:
        """Whether the index has the rows in the order of the users."""
        return self.digests == 1 or not (self.digests or self.begins or self.texts or self.numbers)


Forms = tuple[_Form, ...]


async def page(connection: Connection, members: Members, request: PageRequest, now: int) -> Page[User]:
    """A page of members in the order of their ids; only entries count that are valid `now`."""
    if not members.conditions:
        return await users.page_of_tenant(connection, members.tenant_id, request, members.username_prefix)
    forms, parameters = _prepared(members, now)
    shape = request._replace(size=0, after=request.after and "", before=request.before and "")
    statement = _page(forms, bool(members.username_prefix), shape)
    rows = await connection.fetch(statement, **parameters, **page_parameters(request))
    return page_of(rows_as(User, rows), request)


async def count(connection: Connection, members: Members, now: int) -> int:
    """How many members are meant."""
    if not members.conditions:
        return await users.count_of_tenant(connection, members.tenant_id, members.username_prefix)
    forms, parameters = _prepared(members, now)
    statement = _count(forms, bool(members.username_prefix))
    return int((await connection.fetch(statement, **parameters))[0][0])


async def searchable(connection: Connection, keys: Sequence[tuple[str, str]]) -> list[Searchable]:
    """What is known of each (platform id, key)."""
    known = {key: await _searchable(connection, *key) for key in set(keys)}
    return [known[key] for key in keys]


async def _searchable(connection: Connection, platform_id: str, key: str) -> Searchable:
    ((indexed, encrypted, defaults),) = await connection.fetch(_KNOWN, of_platform=platform_id, of_key=key)
    defined = orjson.loads(defaults or "{}")
    return Searchable(
        bool(indexed) or defined.get("is_indexed", False),
        bool(encrypted) or defined.get("is_encrypted", False),
    )


def _of_key(table: Any) -> ColumnElement[bool]:
    return and_(table.c.platform_id == bindparam("of_platform"), table.c.key == bindparam("of_key"))


_KNOWN = Statement(
    select(
        exists().where(_of_key(metadata_index)),
        exists().where(_of_key(metadata_index), metadata_index.c.encrypted),
        select(metadata_definitions.c.defaults).where(_of_key(metadata_definitions)).scalar_subquery(),
    )
)


def _prepared(members: Members, now: int) -> tuple[Forms, dict[str, Any]]:
    """What the statement depends on, and its parameters."""
    pairs = sorted(((_form(each), each) for each in members.conditions), key=lambda pair: pair[0])
    parameters: dict[str, Any] = {
        "tenant_id": members.tenant_id,
        "platform_id": members.platform_id,
        "prefix": members.username_prefix,
        "now": now,
    }
    for number, (form, condition) in enumerate(pairs):
        parameters[f"key_{number}"] = condition.key
        lists: dict[str, Sequence[Any]] = {
            "digest": _padded(condition.digests, form.digests),
            "dated": _padded(condition.dated, form.dated),
            "begin": [operand for _, operand in condition.begins],
            "text": [operand for _, operand in condition.texts],
            "number": [operand for _, operand in condition.numbers],
        }
        for name, values in lists.items():
            parameters |= {f"{name}_{number}_{index}": value for index, value in enumerate(values)}
    return tuple(form for form, _ in pairs), parameters


def _form(condition: Condition) -> _Form:
    return _Form(
        _rank(condition),
        condition.absent,
        _rounded(len(condition.digests)),
        _rounded(len(condition.dated)),
        tuple(sign for sign, _ in condition.begins),
        tuple(sign for sign, _ in condition.texts),
        tuple(sign for sign, _ in condition.numbers),
    )


def _rank(condition: Condition) -> int:
    """Fewer users are likely to meet a condition of a lower rank."""
    if condition.digests:
        return 0 if len(condition.digests) == 1 else 1
    if condition.compares:
        bounds = condition.begins or condition.texts or condition.numbers
        return 2 if len(bounds) > 1 else 3
    return 5 if condition.absent else 4


def _rounded(count: int) -> int:
    """The next power of two: few statements serve lists of all lengths."""
    return 1 << (count - 1).bit_length() if count else 0


def _padded(digests: Sequence[bytes], size: int) -> Sequence[bytes]:
    return list(digests) + [digests[-1]] * (size - len(digests)) if digests else []


@lru_cache(_MAX_SHAPES)
def _page(forms: Forms, prefixed: bool, shape: PageRequest) -> Statement:
    """`shape` is a request without its size, as the statement does not depend on the values."""
    leader = _leader(forms[0])
    user_id = leader.c.user_id
    if forms[0].absent or forms[0].in_order:
        statement = select(users_table).join_from(leader, users_table, users_table.c.id == user_id)
        return Statement(keyset(_searching(statement, leader, forms, prefixed), user_id, shape), scans=True)
    # All that are found have to be sorted: by their ids alone, and only the page is looked up.
    ids = select(user_id).select_from(leader)
    if prefixed:
        ids = ids.join(users_table, users_table.c.id == user_id)
    found = keyset(_searching(ids, leader, forms, prefixed), without_index(user_id), shape).subquery("page")
    statement = select(users_table).join_from(found, users_table, users_table.c.id == found.c.user_id)
    order = found.c.user_id.desc() if shape.backwards else found.c.user_id.asc()
    return Statement(statement.order_by(order), scans=True)


@lru_cache(_MAX_SHAPES)
def _count(forms: Forms, prefixed: bool) -> Statement:
    leader = _leader(forms[0])
    statement = select(func.count()).select_from(leader)
    if prefixed:
        statement = statement.join(users_table, users_table.c.id == leader.c.user_id)
    return Statement(_searching(statement, leader, forms, prefixed), scans=True)


def _searching(statement: Select[Any], leader: FromClause, forms: Forms, prefixed: bool) -> Select[Any]:
    """Select only from those rows of the leading condition for whose users all else holds."""
    user_id, others = leader.c.user_id, list(enumerate(forms))
    if forms[0].absent:
        statement = statement.where(_of_tenant(leader))
    else:
        _, *others = others
        member = exists().where(memberships.c.user_id == user_id, _of_tenant(memberships))
        statement = statement.where(_holds(leader, 0, forms[0]), member.correlate(leader))
    for number, form in others:
        entry = metadata_index.alias(f"entry_{number}")
        held = exists().where(entry.c.user_id == user_id, _holds(entry, number, form)).correlate(leader)
        statement = statement.where(~held if form.absent else held)
    return statement.where(users.STARTS_WITH) if prefixed else statement


def _leader(form: _Form) -> FromClause:
    return memberships if form.absent else metadata_index.alias("entry_0")


def _of_tenant(table: FromClause) -> ColumnElement[bool]:
    return table.c.tenant_id == bindparam("tenant_id")


def _holds(entry: FromClause, number: int, form: _Form) -> ColumnElement[bool]:
    """What a row of the index has to be, for a condition of this form and number."""
    held = [
        entry.c.platform_id == bindparam("platform_id"),
        entry.c.key == bindparam(f"key_{number}"),
        or_(entry.c.valid_from.is_(None), entry.c.valid_from <= bindparam("now")),
        or_(entry.c.valid_until.is_(None), entry.c.valid_until > bindparam("now")),
    ]
    value, text = entry.c.number_value, entry.c.text_value
    if form.digests:
        held.append(_among(entry.c.equality, f"digest_{number}", form.digests))
    if form.dated:
        for_others = ~_among(without_index(entry.c.equality), f"dated_{number}", form.dated)
        held.append(or_(for_others, without_index(value).is_not(None), entry.c.encrypted))
    held += _compares(text, f"begin_{number}", form.begins)
    texts = _compares(text, f"text_{number}", form.texts)
    numbers = _compares(value, f"number_{number}", form.numbers)
    if texts and numbers:
        as_text, as_date = (
            and_(without_index(value).is_(None), *texts),
            and_(without_index(text).is_not(None), *numbers),
        )
        held.append(or_(as_text, as_date))
    elif numbers:
        held += [without_index(text).is_(None), *numbers]
    else:
        held += texts
    return and_(*held)


def _among(column: ColumnElement[bytes], name: str, count: int) -> ColumnElement[bool]:
    digests = [bindparam(f"{name}_{index}", type_=LargeBinary) for index in range(count)]
    return column == digests[0] if count == 1 else column.in_(digests)


def _compares(column: ColumnElement[Any], name: str, signs: Sequence[str]) -> list[ColumnElement[bool]]:
    return [
        column.op(sign, is_comparison=True)(bindparam(f"{name}_{index}", type_=column.type))
        for index, sign in enumerate(signs)
    ]
