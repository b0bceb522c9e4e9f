"""Definitions as rows: read in order, found by their keys, and stored when they come from elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

import orjson
from sqlalchemy import Text, bindparam, insert, select, tuple_

from gql_service.domain.definitions import Definition
from gql_service.domain.setting import TEXTS
from gql_service.domain.value_types import ValueType
from gql_service.domain.values import Limits, check_key, check_value
from gql_service.errors import Problem, Rejected
from gql_service.store.connection import Connection, rows_as
from gql_service.store.statement import Statement, among, bytewise
from gql_service.store.tables import metadata_definitions

MAX_DEFINITIONS = 500
"""Definitions of one platform, which each write reads."""

_RULES = ("minimum", "maximum", "minLength", "maxLength", "pattern", "choices", "schema")
_TEXTS = ("category", "description")
_FLAGS = ("is_encrypted", "is_indexed", "is_public", "is_editable")
_INSERT = Statement(insert(metadata_definitions))
# Both lists narrow the primary key; a pair that nobody asked for is left aside below.
_BY_KEYS = Statement(
    select(metadata_definitions).where(
        among(metadata_definitions.c.platform_id, "platform_ids"), among(metadata_definitions.c.key, "keys")
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


class StoredDefinition(NamedTuple):
    """A row of `metadata_definitions`; JSON is canonical text."""

    platform_id: str
    key: str
    stored_type: str
    stored_rules: str
    stored_defaults: str
    created_at: int
    updated_at: int

    @property
    def definition(self) -> Definition:
        """What it says about entries."""
        return Definition(
            ValueType(self.stored_type), orjson.loads(self.stored_rules), orjson.loads(self.stored_defaults)
        )


def check_definition(
    key: str, value_type: str, rules: Mapping[str, Any], defaults: Mapping[str, Any], limits: Limits
) -> None:
    """Whether a definition that comes from elsewhere may be stored. Raises Rejected."""
    check_key(key, limits, ("key",))
    if value_type not in ValueType.__members__:
        _refuse(f"There is no such type; there are {', '.join(ValueType.__members__)}.", "value_type")
    if unknown := [name for name in rules if name not in _RULES]:
        _refuse(f"There is no rule `{unknown[0][:40]}`; there are {', '.join(_RULES)}.", "rules")
    check_value(rules, limits, ("rules",))
    for name, value in defaults.items():
        if name in _TEXTS:
            if not isinstance(value, str) or not 0 < len(value) <= TEXTS[name]:
                _refuse(f"The default `{name}` must be a text of 1 to {TEXTS[name]} characters.", "defaults")
        elif name in _FLAGS:
            if not isinstance(value, bool):
                _refuse(f"The default `{name}` must be true or false.", "defaults")
        else:
            known = ", ".join((*_TEXTS, *_FLAGS))
            _refuse(f"There is no default `{name[:40]}`; there are {known}.", "defaults")


def _refuse(message: str, field: str) -> NoReturn:
    raise Rejected(Problem.INVALID_DEFINITION, message, (field,))


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
