"""Definitions as rows: read in order, found by their keys, and stored when they come from elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Text, bindparam, insert, select, tuple_

from gql_service import strict_json
from gql_service.domain.definitions.define import DEFAULT_FLAGS, DEFAULT_TEXTS
from gql_service.domain.definitions.definitions import StoredDefinition
from gql_service.domain.definitions.value_rules import RULES, check_rules
from gql_service.domain.documents.entries import TEXTS
from gql_service.domain.values.types import ValueType
from gql_service.domain.values.validation import Limits, check_key
from gql_service.errors import Problem, Rejected
from gql_service.store.connection import Connection, rows_as
from gql_service.store.sql_functions import any_of, bytewise
from gql_service.store.statement import Statement
from gql_service.store.tables import metadata_definitions

_INSERT = Statement(insert(metadata_definitions))
# Both lists narrow the primary key; a pair that nobody asked for is left aside below.
_BY_KEYS = Statement(
    select(metadata_definitions).where(
        any_of(metadata_definitions.c.platform_id, "platform_ids"), any_of(metadata_definitions.c.key, "keys")
    )
)
_IN_ORDER = bytewise(metadata_definitions.c.platform_id), bytewise(metadata_definitions.c.key)
_AFTER = Statement(
    select(metadata_definitions)
    .where(
        tuple_(*_IN_ORDER)
        > tuple_(bindparam("after_platform", type_=Text), bindparam("after_key", type_=Text))
    )
    .order_by(*_IN_ORDER)
    .limit(bindparam("size"))
)

Key = tuple[str, str]
"""The id of a platform, and a key."""


def check_definition(
    key: str, value_type: str, rules: Mapping[str, Any], defaults: Mapping[str, Any], limits: Limits
) -> None:
    """Whether a definition that comes from elsewhere may be stored as it is. Raises Rejected."""
    check_key(key, limits, ("key",))
    if value_type not in ValueType.__members__:
        raise _refusal(f"There is no such type; there are {', '.join(ValueType.__members__)}.", "value_type")
    if unknown := sorted(rules.keys() - RULES):
        raise _refusal(f"There is no rule `{unknown[0][:40]}`; there are {', '.join(RULES)}.", "rules")
    if (text := check_rules(ValueType(value_type), rules, limits)) != strict_json.dumps(rules):
        raise _refusal(f"The rules are to be written as {text[:200]}.", "rules")
    for name, value in defaults.items():
        if name in DEFAULT_TEXTS:
            fits = isinstance(value, str) and 0 < len(value) <= TEXTS[name]
            expected = f"a text of 1 to {TEXTS[name]} characters"
        elif name in DEFAULT_FLAGS:
            fits, expected = isinstance(value, bool), "true or false"
        else:
            known = ", ".join([*DEFAULT_TEXTS, *DEFAULT_FLAGS])
            raise _refusal(f"There is no default `{name[:40]}`; there are {known}.", "defaults")
        if not fits:
            raise _refusal(f"The default `{name}` must be {expected}.", "defaults")


def _refusal(message: str, field: str) -> Rejected:
    return Rejected(Problem.INVALID_DEFINITION, message, (field,))


async def by_keys(connection: Connection, keys: Sequence[Key]) -> list[StoredDefinition | None]:
    """One definition per (platform id, key)."""
    platform_ids, names = {platform for platform, _ in keys}, {key for _, key in keys}
    rows = rows_as(StoredDefinition, await connection.fetch(_BY_KEYS, platform_ids=platform_ids, keys=names))
    found = {row[:2]: row for row in rows}
    return [found.get(key) for key in keys]


async def after(connection: Connection, key: Key, size: int) -> list[StoredDefinition]:
    """The next definitions in the order of (platform id, key); ("", "") comes before all."""
    platform_id, name = key
    rows = await connection.fetch(_AFTER, after_platform=platform_id, after_key=name, size=size)
    return rows_as(StoredDefinition, rows)


async def insert_definitions(transaction: Connection, rows: Sequence[StoredDefinition]) -> None:
    """Store definitions that were checked, of platforms that exist. Raises Duplicate."""
    columns = metadata_definitions.c.keys()
    await transaction.execute_many(_INSERT, [dict(zip(columns, row, strict=True)) for row in rows])
